"""Registers and reports from the command line: what the two screens do."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from station_emr.domain.errors import EnvironmentFailure
from station_emr.domain.os_words import os_words
from station_emr.domain.period import Period
from station_emr.services.registers import UNSIGNED

from .commands import opened_station, say

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it
_FORMATS: Final = ("pdf", "xlsx")
_PERIOD: Final = "kỳ: 2026-11, 2026-Q4 hoặc 2026"


def add_export_register(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """``station-emr export register``."""
    register = sub.add_parser("register", parents=[shared], help="xuất một sổ (A1, A6, …)")
    register.add_argument("--month", "--period", dest="period", required=True, help=_PERIOD)
    register.add_argument("--register", default="A1", metavar="SỔ", help="ký hiệu sổ, mặc định A1")
    _file_options(register)
    register.set_defaults(command=export_register)


def add_export_report(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """``station-emr export report``."""
    report = sub.add_parser("report", parents=[shared], help="xuất một báo cáo")
    report.add_argument("name", metavar="BÁO_CÁO", help="tên ngắn; xem bằng lệnh report list")
    report.add_argument("--month", "--period", dest="period", required=True, help=_PERIOD)
    _file_options(report)
    report.set_defaults(command=export_report)


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """``station-emr register …`` and ``station-emr report …``."""
    inner = sub.add_parser("register", help="khóa sổ tháng, mở lại, xem bổ sung").add_subparsers(
        metavar="LỆNH", required=True
    )
    months = inner.add_parser("months", parents=[shared], help="các tháng của một năm")
    months.add_argument("--year", type=int, default=None)
    months.set_defaults(command=show_months)
    close = inner.add_parser("close", parents=[shared], help="giám đốc khóa sổ một tháng")
    close.add_argument("--month", required=True, help="tháng, ví dụ 2026-11")
    close.add_argument(
        "--unsigned", action="store_true", help="khóa dù còn lượt khám chưa ký (không vào sổ)"
    )
    close.set_defaults(command=close_month)
    reopen = inner.add_parser("reopen", parents=[shared], help="giám đốc mở lại sổ đã khóa")
    reopen.add_argument("--month", required=True, help="tháng, ví dụ 2026-11")
    reopen.add_argument("--reason", required=True, help="lý do, được giữ cùng bản khóa sổ")
    reopen.set_defaults(command=reopen_month)
    late = inner.add_parser("late", parents=[shared], help="bổ sung, sửa sau khi khóa sổ")
    late.add_argument("--month", "--period", dest="period", required=True, help=_PERIOD)
    late.set_defaults(command=show_late)
    _template_commands(sub, shared)


def _template_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    inner = sub.add_parser("report", help="mẫu báo cáo của trạm").add_subparsers(
        metavar="LỆNH", required=True
    )
    listed = inner.add_parser("list", parents=[shared], help="tên các báo cáo")
    listed.set_defaults(command=list_reports)
    template = inner.add_parser("template", parents=[shared], help="lấy tệp mẫu để sửa")
    template.add_argument("name", metavar="BÁO_CÁO")
    template.add_argument("--out", type=Path, required=True)
    template.set_defaults(command=save_template)
    taken = inner.add_parser("import", parents=[shared], help="nhập tệp mẫu của trạm")
    taken.add_argument("file", type=Path)
    taken.set_defaults(command=import_template)
    drop = inner.add_parser("drop", parents=[shared], help="bỏ mẫu của trạm, dùng lại mẫu kèm theo")
    drop.add_argument("name", metavar="BÁO_CÁO")
    drop.set_defaults(command=drop_template)


def _file_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=_FORMATS, default="pdf")
    parser.add_argument("--out", type=Path, required=True, help="tệp ghi ra")


def export_register(arguments: argparse.Namespace) -> int:
    period = Period.parse(arguments.period)
    with opened_station(arguments) as station:
        content = station.services.registers.export(
            station.actor, period, arguments.register, as_pdf=arguments.format == "pdf"
        )
        _save(arguments, content)
    return 0


def export_report(arguments: argparse.Namespace) -> int:
    period = Period.parse(arguments.period)
    with opened_station(arguments) as station:
        content = station.services.reports.export(
            station.actor, arguments.name, period, as_pdf=arguments.format == "pdf"
        )
        _save(arguments, content)
    return 0


def _save(arguments: argparse.Namespace, content: bytes) -> None:
    try:
        arguments.out.write_bytes(content)
    except OSError as failure:
        raise EnvironmentFailure(
            f"Chưa ghi được {arguments.out}: {os_words(failure)}."
        ) from failure
    found = {"file": str(arguments.out), "bytes": len(content)}
    say(arguments, found, f"Đã lưu {arguments.out}.")


def show_months(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        today = station.services.clock.now().date()
        states = station.services.registers.months(station.actor, arguments.year or today.year)
        lines = []
        for one in states:
            if one.closing is None:
                said = f"chưa khóa, hạn nộp {one.due:%d/%m/%Y}"
                said += " (quá hạn)" if one.is_late(today) else ""
            else:
                said = f"đã khóa lần {one.closing.times}, {one.closing.lines} dòng"
                said += ", có bổ sung sau khi khóa" if one.touched else ""
            lines.append(f"{one.month.label}: {said}")
        found = {
            "months": [
                {
                    "month": one.month.key,
                    "closed": one.closing is not None,
                    "due": one.due.isoformat(),
                    "unsigned": one.unsigned,
                    "touched": one.touched,
                }
                for one in states
            ]
        }
        say(arguments, found, "\n".join(lines))
    return 0


def close_month(arguments: argparse.Namespace) -> int:
    month = Period.parse(arguments.month)
    with opened_station(arguments) as station:
        password = arguments.ask_password("Nhập lại mật khẩu để khóa sổ: ")
        made = station.services.registers.close(
            station.actor, month, password, (UNSIGNED,) if arguments.unsigned else ()
        )
        found = {"month": made.month, "lines": made.lines, "sha256": made.content_sha256}
        say(
            arguments,
            found,
            f"Đã khóa sổ {month.label.lower()} lần {made.times}: {made.lines} dòng.\n"
            f"Dấu vân: {made.content_sha256}",
        )
    return 0


def reopen_month(arguments: argparse.Namespace) -> int:
    month = Period.parse(arguments.month)
    with opened_station(arguments) as station:
        password = arguments.ask_password("Nhập lại mật khẩu để mở lại sổ: ")
        made = station.services.registers.reopen(station.actor, month, password, arguments.reason)
        say(
            arguments,
            {"month": made.month, "times": made.times},
            f"Đã mở lại sổ {month.label.lower()}. Bản khóa lần {made.times} vẫn được giữ.",
        )
    return 0


def show_late(arguments: argparse.Namespace) -> int:
    period = Period.parse(arguments.period)
    with opened_station(arguments) as station:
        found = station.services.registers.late(station.actor, period)
        lines = [
            f"{one.month}: {one.words}. {one.line.full_name}"
            + (f", {one.by} {one.at:%d/%m/%Y %H:%M}" if one.at else "")
            for one in found
        ]
        told = [
            {"month": one.month, "kind": one.kind.value, "line": one.number, "words": one.words}
            for one in found
        ]
        say(
            arguments,
            {"late": told},
            "\n".join(lines) or "Không có bổ sung nào sau khi khóa sổ.",
        )
    return 0


def list_reports(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        found = station.services.reports.templates(station.actor)
        lines = [f"{one.key}: {one.label}" + (" (của trạm)" if one.own else "") for one in found]
        say(arguments, {"reports": [one.key for one in found]}, "\n".join(lines))
    return 0


def save_template(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        _save(arguments, station.services.reports.template_file(station.actor, arguments.name))
    return 0


def import_template(arguments: argparse.Namespace) -> int:
    try:
        content = arguments.file.read_bytes()
    except OSError as failure:
        raise EnvironmentFailure(
            f"Chưa đọc được {arguments.file}: {os_words(failure)}. Chưa nhập gì."
        ) from failure
    with opened_station(arguments) as station:
        made = station.services.reports.import_template(station.actor, content)
        say(arguments, {"report": made.key}, f"Đã nhập mẫu “{made.label}”.")
    return 0


def drop_template(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        station.services.reports.drop_template(station.actor, arguments.name)
        say(arguments, {"report": arguments.name}, "Đã bỏ mẫu của trạm.")
    return 0

"""Visits as HoSoBenhAn, FHIR documents or check-ups, and the whole station, from the command line."""

from __future__ import annotations

import argparse
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from station_emr.domain.errors import UserError
from station_emr.services.export_ports import VisitFormat

from .commands import opened_station, say

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it

OPEN_TO_ALL: Final = (
    "Tệp không mã hóa: ai cầm tệp đều đọc được hồ sơ người bệnh. Hãy xóa khi đã dùng xong."
)


def add_exporters(inner: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """The sub-commands of ``station-emr export`` that write records."""
    hoso = inner.add_parser(
        "hoso", parents=[shared], help="lượt khám dạng HoSoBenhAn XML hoặc JSON (CV 365)"
    )
    _which(hoso)
    hoso.add_argument("--format", choices=("xml", "json"), default="xml", help="dạng tệp")
    hoso.set_defaults(command=write_hoso)
    fhir = inner.add_parser("fhir", parents=[shared], help="lượt khám dạng tài liệu FHIR R4")
    _which(fhir)
    fhir.set_defaults(command=lambda options: _write_visits(options, VisitFormat.FHIR))
    check_up = inner.add_parser(
        "check-up", parents=[shared], help="lượt khám sức khỏe, JSON (QĐ 1551, chờ bản gốc)"
    )
    _which(check_up)
    check_up.set_defaults(command=lambda options: _write_visits(options, VisitFormat.CHECK_UP))
    book = inner.add_parser(
        "health-book",
        parents=[shared],
        help="Sổ sức khỏe điện tử: bảng XML 1, 2, 3, 4, 8 (QĐ 2733), cả người không có thẻ",
    )
    _which(book)
    book.set_defaults(command=lambda options: _write_visits(options, VisitFormat.HEALTH_BOOK))
    station = inner.add_parser(
        "station", parents=[shared], help="toàn bộ dữ liệu của trạm trong một tệp mở"
    )
    station.add_argument("--out", type=Path, required=True, help="tệp .zip sẽ được tạo")
    station.add_argument("--reason", required=True, help="lý do, ghi vào nhật ký")
    station.set_defaults(command=write_station)


def _which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--visit", action="append", default=[], help="mã lượt khám; dùng nhiều lần")
    parser.add_argument("--from", dest="since", default="", help="các lượt từ ngày, yyyy-mm-dd")
    parser.add_argument(
        "--to", dest="until", default="", help="đến hết ngày, yyyy-mm-dd; bỏ trống là chỉ một ngày"
    )
    parser.add_argument("--out", type=Path, required=True, help="thư mục nhận các tệp")


def write_hoso(options: argparse.Namespace) -> int:
    xml = options.format == "xml"
    return _write_visits(options, VisitFormat.HOSO_XML if xml else VisitFormat.HOSO_JSON)


def _write_visits(options: argparse.Namespace, form: VisitFormat) -> int:
    if bool(options.visit) == bool(options.since):
        raise UserError("Hãy chọn --visit MÃ, hoặc --from NGÀY (và --to NGÀY). Chưa ghi tệp nào.")
    with opened_station(options) as station:
        exports, actor = station.services.exports, station.actor
        visits = tuple(options.visit)
        if options.since:
            since = _day(options.since)
            until = _day(options.until) if options.until else since
            if until < since:
                raise UserError("Ngày cuối đứng trước ngày đầu. Hãy đổi lại; chưa ghi tệp nào.")
            zone = station.services.clock.now().tzinfo
            visits = exports.signed_visits(
                actor,
                datetime.combine(since, time.min, zone),
                datetime.combine(until + timedelta(days=1), time.min, zone),
            )
        made = exports.write_visits(actor, options.out, visits, form)
    if options.visit and not made.files:
        raise UserError("\n".join(map(str, made.refused)))
    told = [f"Đã ghi {len(made.files)} tệp vào {options.out}. {OPEN_TO_ALL}"] if made.files else []
    if made.refused:
        told += [f"Chưa xuất {len(made.refused)} lượt khám:", *(f"    {r}" for r in made.refused)]
    say(
        options,
        {
            "format": form.value,
            "count": len(made.files),
            "files": [str(path) for path in made.files],
            "refused": [
                {"visit": one.encounter_id, "name": one.name, "why": one.why}
                for one in made.refused
            ],
        },
        "\n".join(told) or "Không có lượt khám nào.",
    )
    return int(bool(made.refused))


def write_station(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        report = station.services.exports.station(station.actor, options.out, options.reason)
    left = (
        f" Để lại {report.left_out} mục hạn chế vì tài khoản này không có quyền xem."
        if report.left_out
        else ""
    )
    say(
        options,
        {
            "file": str(report.path),
            "lines": dict(report.lines),
            "sha256": dict(report.sha256),
            "restricted_left_out": report.left_out,
        },
        f"Đã ghi {report.path}: {sum(report.lines.values())} dòng trong {len(report.sha256)} phần."
        f"{left} {OPEN_TO_ALL}",
    )
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise UserError("Ngày phải có dạng yyyy-mm-dd, ví dụ 2026-12-01. Chưa ghi gì.") from wrong

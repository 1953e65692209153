"""The log from the command line: check it, file its end, take it out, tell a person who looked."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from station_emr.domain.audit import AuditFilter, ChainHead, Result, read_anchor
from station_emr.domain.errors import EnvironmentFailure, UserError
from station_emr.domain.os_words import os_words
from station_emr.services.audit_report_words import as_json, details, thousands, verdict
from station_emr.services.audit_trail import MOST_IN_FILE, MOST_ON_PAPER
from station_emr.services.clock import VIETNAM

from .commands import opened_station, say

EXIT_BROKEN: Final = 1
_STEP: Final = 100_000

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    verify = sub.add_parser(
        "verify-audit",
        aliases=["audit-verify"],
        parents=[shared],
        help="kiểm tra chuỗi nhật ký: 0 còn nguyên, 1 không còn nguyên hoặc không khớp mốc",
    )
    verify.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="SỐ:DẤU_VÂN",
        help="mốc in trên giấy (đọc từ mã QR); dùng được nhiều lần",
    )
    verify.add_argument("--offline", action="store_true", help="không hỏi máy chủ tỉnh")
    verify.set_defaults(command=verify_audit)

    audit = sub.add_parser("audit", help="nhật ký truy cập")
    inner = audit.add_subparsers(metavar="LỆNH", required=True)
    head = inner.add_parser("head", parents=[shared], help="in mốc nhật ký để lưu hồ sơ giấy")
    head.add_argument("--out", type=Path, required=True, help="tệp PDF")
    head.set_defaults(command=print_head)

    anchor = inner.add_parser("anchor", parents=[shared], help="gửi mốc nhật ký lên tỉnh ngay")
    anchor.set_defaults(command=send_anchor)

    accept = inner.add_parser(
        "accept", parents=[shared], help="giám đốc xác nhận vì sao nhật ký khác một mốc cũ"
    )
    accept.add_argument("anchor", metavar="SỐ:DẤU_VÂN")
    accept.add_argument("--reason", required=True, help="lý do, ví dụ: khôi phục từ bản sao lưu")
    accept.set_defaults(command=accept_anchor)

    export = inner.add_parser("export", parents=[shared], help="xuất nhật ký ra Excel hoặc PDF")
    export.add_argument("--out", type=Path, required=True, help="tệp .xlsx hoặc .pdf")
    export.add_argument("--account", default="", help="chỉ của tài khoản này")
    export.add_argument("--patient", default="", help="chỉ về người bệnh có mã này trong máy")
    export.add_argument("--action", action="append", default=[], help="chỉ việc này")
    export.add_argument("--from", dest="since", default="", help="từ ngày, yyyy-mm-dd")
    export.add_argument("--to", dest="until", default="", help="đến hết ngày, yyyy-mm-dd")
    export.add_argument("--result", choices=[one.value for one in Result], default="")
    export.set_defaults(command=export_log)

    report = inner.add_parser(
        "access-report", parents=[shared], help="danh sách ai đã xem hồ sơ của một người bệnh"
    )
    report.add_argument("patient", help="mã người bệnh trong máy (lệnh search in ra)")
    report.add_argument("--asked-by", default="", help="người đề nghị")
    report.add_argument("--out", type=Path, required=True, help="tệp PDF")
    report.set_defaults(command=access_report)

    size = inner.add_parser("size", parents=[shared], help="nhật ký lớn bao nhiêu")
    size.set_defaults(command=log_size)


def verify_audit(options: argparse.Namespace) -> int:
    """Read the whole chain and compare it with everything that saw its end."""
    printed = tuple(_anchor(text) for text in options.anchor)
    with opened_station(options) as station:
        report = station.services.trail.verify(
            station.actor,
            None if options.json else _progress(),
            printed=printed,
            ask_province=not options.offline,
        )
    lines = "\n".join([verdict(report), *(f"  {line}" for line in details(report))])
    say(options, as_json(report), lines)
    return 0 if report.is_whole else EXIT_BROKEN


def print_head(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        pdf = station.services.trail.head_sheet(station.actor)
        with station.store.read() as work:
            head = work.audit.anchors(1)[0].head
    _write(options.out, pdf)
    say(
        options,
        {"out": str(options.out), "anchor": head.words},
        f"Đã ghi mốc {head.words} vào {options.out}. Hãy in, ký và lưu cùng hồ sơ giấy.",
    )
    return 0


def send_anchor(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        answer = station.services.trail.anchor_now(station.actor)
    accepted = answer is not None and answer.accepted
    last = answer.last.words if answer is not None and answer.last else None
    say(
        options,
        {"accepted": accepted, "last": last},
        "Tỉnh đã nhận mốc nhật ký."
        if accepted
        else "Tỉnh KHÔNG nhận: nhật ký của trạm không khớp với mốc tỉnh đang giữ. "
        "Hãy chạy verify-audit và báo nơi quản lý hệ thống của tỉnh.",
    )
    return 0 if accepted else EXIT_BROKEN


def accept_anchor(options: argparse.Namespace) -> int:
    head = _anchor(options.anchor)
    with opened_station(options) as station:
        station.services.trail.accept(station.actor, head, options.reason)
    say(options, {"accepted": head.words}, f"Đã ghi lý do cho mốc {head.words} vào nhật ký.")
    return 0


def export_log(options: argparse.Namespace) -> int:
    as_pdf = options.out.suffix.lower() == ".pdf"
    if not as_pdf and options.out.suffix.lower() != ".xlsx":
        raise UserError("Tên tệp phải có đuôi .xlsx hoặc .pdf.")
    since, until = _day(options.since), _day(options.until)
    with opened_station(options) as station:
        trail = station.services.trail
        user_id = ""
        if options.account:
            with station.store.read() as work:
                user = work.users.by_username(options.account)
            if user is None:
                raise UserError(f"Không có tài khoản “{options.account}”.")
            user_id = user.id
        wanted = AuditFilter(
            user_id=user_id,
            patient_id=options.patient,
            actions=tuple(options.action),
            since=since,
            until=until + timedelta(days=1) if until else None,
            result=Result(options.result) if options.result else None,
        )
        total = trail.count(station.actor, wanted)
        made = trail.export(station.actor, wanted, as_pdf=as_pdf)
    _write(options.out, made)
    lines = min(total, MOST_ON_PAPER if as_pdf else MOST_IN_FILE)
    text = f"Đã xuất nhật ký ra {options.out}: {thousands(lines)} dòng."
    if lines < total:
        text += (
            f" Đó là những dòng mới nhất trong {thousands(total)} dòng; muốn đủ thì xuất tệp .xlsx "
            "hoặc chia theo --from, --to."
        )
    say(options, {"out": str(options.out), "lines": lines, "total": total}, text)
    return 0


def access_report(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        pdf = station.services.trail.access_report_pdf(
            station.actor, options.patient, options.asked_by
        )
    _write(options.out, pdf)
    say(options, {"out": str(options.out)}, f"Đã ghi danh sách vào {options.out}.")
    return 0


def log_size(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        size = station.services.trail.size(station.actor)
    result: dict[str, Any] = {
        "lines": size.lines,
        "bytes": size.size,
        "oldest": size.oldest.isoformat() if size.oldest else None,
        "newest": size.newest.isoformat() if size.newest else None,
        "anchors": size.anchors,
        "last_anchor": size.last_anchor.isoformat() if size.last_anchor else None,
    }
    since = f" từ {size.oldest:%d/%m/%Y}" if size.oldest else ""
    text = (
        f"Nhật ký có {thousands(size.lines)} dòng{since}, khoảng {size.size / 1e6:.1f} MB. "
        "Không dòng nào bị xóa."
    )
    say(options, result, text)
    return 0


def _progress() -> Callable[[int, int], bool] | None:
    if not sys.stderr.isatty():
        return None
    told = 0

    def tell(done: int, total: int) -> bool:
        nonlocal told
        if done - told >= _STEP:
            told = done
            print(f"{thousands(done)} / {thousands(total)}", file=sys.stderr)
        return True

    return tell


def _anchor(text: str) -> ChainHead:
    head = read_anchor(text)
    if head is None:
        raise UserError("Mốc có dạng SỐ:DẤU_VÂN với đủ 64 ký tự, đọc từ mã QR trên phiếu.")
    return head


def _day(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=VIETNAM) if text else None
    except ValueError as wrong:
        raise UserError(f"Không hiểu ngày “{text}”. Hãy ghi dạng 2026-11-20.") from wrong


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as failure:
        raise EnvironmentFailure(
            f"Không ghi được tệp {path}: {os_words(failure)}. Việc này đã được ghi nhật ký; hãy "
            "làm lại vào nơi khác."
        ) from failure

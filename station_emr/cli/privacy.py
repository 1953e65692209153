"""Consents, requests about one's own record and leaks from the command line."""

from __future__ import annotations

import argparse
import errno
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from station_emr.domain.errors import EnvironmentFailure, NotFound
from station_emr.domain.os_words import os_words
from station_emr.domain.privacy_request import PrivacyRequest
from station_emr.domain.sensitive import ranges_text
from station_emr.services.privacy_requests import RequestRow

from .commands import opened_station, say

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    privacy = sub.add_parser("privacy", help="sự đồng ý, yêu cầu về hồ sơ, sự cố dữ liệu")
    inner = privacy.add_subparsers(metavar="LỆNH", required=True)
    due = inner.add_parser("due", parents=[shared], help="việc đến hạn: rút lại, yêu cầu, sự cố")
    due.set_defaults(command=show_due)

    form = inner.add_parser(
        "request", parents=[shared], help="in đơn yêu cầu khai thác hồ sơ bệnh án (Mẫu 04)"
    )
    form.add_argument("number", help="số yêu cầu, ví dụ YC-A1.26-0001")
    form.add_argument("--out", type=Path, required=True, help="tệp PDF")
    form.set_defaults(command=print_request)

    summary = inner.add_parser(
        "summary", parents=[shared], help="in bản tóm tắt hồ sơ bệnh án của một yêu cầu"
    )
    summary.add_argument("number", help="số yêu cầu, ví dụ YC-A1.26-0001")
    summary.add_argument("--out", type=Path, required=True, help="tệp PDF")
    summary.add_argument(
        "--restricted", default="", metavar="LÝ_DO", help="gồm cả nội dung hạn chế, vì lý do này"
    )
    summary.set_defaults(command=print_summary)

    breach = inner.add_parser("breach", parents=[shared], help="ghi sự cố và in thông báo 72 giờ")
    breach.add_argument("--what", required=True, help="đã xảy ra việc gì")
    breach.add_argument("--who", required=True, help="dữ liệu của ai, bao nhiêu người")
    breach.add_argument("--done", required=True, help="đã làm gì để chặn lại")
    breach.add_argument("--out", type=Path, required=True, help="tệp PDF")
    breach.set_defaults(command=note_breach)

    notice = inner.add_parser("notice", parents=[shared], help="in lại thông báo của một sự cố")
    notice.add_argument("number", help="số sự cố, ví dụ SC-A1.26-0001")
    notice.add_argument("--out", type=Path, required=True, help="tệp PDF")
    notice.set_defaults(command=print_notice)

    ranges = inner.add_parser(
        "ranges", parents=[shared], help="xem, đổi mã bệnh có nội dung hạn chế"
    )
    ranges.add_argument(
        "--set", type=Path, default=None, dest="file", help="tệp mỗi dòng một khoảng"
    )
    ranges.set_defaults(command=show_ranges)


def show_due(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        privacy, now = station.services.privacy, station.services.clock.now()
        consents = privacy.consents.unanswered(station.actor)
        requests = [
            row for row in privacy.requests.rows(station.actor) if row.request.state.is_open
        ]
        breaches = [
            row.breach
            for row in privacy.breaches.rows(station.actor)
            if row.breach.reported_at is None
        ]
        lines = [
            f"Rút lại sự đồng ý, trả lời trước {row.consent.answer_due:%d/%m/%Y}"
            for row in consents
        ]
        lines += [
            f"{row.request.number}: {row.request.kind.label}, hạn {row.request.next_due:%d/%m/%Y}"
            + (" (quá hạn)" if row.late else "")
            for row in requests
        ]
        lines += [f"{one.number}: còn {one.hours_left(now)} giờ để báo cáo" for one in breaches]
        figures = {
            "withdrawals": len(consents),
            "requests": len(requests),
            "late": sum(row.late for row in requests),
            "breaches": len(breaches),
        }
        say(arguments, figures, "\n".join(lines) or "Không có việc nào đến hạn.")
    return 0


def print_request(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        requests, actor = station.services.privacy.requests, station.actor
        found = _numbered(requests.rows(actor), arguments.number)
        if found is None:
            raise NotFound(
                f"Không có yêu cầu số {arguments.number}. Số ghi ở đầu đơn và trong danh sách yêu cầu."
            )
        arguments.out.write_bytes(requests.form(actor, found.patient_id, found.id))
        say(arguments, {"file": str(arguments.out)}, f"Đã lưu {arguments.out}.")
    return 0


def _numbered(rows: Iterable[RequestRow], number: str) -> PrivacyRequest | None:
    return next((row.request for row in rows if row.request.number == number), None)


def print_summary(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        privacy, actor = station.services.privacy, station.actor
        found = _numbered(privacy.requests.rows(actor), arguments.number)
        request_id = found.id if found else arguments.number
        pdf = privacy.requests.summary(
            actor,
            request_id,
            restricted=bool(arguments.restricted),
            reason=arguments.restricted,
        )
        arguments.out.write_bytes(pdf)
        say(arguments, {"file": str(arguments.out)}, f"Đã lưu {arguments.out}.")
    return 0


def note_breach(arguments: argparse.Namespace) -> int:
    """The file is begun before anything is written down: an odd place stops the command while nothing
    is done. If only the page fails after that, the leak stays written down, and the words say so.
    """
    with opened_station(arguments) as station:
        breaches, actor = station.services.privacy.breaches, station.actor
        with _begun(arguments.out) as draft:
            blank = breaches.blank(actor)
            told = replace(blank, what=arguments.what, who=arguments.who, done=arguments.done)
            made = breaches.record(actor, told)
            try:
                draft.write_bytes(breaches.report(actor, made.id))
                draft.replace(arguments.out)
            except (OSError, EnvironmentFailure) as failure:
                why = os_words(failure) if isinstance(failure, OSError) else str(failure)
                raise EnvironmentFailure(
                    f"Đã ghi sự cố {made.number}, phải báo trước {_clock(made.due)}; thông báo chưa in "
                    f"được ra {arguments.out}: {why.rstrip('.')}. Đừng ghi lại lần nữa, hãy in bằng: "
                    f"station-emr privacy notice {made.number} --out TỆP"
                ) from failure
        say(
            arguments,
            {"number": made.number, "due": made.due.isoformat()},
            f"Đã ghi {made.number}. Phải báo trước {_clock(made.due)}.",
        )
    return 0


@contextmanager
def _begun(target: Path) -> Iterator[Path]:
    """An empty file beside ``target`` that becomes it, or is gone afterwards."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "", str(target))
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=".su-co-", suffix=".pdf", delete=False
    ) as begun:
        draft = Path(begun.name)
    try:
        yield draft
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def print_notice(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        breaches, actor = station.services.privacy.breaches, station.actor
        found = next(
            (r.breach for r in breaches.rows(actor) if r.breach.number == arguments.number), None
        )
        if found is None:
            raise NotFound(
                f"Không có sự cố số {arguments.number}. Xem số bằng: station-emr privacy due."
            )
        arguments.out.write_bytes(breaches.report(actor, found.id))
        say(arguments, {"file": str(arguments.out)}, f"Đã lưu {arguments.out}.")
    return 0


def _clock(due: datetime) -> str:
    return f"{due:%H:%M ngày %d/%m/%Y}"


def show_ranges(arguments: argparse.Namespace) -> int:
    with opened_station(arguments) as station:
        privacy, actor = station.services.privacy, station.actor
        if arguments.file is not None:
            privacy.set_ranges(actor, arguments.file.read_text(encoding="utf-8"))
        text = ranges_text(privacy.ranges(actor))
        say(arguments, {"ranges": text.splitlines()}, text)
    return 0

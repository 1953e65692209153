"""The versions of records from the command line: check them all, list one record's, compare two."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Final

from station_emr.domain.record import RecordKind
from station_emr.services.version_ports import VersionRow
from station_emr.services.versions import KEPT_KINDS

from .commands import opened_station, say

EXIT_BROKEN: Final = 1
_STEP: Final = 10_000

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    verify = sub.add_parser(
        "verify-records",
        parents=[shared],
        help="kiểm tra từng phiên bản hồ sơ: 0 còn nguyên, 1 có bản không khớp",
    )
    verify.set_defaults(command=verify_records)

    history = sub.add_parser("history", parents=[shared], help="các phiên bản của một hồ sơ")
    history.add_argument("kind", choices=[kind.value for kind in KEPT_KINDS])
    history.add_argument("id", help="mã của hồ sơ trong máy")
    history.add_argument(
        "--compare", nargs=2, type=int, metavar=("BẢN", "BẢN"), help="so hai phiên bản bằng lời"
    )
    history.set_defaults(command=show_history)


def verify_records(options: argparse.Namespace) -> int:
    """Hold every version against its hash, its line, its confirmation and the lists."""
    with opened_station(options) as station:
        report = station.services.record_check.run(
            station.actor, None if options.json else _progress()
        )
    found = [
        {
            "kind": one.kind,
            "id": one.record_id,
            "version": one.version,
            "breach": one.breach.value,
            "detail": one.detail,
        }
        for one in report.faults
    ]
    counted = (
        f"Đã kiểm tra {report.versions} phiên bản: {report.sealed} bản đối chiếu được với dòng đã "
        f"gửi, {report.confirmed} bản với bằng chứng xác nhận lúc ký."
    )
    lines = [counted]
    if report.is_whole:
        lines.append("Mọi phiên bản còn nguyên như lúc ký.")
    else:
        lines.append("CÓ HỒ SƠ KHÔNG KHỚP VỚI BẢN ĐÃ GHI. Hãy giữ nguyên máy và báo nơi hỗ trợ.")
        lines += [
            f"  {one.kind} {one.record_id} bản {one.version}: {one.breach.label}"
            + (f" ({one.detail})" if one.detail else "")
            for one in report.faults
        ]
    say(
        options,
        {
            "whole": report.is_whole,
            "versions": report.versions,
            "sealed": report.sealed,
            "confirmed": report.confirmed,
            "faults": found,
        },
        "\n".join(lines),
    )
    return 0 if report.is_whole else EXIT_BROKEN


def show_history(options: argparse.Namespace) -> int:
    kind = RecordKind(options.kind)
    with opened_station(options) as station:
        versions = station.services.versions
        if options.compare:
            one, other = options.compare
            compared = versions.compare(station.actor, kind, options.id, one, other)
            said = [one.sentence for one in compared.differences]
            say(
                options,
                {"older": compared.older, "newer": compared.newer, "differences": said},
                "\n".join(said) or "Hai bản giống nhau.",
            )
            return 0
        history = versions.history(station.actor, kind, options.id)
    say(
        options,
        {
            "title": history.title,
            "versions": [
                {
                    "version": row.version,
                    "status": row.status.value,
                    "by": row.author_name,
                    "at": row.at.isoformat(),
                    "corrected_at": row.corrected_at.isoformat() if row.corrected_at else None,
                    "device": row.device,
                    "reason": row.reason,
                    "sha256": row.sha256,
                    "shown": row.shown,
                }
                for row in history.rows
            ],
        },
        "\n".join([history.title, *(_line(row) for row in history.rows)]),
    )
    return 0


def _line(row: VersionRow) -> str:
    parts = [
        f"bản {row.version}{' (đang có giá trị)' if row.shown else ''}",
        row.status.label,
        row.author_name,
        f"{row.at:%H:%M:%S %d/%m/%Y}",
        row.device,
        row.reason,
    ]
    return "  " + ", ".join(part for part in parts if part)


def _progress() -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        if done % _STEP < 500 and total > _STEP:
            print(f"{done}/{total}", file=sys.stderr)

    return tell

"""How long records must be kept, from the command line."""

from __future__ import annotations

import argparse

from station_emr.domain.retention import EFFECTIVE_FROM, SOURCE

from .commands import opened_station, say

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    retention = sub.add_parser("retention", help="thời hạn lưu trữ hồ sơ")
    inner = retention.add_subparsers(metavar="LỆNH", required=True)
    told = inner.add_parser(
        "report", parents=[shared], help="đã đủ thời hạn lưu trữ những gì; không xóa gì"
    )
    told.set_defaults(command=report)


def report(options: argparse.Namespace) -> int:
    with opened_station(options) as station:
        found = station.services.retention.report(station.actor)
    lines = [f"Thời hạn theo {SOURCE}, tính đến {found.on:%d/%m/%Y}. Chương trình không xóa gì."]
    for line in found.lines:
        until = f"đến hết {line.until}" if line.until else "vĩnh viễn"
        done = ", đã đủ thời hạn" if line.archivable else ""
        lines.append(
            f"{line.rule.title}, kết thúc năm {line.year}: {line.count}, giữ {until}{done}"
        )
    say(
        options,
        {
            "source": SOURCE,
            "effective_from": EFFECTIVE_FROM.isoformat(),
            "on": found.on.isoformat(),
            "archivable": found.archivable,
            "table": [
                {"class": rule.kind.value, "title": rule.title, "years": rule.years}
                for rule in found.table
            ],
            "lines": [
                {
                    "class": line.rule.kind.value,
                    "year": line.year,
                    "count": line.count,
                    "until": line.until,
                    "archivable": line.archivable,
                }
                for line in found.lines
            ],
        },
        "\n".join(lines),
    )
    return 0

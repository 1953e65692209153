"""Files of the insurance from the command line: writing one for each visit, reading those of others."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final

from station_emr.domain.claim import Finding
from station_emr.domain.errors import EnvironmentFailure, UserError
from station_emr.services.claims import (
    MOST_AT_ONCE,
    ClaimExport,
    ExportedClaim,
    ForeignPreview,
    ForeignVisit,
    HeldBack,
)
from station_emr.services.secret import Secret

from .commands import opened_station, say
from .signing import ask_pin

EXIT_HELD_BACK: Final = 1
_FIRST: Final = date(2000, 1, 1)
_LARGEST: Final = 64 * 1024 * 1024
_WARNING: Final = (
    "Chú ý: tệp XML ghi thông tin sức khỏe và không được mã hóa, ai cầm tệp đều đọc được. "
    "Hãy giữ trong thư mục riêng và xóa khi đã gửi xong."
)

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def add_export(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    bhyt = sub.add_parser(
        "bhyt", parents=[shared], help="hồ sơ BHYT (GIAMDINHHS), mỗi lượt khám một tệp"
    )
    which = bhyt.add_mutually_exclusive_group(required=True)
    which.add_argument("--visit", default="", metavar="MÃ", help="một lượt khám")
    which.add_argument("--day", default="", metavar="NGÀY", help="các lượt của ngày yyyy-mm-dd")
    which.add_argument("--all", action="store_true", help="mọi lượt khám đã ký")
    bhyt.add_argument("--out", type=Path, required=True, metavar="THƯ_MỤC")
    bhyt.add_argument(
        "--sign", action="store_true", help="ký số bằng khóa đã chọn trong Quản trị, mục Chữ ký số"
    )
    bhyt.set_defaults(command=export_claims)


def add_import(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    bhyt = sub.add_parser(
        "bhyt", parents=[shared], help="đọc tệp hồ sơ BHYT của chương trình khác, chỉ xem"
    )
    bhyt.add_argument("file", type=Path, metavar="TỆP")
    bhyt.set_defaults(command=read_claims)


def export_claims(options: argparse.Namespace) -> int:
    """0 every visit was written, 1 some were held back and why."""
    with opened_station(options) as station:
        claims, actor = station.services.claims, station.actor
        if options.visit:
            visits: tuple[str, ...] = (options.visit,)
        else:
            today = station.services.clock.now().date()
            first, last = (_FIRST, today) if options.all else (_day(options.day),) * 2
            visits = claims.visits_of(actor, first, last)
        pin = ask_pin() if options.sign and visits else ""
        written: list[Path] = []
        held: list[HeldBack] = []
        for portion in _portions(visits):
            secret = Secret(pin) if options.sign else None
            made: ClaimExport = claims.export(actor, portion, secret)
            written += [write_whole(options.out, one) for one in made.files]
            held += made.held_back
    if written and not options.json:
        print(_WARNING, file=sys.stderr)
    say(
        options,
        {
            "files": [str(path) for path in written],
            "held_back": [
                {"visit": one.encounter_id, "findings": [_plain(f) for f in one.findings]}
                for one in held
            ],
            "warning": _WARNING if written else "",
        },
        "\n".join(
            [
                f"Đã ghi {len(written)} tệp vào {options.out}."
                if written
                else "Không có tệp nào được ghi.",
                *(line for one in held for line in _held(one)),
            ]
        ),
    )
    return EXIT_HELD_BACK if held else 0


def read_claims(options: argparse.Namespace) -> int:
    """0 the file can be read whole, 1 it cannot; nothing is kept either way."""
    try:
        with options.file.open("rb") as source:
            data = source.read(_LARGEST + 1)
    except OSError as failure:
        raise UserError(f"Không đọc được tệp {options.file}: {failure.strerror}.") from failure
    with opened_station(options) as station:
        found = station.services.claims.read_foreign(station.actor, data)
    say(
        options,
        {
            "facility": found.file.facility_code,
            "readable": found.file.readable,
            "signed": found.file.signed,
            "visits": [_visit(one) for one in found.visits],
            "findings": [_plain(one) for one in found.file.findings],
        },
        "\n".join(_told(found)),
    )
    return 0 if found.file.readable else EXIT_HELD_BACK


def write_whole(folder: Path, claim: ExportedClaim) -> Path:
    """The file under its name, whole or not at all. Raises EnvironmentFailure."""
    path = folder / claim.name
    draft = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
        with os.fdopen(handle, "wb") as target:
            target.write(claim.content)
            target.flush()
            os.fsync(target.fileno())
        Path(draft).replace(path)
    except OSError as failure:
        if draft:
            with suppress(OSError):
                Path(draft).unlink()
        raise EnvironmentFailure(
            f"Không ghi được tệp {path}: {failure.strerror}. Những tệp đã ghi vẫn nguyên vẹn; "
            "hãy chọn thư mục khác rồi xuất lại."
        ) from failure
    return path


def _portions(visits: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(visits), MOST_AT_ONCE):
        yield visits[start : start + MOST_AT_ONCE]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise UserError("Ngày phải có dạng yyyy-mm-dd, ví dụ 2026-12-01. Chưa xuất gì.") from wrong


def _held(one: HeldBack) -> list[str]:
    return [
        f"Chưa xuất lượt khám {one.encounter_id}:",
        *(f"    {finding.message} {finding.remedy}" for finding in one.findings if finding.blocks),
    ]


def _told(found: ForeignPreview) -> list[str]:
    file = found.file
    lines = []
    if file.readable:
        lines.append(
            f"Đọc được {len(found.visits)} lượt khám của cơ sở {file.facility_code or 'không rõ'}; "
            "chưa nhận gì vào hồ sơ."
        )
        lines += [_line(one) for one in found.visits]
    else:
        lines.append("Không nhận được tệp này; chưa có gì thay đổi ở trạm.")
    lines += [f"{finding.severity.label}: {finding.message}" for finding in file.findings]
    return lines


def _line(one: ForeignVisit) -> str:
    who = f"khớp {len(one.matches)} người ở trạm" if one.matches else "chưa có ở trạm"
    return f"    {one.arrived} · {one.full_name} · {one.icd_code} {one.diagnosis} · {who}"


def _visit(one: ForeignVisit) -> dict[str, Any]:
    return {
        "link_code": one.link_code,
        "facility": one.facility_code,
        "version": one.version,
        "full_name": one.full_name,
        "arrived": one.arrived,
        "left": one.left,
        "diagnosis": one.diagnosis,
        "tables": list(one.tables),
        "matches": [person.id for person in one.matches],
    }


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "table": finding.table,
        "row": finding.row,
        "element": finding.element,
        "message": finding.message,
        "remedy": finding.remedy,
    }

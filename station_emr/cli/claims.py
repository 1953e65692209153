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
from station_emr.domain.os_words import os_words
from station_emr.services.claims import (
    MOST_AT_ONCE,
    ClaimExport,
    ExportedClaim,
    HeldBack,
)
from station_emr.services.foreign_visits import OfferedFile, OfferedVisit
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
        "bhyt",
        parents=[shared],
        help="đọc tệp hồ sơ BHYT của cơ sở khác: xem, rồi nhận làm tiền sử",
    )
    bhyt.add_argument("file", type=Path, metavar="TỆP")
    bhyt.add_argument(
        "--take",
        action="store_true",
        help="nhận các lượt khám khớp đúng một người bệnh của trạm; không có thì chỉ xem",
    )
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
    """0 the file can be read whole, 1 it cannot, and then nothing of it is kept."""
    try:
        with options.file.open("rb") as source:
            data = source.read(_LARGEST + 1)
    except OSError as failure:
        raise UserError(f"Không đọc được tệp {options.file}: {os_words(failure)}.") from failure
    with opened_station(options) as station:
        service, actor = station.services.foreign_visits, station.actor
        found = service.read(actor, data)
        links = [one.visit.link_code for one in found.takeable]
        taken = service.take(actor, data, links) if options.take and links else 0
    say(
        options,
        {
            "facility": found.file.facility_code,
            "readable": found.file.readable,
            "signed": found.file.signed,
            "taken": taken,
            "visits": [_visit(one) for one in found.visits],
            "findings": [_plain(one) for one in found.file.findings],
        },
        "\n".join(_told(found, taken)),
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
            f"Không ghi được tệp {path}: {os_words(failure)}. Những tệp đã ghi vẫn nguyên vẹn; "
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


def _told(found: OfferedFile, taken: int) -> list[str]:
    file = found.file
    lines = []
    if not file.readable:
        lines.append("Không nhận được tệp này; chưa có gì thay đổi ở trạm.")
    else:
        kept = f"đã nhận {taken} lượt làm tiền sử." if taken else "chưa nhận gì vào hồ sơ."
        facility = file.facility_code or "không rõ"
        lines.append(f"Đọc được {len(found.visits)} lượt khám của cơ sở {facility}; {kept}")
        lines += [_line(one) for one in found.visits]
    lines += [f"{finding.severity.label}: {finding.message}" for finding in file.findings]
    return lines


def _line(one: OfferedVisit) -> str:
    visit = one.visit
    codes = ", ".join(visit.icd_codes)
    return (
        f"    {visit.arrived_at:%d/%m/%Y} · {one.full_name} · {codes} {visit.diagnosis} · "
        f"{one.takeable.label}"
    )


def _visit(one: OfferedVisit) -> dict[str, Any]:
    visit = one.visit
    return {
        "link_code": visit.link_code,
        "facility": visit.facility_code,
        "version": visit.version,
        "full_name": one.full_name,
        "arrived": visit.arrived_at.isoformat(),
        "diagnosis": visit.diagnosis,
        "tables": list(one.tables),
        "takeable": one.takeable.value,
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

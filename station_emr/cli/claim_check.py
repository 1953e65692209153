"""Holding a file of claims, ours or another program's, against the rules of the insurance."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from station_emr.domain.claim import ClaimFile, Finding
from station_emr.domain.errors import UserError
from station_emr.domain.os_words import os_words
from station_emr.services.claim_checks import FileCheck

from .commands import opened_station, say

EXIT_REFUSED: Final = 1
_LARGEST: Final = 64 * 1024 * 1024

Sub = argparse._SubParsersAction  # noqa: SLF001  argparse has no public name for it


def add_commands(sub: Sub[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    inner = sub.add_parser("check", help="kiểm tra tệp trước khi gửi").add_subparsers(
        metavar="DẠNG", required=True
    )
    bhyt = inner.add_parser(
        "bhyt", parents=[shared], help="hồ sơ BHYT của trạm hoặc của phần mềm khác"
    )
    bhyt.add_argument("file", type=Path, metavar="TỆP")
    bhyt.set_defaults(command=check_claims)


def check_claims(options: argparse.Namespace) -> int:
    """0 the gateway has nothing against the file, 1 it would send it back, or it cannot be read."""
    try:
        with options.file.open("rb") as source:
            data = source.read(_LARGEST + 1)
    except OSError as failure:
        raise UserError(f"Không đọc được tệp {options.file}: {os_words(failure)}.") from failure
    with opened_station(options) as station:
        found = station.services.claim_checks.of_file(station.actor, data)
    say(options, _plain(found), "\n".join(_lines(found)))
    return 0 if found.may_be_sent else EXIT_REFUSED


def _plain(found: FileCheck) -> dict[str, Any]:
    return {
        "facility": found.file.facility_code,
        "readable": found.file.readable,
        "may_be_sent": found.may_be_sent,
        "file_findings": [_finding(one) for one in found.file.findings],
        "visits": [
            {
                "link_code": one.claim.link_code,
                "version": one.claim.version,
                "findings": [_finding(finding) for finding in one.findings],
            }
            for one in found.claims
        ],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "table": finding.table,
        "row": finding.row,
        "element": finding.element,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _lines(found: FileCheck) -> list[str]:
    lines = [f"{one.severity.label}: {one.message} {one.remedy}" for one in found.file.findings]
    if not found.file.readable:
        return [*lines, "Không đọc được tệp này; chưa kiểm tra gì."]
    for one in found.claims:
        lines.append(f"Hồ sơ {_name(one.claim)}: {_count(one.findings)}")
        for finding in one.findings:
            place = f"{finding.table} dòng {finding.row + 1} {finding.element}".rstrip()
            lines.append(f"  {finding.severity.label} · {place} · {finding.rule}")
            lines.append(f"    {finding.message}")
            lines.append(f"    {finding.remedy}")
    verdict = "Tệp gửi được." if found.may_be_sent else "Tệp chưa gửi được: còn lỗi phải sửa."
    return [*lines, verdict]


def _name(claim: ClaimFile) -> str:
    """By its link code: names of people do not belong on a terminal."""
    return claim.link_code or "không có mã liên kết"


def _count(findings: tuple[Finding, ...]) -> str:
    errors = sum(1 for finding in findings if finding.blocks)
    reminders = len(findings) - errors
    if not findings:
        return "không có lỗi."
    return f"{errors} lỗi, {reminders} nhắc."

"""Reads files of claims: our own back, and what another program exported. All of a file or nothing.

Whatever is wrong becomes a finding. A blocking one leaves no claim in the answer; the others say what a
person should know of a file that can be taken.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from lxml import etree

from station_emr.domain.claim import (
    CHECK_IN,
    LINK_CODE,
    SUMMARY,
    TABLES,
    ClaimFile,
    ClaimRow,
    Finding,
    ForeignFile,
    Severity,
)

from .envelope import ROOT
from .safe_xml import LARGEST, Refused, parse
from .schema import VERSIONS, Schema, Table, schema, version_on
from .table_reader import read_table
from .values import fault, read_moment
from .writer import SIGNATURE_PLACE

MOST_DOSSIERS: Final = 5_000
MOST_FINDINGS: Final = 1_000
_NOTHING: Final = "Chưa nhận gì. Hãy xuất lại tệp từ chương trình kia rồi thử lại."
_LOOK: Final = "Hãy xem lại trước khi nhận."
_RENAMED: Final = "MA_NOI_DI"  # stands in table 13 until QĐ 3176


class _Report:
    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def stop(
        self, rule: str, message: str, table: str = "", row: int = 0, element: str = ""
    ) -> None:
        self._add(rule, Severity.BLOCKING, message, _NOTHING, table, row, element)

    def note(
        self, rule: str, message: str, table: str = "", row: int = 0, element: str = ""
    ) -> None:
        self._add(rule, Severity.WARNING, message, _LOOK, table, row, element)

    def _add(
        self,
        rule: str,
        severity: Severity,
        message: str,
        remedy: str,
        table: str,
        row: int,
        element: str,
    ) -> None:
        if len(self.findings) > MOST_FINDINGS and (self.stopped or severity is Severity.WARNING):
            return  # a person reads none of them by then
        self.findings.append(
            Finding(
                rule=f"read-{rule}",
                severity=severity,
                table=table,
                row=row,
                element=element,
                message=message,
                remedy=remedy,
            )
        )

    @property
    def stopped(self) -> bool:
        return any(one.blocks for one in self.findings)


def read_claims(data: bytes) -> ForeignFile:
    """An envelope, a check-in, or a single table's document. Never raises for what a file holds."""
    report = _Report()
    try:
        root, odd = parse(data)
    except Refused as refused:
        report.stop(refused.rule, str(refused))
        return ForeignFile(findings=tuple(report.findings))
    for sentence in odd:
        report.note("encoding", sentence)
    if _name(root) == ROOT:
        code, made_on, dossiers = _envelope(root, report)
    else:
        code, made_on, dossiers = _alone(root, report)
    claims = _claims(code, made_on, dossiers, report)
    return ForeignFile(
        facility_code=code,
        made_on=made_on,
        signed=_is_signed(root),
        claims=() if report.stopped else claims,
        findings=tuple(report.findings),
    )


Dossier = Mapping[str, Any]
"""The root elements of one encounter's tables, by table."""


def _envelope(root: Any, report: _Report) -> tuple[str, date | None, list[Dossier]]:
    code = _text(root, "THONGTINDONVI/MACSKCB")
    if not code:
        report.stop("facility", "Phong bì không ghi mã cơ sở khám chữa bệnh (MACSKCB).")
    made = read_moment(_text(root, "THONGTINHOSO/NGAYLAP")[:8])
    if made is None:
        report.note("made-on", "Phong bì không ghi ngày lập đúng dạng yyyymmdd (NGAYLAP).")
    dossiers = root.findall("{*}THONGTINHOSO/{*}DANHSACHHOSO/{*}HOSO")
    told = _text(root, "THONGTINHOSO/SOLUONGHOSO")
    if not dossiers:
        report.stop("no-dossier", "Phong bì không có hồ sơ nào (HOSO).")
    elif told != str(len(dossiers)):
        report.stop(
            "count",
            f"Phong bì ghi {told or 'trống'} hồ sơ nhưng trong tệp có {len(dossiers)}; "
            "tệp có thể bị cắt.",
        )
    if len(dossiers) > MOST_DOSSIERS:
        report.stop("count", f"Tệp có {len(dossiers)} hồ sơ, chỉ đọc đến {MOST_DOSSIERS} mỗi tệp.")
        return code, None, []
    left = LARGEST
    read: list[Dossier] = []
    for place, dossier in enumerate(dossiers):
        tables, size = _dossier(dossier, place, left, report)
        left -= size
        read.append(tables)
    return code, made.date() if made else None, read


def _dossier(element: Any, place: int, left: int, report: _Report) -> tuple[Dossier, int]:
    where = f"Hồ sơ thứ {place + 1}"
    found: dict[str, Any] = {}
    used = 0
    for file in element.findall("{*}FILEHOSO"):
        name = _text(file, "LOAIHOSO")
        if name not in TABLES or name == CHECK_IN:
            report.stop("table-name", f"{where} có loại bảng lạ “{name[:40]}”.")
            continue
        if name in found:
            report.stop("table-twice", f"{where} có hai bảng {name}.", name)
            continue
        content = file.find("{*}NOIDUNGFILE")
        try:
            root, size = _content(content, left - used)
        except Refused as refused:
            report.stop(refused.rule, f"{where}, bảng {name}: {refused}", name)
            continue
        used += size
        found[name] = root
    if SUMMARY not in found:
        report.stop("no-summary", f"{where} thiếu bảng tổng hợp XML1.", SUMMARY)
    return found, used


def _content(element: Any, left: int) -> tuple[Any, int]:
    if element is not None and len(element) == 1:
        return element[0], 0  # some programs leave the base64 out
    text = "".join((element.text or "").split()) if element is not None else ""
    if not text:
        raise Refused("empty", "không có nội dung.")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("base64", "nội dung không phải base64 nên không giải mã được.") from None
    return parse(data, largest=max(left, 0))[0], len(data)


def _alone(root: Any, report: _Report) -> tuple[str, date | None, list[Dossier]]:
    """A document without its envelope: a check-in, or a summary that somebody took out."""
    name = _name(root)
    table = next(
        (one for v in VERSIONS if (one := schema(v).table_of_root(name)) is not None), None
    )
    if table is None:
        report.stop("root", f"Thẻ gốc “{name[:60]}” không phải của hồ sơ BHYT nào đã biết.")
        return "", None, []
    if table.name not in {CHECK_IN, SUMMARY}:
        report.stop(
            "no-summary",
            f"Đây là bảng {table.name} đứng riêng, thiếu bảng tổng hợp XML1 nên không biết của ai.",
            table.name,
        )
        return "", None, []
    found = root.find(".//{*}MA_CSKCB")
    return (found.text or "").strip() if found is not None else "", None, [{table.name: root}]


def _claims(
    code: str, made_on: date | None, dossiers: list[Dossier], report: _Report
) -> tuple[ClaimFile, ...]:
    claims = []
    seen: set[str] = set()
    for place, dossier in enumerate(dossiers):
        tables_of = _tables_for(dossier)
        rows: dict[str, tuple[ClaimRow, ...]] = {}
        for name, root in dossier.items():
            table = tables_of.table(name)
            read, problems = read_table(table, root)
            for problem in problems:
                (report.stop if problem.stops else report.note)(
                    problem.rule, problem.message, name, problem.row, problem.element
                )
            rows[name] = read
            _values(table, read, report)
        claim = ClaimFile(
            facility_code=code,
            made_on=made_on or _left_on(rows),
            version=tables_of.version,
            tables=MappingProxyType({name: rows[name] for name in TABLES if rows.get(name)}),
        )
        _links(claim, place, seen, report)
        claims.append(claim)
    return tuple(claims)


def _tables_for(dossier: Dossier) -> Schema:
    """The decision whose tables the encounter was written by: by its end, unless names tell better."""
    left = read_moment(_first(dossier, "NGAY_RA")) or read_moment(_first(dossier, "NGAY_VAO"))
    version = version_on(left.date()) if left is not None else VERSIONS[-1]
    letter = dossier.get("XML13")
    if letter is not None:
        old = letter.find(f".//{{*}}{_RENAMED}") is not None
        if old:
            version = VERSIONS[0]
        elif version == VERSIONS[0]:
            version = VERSIONS[1]
    return schema(version)


def _left_on(rows: Mapping[str, tuple[ClaimRow, ...]]) -> date:
    for name in (SUMMARY, CHECK_IN):
        for row in rows.get(name, ()):
            moment = read_moment(row.get("NGAY_RA", "")) or read_moment(row.get("NGAY_VAO", ""))
            if moment is not None:
                return moment.date()
    return schema(VERSIONS[0]).valid_from


def _values(table: Table, rows: tuple[ClaimRow, ...], report: _Report) -> None:
    for place, row in enumerate(rows):
        for element in table.elements:
            why = fault(element, row)
            if why:
                text = f"Bảng {table.name} dòng {place + 1}: {element.name} {why}."
                report.note("value", text, table.name, place, element.name)


def _links(claim: ClaimFile, place: int, seen: set[str], report: _Report) -> None:
    where = f"Hồ sơ thứ {place + 1}"
    link = claim.link_code
    if not link:
        report.stop("no-link", f"{where} không có mã liên kết MA_LK.", SUMMARY, 0, LINK_CODE)
        return
    if link in seen:
        report.stop(
            "link-twice", f"Hai hồ sơ trong tệp cùng mã liên kết {link}.", SUMMARY, 0, LINK_CODE
        )
    seen.add(link)
    for name, rows in claim.tables.items():
        for number, row in enumerate(rows):
            if LINK_CODE in row and row[LINK_CODE] != link:
                report.stop(
                    "link-differs",
                    f"{where}, bảng {name} dòng {number + 1}: MA_LK khác với bảng tổng hợp.",
                    name,
                    number,
                    LINK_CODE,
                )


def _first(dossier: Dossier, name: str) -> str:
    for root in dossier.values():
        found = root.find(f".//{{*}}{name}")
        if found is not None and (found.text or "").strip():
            return str(found.text).strip()
    return ""


def _is_signed(root: Any) -> bool:
    return any(len(place) for place in root.iter(f"{{*}}{SIGNATURE_PLACE}"))


def _text(root: Any, path: str) -> str:
    found = root.find("/".join(f"{{*}}{step}" for step in path.split("/")))
    return (found.text or "").strip() if found is not None else ""


def _name(element: Any) -> str:
    return str(etree.QName(element).localname) if isinstance(element.tag, str) else ""

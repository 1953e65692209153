"""Holds what is written against the XML schemas: the last look before a file leaves."""

from __future__ import annotations

import re
import threading
from typing import Any, Final

from lxml import etree

from station_emr.domain.claim import CHECK_IN, TABLES, ClaimFile, ClaimRow, Finding, Severity
from station_emr.services.resources import resource_path

from .envelope import record_file
from .schema import Table, schema
from .values import fault
from .writer import table_document

RULE: Final = "schema"
_STEP: Final = re.compile(r"([A-Z0-9_]+)(?:\[([0-9]+)\])?")
_REMEDY: Final = "Hãy sửa ở màn hình ghi mục này rồi lập lại hồ sơ."
_PROGRAM: Final = "Đây có thể là lỗi của chương trình. Hãy giữ nguyên hồ sơ và báo người hỗ trợ."

# A compiled schema keeps the errors of its last document, so threads must not share one.
_compiled = threading.local()


def schema_findings(claim: ClaimFile) -> tuple[Finding, ...]:
    """What the schemas of the claim's decision refuse in it; empty when every file may leave."""
    tables = schema(claim.version)
    found: list[Finding] = []
    for name in TABLES:
        rows = claim.rows(name)
        if not rows:
            continue
        table = tables.table(name)
        try:
            document = table_document(table, rows, signature_place=name == CHECK_IN)
        except ValueError as wrong:
            found.append(_finding(name, 0, "", f"Không ghi được bảng {name}: {wrong}.", _PROGRAM))
            continue
        found += _refused(claim.version, table, rows, document)
    if not found and any(claim.rows(name) for name in TABLES if name != CHECK_IN):
        found += _envelope_refused(claim)
    return tuple(found)


def _refused(
    version: str, table: Table, rows: tuple[ClaimRow, ...], document: bytes
) -> list[Finding]:
    compiled = _schema_of(f"{version}/{table.name}")
    if compiled.validate(etree.fromstring(document)):
        return []
    seen: dict[tuple[int, str], Finding] = {}
    for error in compiled.error_log:
        row, name = _place(table, str(error.path or ""))
        element = table.by_name.get(name)
        why = fault(element, rows[row]) if element and row < len(rows) else ""
        text = (
            f"Bảng {table.name}, {name} {why}."
            if why
            else f"Bảng {table.name}{f', {name}' if name else ''} không đúng khuôn: {error.message}"
        )
        seen.setdefault((row, name), _finding(table.name, row, name, text, _REMEDY))
    return list(seen.values())


def _envelope_refused(claim: ClaimFile) -> list[Finding]:
    compiled = _schema_of("GIAMDINHHS")
    if compiled.validate(etree.fromstring(record_file(claim))):
        return []
    return [
        _finding(
            "",
            0,
            "MACSKCB",
            f"Mã cơ sở khám chữa bệnh “{claim.facility_code}” không đúng khuôn 5 ký tự.",
            "Hãy sửa mã của trạm trong Quản trị, mục Trạm, rồi lập lại hồ sơ.",
        )
    ]


def _schema_of(name: str) -> Any:
    kept: dict[str, Any] = _compiled.__dict__
    if name not in kept:
        path = resource_path("xsd", "bhyt", *f"{name}.xsd".split("/"))
        kept[name] = etree.XMLSchema(etree.fromstring(path.read_bytes()))
    return kept[name]


def _place(table: Table, path: str) -> tuple[int, str]:
    """The row and the element behind a path such as /ROOT/LIST/ROW[2]/SO_LUONG."""
    row, element = 0, ""
    for name, number in _STEP.findall(path):
        if name == table.row_tag and number:
            row = int(number) - 1
        elif name in table.by_name:
            element = name
    return row, element


def _finding(table: str, row: int, element: str, message: str, remedy: str) -> Finding:
    return Finding(
        rule=RULE,
        severity=Severity.BLOCKING,
        table=table,
        row=row,
        element=element,
        message=message,
        remedy=remedy,
    )

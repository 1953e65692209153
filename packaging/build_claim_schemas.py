"""Make the XML schemas of the insurance's tables from their definitions in resources/bhyt.

    python packaging/build_claim_schemas.py

One schema for each decision and table, and one for the envelope. No official schema is published; these
say what the definitions say: every element present and in order, lengths, numbers, dates, what may not
be empty. Run it after a change of the definitions; a test compares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from station_emr.interop.bhyt.schema import (  # noqa: E402  the checkout may not be installed
    VERSIONS,
    DateShape,
    Element,
    Kind,
    Schema,
    Table,
    schema,
)

TARGET: Final = ROOT / "resources" / "xsd" / "bhyt"
_DAY = "[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
_TIME = "([01][0-9]|2[0-3])[0-5][0-9]"
_BIRTH = "[0-9]{4}(0[0-9]|1[0-2])([0-2][0-9]|3[01])"
_PATTERNS: Final = {
    DateShape.DAY: _DAY,
    DateShape.DAYS: f"{_DAY}(;{_DAY})*",
    DateShape.MINUTE: _DAY + _TIME,
    DateShape.MINUTES: f"{_DAY}{_TIME}(;{_DAY}{_TIME})*",
    DateShape.DAY_OR_MINUTE: f"{_DAY}({_TIME})?",
    DateShape.BIRTH: _BIRTH + _TIME,
}
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<!-- Made by packaging/build_claim_schemas.py; do not edit. {subject} -->\n"
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">\n'
)
_SIGNATURE = (
    '{pad}<xs:element name="CHUKYDONVI">\n'
    '{pad}  <xs:complexType mixed="true">\n'
    "{pad}    <xs:sequence>\n"
    '{pad}      <xs:any minOccurs="0" maxOccurs="unbounded" processContents="skip"/>\n'
    "{pad}    </xs:sequence>\n"
    "{pad}  </xs:complexType>\n"
    "{pad}</xs:element>\n"
)


def of_table(tables: Schema, table: Table) -> str:
    """The schema of one table. The table of arrivals is a file of its own and holds its signature."""
    head = _HEAD.format(subject=f"{table.name}, {tables.basis}.")
    fields = "".join(_field(one, " " * 8) for one in table.elements)
    if not table.list_tag:
        return f"{head}{_open(table.root, 2)}{fields}{_close(2)}</xs:schema>\n"
    pad = " " * 8
    signature = _SIGNATURE.format(pad=pad) if table.name == "XML0" else ""
    deeper = "".join(_field(one, " " * 24) for one in table.elements)
    return (
        f"{head}{_open(table.root, 2)}"
        f"{_open(table.list_tag, 8)}"
        f"{_open(table.row_tag, 14, many=True)}"
        f"{deeper}"
        f"{_close(14)}{_close(8)}{signature}{_close(2)}</xs:schema>\n"
    )


def of_envelope() -> str:
    """GIAMDINHHS: who sends, when, the tables in base64, the place of the signature."""
    types = "".join(
        f'                          <xs:enumeration value="XML{n}"/>\n' for n in range(1, 16)
    )
    return (
        _HEAD.format(subject="The envelope.")
        + _open("GIAMDINHHS", 2)
        + _open("THONGTINDONVI", 8)
        + '              <xs:element name="MACSKCB"><xs:simpleType><xs:restriction base="xs:string">'
        '<xs:pattern value="[0-9A-Z]{5}"/></xs:restriction></xs:simpleType></xs:element>\n'
        + _close(8)
        + _open("THONGTINHOSO", 8)
        + '              <xs:element name="NGAYLAP"><xs:simpleType><xs:restriction base="xs:string">'
        f'<xs:pattern value="{_DAY}"/></xs:restriction></xs:simpleType></xs:element>\n'
        '              <xs:element name="SOLUONGHOSO" type="xs:positiveInteger"/>\n'
        + _open("DANHSACHHOSO", 14)
        + _open("HOSO", 20, many=True)
        + _open("FILEHOSO", 26, many=True)
        + '                                <xs:element name="LOAIHOSO">\n'
        "                      <xs:simpleType>\n"
        '                        <xs:restriction base="xs:string">\n'
        f"{types}"
        "                        </xs:restriction>\n"
        "                      </xs:simpleType>\n"
        "                                </xs:element>\n"
        '                                <xs:element name="NOIDUNGFILE" type="xs:base64Binary"/>\n'
        + _close(26)
        + _close(20)
        + _close(14)
        + _close(8)
        + _SIGNATURE.format(pad=" " * 8)
        + _close(2)
        + "</xs:schema>\n"
    )


def _open(name: str, depth: int, *, many: bool = False) -> str:
    pad = " " * depth
    bound = ' maxOccurs="unbounded"' if many else ""
    return (
        f'{pad}<xs:element name="{name}"{bound}>\n{pad}  <xs:complexType>\n{pad}    <xs:sequence>\n'
    )


def _close(depth: int) -> str:
    pad = " " * depth
    return f"{pad}    </xs:sequence>\n{pad}  </xs:complexType>\n{pad}</xs:element>\n"


def _field(element: Element, pad: str) -> str:
    facets = _facets(element)
    if not facets:
        return f'{pad}<xs:element name="{element.name}" type="xs:string"/>\n'
    return (
        f'{pad}<xs:element name="{element.name}"><xs:simpleType><xs:restriction base="xs:string">'
        f"{''.join(facets)}</xs:restriction></xs:simpleType></xs:element>\n"
    )


def _facets(element: Element) -> list[str]:
    found: list[str] = []
    pattern = ""
    if element.date is not None:
        pattern = _PATTERNS[element.date]
    elif element.kind is Kind.NUMBER:
        tail = f"(\\.[0-9]{{1,{element.decimals}}})?" if element.decimals else ""
        pattern = f"[0-9]+{tail}"
    if pattern and not element.mandatory:
        pattern = f"({pattern})?"
    if element.mandatory and not pattern:
        found.append('<xs:minLength value="1"/>')
    if element.length:
        found.append(f'<xs:maxLength value="{element.length}"/>')
    if pattern:
        found.append(f'<xs:pattern value="{pattern}"/>')
    return found


def files() -> dict[str, str]:
    """Every schema by its path below resources/xsd/bhyt."""
    made = {"GIAMDINHHS.xsd": of_envelope()}
    for version in VERSIONS:
        tables = schema(version)
        for table in tables.tables.values():
            if table.root:
                made[f"{version}/{table.name}.xsd"] = of_table(tables, table)
    return made


def main() -> None:
    for name, text in files().items():
        path = TARGET / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()

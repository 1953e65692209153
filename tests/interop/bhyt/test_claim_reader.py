"""Files of other programs, cut, mixed up, in the wrong letters, or meant to harm: a report, nothing else."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable

import pytest
from lxml import etree

from station_emr.domain.claim import ForeignFile, blocking
from station_emr.interop.bhyt import safe_xml
from station_emr.interop.bhyt.envelope import record_file
from station_emr.interop.bhyt.reader import read_claims
from station_emr.interop.bhyt.rows import check_in_claim, record_claim
from station_emr.interop.bhyt.schema import schema
from station_emr.interop.bhyt.writer import table_document
from tests.interop.bhyt.claim_visits import OPTIONS_OLD, kept_and_referred, outpatient

GOOD = record_file(record_claim(outpatient()))
OTHER = record_file(record_claim(kept_and_referred()))


def inner(table: str, change: Callable[[str], str], data: bytes = GOOD) -> bytes:
    """The envelope with one table's text changed."""
    root = etree.fromstring(data)
    for file in root.iter("FILEHOSO"):
        if file.findtext("LOAIHOSO") == table:
            place = file.find("NOIDUNGFILE")
            text = base64.b64decode(place.text).decode("utf-8")
            changed = change(text)
            assert changed != text
            place.text = base64.b64encode(changed.encode("utf-8")).decode("ascii")
    return bytes(etree.tostring(root, encoding="utf-8"))


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


def two_dossiers(second: bytes, told: str = "2") -> bytes:
    root = etree.fromstring(GOOD)
    root.find(".//DANHSACHHOSO").append(etree.fromstring(second).find(".//HOSO"))
    root.find(".//SOLUONGHOSO").text = told
    return bytes(etree.tostring(root, encoding="utf-8"))


def without(table: str) -> bytes:
    root = etree.fromstring(GOOD)
    for file in list(root.iter("FILEHOSO")):
        if file.findtext("LOAIHOSO") == table:
            file.getparent().remove(file)
    return bytes(etree.tostring(root, encoding="utf-8"))


def zipped(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("hoso.xml", data)
    return target.getvalue()


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]>'
    b"<GIAMDINHHS>&c;</GIAMDINHHS>"
)
NOSY = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
    b"<GIAMDINHHS><THONGTINDONVI><MACSKCB>&b;</MACSKCB></THONGTINDONVI></GIAMDINHHS>"
)
DEEP = b"<GIAMDINHHS>" + b"<a>" * 200 + b"</a>" * 200 + b"</GIAMDINHHS>"
LINK = "019300000000700080000000000000a1"

BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "read-empty"),
    "spaces": (b"  \r\n ", "read-empty"),
    "a zip": (zipped(GOOD), "read-not-xml"),
    "a pdf": (b"%PDF-1.7 ...", "read-not-xml"),
    "words": ("Kính gửi trạm".encode(), "read-malformed"),
    "cut off": (GOOD[: len(GOOD) // 2], "read-malformed"),
    "entities": (LAUGHS, "read-hostile"),
    "a file of this machine": (NOSY, "read-hostile"),
    "very deep": (DEEP, "read-too-deep"),
    "legacy letters": (b"<GIAMDINHHS>Nguy\xd4n Th\xde</GIAMDINHHS>", "read-encoding"),
    "a declared code page": (
        GOOD.replace(b'encoding="utf-8"', b'encoding="windows-1258"'),
        "read-encoding",
    ),
    "half of UTF-16": (GOOD.decode().encode("utf-16")[:101], "read-encoding"),
    "another root": (b"<HoSoBenhAn/>", "read-root"),
    "a table alone": (
        table_document(schema("1931").table("XML2"), record_claim(outpatient()).rows("XML2")),
        "read-no-summary",
    ),
    "no facility": (GOOD.replace(b"MAU01", b""), "read-facility"),
    "no dossier": (
        b"<GIAMDINHHS><THONGTINDONVI><MACSKCB>MAU01</MACSKCB></THONGTINDONVI></GIAMDINHHS>",
        "read-no-dossier",
    ),
    "another count": (GOOD.replace(b"<SOLUONGHOSO>1<", b"<SOLUONGHOSO>3<"), "read-count"),
    "an unknown table": (GOOD.replace(b">XML14<", b">XML99<"), "read-table-name"),
    "a table twice": (GOOD.replace(b">XML14<", b">XML4<"), "read-table-twice"),
    "no summary": (without("XML1"), "read-no-summary"),
    "rubbish in base64": (GOOD.replace(b"<NOIDUNGFILE>", b"<NOIDUNGFILE>*&amp;"), "read-base64"),
    "an empty table": (
        GOOD.replace(b"<LOAIHOSO>XML14</LOAIHOSO>", b"<LOAIHOSO>XML5</LOAIHOSO>"),
        "read-root",
    ),
    "a table inside a field": (
        inner("XML1", replaced("<MA_BN>BN000123</MA_BN>", "<MA_BN><B>1</B></MA_BN>")),
        "read-nested",
    ),
    "an element twice": (
        inner("XML1", replaced("<NAM_QT>", "<NAM_QT>2025</NAM_QT><NAM_QT>")),
        "read-twice",
    ),
    "another link code": (inner("XML2", replaced(LINK, "khac")), "read-link-differs"),
    "no link code": (inner("XML1", replaced(f">{LINK}<", "><")), "read-no-link"),
    "one link code twice": (two_dossiers(GOOD), "read-link-twice"),
    "rows of another table": (
        inner("XML2", lambda text: text.replace("CHI_TIET_THUOC>", "CHI_TIET_LA>")),
        "read-list",
    ),
    "a table without rows": (
        inner(
            "XML2",
            lambda text: (
                text[: text.index("<CHI_TIET_THUOC>")]
                + text[text.rindex("</CHI_TIET_THUOC>") + len("</CHI_TIET_THUOC>") :]
            ),
        ),
        "read-no-row",
    ),
    "entities inside a table": (
        inner(
            "XML1",
            lambda text: text.replace("<TONG_HOP>", '<!DOCTYPE a [<!ENTITY b "x">]><TONG_HOP>'),
        ),
        "read-hostile",
    ),
}


@pytest.mark.parametrize("case", list(BAD))
def test_a_bad_file_gives_a_report_and_nothing_else(case: str) -> None:
    data, rule = BAD[case]
    read = read_claims(data)
    assert rule in {one.rule for one in blocking(read.findings)}
    assert read.claims == ()
    assert not read.readable
    assert all(one.message and one.remedy for one in read.findings)


def warnings(read: ForeignFile) -> set[str]:
    return {one.rule for one in read.findings}


def test_what_can_be_read_all_the_same_is_told() -> None:
    bom = read_claims(b"\xef\xbb\xbf" + GOOD)
    assert bom.readable
    assert warnings(bom) == {"read-encoding"}
    for wide in ("utf-16", "utf-16-le", "utf-16-be"):
        read = read_claims(GOOD.decode("utf-8").encode(wide))
        assert read.readable, wide
        assert dict(read.claims[0].tables) == dict(record_claim(outpatient()).tables)
        assert warnings(read) == {"read-encoding"}


def test_a_missing_element_counts_as_empty_and_a_strange_one_is_left_out() -> None:
    cut = inner("XML1", replaced("<MAHUYEN_CU_TRU/>", "<MA_LA>9</MA_LA>"))
    read = read_claims(cut)
    assert read.readable
    assert warnings(read) == {"read-missing", "read-strange"}
    assert read.claims[0].summary["MAHUYEN_CU_TRU"] == ""


def test_values_that_the_table_does_not_allow_are_told_with_their_place() -> None:
    wrong = inner("XML3", replaced("<SO_LUONG>2</SO_LUONG>", "<SO_LUONG>hai</SO_LUONG>"))
    (finding,) = read_claims(wrong).findings
    assert (finding.table, finding.row, finding.element) == ("XML3", 2, "SO_LUONG")
    assert "phải là số" in finding.message


def test_two_encounters_in_one_file_are_both_read() -> None:
    read = read_claims(two_dossiers(OTHER))
    assert [claim.link_code[-2:] for claim in read.claims] == ["a1", "b2"]


def test_tables_without_base64_are_read() -> None:
    root = etree.fromstring(GOOD)
    for place in root.iter("NOIDUNGFILE"):
        document = etree.fromstring(base64.b64decode(place.text))
        place.text = None
        place.append(document)
    read = read_claims(bytes(etree.tostring(root)))
    assert dict(read.claims[0].tables) == dict(record_claim(outpatient()).tables)


def test_a_letter_of_the_old_decision_is_known_by_its_names() -> None:
    read = read_claims(record_file(record_claim(kept_and_referred(options=OPTIONS_OLD))))
    assert read.claims[0].version == "4750"
    assert read.claims[0].rows("XML13")[0]["MA_NOI_DEN"] == "52001"
    assert read_claims(OTHER).claims[0].version == "1931"


def test_a_summary_or_a_check_in_may_come_without_an_envelope() -> None:
    claim = record_claim(outpatient())
    alone = table_document(schema("1931").table("XML1"), claim.rows("XML1"))
    read = read_claims(alone)
    assert (read.facility_code, tuple(read.claims[0].tables)) == ("MAU01", ("XML1",))
    arrival = check_in_claim(outpatient())
    data = table_document(schema("1931").table("XML0"), arrival.rows("XML0"), signature_place=True)
    assert read_claims(data).claims[0].check_in == arrival.check_in


def test_a_file_of_any_size_is_refused_before_it_is_read(monkeypatch) -> None:
    monkeypatch.setattr(safe_xml, "MOST_ELEMENTS", 100)
    many = b"<GIAMDINHHS>" + b"<a/>" * 300 + b"</GIAMDINHHS>"
    assert "read-too-many" in {one.rule for one in read_claims(many).findings}
    with pytest.raises(safe_xml.Refused, match="chỉ đọc tệp đến"):
        safe_xml.parse(b"<a/>" * 1000, largest=100)

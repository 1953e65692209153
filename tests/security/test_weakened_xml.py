"""Entities in an XML, at every reader of XML in the program and at the province, twice: none is expanded, and
each is where exactly that reader's guards are gone.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from lxml import etree
from pyhanko.pdf_utils.metadata import xmp_xml
from pyhanko.pdf_utils.reader import PdfFileReader
from signxml.exceptions import InvalidInput
from signxml.verifier import XMLVerifier

from provincial_server.catalogs import bounds as their_bounds
from provincial_server.catalogs import content as their_content
from station_emr.catalogs import bounds, table_files
from station_emr.domain.errors import StationError
from station_emr.interop.bhyt import safe_xml
from station_emr.security.signing import xml
from tests.security.test_attacks_folders import cell, ods, row
from tests.security.test_attacks_inputs import sheet, workbook
from tests.security.test_attacks_pdf import TRUETYPE, pdf, stream

Patch = pytest.MonkeyPatch
ROOT: Final = Path(__file__).parents[2]
INSIDE, FILE = "haha" * 8, "bi mat cua may nay"
LAUGHS: Final = (
    '<!DOCTYPE l [<!ENTITY a "haha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;"><!ENTITY j "&c;&c;">]>'
)


@pytest.fixture
def nosy(tmp_path) -> str:
    """A declaration that asks for a file of the machine."""
    secret = tmp_path / "secret.txt"
    secret.write_text(FILE, encoding="utf-8")
    return f'<!DOCTYPE l [<!ENTITY j SYSTEM "{secret.as_uri()}">]>'


# What each reader makes of a document ----------------------------------------------------------


def text_of(root: Any) -> str:
    return "".join(root.itertext())


def signed_documents(declared: str) -> str:
    """What would be signed in the name of the person who signs."""
    try:
        return text_of(xml._parse(f"{declared}<l>&j;</l>".encode()))
    except StationError:
        return ""


def signatures_library(declared: str) -> str:
    """The library reads the bytes once more for itself."""
    try:
        return text_of(XMLVerifier()._fromstring(f"{declared}<l>&j;</l>".encode()))
    except InvalidInput:
        return ""


def files_of_other_programs(declared: str) -> str:
    try:
        return text_of(safe_xml.parse(f"{declared}<l>&j;</l>".encode())[0])
    except safe_xml.Refused:
        return ""


def remarks_in_a_pdf(declared: str) -> str:
    """The XMP of a file that is signed or judged."""
    packet = (
        f'{declared}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt><rdf:li '
        'xml:lang="x-default">&j;</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF>'
        "</x:xmpmeta>"
    )
    head = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    body = f'{head}{packet}<?xpacket end="w"?>'.encode()
    made = pdf(TRUETYPE, stream(b"/Type/Metadata/Subtype/XML", body), catalog=b"/Metadata 6 0 R")
    try:
        return str(PdfFileReader(io.BytesIO(made)).document_meta_view.title)
    except xmp_xml.XmpXmlProcessingError:
        return ""


READERS: dict[str, Callable[[str], str]] = {
    "documents to be signed": signed_documents,
    "the library of signatures": signatures_library,
    "files of other programs": files_of_other_programs,
    "remarks in a PDF": remarks_in_a_pdf,
}


# The weakened builds ---------------------------------------------------------------------------


def careless_parser(weak: Patch) -> None:
    """A parser as it is when nobody says how: entities are put in, and a file is fetched for them."""
    real = etree.XMLParser

    def made(**wanted: Any) -> Any:
        return real(**{**wanted, "resolve_entities": True, "load_dtd": True})

    weak.setattr(etree, "XMLParser", made)


def undeclared_is_not_asked(weak: Patch) -> None:
    weak.setattr(safe_xml, "_HOSTILE", ())
    weak.setattr(xml, "_is_declared", lambda _root: False)
    weak.setattr(XMLVerifier, "_fromstring", lambda self, text: etree.fromstring(text, self.parser))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("wanted", [INSIDE, FILE])
def test_entities_are_expanded_where_the_parser_is_careless(
    reader: str, wanted: str, nosy: str, monkeypatch
) -> None:
    """Where declarations are refused as well, either guard is enough by itself."""
    read = READERS[reader]
    declared = LAUGHS if wanted == INSIDE else nosy
    assert wanted not in read(declared)
    with pytest.MonkeyPatch.context() as weak:
        undeclared_is_not_asked(weak)
        assert wanted not in read(declared)
    if read is not remarks_in_a_pdf:
        with pytest.MonkeyPatch.context() as weak:
            careless_parser(weak)
            assert wanted not in read(declared)
    undeclared_is_not_asked(monkeypatch)
    careless_parser(monkeypatch)
    assert wanted in read(declared)


# Workbooks -------------------------------------------------------------------------------------


def elements_seen(program: Any, monkeypatch: Patch, content: bytes) -> int | None:
    """How many elements the counting reader goes through; None where it refuses the file."""
    seen: list[str] = []
    real = program._Extent._element

    def counted(self: Any, name: str, attributes: dict[str, str]) -> None:
        seen.append(name)
        real(self, name, attributes)

    with monkeypatch.context() as watching:
        watching.setattr(program._Extent, "_element", counted)
        try:
            program.check_workbook(content)
        except program.OutOfBounds:
            return None
    return len(seen)


@pytest.mark.parametrize("program", [bounds, their_bounds])
@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_elements_multiply_where_declarations_in_a_workbook_are_let_through(
    tmp_path, monkeypatch, program, kind: str
) -> None:
    many = '<!ENTITY a "<x/><x/>"><!ENTITY b "&a;&a;"><!ENTITY j "&b;&b;">'
    declared = f"<!DOCTYPE l [{many}]>"

    def made(entity: str) -> bytes:
        target = tmp_path / f"a.{kind}"
        if kind == "xlsx":
            cells = (("A1", "Mã"), ("A2", f"X01{entity}"))
            return workbook(target, sheet(*cells, before=declared)).read_bytes()
        rows = row(cell("Mã")) + row(cell(f"X01{entity}"))
        return ods(target, rows, declared).read_bytes()

    assert elements_seen(program, monkeypatch, made("&j;")) is None
    monkeypatch.setattr(program._Extent, "_declared", lambda *_declaration: None)
    once = elements_seen(program, monkeypatch, made(""))
    assert once is not None
    assert elements_seen(program, monkeypatch, made("&j;")) == once + 8


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_the_reader_of_sheets_itself_knows_no_entities(tmp_path, monkeypatch, kind: str) -> None:
    """So there is nothing to be taken away from it: without the look beforehand it expands none either."""
    for program in (table_files, their_content):
        monkeypatch.setattr(program, "check_workbook", lambda _content: None)
    target = tmp_path / f"a.{kind}"
    if kind == "xlsx":
        workbook(target, sheet(("A1", "Mã"), ("A2", "X01&j;"), before=LAUGHS))
    else:
        ods(target, row(cell("Mã")) + row(cell("X01&j;")), LAUGHS)
    for read in (table_files.read_sheets, their_content.read_list):
        try:
            said = str(read(target))
        except (StationError, their_content.ListRefused):
            said = ""
        assert "haha" not in said


# The list of readers ---------------------------------------------------------------------------

WORDS: Final = (
    "etree",
    "minidom",
    "expat",
    "xml.sax",
    "defusedxml",
    "signxml",
    "pyhanko",
    "calamine",
    "openpyxl",
    "QtXml",
    "QtSvg",
    "QXmlStream",
    "QDomDocument",
)
TRIED: Final = {  # each stands above
    "provincial_server/catalogs/bounds.py",
    "provincial_server/catalogs/content.py",
    "station_emr/catalogs/bounds.py",
    "station_emr/catalogs/table_files.py",
    "station_emr/interop/bhyt/safe_xml.py",
    "station_emr/security/signing/pdf.py",
    "station_emr/security/signing/xml.py",
}
OWN: Final = {  # write XML, hold what was written here against a schema, or walk what safe_xml has read
    "station_emr/interop/bhyt/envelope.py",
    "station_emr/interop/bhyt/reader.py",
    "station_emr/interop/bhyt/table_reader.py",
    "station_emr/interop/bhyt/validation.py",
    "station_emr/interop/fhir/document.py",
    "station_emr/interop/hoso/writer.py",
}


def test_no_other_module_reads_xml() -> None:
    """A new reader of XML has to come here and be tried."""
    found = {
        path.relative_to(ROOT).as_posix()
        for name in ("station_emr", "provincial_server")
        for path in (ROOT / name).rglob("*.py")
        if any(word in path.read_text(encoding="utf-8") for word in WORDS)
    }
    assert found == TRIED | OWN
    parsers = ("fromstring(", "iterparse(", "etree.parse(", "XMLParser(")
    for name in OWN - {"station_emr/interop/bhyt/validation.py"}:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not any(word in text for word in parsers), name

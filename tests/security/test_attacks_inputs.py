"""Files, codes and words from outside that want more than to be read. Each attack is shown to work
where its guard is taken away, and to fail where it stands.
"""

from __future__ import annotations

import csv
import gzip
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from provincial_server.catalogs import bounds as their_bounds
from provincial_server.catalogs import content as their_content
from station_emr.catalogs import bounds, table_files
from station_emr.domain.errors import StationError, UserError
from station_emr.domain.scan import CitizenCardScan, parse_scan
from station_emr.domain.text import clean
from station_emr.printing import audit_workbook
from station_emr.security.signing import xml
from station_emr.services import drafts
from station_emr.sync.exchange_wire import Garbled, unpack
from station_emr.ui.screens.catalogs import refused_file
from station_emr.ui.screens.sync import evidence
from tests.services.conftest import lists, station, template

__all__ = ["lists", "station", "template"]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def sheet(*cells: tuple[str, str], before: str = "") -> str:
    rows = "".join(
        f'<row><c r="{place}" t="inlineStr"><is><t>{text}</t></is></c></row>'
        for place, text in cells
    )
    head = '<?xml version="1.0"?>'
    return f'{head}{before}<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def workbook(target: Path, content: str, extra: dict[str, bytes] | None = None) -> Path:
    """The least that a reader takes for an Excel file."""
    kinds = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package'
        '.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.spreadsheetml.sheet.main+xml"/>'
    )

    def link(kind: str, to: str) -> str:
        return (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_DOCUMENT}/{kind}" Target="{to}"/></Relationships>'
        )

    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(
            "[Content_Types].xml", f'<Types xmlns="{_PACKAGE}/content-types">{kinds}</Types>'
        )
        packed.writestr("_rels/.rels", link("officeDocument", "xl/workbook.xml"))
        packed.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_DOCUMENT}"><sheets>'
            '<sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        packed.writestr("xl/_rels/workbook.xml.rels", link("worksheet", "worksheets/sheet1.xml"))
        packed.writestr("xl/worksheets/sheet1.xml", content)
        for name, more in (extra or {}).items():
            packed.writestr(name, more)
    return target


GOOD = (("A1", "Mã"), ("A2", "X01"))


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


# Workbooks -------------------------------------------------------------------------------------


def test_an_ordinary_workbook_is_read_by_both_programs(tmp_path) -> None:
    file = workbook(tmp_path / "a.xlsx", sheet(*GOOD))
    assert table_files.read_sheets(file)[0].rows == [["Mã"], ["X01"]]
    assert their_content.read_list(file) == '["Mã"]\n["X01"]\n'.encode()


_READ = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from pathlib import Path
from station_emr.catalogs import table_files
if sys.argv[2] == "weak":
    table_files.check_workbook = lambda content: None
try:
    table_files.read_sheets(Path(sys.argv[1]))
except Exception as refused:
    sys.exit(5 if type(refused).__name__ == "UserError" else 6)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="bounds the memory of a process of its own")
def test_two_cells_in_far_corners_do_not_end_the_program(tmp_path) -> None:
    """The reader asks for half a terabyte and the whole process is gone."""
    file = workbook(tmp_path / "far.xlsx", sheet(("A1", "Mã"), ("XFD1048576", "X")))
    codes = {
        how: subprocess.run(
            [sys.executable, "-c", _READ, str(file), how], capture_output=True, check=False
        ).returncode
        for how in ("weak", "guarded")
    }
    assert codes["weak"] not in {0, 5, 6}  # killed, not refused
    assert codes["guarded"] == 5
    with pytest.raises(their_content.ListRefused):
        their_content.read_list(file)


@pytest.mark.parametrize("program", [bounds, their_bounds])
def test_what_unpacks_without_an_end_is_refused_early(tmp_path, monkeypatch, program) -> None:
    file = workbook(tmp_path / "bomb.xlsx", sheet(*GOOD), {"xl/media/x.bin": bytes(40_000_000)})
    content = file.read_bytes()
    assert len(content) < 100_000
    program.check_workbook(content)  # below the bound it is a large picture, no more
    monkeypatch.setattr(program, "MOST_UNPACKED", 8_000_000)
    with pytest.raises(program.OutOfBounds):
        program.check_workbook(content)


@pytest.mark.parametrize("program", [bounds, their_bounds])
def test_a_part_that_lies_about_its_size_is_counted(tmp_path, monkeypatch, program) -> None:
    file = workbook(tmp_path / "liar.xlsx", sheet(*GOOD), {"xl/media/x.bin": bytes(20_000_000)})
    honest = (20_000_000).to_bytes(4, "little")
    content = file.read_bytes().replace(honest, (10).to_bytes(4, "little"))
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.getinfo("xl/media/x.bin").file_size == 10
    monkeypatch.setattr(program, "MOST_UNPACKED", 8_000_000)
    with pytest.raises(program.OutOfBounds):
        program.check_workbook(content)


LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "haha">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]>"
)


def test_entities_in_a_workbook_are_refused(tmp_path) -> None:
    content = sheet(("A1", "Mã"), ("A2", "&j;"), before=LAUGHS)
    file = workbook(tmp_path / "laughs.xlsx", content)
    with pytest.raises(UserError):
        table_files.read_sheets(file)
    with pytest.raises(their_content.ListRefused):
        their_content.read_list(file)


def test_a_file_that_wants_to_be_written_elsewhere_writes_nothing(tmp_path) -> None:
    """Nothing is ever unpacked to the disk, so a name with ``..`` is only a name. A program that
    unpacked by these names would write outside its folder.
    """
    file = workbook(
        tmp_path / "slip.xlsx",
        sheet(*GOOD),
        {"../../outside.txt": b"planted", "/absolute.txt": b"planted"},
    )
    before = everything(tmp_path.parent)
    assert table_files.read_sheets(file)[0].rows == [["Mã"], ["X01"]]
    their_content.read_list(file)
    assert everything(tmp_path.parent) == before
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    with zipfile.ZipFile(file) as packed:  # the weak way, by the names as they stand
        name = "../../outside.txt"
        (inside / name).write_bytes(packed.read(name))
    assert (tmp_path / "outside.txt").read_bytes() == b"planted"


# XML -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "declaration",
    [
        LAUGHS,
        '<!DOCTYPE l [<!ENTITY j SYSTEM "{secret}">]>',
        '<!DOCTYPE l SYSTEM "{secret}">',
    ],
)
def test_declarations_in_a_signed_xml_are_refused(tmp_path, declaration) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("bí mật", encoding="utf-8")
    document = f"<?xml version='1.0'?>{declaration}<l>&j;</l>".replace(
        "{secret}", secret.as_uri()
    ).encode()
    with pytest.raises(StationError):
        xml._parse(document)
    assert xml.check_xml(document, []).reason


# Formulas --------------------------------------------------------------------------------------

FORMULAS = [
    '=HYPERLINK("http://127.0.0.1/","x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "  =1",
    "|calc",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_text(text) -> None:
    for made in (
        audit_workbook.harmless(text),
        evidence.harmless(text),
        refused_file._harmless(text),
    ):
        assert made.startswith("'")
    assert evidence.harmless("Trạm Y tế xã Mẫu") == "Trạm Y tế xã Mẫu"


def test_the_list_of_outages_runs_no_formula(monkeypatch) -> None:
    class Said:
        facts = (("Trạm", FORMULAS[0]),)
        titles = ("Từ", "Đến")
        lines = ((FORMULAS[1], FORMULAS[3]),)

    def cells():
        text = evidence.as_csv(Said()).decode("utf-8-sig")
        return [cell for row in csv.reader(io.StringIO(text)) for cell in row]

    assert not [cell for cell in cells() if cell.lstrip()[:1] in "=+-@" and cell]
    monkeypatch.setattr(evidence, "harmless", lambda text: text)
    assert FORMULAS[0] in cells()


# Codes -----------------------------------------------------------------------------------------

_CARD = "001090000001|123456789|{name}|01021990|Nam|Thôn Mẫu, Xã Mẫu|01012022"


@pytest.mark.parametrize(
    "name",
    [
        "Nguyễn\u202eVăn Mẫu",
        "Nguyễn\x00Văn\x07 Mẫu",
        "Nguyễn\u2066Văn\u2069 Mẫu",
        "Nguyễn Văn\x1b[31m Mẫu",
        "Nguyễn\ufeffVăn Mẫu",
    ],
)
def test_a_card_with_hidden_letters_gives_a_name_without_them(name) -> None:
    found = parse_scan(_CARD.format(name=name))
    if isinstance(found, CitizenCardScan):
        assert clean(found.full_name) == found.full_name
        assert not any(ord(letter) < 32 for letter in found.full_name)


@pytest.mark.parametrize(
    "code",
    [
        "<script>alert(1)</script>",
        "'; DROP TABLE patient; --",
        "%' OR '1'='1",
        "SEMR1:" + "A" * 100_000,
        "0" * 1_000_000,
        "|" * 100_000,
        "\u202e" * 5_000,
        "\x00" * 5_000,
        "$" * 60_000,
    ],
)
def test_a_hostile_code_is_foreign_at_once(code) -> None:
    found = parse_scan(code)
    assert not isinstance(found, CitizenCardScan)


def test_a_card_of_bars_gives_no_name_and_little_else() -> None:
    found = parse_scan("001090000001" + "|" * 50_000)
    assert isinstance(found, CitizenCardScan)
    assert found.full_name == ""
    assert len(found.extra) < 5_000


# Search ----------------------------------------------------------------------------------------

SYNTAX = [
    "%",
    "_",
    "*",
    '"',
    '""',
    '" OR "',
    "words:*",
    "NEAR(a b)",
    "NOT a",
    "a AND b OR NOT c",
    "^a",
    "-a",
    "a*b*c",
    "{a b}: c",
    "' OR 1=1 --",
    "'; DROP TABLE patient; --",
    "\x00",
    "(((((((",
    "a" * 5_000,
    "a " * 2_000,
    "\u202e",
]


def test_words_of_the_search_language_find_nobody_and_break_nothing(station) -> None:
    person = station.register()
    services, doctor = station.services, station.doctor
    for typed in SYNTAX:
        found = services.patients.search(doctor, typed, 20)
        assert typed not in {"%", "_", "*", '"', "words:*"} or not found
        assert services.patients.by_number(doctor, typed) == ()
    assert services.patients.search(doctor, person.full_name, 5)[0].id == person.id


def test_the_search_box_would_break_if_words_went_in_as_they_are(station) -> None:
    station.register()
    statement = "SELECT rowid FROM patient_search WHERE patient_search MATCH '{}'"
    with (
        pytest.raises(Exception, match=r"syntax error|no such column|unterminated"),
        station.store.read() as work,
    ):
        work._connection.exec_driver_sql(statement.format('" OR ('))


# Drafts ----------------------------------------------------------------------------------------


def test_a_second_person_does_not_read_what_the_first_typed(station, monkeypatch) -> None:
    forms = station.services.drafts
    forms.keep(station.doctor, "registration", "điều chỉ bác sĩ gõ")
    assert forms.find(station.nurse, "registration") is None
    sly = f"{station.doctor.user.id}:registration"
    assert forms.find(station.nurse, sly) is None
    assert forms.find(station.nurse, f"../{sly}") is None
    monkeypatch.setattr(drafts, "_key", lambda _actor, key: key)
    found = forms.find(station.nurse, sly)
    assert found is not None
    assert found.content == "điều chỉ bác sĩ gõ"


def test_packed_bytes_are_cut_off_at_their_bound() -> None:
    """A packed message is never unpacked first and measured afterwards."""
    bomb = gzip.compress(bytes(20_000_000))
    with pytest.raises(Garbled):
        unpack(bomb, "gzip", largest=100_000)
    assert len(gzip.decompress(bomb)) == 20_000_000  # the weak way: all of it is there

"""Files that want to be written elsewhere, and papers that would stop the program, twice: nothing comes of them,
and what they were made for happens where exactly their guard is gone.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from station_emr.catalogs import table_files
from station_emr.domain import pdf_bounds
from station_emr.domain.errors import UserError
from station_emr.interop.bhyt.rows import record_claim
from station_emr.printing.documents import PdfDocuments
from station_emr.security import restore_files
from station_emr.services import claims, prints
from station_emr.ui.kit import paper as pictures
from station_emr.ui.screens.sync import evidence
from tests.interop.bhyt.claim_visits import outpatient
from tests.printing.samples import MARK, PRESCRIPTION, REFERRAL, STATION
from tests.security.test_attacks_inputs import GOOD, sheet, workbook
from tests.security.test_attacks_pdf import BOMBS

LEADING = "../../ngoai"


def outside(root: Path, folder: Path) -> dict[str, bytes]:
    """Every file that does not lie in ``folder``, with what it holds."""
    top = root.parent
    return {
        path.relative_to(top).as_posix(): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file() and folder not in path.parents
    }


# Zip -------------------------------------------------------------------------------------------


def slips_out(root: Path) -> bool:
    """Whether reading a workbook whose parts are called ``../../…`` writes beside its folder."""
    folder = root / "a" / "b"
    folder.mkdir(parents=True)
    names = {"../../outside.txt": b"planted", "../beside.txt": b"planted"}
    file = workbook(folder / "slip.xlsx", sheet(*GOOD), names)
    before = outside(root, folder)
    assert table_files.read_sheets(file)[0].rows == [["Mã"], ["X01"]]
    return outside(root, folder) != before


def test_a_packed_file_writes_elsewhere_where_it_is_unpacked_to_the_disk(
    tmp_path, monkeypatch
) -> None:
    """The guard is that nothing is unpacked to the disk; a build that does, does it by these names."""
    assert not slips_out(tmp_path / "released")
    folder = tmp_path / "weak" / "a" / "b"

    def unpacked(content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for part in packed.infolist():
                target = folder / part.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(packed.read(part))

    monkeypatch.setattr(table_files, "check_workbook", unpacked)
    assert slips_out(tmp_path / "weak")


# Names in what was brought or begun ------------------------------------------------------------


def restore_leads_out(root: Path, kept: str, present: list[str]) -> bool:
    """Whether an exchange that somebody planted in the data folder touches what lies outside of it."""
    folder = root / "data"
    staging = folder / restore_files.STAGING
    staging.mkdir(parents=True)
    (root / "outside.txt").write_bytes(b"of somebody else")
    (folder / "inner.txt").write_bytes(b"inside")
    (staging / "station.db").write_bytes(b"new")
    (staging / "keyslots.json").write_bytes(b"{}")
    (staging / restore_files.READY).write_text(json.dumps({"kept": kept, "present": present}))
    before = outside(root, folder)
    assert restore_files.finish(folder, "station.db")
    return outside(root, folder) != before


@pytest.mark.parametrize(
    ("kept", "present"),
    [
        ("kept", ["../outside.txt"]),
        ("../../kept", ["inner.txt"]),
        ("..", ["inner.txt"]),
        ("../aside", ["inner.txt"]),
    ],
)
def test_a_planted_restore_leads_out_where_names_are_taken_as_they_stand(
    tmp_path, monkeypatch, kept: str, present: list[str]
) -> None:
    assert not restore_leads_out(tmp_path / "x" / "released", kept, present)
    monkeypatch.setattr(restore_files, "_own_name", lambda text: text)
    assert restore_leads_out(tmp_path / "y" / "weak", kept, present)


def of_prescription() -> str:
    return prints._file_name(replace(PRESCRIPTION, code=f"x/{LEADING}"))


def of_letter() -> str:
    return prints._file_name(replace(REFERRAL, number=f"x/../{LEADING}\\.."))


def of_claim() -> str:
    claim = record_claim(outpatient())
    return claims.file_name(replace(claim, facility_code=f"x/{LEADING}/"))


def of_outages() -> str:
    station = replace(STATION, code=f"x/{LEADING}")
    now = MARK.printed_at
    return evidence.Evidence(station=station, outages=(), first=None, now=now).file_name


@pytest.mark.parametrize(
    ("module", "name"),
    [(prints, of_prescription), (prints, of_letter), (claims, of_claim), (evidence, of_outages)],
)
def test_a_number_in_a_record_leads_out_where_it_is_a_file_name_as_it_stands(
    tmp_path, monkeypatch, module, name: Callable[[], str]
) -> None:
    """The record may come from another PC of the station; the program writes files that bear its number."""
    folder = (tmp_path / "out").resolve()
    assert (folder / name()).resolve().parent == folder
    assert "\\" not in name()
    monkeypatch.setattr(module, "file_part", lambda text: text)
    assert (folder / name()).resolve().parent != folder


# Papers ----------------------------------------------------------------------------------------


def reaches_the_library(pdf: bytes) -> bool:
    """Whether the library that draws is given the file at all. Nothing is drawn here."""
    try:
        pictures._open(pdf)
    except UserError:
        return False
    return True


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_paper_that_would_stop_the_program_is_opened_where_nobody_looks_first(
    qapp, monkeypatch, bomb: str
) -> None:
    monkeypatch.setattr(pdf_bounds, "LARGEST", 1 << 20)
    made = BOMBS[bomb](2)
    assert not reaches_the_library(made)
    monkeypatch.setattr(pictures, "refuse_hostile", lambda _pdf: None)
    assert reaches_the_library(made)


def test_our_own_paper_is_opened_all_the_same(qapp) -> None:
    assert reaches_the_library(PdfDocuments().referral(REFERRAL, MARK))

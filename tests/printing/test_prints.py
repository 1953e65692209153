"""What is true of every print: its foot, its marks, its bytes, its letters."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.printing.documents import PdfDocuments
from station_emr.printing.fonts import BOLD, ITALIC, REGULAR
from station_emr.printing.shaping import pieces
from station_emr.services.ports import PrintMark
from tests.printing import pdf
from tests.printing.samples import (
    APPOINTMENT,
    MARK,
    PATIENT,
    PRESCRIPTION,
    REFERRAL,
    SIGNED,
    STATION,
)

PDF = PdfDocuments()
PRINTS: dict[str, Callable[[PrintMark], bytes]] = {
    "referral": lambda mark: PDF.referral(REFERRAL, mark),
    "prescription": lambda mark: PDF.prescription(PRESCRIPTION, mark),
    "appointment": lambda mark: PDF.appointment(APPOINTMENT, mark),
}
every_print = pytest.mark.parametrize("print_form", PRINTS.values(), ids=PRINTS.keys())


@pdf.needs_poppler
@every_print
def test_every_page_says_what_a_print_of_an_electronic_record_must(
    print_form: Callable[[PrintMark], bytes],
) -> None:
    for page in pdf.pages(print_form(MARK)):
        foot = pdf.words(page[page.index("BẢN GIẤY") :])
        assert "BẢN GIẤY CHUYỂN TỪ BẢN ĐIỆN TỬ" in foot
        assert "Hệ thống: Station EMR" in foot
        assert "Chủ quản: Trạm Y tế xã Mẫu." in foot
        assert "Mã tra cứu: " in foot
        assert "phiên bản 1." in foot
        assert "Người chuyển đổi: Bác sĩ Nguyễn Thị Hoa Mẫu, lúc 08:50:00 ngày 22/11/2026." in foot
        assert "Bản in lại" not in foot


@pdf.needs_poppler
@every_print
def test_a_reprint_says_so_on_every_page(print_form: Callable[[PrintMark], bytes]) -> None:
    for page in pdf.pages(print_form(replace(MARK, copy=3))):
        assert "Bản in lại (lần 3)" in page


@pdf.needs_poppler
@every_print
@pytest.mark.parametrize(
    ("marks", "words"),
    [({"draft": True}, "BẢN NHÁP – chưa có giá trị"), ({"voided": True}, "ĐÃ HỦY")],
)
def test_drafts_and_voided_papers_are_marked_across(
    print_form: Callable[[PrintMark], bytes],
    marks: dict[str, bool],
    words: str,
    tmp_path: Path,
) -> None:
    marked = replace(MARK, **marks)  # type: ignore[arg-type]
    (tmp_path / "marked.pdf").write_bytes(print_form(marked))
    raw = subprocess.run(
        ["pdftotext", "-raw", str(tmp_path / "marked.pdf"), "-"], capture_output=True, check=True
    ).stdout.decode()
    letters = "".join(words.split())
    pages = raw.split("\f")[:-1]

    assert all(letters in "".join(page.split()) for page in pages)
    assert letters not in "".join(pdf.text(print_form(MARK)).split())


@every_print
def test_the_same_paper_has_the_same_bytes(print_form: Callable[[PrintMark], bytes]) -> None:
    first = print_form(MARK)

    assert print_form(MARK) == first
    assert print_form(replace(MARK, printed_at=MARK.printed_at + timedelta(seconds=1))) != first


def test_another_process_makes_the_same_bytes() -> None:
    """Nothing that was printed before may show in a paper: its hash is kept in the print log."""
    PDF.prescription(replace(PRESCRIPTION, advice="Ơ̆ ≥ ☑ 漢 x̌"), MARK)
    code = (
        "import hashlib\n"
        "from tests.printing.test_prints import PRINTS\n"
        "from tests.printing.samples import MARK\n"
        "print(*(hashlib.sha256(make(MARK)).hexdigest() for make in PRINTS.values()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == [
        hashlib.sha256(make(MARK)).hexdigest() for make in PRINTS.values()
    ]


def test_threads_do_not_mix_their_papers() -> None:
    alone = {name: make(MARK) for name, make in PRINTS.items()}
    with ThreadPoolExecutor(4) as pool:
        jobs = [(name, pool.submit(make, MARK)) for _ in range(4) for name, make in PRINTS.items()]

    assert all(job.result() == alone[name] for name, job in jobs)


@pdf.needs_poppler
@every_print
def test_the_properties_of_the_file_name_no_person(
    print_form: Callable[[PrintMark], bytes], tmp_path: Path
) -> None:
    (tmp_path / "in.pdf").write_bytes(print_form(MARK))
    about = subprocess.run(
        ["pdfinfo", str(tmp_path / "in.pdf")], capture_output=True, check=True
    ).stdout.decode()

    assert "Title:" in about
    assert "Rơ Châm" not in about
    assert "H'B" not in about
    assert "Bác sĩ" not in about


@pdf.needs_poppler
@pytest.mark.parametrize(
    "name", ["Kpă Ê̆ Ơ̆ Ư̆ ê̆ ơ̆ ư̆", "ĕ ŏ ŭ ƀ Ĕ Ŏ Ŭ Ƀ", "H’Ngŭn Ayŭn Mlô", "Đinh Hrê̆"]
)
def test_letters_of_gia_rai_and_ba_na_are_printed(name: str) -> None:
    letter = replace(REFERRAL, patient=replace(PATIENT, full_name=name))
    decomposed = replace(letter, patient=replace(PATIENT, full_name=_decomposed(name)))

    data = PDF.referral(letter, MARK)

    assert f"Họ và tên người bệnh: {name}" in pdf.text(data)
    assert PDF.referral(decomposed, MARK) == data


@pytest.mark.parametrize("name", [REGULAR, BOLD, ITALIC])
def test_a_mark_without_its_own_letter_stands_on_its_letter(name: str) -> None:
    """Shaped: the mark takes no room of its own, so nothing after it is pushed away."""
    (shaped,) = pieces("Ơ̆n", name, 12)
    (plain,) = pieces("Ơn", name, 12)

    assert shaped.shaped
    assert not plain.shaped
    assert shaped.width == pytest.approx(plain.width, abs=0.1)


def _decomposed(text: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFD", text)


@pdf.needs_poppler
def test_the_recovery_sheet_shows_the_code_and_no_patient(tmp_path: Path) -> None:
    data = PDF.recovery_sheet(STATION.name, "K7QF3M2XW9TA5HRDB8NC4VJE", SIGNED)
    text = pdf.text(data)

    assert "K7QF 3M2X W9TA 5HRD B8NC 4VJE" in text
    assert "phong bì" in text
    assert "Giám đốc trạm" in text
    (tmp_path / "in.pdf").write_bytes(data)
    about = subprocess.run(
        ["pdfinfo", str(tmp_path / "in.pdf")], capture_output=True, check=True
    ).stdout.decode()
    assert "K7QF" not in about
    assert PDF.recovery_sheet(STATION.name, "K7QF3M2XW9TA5HRDB8NC4VJE", SIGNED) == data


@pdf.needs_poppler
def test_the_recovery_sheet_is_one_page_with_a_code_that_types_itself(tmp_path: Path) -> None:
    import zxingcpp
    from PIL import Image

    code = "A885-WY96-4DC9-2BTG-6BNP-X899"
    (tmp_path / "in.pdf").write_bytes(PDF.recovery_sheet(STATION.name, code, SIGNED))
    subprocess.run(
        ["pdftoppm", "-r", "150", "-png", str(tmp_path / "in.pdf"), str(tmp_path / "page")],
        check=True,
    )
    (page,) = tmp_path.glob("page*.png")
    assert [found.text for found in zxingcpp.read_barcodes(Image.open(page))] == [code]


ODD = st.text(
    alphabet=st.characters(exclude_categories=()),
    max_size=200,
)
LONG_WORD = st.integers(1, 200).map(lambda count: "Ơ̆x" * count)


@settings(max_examples=25)
@given(text=ODD | LONG_WORD, other=ODD)
def test_no_text_breaks_a_form(text: str, other: str) -> None:
    person = replace(PATIENT, full_name=text, address=other, workplace=text, guardian_name=other)
    station = replace(STATION, name=other, parent_authority=text)
    mark = replace(MARK, printed_by=text)
    line = replace(PRESCRIPTION.lines[0], label=text, unit=other, instruction=text)
    referral = replace(
        REFERRAL, clinical_signs=text, plan=other, number=text[:40], patient=person, station=station
    )
    prescription = replace(
        PRESCRIPTION, lines=(line,), advice=other, patient=person, station=station
    )

    assert PDF.referral(referral, mark).startswith(b"%PDF")
    assert PDF.prescription(prescription, mark).startswith(b"%PDF")
    assert PDF.appointment(replace(APPOINTMENT, patient=person, note=text), mark).startswith(
        b"%PDF"
    )
    assert PDF.recovery_sheet(other, text, SIGNED).startswith(b"%PDF")

"""Which version a paper shows stands on every page of every form, also of reprints and old ones."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from station_emr.domain.record import RecordKind
from station_emr.printing.documents import PdfDocuments
from station_emr.printing.signature_stamp import PdfStamps
from station_emr.services.paper_ports import PrintMark
from station_emr.services.prints import PRINTABLE
from tests.printing import pdf
from tests.printing.samples import APPOINTMENT, MARK, PRESCRIPTION, REFERRAL
from tests.printing.test_bill_form import BILL
from tests.printing.test_certificate_form import CERTIFICATE
from tests.printing.test_template_forms import NOTICE

PDF = PdfDocuments()
CONTENT = {
    RecordKind.REFERRAL: REFERRAL,
    RecordKind.PRESCRIPTION: PRESCRIPTION,
    RecordKind.APPOINTMENT: APPOINTMENT,
    RecordKind.BILL: BILL,
    RecordKind.CERTIFICATE: CERTIFICATE,
    RecordKind.NOTIFICATION: NOTICE,
}
FORMS: dict[RecordKind, Callable[[PrintMark], bytes]] = {
    RecordKind.REFERRAL: lambda mark: PDF.referral(REFERRAL, mark),
    RecordKind.PRESCRIPTION: lambda mark: PDF.prescription(PRESCRIPTION, mark),
    RecordKind.APPOINTMENT: lambda mark: PDF.appointment(APPOINTMENT, mark),
    RecordKind.BILL: lambda mark: PDF.bill(BILL, mark),
    RecordKind.CERTIFICATE: lambda mark: PDF.certificate(CERTIFICATE, mark),
    RecordKind.NOTIFICATION: lambda mark: PDF.notification(NOTICE, mark),
}
every_form = pytest.mark.parametrize("kind", FORMS)


def test_no_printable_form_is_left_out() -> None:
    assert set(FORMS) == set(PRINTABLE)


@pdf.needs_poppler
@every_form
@pytest.mark.parametrize(
    "marks", [{"version": 3}, {"version": 3, "copy": 4}, {"version": 3, "voided": True}]
)
def test_every_page_names_the_version_the_code_the_system_and_the_time(
    kind: RecordKind, marks: dict[str, int]
) -> None:
    for page in pdf.pages(FORMS[kind](replace(MARK, **marks))):  # type: ignore[arg-type]
        foot = pdf.words(page[page.index("BẢN GIẤY") :])
        assert "phiên bản 3." in foot
        assert "Mã tra cứu: " in foot
        assert "Hệ thống: " in foot
        assert f"lúc {MARK.printed_at:%H:%M:%S} ngày {MARK.printed_at:%d/%m/%Y}" in foot
        assert ("Bản in lại (lần 4)" in foot) is ("copy" in marks)


@pdf.needs_poppler
@every_form
def test_a_file_that_is_signed_names_its_version_too(kind: RecordKind) -> None:
    made = PdfStamps(PDF).form(kind, CONTENT[kind], MARK.printed_at, 2)
    for page in pdf.pages(made):
        assert "phiên bản 2." in pdf.words(page)


@pdf.needs_poppler
@every_form
def test_an_earlier_version_is_marked_across(kind: RecordKind, tmp_path: Path) -> None:
    (tmp_path / "old.pdf").write_bytes(FORMS[kind](replace(MARK, outdated=True)))
    raw = subprocess.run(
        ["pdftotext", "-raw", str(tmp_path / "old.pdf"), "-"], capture_output=True, check=True
    ).stdout.decode()
    assert "BẢNCŨ–đãcóbảnthay" in "".join(raw.split())  # one letter a line: it lies across

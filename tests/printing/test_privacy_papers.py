"""What the forms of privacy say, and what they never say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.domain.consent import PURPOSES, Consent, ConsentForm, ConsentGiver
from station_emr.domain.encounter import Procedure, ProgressNote
from station_emr.domain.privacy_request import (
    Asker,
    DataBreach,
    PrivacyRequest,
    RequestKind,
)
from station_emr.printing.privacy_papers import PdfPrivacyPapers
from station_emr.services.ports import PrintMark
from station_emr.services.privacy_ports import RecordSummary, SummaryVisit
from tests.interop import fhir_records as sample
from tests.printing.pdf import text

MARK = PrintMark(printed_at=sample.AT, printed_by="BS. Mẫu", copy=1)
PAPERS = PdfPrivacyPapers()
CONSENT = Consent(
    id="c",
    patient_id=sample.PATIENT_ID,
    purpose="contact-phone",
    giver=ConsentGiver.BOTH,
    form=ConsentForm.PAPER,
    given_at=sample.AT,
)
REQUEST = PrivacyRequest(
    id="r",
    patient_id=sample.PATIENT_ID,
    kind=RequestKind.SUMMARY,
    asker=Asker.PATIENT,
    received_at=sample.AT,
    number="YC-MẪU-1",
    asker_name="Người Mẫu",
)


def words(pdf: bytes) -> str:
    return " ".join(text(pdf).split())


def test_no_purpose_is_ticked_on_the_paper() -> None:
    said = words(PAPERS.consent_form(sample.STATION, sample.PATIENT, CONSENT, MARK))
    assert all(one.label in said for one in PURPOSES)
    assert said.count("☐") == len(PURPOSES)
    assert "☒" not in said
    assert "NGƯỜI BỆNH VÀ NGƯỜI ĐẠI DIỆN" in said
    assert "BẢN GIẤY CHUYỂN TỪ BẢN ĐIỆN TỬ" in said


def test_the_request_says_who_asks_for_what_until_when() -> None:
    said = words(PAPERS.request_form(sample.STATION, sample.PATIENT, REQUEST, MARK))
    assert "Mẫu số 04" in said
    assert said.count("☒") == 2
    assert "24/11/2026, 30/11/2026" in said
    blank = words(PAPERS.request_form(sample.STATION, sample.PATIENT, None, MARK))
    assert "☒" not in blank


@pytest.mark.parametrize("left_out", [0, 3])
def test_the_summary_never_says_whether_something_is_restricted(left_out: int) -> None:
    visit = SummaryVisit(encounter=sample.ENCOUNTER, prescription=sample.PRESCRIPTION)
    summary = RecordSummary(
        station=sample.STATION,
        patient=sample.PATIENT,
        visits=(visit,),
        left_out=left_out,
        request=REQUEST,
    )
    said = words(PAPERS.summary(summary, MARK))
    assert sample.ENCOUNTER.diagnoses[0].icd_code in said
    assert "nếu có" in said
    assert f"{left_out} lượt" not in said
    assert said == words(PAPERS.summary(replace(summary, left_out=0), MARK))
    assert "nếu có" not in words(PAPERS.summary(replace(summary, whole=True), MARK))


def test_the_summary_says_what_was_found_done_and_how_it_ended() -> None:
    encounter = replace(
        sample.ENCOUNTER,
        ended_at=sample.ENCOUNTER.arrived_at + timedelta(days=2),
        preliminary_diagnosis="Theo dõi viêm phổi mẫu",
        procedures=(
            Procedure(code="X1", name="Test nhanh mẫu", is_test=True, result="Âm tính", unit="lần"),
            Procedure(code="T1", name="Khí dung mẫu"),
        ),
        progress=(ProgressNote(at=sample.AT, text="Đỡ khó thở"),),
    )
    card = sample.PATIENT.coverage_on(sample.AT.date())
    visit = SummaryVisit(encounter=encounter, result="Đỡ")
    summary = RecordSummary(station=sample.STATION, patient=sample.PATIENT, visits=(visit,))
    said = words(PAPERS.summary(summary, MARK))
    for one in (
        "Chẩn đoán lúc vào: Theo dõi viêm phổi mẫu",
        "Kết quả xét nghiệm, cận lâm sàng: Test nhanh mẫu: Âm tính lần",
        "Thủ thuật: Khí dung mẫu",
        f"{sample.AT:%H:%M %d/%m}: Đỡ khó thở",
        "Tình trạng khi kết thúc: Đỡ",
        f"đến {encounter.ended_at:%d/%m/%Y}, số khám",
        f"Số thẻ bảo hiểm y tế: {card.number}",
    ):
        assert one in said, one


def test_the_report_of_a_leak_carries_its_clock() -> None:
    breach = DataBreach(id="b", noticed_at=sample.AT, number="SC-MẪU-1", what="Mất máy")
    said = words(PAPERS.breach_report(sample.STATION, breach, sample.AT, MARK))
    assert "còn 72 giờ" in said
    late = sample.AT + timedelta(hours=75)
    assert "đã quá hạn" in words(PAPERS.breach_report(sample.STATION, breach, late, MARK))

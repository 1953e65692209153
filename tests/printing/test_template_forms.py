"""Forms whose labels are data, the notice of a disease, and the gallery of all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from station_emr.demo.form_gallery import GALLERY, gallery_form, make_forms
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Encounter, Procedure
from station_emr.domain.errors import UserError
from station_emr.domain.notification import (
    CaseClass,
    CaseState,
    CommunicableDiseaseNotification,
    ReportWay,
    SpecimenResult,
    YesNo,
)
from station_emr.domain.vitals import VitalSigns
from station_emr.printing.documents import PdfDocuments
from station_emr.printing.visit_forms import VALUES, PdfTemplateForms
from station_emr.services.form_data import TEMPLATES, form_template
from station_emr.services.form_ports import VisitDossier
from tests.printing import samples
from tests.printing.pdf import in_order, needs_poppler, pages, text, words
from tests.security.stations import cheap_passwords

FORMS = PdfTemplateForms()
VISIT = Encounter(
    id=samples.RECORD_ID,
    patient_id="p1",
    number="A1.000127",
    arrived_at=samples.SIGNED,
    ended_at=samples.SIGNED + timedelta(minutes=20),
    reason="Ho, sốt",
    history="Bệnh sử mẫu",
    past_history="Tiền sử mẫu",
    vitals=(VitalSigns(pulse=80, systolic=120, diastolic=70),),
    examination="Khám mẫu",
    preliminary_diagnosis="Chẩn đoán ban đầu mẫu",
    diagnoses=(
        Diagnosis(icd_code="J20.9", title="Viêm phế quản cấp", role=DiagnosisRole.MAIN),
        Diagnosis(icd_code="I10", title="Tăng huyết áp"),
    ),
    procedures=(
        Procedure(code="T", name="Test mẫu", is_test=True, result="Âm tính"),
        Procedure(code="P", name="Thủ thuật mẫu"),
    ),
    treatment="Xử trí mẫu",
    advice="Dặn dò mẫu",
    practitioner=samples.DOCTOR,
    signature=samples.SIGNATURE,
)
DOSSIER = VisitDossier(
    station=samples.STATION,
    patient=samples.PATIENT,
    encounter=VISIT,
    result="Đỡ",
    transport="Xe cứu thương",
    head_name="BS. Giám Đốc Mẫu",
)
NOTICE = CommunicableDiseaseNotification(
    id=samples.RECORD_ID,
    patient_id="p1",
    encounter_id="e1",
    number="A1-0003/2026/BTN",
    disease_name="Sởi",
    icd_code="B05.9",
    icd_title="Sởi không biến chứng",
    detected_at=samples.SIGNED,
    onset_on=date(2026, 11, 19),
    case_class=CaseClass.SUSPECTED,
    state=CaseState.OUTPATIENT,
    phone="0900000001",
    home_address="Làng Mẫu",
    onset_address="Trường học Mẫu",
    vaccinated=YesNo.UNKNOWN,
    test_result=SpecimenResult.PENDING,
    reported_at=samples.SIGNED + timedelta(hours=1),
    reported_way=ReportWay.PHONE,
    reported_to="Cơ quan nhận báo (mẫu)",
    station=samples.STATION,
    patient=samples.PATIENT,
    practitioner=samples.DOCTOR,
    signature=samples.SIGNATURE,
)
pytestmark = needs_poppler


def form(name: str, dossier: VisitDossier = DOSSIER) -> bytes:
    return FORMS.visit_form(form_template(name), dossier, samples.MARK)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_label_of_the_data_stands_on_paper_in_its_order(name: str) -> None:
    template = form_template(name)
    wanted = [template.number, template.title, template.subtitle]
    for section in template.sections:
        wanted.append(section.title)
        wanted += [row.label for row in section.rows if row.label]
    wanted += list(template.fill)
    # What is side by side on a line comes in the order of the line, so halves are read loosely.
    said = text(form(name))
    assert [one for one in wanted if one not in said] == []
    titles = [section.title for section in template.sections]
    assert in_order(said, [template.number, template.title, *titles]) is None
    assert len(pages(form(name))) == 1


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_value_of_the_data_is_known(name: str) -> None:
    named = {row.value for section in form_template(name).sections for row in section.rows}
    assert named <= set(VALUES)


def test_the_record_of_the_commune_level_says_what_the_visit_says() -> None:
    said = text(form("record-17-bv1"))
    assert (
        in_order(
            said,
            [
                "Họ và tên: Rơ Châm H'Bĕ̆ Mẫu",
                "II. LÝ DO ĐẾN KHÁM Ho, sốt",
                "III. BỆNH SỬ Bệnh sử mẫu",
                "Bệnh đã mắc: Tiền sử mẫu",
                "Dị ứng: Penicillin",
                "Mạch: 80 lần/phút",
                "Huyết áp: 120/70 mmHg",
                "Khám lâm sàng: Khám mẫu",
                "Test mẫu: Âm tính",
                "Bệnh chính: J20.9 Viêm phế quản cấp",
                "Bệnh kèm theo: I10 Tăng huyết áp",
                "Điều trị tại chỗ: Xử trí mẫu",
                "Thủ thuật: Thủ thuật mẫu",
                "Dặn dò: Dặn dò mẫu",
                "Kết quả: Đỡ",
                "NGƯỜI KHÁM BỆNH",
                "Bác sĩ Nguyễn Thị Hoa Mẫu",
                "chờ đối chiếu mẫu 17/BV1",
            ],
        )
        is None
    )


def test_the_outpatient_record_names_both_who_sign() -> None:
    said = text(form("record-15-bv1"))
    assert (
        in_order(said, ["Chẩn đoán ban đầu: Chẩn đoán ban đầu mẫu", "Bác sĩ Giám Đốc Mẫu"]) is None
    )


def test_the_consent_is_ticked_by_the_person_alone() -> None:
    said = text(form("transfer-consent"))
    assert said.count("☐") == 2
    assert "☒" not in said
    assert "Đã ký xác nhận" not in said  # who explains signs by hand


def test_long_texts_go_on_to_another_page() -> None:
    longer = replace(DOSSIER, encounter=replace(VISIT, examination="Khám rất dài. " * 400))
    found = pages(form("record-17-bv1", longer))
    assert len(found) > 1
    assert "NGƯỜI KHÁM BỆNH" in found[-1]


def test_the_notice_of_a_disease_line_by_line() -> None:
    pdf = PdfDocuments().notification(NOTICE, samples.MARK)
    assert len(pages(pdf)) == 1
    said = words(text(pdf))
    wanted = [
        "Số: A1-0003/2026/BTN",
        "PHIẾU BÁO CA BỆNH TRUYỀN NHIỄM",
        "(Hạn báo 24 giờ kể từ lúc phát hiện: trước 08:46 ngày 23/11/2026)",
        "I. Người bệnh",
        "1. Họ và tên: Rơ Châm H'Bĕ̆ Mẫu",
        "7. Điện thoại: 0900000001",
        "8. Nơi ở hiện nay: Làng Mẫu",
        "9. Nơi khởi phát: Trường học Mẫu",
        "II. Ca bệnh",
        "13. Bệnh cần báo: Sởi",
        "14. Chẩn đoán (ICD-10): B05.9 Sởi không biến chứng",
        "1. Có thể ☐ 2. Nghi ngờ (lâm sàng) ☒ 3. Xác định phòng xét nghiệm ☐",
        "17. Ngày khởi phát: 19/11/2026",
        "1. Đang điều trị ngoại trú ☒",
        "5. Nặng xin về ☐",
        "III. Xét nghiệm",
        "3. Chưa có kết quả ☒",
        "IV. Tiêm chủng, dịch tễ, xử lý",
        "1. Có ☐ 2. Không ☐ 3. Không rõ ☒",
        "V. Báo cấp trên",
        "28. Nơi nhận báo: Cơ quan nhận báo (mẫu)",
        "29. Báo lúc: 09:46 ngày 22/11/2026",
        "Bằng: Điện thoại",
        "NGƯỜI BÁO CÁO",
    ]
    assert in_order(said, wanted) is None


def test_every_form_of_the_gallery_is_printed_from_the_record() -> None:
    with cheap_passwords():
        made = make_forms()
    assert list(made) == [one.name for one in GALLERY]
    for name, pdf in made.items():
        said = text(pdf)
        assert "Mã tra cứu" in said, name
        assert "BẢN NHÁP" not in said, name
        assert "None" not in said, name
    said = text(made["giay-nghi-bhxh-cap-lai"])
    assert said.count("CẤP LẠI") == 2
    assert "Họ và tên mẹ: Nguyễn Thị Mẫu" in said


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(UserError, match="phieu-chuyen"):
        gallery_form("gi-do")

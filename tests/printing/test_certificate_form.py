"""The sick-leave certificate on paper, line by line against form 07 of TT 25/2025/TT-BYT."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from station_emr.domain.certificate import SickLeave
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.record import RecordKind
from station_emr.printing.certificate import compose
from station_emr.printing.documents import PdfDocuments
from station_emr.printing.signature_stamp import PdfStamps
from tests.printing import samples
from tests.printing.pdf import in_order, needs_poppler, pages, words

PDF = PdfDocuments()
CERTIFICATE = SickLeave(
    id=samples.RECORD_ID,
    patient_id="p1",
    encounter_id="e1",
    number="A1-0007/2026/KCB",
    serial="99D01A12600007",
    social_insurance_no="0000000001",
    identity_issued_on=date(2021, 5, 1),
    workplace="Công ty Mẫu",
    diagnoses=(
        Diagnosis(icd_code="I10", title="Tăng huyết áp"),
        Diagnosis(icd_code="J18.9", title="Viêm phổi", role=DiagnosisRole.MAIN),
    ),
    treatment="Nội khoa",
    days=5,
    first_day=date(2026, 11, 22),
    last_day=date(2026, 11, 26),
    head_name="BS. Giám Đốc Mẫu",
    issued_on=date(2026, 11, 22),
    visited_on=date(2026, 11, 22),
    station=samples.STATION,
    patient=samples.PATIENT,
    practitioner=samples.DOCTOR,
    signature=samples.SIGNATURE,
)
ORDER = [
    "Mẫu số: 07",
    "Số: A1-0007/2026/KCB",
    "Số seri: 99D01A12600007",
    "GIẤY CHỨNG NHẬN NGHỈ VIỆC HƯỞNG BẢO HIỂM XÃ HỘI",
    "(Chỉ áp dụng cho điều trị ngoại trú)",
    "I. Thông tin người bệnh",
    "Họ và tên: Rơ Châm H'Bĕ̆ Mẫu",
    "Ngày sinh: 05/03/1968",
    "Mã số BHXH/Số thẻ BHYT: 0000000001/DT2640000000001",
    "Số CCCD/CMND/Định danh công dân/Hộ chiếu: 064099100001",
    "Ngày cấp: 01/05/2021",
    "Giới tính: Nữ",
    "Đơn vị làm việc: Công ty Mẫu",
    "Ngày khám bệnh, chữa bệnh: 22/11/2026",
    "II. Chẩn đoán và phương pháp điều trị",
    "Chẩn đoán: J18.9 Viêm phổi; I10 Tăng huyết áp",
    "Phương pháp điều trị: Nội khoa",
    "Số ngày nghỉ: 05 ngày",
    "(Từ ngày 22 tháng 11 năm 2026 đến hết ngày 26 tháng 11 năm 2026)",
    "III. Thông tin cha, mẹ (chỉ áp dụng đối với trẻ em dưới 07 tuổi)",
    "Họ và tên cha:",
    "Họ và tên mẹ:",
    "Xã Mẫu, ngày 22 tháng 11 năm 2026",
    "Đại diện đơn vị",
    "Người hành nghề KB, CB",
    "(Ký ghi rõ họ tên, đóng dấu)",
    "(Ký, ghi rõ họ tên)",
    "Bác sĩ Giám Đốc Mẫu",
    "Bác sĩ Nguyễn Thị Hoa Mẫu",
]
SIGNER = "Bác sĩ Nguyễn Thị Hoa Mẫu"
pytestmark = needs_poppler


def printed(certificate: SickLeave = CERTIFICATE) -> list[str]:
    found = pages(PDF.certificate(certificate, samples.MARK))
    assert len(found) == 1
    return [line.strip() for line in found[0].splitlines() if line.strip()]


def test_every_line_stands_in_the_order_of_the_form() -> None:
    assert in_order(words(" ".join(printed())), ORDER) is None


def test_both_copies_say_the_same() -> None:
    lines = [words(line) for line in printed()]
    second = next(n for n, line in enumerate(lines[1:], 1) if "Mẫu số: 07" in line)
    foot = next(n for n, line in enumerate(lines) if "BẢN GIẤY CHUYỂN" in line)
    assert lines[:second] == lines[second:foot]
    assert words(" ".join(lines)).count("A1-0007/2026/KCB") == 3  # and the code to look up


def test_a_long_diagnosis_stays_in_its_half() -> None:
    many = tuple(replace(CERTIFICATE.diagnoses[0], note="rất dài " * 25) for _ in range(4))
    longer = replace(CERTIFICATE, diagnoses=many, pregnancy_ended=True, gestation_weeks=14)
    sheet = compose(longer, samples.MARK)
    assert len(sheet.pages) == 1
    lowest = min(run.y for run in sheet.pages[0].runs if run.text == SIGNER)
    assert lowest > sheet.format.bottom
    assert sheet.size < compose(CERTIFICATE, samples.MARK).size


def test_a_paper_issued_again_says_so_on_both_copies() -> None:
    text = words(" ".join(printed(replace(CERTIFICATE, reissue_of="A1-0001/2026/KCB"))))
    assert text.count("CẤP LẠI") == 2
    assert "CẤP LẠI" not in words(" ".join(printed()))


def test_a_pregnancy_that_ended_and_the_parents_are_told() -> None:
    told = replace(
        CERTIFICATE,
        pregnancy_ended=True,
        termination_cause="Sảy thai",
        gestation_weeks=14,
        father_name="Người Cha Mẫu",
        mother_name="Người Mẹ Mẫu",
    )
    text = words(" ".join(printed(told)))
    assert text.count("Đình chỉ thai nghén: Sảy thai, tuổi thai 14 tuần") == 2
    assert text.count("Họ và tên cha: Người Cha Mẫu") == 2
    assert text.count("Họ và tên mẹ: Người Mẹ Mẫu") == 2
    assert "Đình chỉ" not in words(" ".join(printed()))


def test_an_empty_draft_has_room_to_write() -> None:
    empty = SickLeave(id=samples.RECORD_ID, patient_id="p1", encounter_id="e1")
    found = PDF.certificate(empty, replace(samples.MARK, draft=True))
    (page,) = pages(found)
    assert words(page).count("Họ và tên:") == 2


def test_a_digital_signature_finds_its_place() -> None:
    stamp = PdfStamps(PDF).stamp(
        RecordKind.CERTIFICATE,
        CERTIFICATE,
        1,
        signer="Nguyễn Thị Hoa Mẫu",
        issuer="Nơi cấp mẫu",
        signed_at=samples.SIGNED,
    )
    assert stamp is not None
    assert stamp.page == 0

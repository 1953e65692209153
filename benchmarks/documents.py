"""Printed forms, warm: the referral letter with its code and reply slip, prescription, follow-up.

The peer of ``ratio`` is what drawing costs anyway: two pages of plain lines in the same typeface by
the same library, made in turn with the letters.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import count

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from benchmarks.machine import median, milliseconds, percentile, report
from station_emr.domain.appointment import Appointment
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, PatientSnapshot
from station_emr.domain.identity import BirthDate
from station_emr.domain.patient import Coverage
from station_emr.domain.prescription import Prescription, PrescriptionLine
from station_emr.domain.record import PractitionerSnapshot, Sex, Signature, StationProfile
from station_emr.domain.referral import PriorCare, Referral, ReferralReason
from station_emr.printing.documents import PdfDocuments
from station_emr.printing.fonts import BOLD, REGULAR
from station_emr.services.ports import PrintMark

AT = datetime(2026, 11, 22, 8, 46, tzinfo=timezone(timedelta(hours=7)))
RECORD_ID = "0193a5f0-7c1e-7abc-8def-00000000a127"
STATION = StationProfile(
    facility_id="f1",
    code="99D01",
    name="Trạm Y tế xã Mẫu",
    parent_authority="Ủy ban nhân dân xã Mẫu",
    commune_name="Xã Mẫu",
    address="Thôn 1, xã Mẫu, tỉnh Gia Lai",
    phone="0269 000 0001",
    demo=True,
)
DOCTOR = PractitionerSnapshot(user_id="u1", full_name="Nguyễn Thị Hoa Mẫu", title="BS.")
SIGNATURE = Signature(by=DOCTOR, at=AT)
PATIENT = PatientSnapshot(
    patient_id="p1",
    full_name="Rơ Châm H'Bĕ̆ Mẫu",
    birth=BirthDate(1968, 3, 5),
    sex=Sex.FEMALE,
    national_id="064099100001",
    address="Làng Ŏ Mẫu, xã Mẫu, tỉnh Gia Lai",
    ethnic_name="Gia Rai",
    nationality_name="Việt Nam",
    occupation_name="Nông dân",
    coverage=Coverage(number="DT2640000000001", valid_to=date(2026, 12, 31)),
)
DIAGNOSES = (
    Diagnosis(icd_code="I20.0", title="Đau thắt ngực không ổn định", role=DiagnosisRole.MAIN),
    Diagnosis(icd_code="I10", title="Tăng huyết áp vô căn (nguyên phát)"),
)
BODY = "B45 $%*+-./:XYZ0" * 55  # as long as the signed content of a letter may be
TOLD = (
    "Đau ngực trái từng cơn 3 ngày, lan vai trái, vã mồ hôi. Tỉnh, tiếp xúc tốt. Mạch 96 lần/phút, "
    "huyết áp 150/90 mmHg, nhiệt độ 36,8 °C. Tim đều, phổi thông khí rõ hai bên, không ran."
)
REFERRAL = Referral(
    id=RECORD_ID,
    patient_id="p1",
    encounter_id="e1",
    number="0127/2026-A1",
    record_number="000341",
    register_number="0127",
    to_facility_name="Bệnh viện đa khoa tỉnh (mẫu)",
    prior_care=(PriorCare(facility=STATION.name, level="Cấp ban đầu", start=AT.date()),),
    clinical_signs=TOLD,
    test_results="Troponin xét nghiệm nhanh: âm tính. Đường máu mao mạch: 6,8 mmol/L.",
    diagnoses=DIAGNOSES,
    procedures="Thở oxy qua gọng kính 3 lít/phút; đặt đường truyền tĩnh mạch.",
    procedures_start=AT,
    procedures_end=AT,
    treatment="Aspirin 81 mg x 4 viên nhai; Nitroglycerin xịt dưới lưỡi 1 nhát.",
    condition_on_transfer="Tỉnh, còn đau nhẹ; huyết áp 140/85 mmHg; mạch 90 lần/phút.",
    reason=ReferralReason.BEYOND_CAPACITY,
    plan="Làm điện tim, định lượng Troponin và chụp mạch vành nếu cần.",
    transfer_at=AT,
    transport="Xe cứu thương của trạm",
    escort="Trần Thị Mai Mẫu, điều dưỡng cao đẳng",
    letter_code=f"SEMR1:{BODY}.",
    station=STATION,
    patient=PATIENT,
    referrer=DOCTOR,
    signature=SIGNATURE,
)
PRESCRIPTION = Prescription(
    id=RECORD_ID,
    patient_id="p1",
    encounter_id="e1",
    code="99D01k3x9a2m-C",
    lines=tuple(
        PrescriptionLine(
            drug_code=str(number),
            inn="Mẫu",
            label=f"Thuốc mẫu {number} 10 mg",
            route_code="1.01",
            dose=Decimal(1),
            times_per_day=2,
            days=10,
            meal="sau ăn",
        )
        for number in range(1, 6)
    ),
    diagnoses=DIAGNOSES,
    advice="Ăn nhạt, đi bộ mỗi ngày 30 phút, đo huyết áp buổi sáng.",
    follow_up_on=date(2026, 12, 21),
    written_at=AT,
    station=STATION,
    patient=PATIENT,
    prescriber=DOCTOR,
    signature=SIGNATURE,
)
APPOINTMENT = Appointment(
    id=RECORD_ID,
    patient_id="p1",
    encounter_id="e1",
    number="0031",
    on=date(2026, 12, 21),
    visited_on=AT.date(),
    diagnoses=DIAGNOSES,
    station=STATION,
    patient=PATIENT,
    practitioner=DOCTOR,
    signature=SIGNATURE,
)
MARK = PrintMark(printed_at=AT, printed_by="Bác sĩ Nguyễn Thị Hoa Mẫu", copy=1)


def plain_text() -> bytes:
    """Two pages of the same typeface with nothing laid out: the floor of the library."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A4, invariant=1, pageCompression=1)
    for page in range(2):
        for row in range(38):
            canvas.setFont(BOLD if row % 10 == 0 else REGULAR, 13)
            canvas.drawString(85, 780 - 18.2 * row, TOLD[page + row : page + row + 85])
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def processor(make: Callable[[], bytes]) -> float:
    """Time of this process alone: what a busy machine does not change much."""
    started = time.process_time()
    make()
    return time.process_time() - started


def timed(make: Callable[[], bytes]) -> float:
    started = time.perf_counter()
    make()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    rounds: int = parser.parse_args().rounds
    documents = PdfDocuments()
    letters = (replace(REFERRAL, letter_code=f"SEMR1:{n:04d}{BODY}.") for n in count())
    makers: dict[str, Callable[[], bytes]] = {
        "referral": lambda: documents.referral(next(letters), MARK),
        "prescription": lambda: documents.prescription(PRESCRIPTION, MARK),
        "appointment": lambda: documents.appointment(APPOINTMENT, MARK),
        "plain": plain_text,
    }
    first = timed(makers["referral"])
    for make in makers.values():
        make()
    seconds: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):  # in turn, so that a busy moment of the machine falls on all of them
        for name, make in makers.items():
            seconds[name].append(timed(make))
    alone = [processor(makers["referral"]) for _ in range(rounds)]
    report(
        "documents",
        median_ms=milliseconds(median(seconds["referral"])),
        p95_ms=milliseconds(percentile(seconds["referral"], 95)),
        cpu_median_ms=milliseconds(median(alone)),
        prescription_median_ms=milliseconds(median(seconds["prescription"])),
        appointment_median_ms=milliseconds(median(seconds["appointment"])),
        first_ms=milliseconds(first),
        plain_median_ms=milliseconds(median(seconds["plain"])),
        ratio=round(median(seconds["referral"]) / median(seconds["plain"]), 2),
        rounds=rounds,
    )


if __name__ == "__main__":
    main()

"""A signed prescription as the national e-prescription system wants it (JSON of QĐ 808/QĐ-BYT).

The codes of sex are its own: 1 unknown, 2 male, 3 female; the insurance's tables count differently.
"""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any, Final

from station_emr.domain.birth import BirthDate, months_old
from station_emr.domain.encounter import PatientSnapshot
from station_emr.domain.errors import InvalidRecord, Problem
from station_emr.domain.prescription import (
    CHILD_MONTHS,
    Prescription,
    PrescriptionLine,
    is_prescription_code,
    quantity_text,
)
from station_emr.domain.record import Sex

_SEX: Final = {Sex.UNKNOWN: 1, Sex.MALE: 2, Sex.FEMALE: 3}
_WITH_PERIOD: Final = frozenset("hny")
_BRAND: Final = re.compile(r"\(([^()]+)\)")
_DAYS_OF_A_MONTH: Final = 30


def national_document(prescription: Prescription) -> bytes:
    """UTF-8 JSON. Raises InvalidRecord for what the system would refuse."""
    problems = _missing(prescription)
    patient, written = prescription.patient, prescription.written_at
    if problems or patient is None or written is None:
        raise InvalidRecord(problems)
    kind = prescription.code[-1].lower()
    document: dict[str, Any] = {
        "loai_don_thuoc": kind,
        "ma_don_thuoc": prescription.code,
        "ho_ten_benh_nhan": patient.full_name,
        "ma_dinh_danh_y_te": "",
        "ma_dinh_danh_cong_dan": patient.national_id,
        "ngay_sinh_benh_nhan": _birth(patient.birth),
        "can_nang": patient.weight_kg,
        "gioi_tinh": _SEX[patient.sex],
        "ma_so_the_bao_hiem_y_te": patient.coverage.number if patient.coverage else "",
        "thong_tin_nguoi_giam_ho": _guardian(patient, written.date()),
        "dia_chi": patient.address,
        "chan_doan": [
            {"ma_chan_doan": one.icd_code, "ten_chan_doan": one.title, "ket_luan": one.note}
            for one in prescription.diagnoses
        ],
        "luu_y": "",
        "thong_tin_don_thuoc": [_line(one) for one in prescription.lines],
        "loi_dan": prescription.advice,
        "so_dien_thoai_nguoi_kham_benh": patient.phone,
        "ngay_tai_kham": _days_until(prescription.follow_up_on, written.date()),
        "ngay_gio_ke_don": f"{written:%Y-%m-%d %H:%M:%S}",
        "signature": "",
    }
    if kind in _WITH_PERIOD:
        document["dot_dung_thuoc"] = _period(prescription.lines, written.date())
    return json.dumps(document, ensure_ascii=False).encode()


def _missing(prescription: Prescription) -> tuple[Problem, ...]:
    patient = prescription.patient
    wanted = (
        (
            is_prescription_code(prescription.code),
            "code",
            "Đơn chưa có mã đơn thuốc 14 ký tự. Hãy báo bộ phận hỗ trợ phần mềm.",
        ),
        (
            prescription.written_at is not None and patient is not None,
            "signature",
            "Đơn này chưa ký. Hãy ký đơn trong lượt khám.",
        ),
        (
            patient is not None and bool(patient.address.strip()),
            "address",
            "Thiếu nơi cư trú của người bệnh. Hãy ghi địa chỉ rồi kê đơn mới thay đơn này.",
        ),
        (
            bool(prescription.diagnoses),
            "diagnoses",
            "Đơn chưa có chẩn đoán. Hãy kê đơn mới thay đơn này.",
        ),
        (bool(prescription.lines), "lines", "Đơn chưa có thuốc nào."),
    )
    return tuple(
        Problem(field=field, code=f"{field}-required", message=message)
        for holds, field, message in wanted
        if not holds
    )


def _birth(birth: BirthDate) -> str:
    """d/m/Y is mandatory; a part that nobody knows is written 01."""
    return f"{birth.day or 1:02d}/{birth.month or 1:02d}/{birth.year:04d}"


def _guardian(patient: PatientSnapshot, day: date) -> str:
    small = months_old(patient.birth, day) < CHILD_MONTHS
    return patient.guardian_name if small else ""


def _line(line: PrescriptionLine) -> dict[str, str]:
    found = _BRAND.search(line.label)
    return {
        "ma_thuoc": line.drug_code,
        "biet_duoc": (found[1].strip() if found else "") or line.inn or line.label,
        "ten_thuoc": line.label,
        "don_vi_tinh": line.unit,
        "so_luong": quantity_text(line),
        "cach_dung": line.sentence,
    }


def _period(lines: tuple[PrescriptionLine, ...], start: date) -> dict[str, Any]:
    days = max((line.days for line in lines), default=1)
    return {
        "dot": 1,
        "tu_ngay": f"{start:%d/%m/%Y}",
        "den_ngay": f"{start + timedelta(days=days - 1):%d/%m/%Y}",
        "so_thang_thuoc": -(-days // _DAYS_OF_A_MONTH),
    }


def _days_until(day: date | None, start: date) -> str:
    return "" if day is None or day < start else str((day - start).days)

"""One visit: why the person came, what was found, what it is, what was done, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from .birth import BirthDate, months_old
from .catalog import IcdCode
from .errors import Problem
from .patient import Coverage
from .record import PractitionerSnapshot, Sex, Signature, StationProfile
from .vitals import SIGNS, VitalSigns, check_vitals

KEPT_KINDS = frozenset({"03", "04", "06", "09"})
"""MA_LOAI_KCB of people who stay: in-patient, day care, kept at the station, under four hours."""
MAX_SECONDARY = 12  # MA_BENH_KT of the insurance tables takes at most 12 codes (QĐ 4750)


class Stage(StrEnum):
    """Where the person stands in today's queue."""

    WAITING = "waiting"
    IN_PROGRESS = "in_progress"
    AWAITING_MEDICINE = "awaiting_medicine"
    FINISHED = "finished"

    @property
    def label(self) -> str:
        return {
            "waiting": "Chờ khám",
            "in_progress": "Đang khám",
            "awaiting_medicine": "Chờ thuốc",
            "finished": "Xong",
        }[self.value]


class Priority(StrEnum):
    ROUTINE = "routine"
    PRIORITY = "priority"  # trẻ dưới 6 tuổi, người trên 75, có thai, khuyết tật
    EMERGENCY = "emergency"

    @property
    def label(self) -> str:
        return {"routine": "Thường", "priority": "Ưu tiên", "emergency": "Cấp cứu"}[self.value]


class DiagnosisRole(StrEnum):
    MAIN = "main"
    SECONDARY = "secondary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A coded diagnosis. ``note`` is what the clinician adds in words."""

    icd_code: str
    title: str
    role: DiagnosisRole = DiagnosisRole.SECONDARY
    note: str = ""

    @property
    def label(self) -> str:
        return f"{self.icd_code} {self.title}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """A procedure or a rapid test done during the visit; a test has a ``result``."""

    code: str
    name: str
    is_test: bool = False
    result: str = ""
    unit: str = ""  # DON_VI_DO
    indicator: str = ""  # MA_CHI_SO: which value of the test this is
    conclusion: str = ""  # KET_LUAN
    abnormal: bool = False
    ordered_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    performed_by: str = ""
    performer_licence: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressNote:
    """How a person kept at the station is doing at one moment (insurance table 5, QĐ 4750)."""

    at: datetime
    text: str
    consultation: str = ""  # hội chẩn
    procedure: str = ""
    written_by: str = ""
    licence_no: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientSnapshot:
    """The person as printed: a reprint shows what was signed, whatever has changed since."""

    patient_id: str
    full_name: str
    birth: BirthDate
    sex: Sex
    chart_number: str = ""
    national_id: str = ""
    phone: str = ""
    address: str = ""
    ethnic_name: str = ""
    nationality_name: str = ""
    occupation_name: str = ""
    workplace: str = ""
    guardian_name: str = ""
    guardian_relationship: str = ""
    coverage: Coverage | None = None
    allergies: tuple[str, ...] = ()
    weight_kg: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """One visit. A draft may lack anything but the patient; :func:`check_for_signing` says what a
    signed one needs. ``vitals`` are in the order measured; the last set is the current one.
    """

    id: str
    patient_id: str
    number: str = ""  # số khám bệnh, printed
    arrived_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stage: Stage = Stage.WAITING
    priority: Priority = Priority.ROUTINE
    care_kind: str = "01"  # MA_LOAI_KCB
    visit_object: str = "1.2"  # MA_DOITUONG_KCB: primary-level facility (QĐ 3276)
    coverage_number: str = ""
    accident: str = ""  # MA_TAI_NAN
    came_from: str = ""  # MA_NOI_DI: code of the facility that sent the person
    came_with: str = ""  # GIAY_CHUYEN_TUYEN: number of the letter or slip brought along
    admitted_at: datetime | None = None  # NGAY_VAO_NOI_TRU of a person who is kept
    admission_reason: str = ""
    reason: str = ""
    history: str = ""  # bệnh sử
    past_history: str = ""  # tiền sử
    vitals: tuple[VitalSigns, ...] = ()
    examination: str = ""
    preliminary_diagnosis: str = ""  # CHAN_DOAN_VAO
    diagnoses: tuple[Diagnosis, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    progress: tuple[ProgressNote, ...] = ()
    treatment: str = ""  # xử trí
    advice: str = ""
    result: str = ""  # KET_QUA_DTRI
    discharge: str = "1"  # MA_LOAI_RV
    confirmed: tuple[str, ...] = ()  # codes of questioned findings the person confirmed
    station: StationProfile | None = None
    patient: PatientSnapshot | None = None
    practitioner: PractitionerSnapshot | None = None
    signature: Signature | None = None

    @property
    def latest_vitals(self) -> VitalSigns | None:
        """Each sign as last measured, over all sets: a second weighing hides no blood pressure."""
        if not self.vitals:
            return None
        newest = self.vitals[-1]
        filled = {
            name: value
            for taken in self.vitals
            for name in SIGNS
            if (value := getattr(taken, name)) is not None
        }
        return replace(newest, **filled)

    @property
    def current_vitals(self) -> VitalSigns | None:
        return self.vitals[-1] if self.vitals else None

    @property
    def died(self) -> bool:
        """KET_QUA_DTRI 5 (died) or 8 (died before arrival)."""
        return self.result in {"5", "8"}

    @property
    def main_diagnosis(self) -> Diagnosis | None:
        return next((d for d in self.diagnoses if d.role is DiagnosisRole.MAIN), None)

    @property
    def secondary_diagnoses(self) -> tuple[Diagnosis, ...]:
        return tuple(d for d in self.diagnoses if d.role is DiagnosisRole.SECONDARY)


def _stay_problems(encounter: Encounter) -> Iterator[Problem]:
    """A stay begins after the arrival, and its notes are of the visit."""
    begun = encounter.admitted_at
    if encounter.care_kind in KEPT_KINDS and begun is None:
        yield Problem(
            field="admitted_at",
            code="stay-start-required",
            message="Người bệnh được lưu tại trạm nhưng chưa ghi giờ bắt đầu lưu. Hãy ghi giờ đó.",
        )
    if begun is not None and begun < encounter.arrived_at.replace(second=0, microsecond=0):
        yield Problem(
            field="admitted_at",
            code="stay-before-arrival",
            message="Giờ bắt đầu lưu trước giờ người bệnh đến. Hãy xem lại giờ.",
        )
    for place, note in enumerate(encounter.progress):
        if not note.text.strip():
            yield Problem(
                field=f"progress.{place}",
                code="progress-empty",
                message="Lần ghi diễn biến này chưa có nội dung. Hãy ghi, hoặc bỏ lần ghi.",
            )
        early = note.at < encounter.arrived_at.replace(second=0, microsecond=0)
        if early or (encounter.ended_at is not None and note.at > encounter.ended_at):
            yield Problem(
                field=f"progress.{place}",
                code="progress-outside-stay",
                message="Giờ ghi diễn biến nằm ngoài lượt khám. Hãy xem lại giờ.",
            )


IcdLookup = Callable[[str], IcdCode | None]


def check_diagnoses(
    diagnoses: tuple[Diagnosis, ...], find: IcdLookup, sex: Sex, *, died: bool = False
) -> tuple[Problem, ...]:
    """The rules of the flags in TT 06/2026/TT-BYT, beside each diagnosis.

    ``died``: the visit ended in death, so codes of the mortality statistics are in place.
    """
    problems: list[Problem] = []
    seen: set[str] = set()
    for index, diagnosis in enumerate(diagnoses):
        where = f"diagnoses.{index}"
        if diagnosis.icd_code in seen:
            problems.append(
                Problem(
                    field=where,
                    code="diagnosis-twice",
                    message=f"Mã {diagnosis.icd_code} đã có trong danh sách. Hãy bỏ bớt một mã.",
                )
            )
        seen.add(diagnosis.icd_code)
        icd = find(diagnosis.icd_code)
        if icd is None:
            problems.append(
                Problem(
                    field=where,
                    code="icd-unknown",
                    message=f"Mã {diagnosis.icd_code} không có trong danh mục ICD-10 đang dùng. Hãy chọn lại từ danh sách gợi ý.",
                )
            )
            continue
        problems.extend(_flag_problems(diagnosis, icd, sex, where, died=died))
    if sum(d.role is DiagnosisRole.MAIN for d in diagnoses) > 1:
        problems.append(
            Problem(
                field="diagnoses",
                code="main-twice",
                message="Chỉ được chọn một bệnh chính. Hãy chuyển các mã còn lại thành bệnh kèm theo.",
            )
        )
    if sum(d.role is DiagnosisRole.SECONDARY for d in diagnoses) > MAX_SECONDARY:
        problems.append(
            Problem(
                field="diagnoses",
                code="secondary-many",
                message=f"Nhiều nhất {MAX_SECONDARY} bệnh kèm theo. Hãy bỏ bớt mã ít quan trọng.",
            )
        )
    return tuple(problems)


def _flag_problems(
    diagnosis: Diagnosis, icd: IcdCode, sex: Sex, where: str, *, died: bool
) -> tuple[Problem, ...]:
    main = diagnosis.role is DiagnosisRole.MAIN
    rules = (
        (
            main and (icd.not_main or icd.mark == "*"),
            "icd-not-main",
            f"Mã {icd.code} không được dùng làm bệnh chính. Hãy chọn mã bệnh gốc làm bệnh chính và để mã này ở bệnh kèm theo.",
            "error",
        ),
        (
            icd.death_only and not died,
            "icd-death-only",
            f"Mã {icd.code} chỉ dùng khi thống kê tử vong. Hãy chọn mã khác, hoặc xem lại kết quả điều trị.",
            "error",
        ),
        (
            icd.female_only and sex is Sex.MALE,
            "icd-female-only",
            f"Mã {icd.code} chỉ dùng cho nữ. Hãy xem lại mã hoặc giới tính người bệnh.",
            "error",
        ),
        (
            icd.male_only and sex is Sex.FEMALE,
            "icd-male-only",
            f"Mã {icd.code} chỉ dùng cho nam. Hãy xem lại mã hoặc giới tính người bệnh.",
            "error",
        ),
        (
            main and icd.discouraged_main,
            "icd-discouraged-main",
            f"Mã {icd.code} không nên dùng làm bệnh chính. Nếu chắc chắn, hãy xác nhận.",
            "confirm",
        ),
        (
            icd.more_specific_exists,
            "icd-more-specific",
            f"Mã {icd.code} có mã chi tiết hơn. Hãy chọn mã chi tiết nếu biết; nếu không, hãy xác nhận.",
            "confirm",
        ),
    )
    return tuple(
        Problem(field=where, code=code, message=message, severity=severity)
        for broken, code, message, severity in rules
        if broken
    )


def check_for_signing(
    encounter: Encounter, birth: BirthDate, sex: Sex, find: IcdLookup, today: date
) -> tuple[Problem, ...]:
    """Everything that stands between this draft and a signature."""
    problems: list[Problem] = []
    if not encounter.reason:
        problems.append(
            Problem(
                field="reason",
                code="reason-required",
                message="Chưa ghi lý do đến khám. Hãy ghi điều làm người bệnh khó chịu, bằng lời của họ.",
            )
        )
    if encounter.main_diagnosis is None:
        problems.append(
            Problem(
                field="diagnoses",
                code="main-required",
                message="Chưa có bệnh chính. Hãy gõ mã hoặc tên bệnh rồi chọn từ danh sách.",
            )
        )
    if not encounter.result:
        problems.append(
            Problem(
                field="result",
                code="result-required",
                message="Chưa chọn kết quả điều trị của lượt khám.",
            )
        )
    if encounter.ended_at is not None and encounter.ended_at < encounter.arrived_at:
        problems.append(
            Problem(
                field="ended_at",
                code="time-order",
                message="Giờ kết thúc trước giờ đến khám. Hãy xem lại đồng hồ của máy.",
            )
        )
    problems.extend(_stay_problems(encounter))
    for vitals in encounter.vitals[-1:]:
        problems.extend(check_vitals(vitals, months_old(birth, today)))
    problems.extend(check_diagnoses(encounter.diagnoses, find, sex, died=encounter.died))
    return tuple(problems)

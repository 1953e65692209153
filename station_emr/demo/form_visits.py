"""The people and visits from which the gallery of forms is filled, through the same use cases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from station_emr.domain.birth import BirthDate
from station_emr.domain.catalog import CatalogKind, drug_of
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Encounter, Procedure
from station_emr.domain.notification import CaseClass, CaseState, ReportWay, SpecimenResult, YesNo
from station_emr.domain.patient import Allergy, Coverage, Guardian, Patient
from station_emr.domain.prescription import Prescription, line_from_drug
from station_emr.domain.record import RecordKind, Sex
from station_emr.domain.referral import ReferralReason
from station_emr.domain.user import Actor
from station_emr.domain.vitals import VitalSigns
from station_emr.services.guards import confirmation_key
from station_emr.services.visits import VisitPapers
from station_emr.station import OpenStation

from .clock import DemoClock
from .people import DEMO_COMMUNE
from .scripted import DOCTOR, actor_named
from .seed import HOSPITAL


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledPapers:
    """Ids of what the forms are printed from."""

    patient: str
    visit: str
    prescription: str
    appointment: str
    certificate: str
    reissued: str
    transfer: str
    referral: str
    notification: str
    request: str


WOMAN = Patient(
    id="",
    full_name="Rơ Châm H'Bĕ̆",
    birth=BirthDate(1992, 3, 12),
    sex=Sex.FEMALE,
    national_id="064192990001",
    national_id_issued_on=date(2022, 8, 15),
    phone="0900000001",
    address=replace(DEMO_COMMUNE, line="Làng Ơp"),
    ethnic_code="10",
    ethnic_name="Gia-rai",
    occupation_name="Công nhân",
    workplace="Công ty cà phê Mẫu, xã Mẫu",
    coverages=(
        Coverage(
            number="DN4649900000001",
            valid_from=date(2026, 1, 1),
            valid_to=date(2026, 12, 31),
            initial_facility="DEMO1",
            initial_facility_name="Trạm Y tế xã Mẫu",
        ),
    ),
    allergies=(Allergy(substance="Penicillin", group="penicillin", reaction="Mày đay"),),
)
MAN = Patient(
    id="",
    full_name="Võ Hữu Tài",
    birth=BirthDate(1968, 6, 5),
    sex=Sex.MALE,
    national_id="064068990002",
    phone="0900000002",
    address=replace(DEMO_COMMUNE, line="Thôn 3"),
    occupation_name="Nông dân",
    coverages=(Coverage(number="HN2649900000002", valid_to=date(2026, 12, 31)),),
)
CHILD = Patient(
    id="",
    full_name="Nguyễn Văn Đạt",
    birth=BirthDate(2022, 2, 11),
    sex=Sex.MALE,
    address=replace(DEMO_COMMUNE, line="Thôn 1"),
    workplace="Công ty cà phê Mẫu (đơn vị của mẹ)",
    guardian=Guardian(full_name="Nguyễn Thị Mẫu", relationship="Mẹ", phone="0900000003"),
    coverages=(Coverage(number="TE1649900000003", valid_to=date(2028, 9, 30)),),
)


class _Filling:
    def __init__(self, station: OpenStation, clock: DemoClock) -> None:
        self.services = station.services
        self.clock = clock
        self.doctor: Actor = actor_named(station, DOCTOR)
        self.director = station.actor
        self.today = clock.now().date()

    def visit(self, person: Patient, reason: str, **facts: object) -> Encounter:
        yes = [confirmation_key(one) for one in self.services.patients.check(person)]
        made = self.services.patients.register(self.doctor, person, yes)
        arrived = self.services.encounters.check_in(
            self.doctor, made.id_of(RecordKind.PATIENT), reason
        )
        encounter_id = arrived.id_of(RecordKind.ENCOUNTER)
        self.services.encounters.start(self.doctor, encounter_id)
        self.clock.forward(minutes=11)
        stored = self.services.encounters.get(self.doctor, encounter_id)
        changes: dict[str, object] = {"result": "2", **facts}
        visit: Encounter = replace(stored.record, **changes)  # type: ignore[arg-type]
        self.services.encounters.save_draft(self.doctor, visit)
        return visit

    def sign(self, papers: VisitPapers) -> None:
        visit = papers.encounter
        patient = self.services.patients.get(self.doctor, visit.patient_id).record
        asked = self.services.encounters.check(visit, patient)
        yes = [confirmation_key(one) for one in asked]
        self.services.visits.sign(self.doctor, papers, yes)

    def prescription(self, visit: Encounter, *drugs: tuple[str, int, int]) -> Prescription:
        lines = []
        for name, times, days in drugs:
            hit = self.services.catalogs.search(CatalogKind.DRUG, name, 1)[0]
            line = line_from_drug(drug_of(hit.row))
            lines.append(replace(line, times_per_day=times, days=days))
        draft = self.services.prescriptions.prepare(self.doctor, visit.id)
        return replace(draft, lines=tuple(lines), advice=visit.advice)

    def certificate(self, visit: Encounter, days: int) -> str:
        certificates = self.services.certificates
        draft = certificates.prepare(self.doctor, visit.id)
        first = draft.first_day or self.today
        draft = replace(draft, days=days, last_day=first + timedelta(days=days - 1))
        return certificates.sign(self.doctor, draft).id_of(RecordKind.CERTIFICATE)


def _coded(code: str, title: str, role: DiagnosisRole = DiagnosisRole.MAIN) -> Diagnosis:
    return Diagnosis(icd_code=code, title=title, role=role)


def fill_papers(station: OpenStation, clock: DemoClock) -> FilledPapers:
    """Three people: a worker with bronchitis, a man with dengue who is sent on, a child."""
    made = _Filling(station, clock)
    woman, prescription, appointment = _worker(made)
    certificate = made.certificate(woman, 5)
    man, referral, notification = _dengue(made)
    child = made.visit(
        CHILD,
        "Sốt, ho 2 ngày",
        vitals=(VitalSigns(pulse=110, temperature=Decimal("38.2"), weight=Decimal("16.5")),),
        examination="Họng đỏ. Phổi thông khí rõ, không ran.",
        diagnoses=(_coded("J06.9", "Nhiễm trùng đường hô hấp trên cấp tính, không xác định"),),
        treatment="Hạ sốt, theo dõi tại nhà",
    )
    made.sign(VisitPapers(encounter=child))
    first = made.certificate(child, 3)
    again = made.services.certificates.reissue(made.doctor, first, "Người bệnh làm mất bản cũ", 1)
    requests = made.services.privacy.requests
    asked = replace(
        requests.blank(made.director, woman.patient_id),
        asker_paper="MẪU-0001",
        purpose="Khám ở cơ sở khác",
    )
    return FilledPapers(
        patient=woman.patient_id,
        visit=woman.id,
        prescription=prescription,
        appointment=appointment,
        certificate=certificate,
        reissued=again.items[-1].record_id,
        transfer=man.id,
        referral=referral,
        notification=notification,
        request=requests.receive(made.director, asked).id,
    )


def _worker(made: _Filling) -> tuple[Encounter, str, str]:
    visit = made.visit(
        WOMAN,
        "Ho có đờm, sốt 4 ngày",
        history="Bốn ngày nay ho có đờm vàng, sốt về chiều, đã uống hạ sốt ở nhà.",
        past_history="Chưa ghi nhận bệnh mạn tính",
        vitals=(
            VitalSigns(
                pulse=92,
                systolic=118,
                diastolic=74,
                temperature=Decimal("38.1"),
                respiratory_rate=20,
                weight=Decimal(52),
                height=Decimal(155),
            ),
        ),
        examination="Tỉnh, tiếp xúc tốt. Phổi có ran ẩm rải rác hai bên, không ran nổ. Tim đều.",
        preliminary_diagnosis="Viêm phế quản cấp",
        diagnoses=(
            _coded("J20.9", "Viêm phế quản cấp tính, không xác định"),
            _coded("R50.9", "Sốt, không xác định", DiagnosisRole.SECONDARY),
        ),
        procedures=(
            Procedure(code="TEST-CUM", name="Test nhanh cúm A/B", is_test=True, result="Âm tính"),
        ),
        treatment="Long đờm, hạ sốt, nghỉ ngơi tại nhà",
        advice="Uống nhiều nước ấm. Khám lại ngay nếu khó thở hoặc sốt trên 39 °C.",
    )
    prescription = made.prescription(visit, ("paracetamol 500", 3, 5), ("acetylcystein", 2, 5))
    appointment = replace(
        made.services.appointments.prepare(made.doctor, visit.id),
        on=made.today + timedelta(days=7),
        note="Mang theo đơn thuốc này",
    )
    made.sign(VisitPapers(encounter=visit, prescription=prescription, appointment=appointment))
    return visit, prescription.id, appointment.id


def _dengue(made: _Filling) -> tuple[Encounter, str, str]:
    visit = made.visit(
        MAN,
        "Sốt cao 4 ngày, đau bụng, mệt",
        history="Sốt cao liên tục 4 ngày, nhức đầu, đau cơ; từ hôm nay đau bụng vùng gan, nôn 3 lần.",
        vitals=(
            VitalSigns(
                pulse=98,
                systolic=110,
                diastolic=80,
                temperature=Decimal("38.6"),
                respiratory_rate=20,
                weight=Decimal(61),
            ),
        ),
        examination="Tỉnh, da xung huyết, chấm xuất huyết hai cẳng chân, gan to 2 cm dưới bờ sườn.",
        diagnoses=(_coded("A97.1", "Bệnh sốt xuất huyết Dengue có dấu hiệu cảnh báo"),),
        procedures=(
            Procedure(
                code="TEST-NS1", name="Test nhanh Dengue NS1", is_test=True, result="Dương tính"
            ),
        ),
        treatment="Bù dịch đường uống, hạ sốt bằng paracetamol",
        result="4",
        discharge="2",
    )
    notices = made.services.notifications
    notice = replace(
        notices.prepare(made.doctor, visit.id),
        onset_on=made.today - timedelta(days=4),
        onset_address="Thôn 3, Xã Mẫu, Tỉnh Gia Lai",
        grade="Sốt xuất huyết Dengue có dấu hiệu cảnh báo",
        case_class=CaseClass.CONFIRMED,
        state=CaseState.TRANSFERRED,
        specimen_taken=YesNo.YES,
        specimen="Máu",
        specimen_on=made.today,
        test_name="Test nhanh Dengue NS1",
        test_result=SpecimenResult.POSITIVE,
        vaccinated=YesNo.NO,
        contacts="Hai người cùng nhà chưa sốt. Quanh nhà có nhiều dụng cụ chứa nước.",
        measures="Nằm màn, diệt bọ gậy quanh nhà, theo dõi người cùng nhà 14 ngày.",
    )
    number = notices.submit(made.doctor, notice).id_of(RecordKind.NOTIFICATION)
    notices.report(
        made.doctor,
        number,
        way=ReportWay.PHONE,
        told="Cơ quan kiểm soát bệnh tật (mẫu)",
        receipt="Người trực điện thoại (mẫu)",
    )
    letter = replace(
        made.services.referrals.prepare(made.doctor, visit.id),
        to_facility_code=HOSPITAL[0],
        to_facility_name=HOSPITAL[1],
        to_facility_level=HOSPITAL[2],
        reason=ReferralReason.LEVEL_APPROPRIATE,
        condition_on_transfer="Tỉnh, mạch 98 lần/phút, huyết áp 110/80 mmHg",
        plan="Theo dõi dấu hiệu cảnh báo, xét nghiệm máu",
        transport="Xe cứu thương",
        escort="Điều dưỡng Đỗ Thị Mai",
    )
    made.sign(VisitPapers(encounter=visit, referral=letter))
    return visit, letter.id, number

"""One scripted day: three people from cards, three visits, the papers, then the link returns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from station_emr.domain.birth import BirthDate
from station_emr.domain.catalog import CatalogKind, drug_of
from station_emr.domain.encounter import Diagnosis, DiagnosisRole, Encounter, Procedure
from station_emr.domain.patient import Allergy, Coverage, Guardian, Patient
from station_emr.domain.prescription import line_from_drug
from station_emr.domain.record import Changes, RecordKind, Sex
from station_emr.domain.referral import ReferralReason
from station_emr.domain.scan import CitizenCardScan, InsuranceCardScan, parse_scan
from station_emr.domain.user import Actor
from station_emr.domain.vitals import VitalSigns
from station_emr.services.guards import confirmation_key
from station_emr.services.station_services import StationServices
from station_emr.services.visits import VisitPapers

from .people import DEMO_COMMUNE
from .seed import HOSPITAL

# What a scanner types for three made-up cards (layouts: bhyt_xml facts on CCCD and BHYT cards).
CARD_MINORITY = "064192990001||Rơ Châm H'Bĕ̆|12031992|Nữ|Làng Ơp, Xã Mẫu, Gia Lai|15082022"
CARD_OLD_MAN = "064068990002|230000002|Võ Hữu Tài|05061968|Nam|Thôn 3, Xã Mẫu, Gia Lai|10052021"


def insurance_card(today: date) -> str:
    """A child's BHYT QR: name and address as hex of UTF-8, `$` at the end."""
    name = "Nguyễn Văn Đạt".encode().hex().upper()
    address = "Thôn 1, Xã Mẫu".encode().hex().upper()
    born = date(today.year - 4, 2, 11)
    return (
        f"TE1649900000003|{name}|{born:%d/%m/%Y}|1|{address}|DEMO1|"
        f"{born:%d/%m/%Y}|{date(born.year + 6, 9, 30):%d/%m/%Y}|{born:%d/%m/%Y}|64990000000003|-|4|-|demo-demo|$"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPapers:
    """Ids of the papers of the day."""

    referral_id: str
    prescription_id: str
    appointment_id: str


class ScriptedDay:
    """The day's work through the same use cases as the screens."""

    def __init__(self, services: StationServices, doctor: Actor, nurse: Actor) -> None:
        self._services = services
        self._doctor = doctor
        self._nurse = nurse

    def work(self) -> DayPapers:
        """Register, examine, prescribe, refer and sign. The network is not needed."""
        today = self._services.clock.now().date()
        woman = self._register(parse_scan(CARD_MINORITY), "Đau đầu buổi sáng một tuần nay")
        man = self._register(parse_scan(CARD_OLD_MAN), "Đau ngực trái từng cơn 3 ngày")
        child = self._register(parse_scan(insurance_card(today)), "Sốt, ho 2 ngày")
        appointment = self._hypertension(woman, today)
        prescription = self._child_fever(child)
        referral = self._chest_pain(man)
        return DayPapers(
            referral_id=referral.id_of(RecordKind.REFERRAL),
            prescription_id=prescription.id_of(RecordKind.PRESCRIPTION),
            appointment_id=appointment.id_of(RecordKind.APPOINTMENT),
        )

    def print_all(self, papers: DayPapers, folder: Path) -> dict[str, str]:
        """Print each paper once and keep the PDF; gives kind → path."""
        folder.mkdir(parents=True, exist_ok=True)
        paths: dict[str, str] = {}
        for kind, record_id in (
            (RecordKind.REFERRAL, papers.referral_id),
            (RecordKind.PRESCRIPTION, papers.prescription_id),
            (RecordKind.APPOINTMENT, papers.appointment_id),
        ):
            printed = self._services.prints.print(self._doctor, kind, record_id)
            path = folder / printed.file_name
            path.write_bytes(printed.pdf)
            paths[kind.value] = str(path)
        return paths

    def _register(self, scan: object, reason: str) -> Encounter:
        if isinstance(scan, CitizenCardScan):
            patient = self._from_citizen_card(scan)
        elif isinstance(scan, InsuranceCardScan):
            patient = self._from_insurance_card(scan)
        else:
            raise TypeError(f"the demo's own card was not read: {scan!r}")
        questions = self._services.patients.check(patient)
        yes = [confirmation_key(problem) for problem in questions]
        changes = self._services.patients.register(self._nurse, patient, yes)
        patient_id = changes.id_of(RecordKind.PATIENT)
        visit = self._services.encounters.check_in(self._nurse, patient_id, reason)
        encounter_id = visit.id_of(RecordKind.ENCOUNTER)
        self._services.encounters.start(self._doctor, encounter_id)
        return self._services.encounters.get(self._doctor, encounter_id).record

    def _from_citizen_card(self, scan: CitizenCardScan) -> Patient:
        return Patient(
            id="",
            full_name=scan.full_name,
            birth=scan.birth or BirthDate(1990),
            sex=Sex(scan.sex),
            national_id=scan.national_id,
            old_national_id=scan.old_id,
            national_id_issued_on=scan.issued_on,
            address=replace(DEMO_COMMUNE, line=scan.address.split(",")[0]),
            ethnic_code="10" if "H'" in scan.full_name else "01",
            ethnic_name="Gia-rai" if "H'" in scan.full_name else "Kinh",
            card_extra=tuple(scan.extra),
            allergies=(Allergy(substance="Penicillin", group="penicillin", reaction="Mày đay"),)
            if "H'" in scan.full_name
            else (),
        )

    def _from_insurance_card(self, scan: InsuranceCardScan) -> Patient:
        return Patient(
            id="",
            full_name=scan.full_name,
            birth=scan.birth or BirthDate(2022),
            sex=Sex(scan.sex),
            address=replace(DEMO_COMMUNE, line=scan.address.split(",")[0]),
            guardian=Guardian(full_name="Nguyễn Thị Mẫu", relationship="Mẹ"),
            coverages=(
                Coverage(
                    number=scan.number,
                    valid_from=scan.valid_from,
                    valid_to=scan.valid_to,
                    initial_facility=scan.initial_facility,
                ),
            ),
        )

    def _vitals(self, encounter: Encounter, vitals: VitalSigns) -> Encounter:
        changes = self._services.encounters.record_vitals(self._nurse, encounter.id, vitals)
        return self._services.encounters.get(
            self._doctor, changes.id_of(RecordKind.ENCOUNTER)
        ).record

    def _diagnosis(self, code: str, role: DiagnosisRole = DiagnosisRole.MAIN) -> Diagnosis:
        icd = self._services.catalogs.icd(code)
        if icd is None:
            raise LookupError(f"starter list without {code}")
        return Diagnosis(icd_code=icd.code, title=icd.title, role=role)

    def _hypertension(self, encounter: Encounter, today: date) -> Changes:
        encounter = self._vitals(
            encounter,
            VitalSigns(
                pulse=82,
                systolic=152,
                diastolic=94,
                temperature=Decimal("36.8"),
                respiratory_rate=18,
                spo2=97,
                weight=Decimal(52),
                height=Decimal(155),
            ),
        )
        encounter = replace(
            encounter,
            history="Tăng huyết áp mới phát hiện, thỉnh thoảng đau đầu buổi sáng.",
            examination="Tim đều, phổi trong, không phù.",
            diagnoses=(self._diagnosis("I10"),),
            advice="Ăn nhạt, đi bộ mỗi ngày, đo huyết áp hằng tuần tại trạm.",
            result="2",
        )
        on = today + timedelta(days=28)
        appointment = replace(
            self._services.appointments.prepare(self._doctor, encounter.id),
            on=on + timedelta(days=1) if on.weekday() == 6 else on,
        )
        return self._sign(VisitPapers(encounter=encounter, appointment=appointment))

    def _child_fever(self, encounter: Encounter) -> Changes:
        encounter = self._vitals(
            encounter,
            VitalSigns(
                pulse=118,
                temperature=Decimal("38.4"),
                respiratory_rate=28,
                spo2=98,
                weight=Decimal(16),
                height=Decimal(101),
            ),
        )
        encounter = replace(
            encounter,
            history="Trẻ sốt 2 ngày, ho có đờm, vẫn ăn và chơi.",
            examination="Trẻ tỉnh, họng đỏ, phổi thông khí đều hai bên, không rút lõm.",
            diagnoses=(self._diagnosis("J06.9"),),
            advice="Cho uống nhiều nước. Đưa trẻ đến ngay nếu bỏ ăn, thở nhanh hoặc co giật.",
            result="2",
        )
        lines = tuple(
            replace(
                line_from_drug(
                    drug_of(self._services.catalogs.search(CatalogKind.DRUG, text, 1)[0].row)
                ),
                dose=Decimal(dose),
                times_per_day=times,
                days=days,
                meal=meal,
            )
            for text, dose, times, days, meal in (
                ("paracetamol 150", "1", 3, 3, "khi sốt từ 38,5 °C"),
                ("oresol", "1", 2, 3, "pha đúng lượng nước ghi trên gói"),
            )
        )
        prescription = replace(
            self._services.prescriptions.prepare(self._doctor, encounter.id), lines=lines
        )
        return self._sign(VisitPapers(encounter=encounter, prescription=prescription))

    def _chest_pain(self, encounter: Encounter) -> Changes:
        encounter = self._vitals(
            encounter,
            VitalSigns(
                pulse=96,
                systolic=150,
                diastolic=90,
                temperature=Decimal("36.9"),
                respiratory_rate=20,
                spo2=96,
                weight=Decimal(61),
                height=Decimal(164),
            ),
        )
        now = self._services.clock.now()
        encounter = replace(
            encounter,
            history="Đau thắt ngực trái lan vai trái, vã mồ hôi, mỗi cơn khoảng 10 phút.",
            examination="Tỉnh, tim đều, không nghe tiếng thổi, phổi trong, không phù.",
            diagnoses=(
                self._diagnosis("I20.0"),
                self._diagnosis("I10", DiagnosisRole.SECONDARY),
            ),
            procedures=(
                Procedure(
                    code="demo-troponin",
                    name="Xét nghiệm nhanh Troponin",
                    is_test=True,
                    result="Âm tính",
                    started_at=now,
                ),
            ),
            treatment="Nghỉ tại giường, thở oxy 2 lít/phút, aspirin 81 mg 4 viên nhai",
            result="4",
            discharge="2",
        )
        self._services.encounters.save_draft(self._doctor, encounter)
        referral = replace(
            self._services.referrals.prepare(self._doctor, encounter.id),
            to_facility_code=HOSPITAL[0],
            to_facility_name=HOSPITAL[1],
            to_facility_level=HOSPITAL[2],
            reason=ReferralReason.LEVEL_APPROPRIATE,
            plan="Đề nghị theo dõi hội chứng mạch vành cấp, xét nghiệm men tim, điện tim.",
            transport="Xe cứu thương",
            escort="Trần Thị Mai, điều dưỡng, cao đẳng",
        )
        return self._sign(VisitPapers(encounter=encounter, referral=referral))

    def _sign(self, papers: VisitPapers) -> Changes:
        patient = self._services.patients.get(self._doctor, papers.encounter.patient_id).record
        questions = self._services.encounters.check(papers.encounter, patient)
        yes = [confirmation_key(p) for p in questions if p.severity == "confirm"]
        return self._services.visits.sign(self._doctor, papers, yes)

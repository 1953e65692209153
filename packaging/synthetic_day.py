"""One invented station and day: people, staff and papers as records, and the lines they travel as.

Free text is made of random syllables, so that nobody's words and no real place are in it.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from station_emr.catalogs.starter import starter_rows
from station_emr.demo.people import People
from station_emr.domain.appointment import Appointment
from station_emr.domain.catalog import CatalogKind, CatalogRow, drug_of
from station_emr.domain.encounter import (
    Diagnosis,
    DiagnosisRole,
    Encounter,
    PatientSnapshot,
    Procedure,
)
from station_emr.domain.ids import uuid7
from station_emr.domain.operation import Envelope
from station_emr.domain.patient import Patient
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.permissions import Role
from station_emr.domain.prescription import Prescription, line_from_drug
from station_emr.domain.record import (
    PractitionerSnapshot,
    RecordKind,
    RecordStatus,
    Signature,
    StationProfile,
)
from station_emr.domain.referral import Referral, ReferralReason
from station_emr.domain.user import User
from station_emr.domain.vitals import VitalSigns
from station_emr.interop.fhir.units import build_unit
from station_emr.sync.exchange_peer import ExchangeRequest
from station_emr.sync.exchange_wire import encode_request
from station_emr.sync.operation_line import op_id, seal

SEED = 20261122
VN = timezone(timedelta(hours=7))

_ONSETS = [
    "b",
    "c",
    "ch",
    "d",
    "đ",
    "g",
    "gh",
    "gi",
    "h",
    "k",
    "kh",
    "l",
    "m",
    "n",
    "ng",
    "ngh",
    "nh",
    "ph",
    "qu",
    "r",
    "s",
    "t",
    "th",
    "tr",
    "v",
    "x",
]  # the sounds there are
_NUCLEI = ["a", "à", "á", "ả", "ã", "ạ", "ă", "ắ", "ằ", "ặ", "â", "ấ", "ầ", "ậ", "e", "è", "é", "ẹ", "ê", "ế", "ề", "ệ", "i", "ì", "í", "ị", "o", "ò", "ó", "ọ", "ô", "ố", "ồ", "ộ", "ơ", "ớ", "ờ", "ợ", "u", "ù", "ú", "ụ", "ư", "ứ", "ừ", "ự", "y", "ý", "iê", "ươ", "uô", "oa"]  # fmt: skip
_CODAS = ("", "", "c", "ch", "m", "n", "ng", "nh", "p", "t", "i", "u")


class Day:
    """One invented station and day: its people, staff and papers, as records."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.today = date(2026, 1, 1) + timedelta(days=self.random.randrange(900))
        self.at = datetime.combine(self.today, datetime.min.time(), VN) + timedelta(hours=7)
        self.people = People(seed, self.today)
        self.incarnation = self.random.randbytes(8).hex()
        self.number = self.random.randrange(1, 90_000)
        self.device = f"Máy {self.random.randint(1, 4)}"
        self.icd = _ICD
        self.drugs = _DRUGS
        code = f"{self.random.randrange(100_000):05d}"
        self.station = StationProfile(
            facility_id=self.id(),
            code=code,
            name=f"Trạm Y tế {self.words(2).title()}",
            parent_authority=f"Sở Y tế {self.words(2).title()}",
            commune_code=f"{self.random.randrange(100_000):05d}",
            commune_name=f"Xã {self.words(2).title()}",
            province_code=f"{self.random.randrange(1, 97):02d}",
            province_name=f"Tỉnh {self.words(2).title()}",
            address=self.words(4),
            phone=f"0{self.random.randrange(10**9):09d}",
            device_name=self.device,
        )
        self.staff = [self.user() for _ in range(4)]

    # --- words and numbers ---------------------------------------------------------------------

    def id(self) -> str:
        return uuid7(int(self.at.timestamp() * 1000), self.random.randbytes(10))

    def syllable(self) -> str:
        pick = self.random.choice
        return pick(_ONSETS) + pick(_NUCLEI) + pick(_CODAS)

    def words(self, count: int) -> str:
        return " ".join(self.syllable() for _ in range(count))

    def sentence(self, shortest: int, longest: int) -> str:
        return self.words(self.random.randint(shortest, longest)).capitalize() + "."

    def some(self, chance: float, value: Any, otherwise: Any = "") -> Any:
        return value if self.random.random() < chance else otherwise

    def later(self, minutes: int) -> datetime:
        self.at += timedelta(
            minutes=self.random.randint(1, minutes), seconds=self.random.randrange(60)
        )
        return self.at.replace(microsecond=self.random.randrange(1_000_000))

    # --- records -------------------------------------------------------------------------------

    def user(self) -> User:
        role = self.random.choice((Role.DOCTOR, Role.NURSE))
        return User(
            id=self.id(),
            username=self.words(1),
            full_name=self.words(3).title(),
            role=role,
            title=self.random.choice(("BS.", "YS.", "ĐD.")),
            licence_no=f"{self.random.randrange(10**6):06d}/XX-GPHN",
            phone=f"0{self.random.randrange(10**9):09d}",
        )

    def patient(self) -> Patient:
        made = self.people.next()
        return replace(
            made,
            id=self.id(),
            full_name=self.words(3).title(),
            chart_number=f"{self.station.code}.A.{self.random.randrange(10**6):06d}",
            phone=self.some(0.6, f"0{self.random.randrange(10**9):09d}"),
            national_id=self.some(0.9, f"{self.random.randrange(10**12):012d}"),
            address=replace(
                made.address,
                line=f"{self.random.choice(('Thôn', 'Làng', 'Ấp'))} {self.words(1).title()}",
                commune_code=self.station.commune_code,
                commune_name=self.station.commune_name,
                province_code=self.station.province_code,
                province_name=self.station.province_name,
            ),
            note=self.some(0.2, self.sentence(3, 10)),
        )

    def snapshot(self, patient: Patient) -> PatientSnapshot:
        return PatientSnapshot(
            patient_id=patient.id,
            full_name=patient.full_name,
            birth=patient.birth,
            sex=patient.sex,
            national_id=patient.national_id,
            address=patient.address.text,
            coverage=patient.coverage_on(self.today),
            allergies=tuple(a.substance for a in patient.allergies),
        )

    def practitioner(self) -> PractitionerSnapshot:
        return self.random.choice(self.staff).snapshot

    def diagnoses(self, least: int = 1, most: int = 3) -> tuple[Diagnosis, ...]:
        rows = self.random.sample(self.icd, self.random.randint(least, most))
        return tuple(
            Diagnosis(
                icd_code=row.code,
                title=row.name,
                role=DiagnosisRole.SECONDARY if place else DiagnosisRole.MAIN,
                note=self.some(0.2, self.words(4)),
            )
            for place, row in enumerate(rows)
        )

    def vitals(self) -> VitalSigns:
        whole, chance = self.random.randint, self.some
        tenth = Decimal(1) / 10
        return VitalSigns(
            measured_at=self.later(2),
            measured_by=self.random.choice(self.staff).full_name,
            pulse=whole(55, 120),
            systolic=whole(90, 190),
            diastolic=whole(50, 110),
            temperature=(Decimal(whole(360, 400)) * tenth),
            respiratory_rate=chance(0.9, whole(14, 40), None),
            spo2=chance(0.8, whole(88, 100), None),
            weight=chance(0.9, Decimal(whole(30, 900)) * tenth, None),
            height=chance(0.7, Decimal(whole(500, 1800)) * tenth, None),
            waist=chance(0.1, Decimal(whole(500, 1100)) * tenth, None),
            glucose=chance(0.2, Decimal(whole(40, 180)) * tenth, None),
        )

    def encounter(self, patient: Patient) -> Encounter:
        arrived = self.later(9)
        vitals = self.vitals()
        started = self.later(9)
        signer = self.practitioner()
        coverage = patient.coverage_on(self.today)
        return Encounter(
            id=self.id(),
            patient_id=patient.id,
            number=f"{self.today.year}.A.{self.number:06d}",
            arrived_at=arrived,
            started_at=started,
            ended_at=self.later(12),
            reason=self.sentence(3, 10),
            history=self.sentence(8, 40),
            past_history=self.some(0.3, self.sentence(3, 15)),
            vitals=(vitals,),
            examination=self.sentence(8, 40),
            diagnoses=self.diagnoses(),
            procedures=self.some(0.3, (self.test(),), ()),
            treatment=self.some(0.5, self.sentence(4, 15)),
            advice=self.some(0.8, self.sentence(5, 20)),
            result=self.random.choice("12345"),
            discharge=self.random.choice("12"),
            coverage_number=coverage.number if coverage else "",
            visit_object="1.2" if coverage else "9",
            station=self.station,
            patient=self.snapshot(patient),
            practitioner=signer,
            signature=Signature(by=signer, at=self.later(2)),
        )

    def test(self) -> Procedure:
        return Procedure(
            code=f"{self.random.randrange(100):02d}.{self.random.randrange(10_000):04d}",
            name=self.words(4).capitalize(),
            is_test=self.random.random() < 0.7,
            result=self.words(2),
            abnormal=self.random.random() < 0.3,
        )

    def prescription(self, visit: Encounter, least: int = 1, most: int = 6) -> Prescription:
        lines = tuple(
            replace(
                line_from_drug(drug_of(row)),
                dose=Decimal(self.random.choice(("0.5", "1", "2"))),
                times_per_day=self.random.randint(1, 4),
                days=self.random.choice((3, 5, 7, 10, 28)),
                meal=self.random.choice(("", "sau ăn", "trước ăn")),
            )
            for row in self.random.choices(self.drugs, k=self.random.randint(least, most))
        )
        return Prescription(
            id=self.id(),
            patient_id=visit.patient_id,
            encounter_id=visit.id,
            code=f"{self.station.code}{self.random.randrange(36**6):07x}-C",
            lines=lines,
            diagnoses=visit.diagnoses,
            advice=visit.advice,
            written_at=self.at,
            station=self.station,
            patient=visit.patient,
            prescriber=visit.practitioner,
            signature=visit.signature,
        )

    def referral(self, visit: Encounter) -> Referral:
        return Referral(
            id=self.id(),
            patient_id=visit.patient_id,
            encounter_id=visit.id,
            number=f"{self.number:02d}/{self.today.year}/A/PCCKCB",
            to_facility_code=f"{self.random.randrange(100_000):05d}",
            to_facility_name=f"Bệnh viện {self.words(3)}",
            to_facility_level="Cấp cơ bản",
            clinical_signs=self.sentence(10, 40),
            diagnoses=visit.diagnoses,
            treatment=self.sentence(3, 15),
            test_results=self.some(0.5, self.sentence(3, 15)),
            escort=self.words(3).title(),
            condition_on_transfer=self.sentence(2, 8),
            reason=self.random.choice(tuple(ReferralReason)),
            plan=self.sentence(3, 10),
            transfer_at=self.at,
            transport=self.random.choice(("Xe cứu thương", "Tự túc")),
            letter_code=f"EMR1:{self.random.randbytes(300).hex()[:420]}",
            station=self.station,
            patient=visit.patient,
            referrer=visit.practitioner,
            signature=visit.signature,
        )

    def appointment(self, visit: Encounter) -> Appointment:
        return Appointment(
            id=self.id(),
            patient_id=visit.patient_id,
            encounter_id=visit.id,
            number=f"{self.number:02d}/{self.today.year}/A",
            on=self.today + timedelta(days=28),
            visited_on=self.today,
            diagnoses=visit.diagnoses,
            note=self.some(0.3, self.words(5)),
            station=self.station,
            patient=visit.patient,
            practitioner=visit.practitioner,
            signature=visit.signature,
        )

    # --- lines ---------------------------------------------------------------------------------

    def line(self, kind: RecordKind, record: Any, **how: Any) -> bytes:
        self.number += 1
        author = self.practitioner()
        status = how.pop("status", RecordStatus.SIGNED)
        record_id = getattr(record, "id", "") or record.facility_id
        envelope = Envelope(
            kind=kind,
            record_id=record_id,
            status=status,
            base=how.pop("base", ()),
            at=self.at.replace(microsecond=self.random.randrange(1_000_000)),
            author_id=author.user_id,
            author_name=author.printed_name,
            incarnation=self.incarnation,
            number=self.number,
            device=self.device,
            skew=self.some(0.8, self.random.randint(-90, 90), None),
            **how,
        )
        return seal(envelope, build_unit(kind, record, status))

    def lines(self) -> list[bytes]:
        """A day as it would be sent: mostly visits with their papers, now and then the rest."""
        found = [self.line(RecordKind.FACILITY, self.station)]
        found += [self.line(RecordKind.PRACTITIONER, user) for user in self.staff]
        for _ in range(12):
            patient = self.patient()
            if self.random.random() < 0.4:
                found.append(self.line(RecordKind.PATIENT, patient))
            visit = self.encounter(patient)
            found.append(self.line(RecordKind.ENCOUNTER, visit))
            if self.random.random() < 0.8:
                found.append(self.line(RecordKind.PRESCRIPTION, self.prescription(visit)))
            if self.random.random() < 0.15:
                found.append(self.line(RecordKind.REFERRAL, self.referral(visit)))
            if self.random.random() < 0.25:
                found.append(self.line(RecordKind.APPOINTMENT, self.appointment(visit)))
            if self.random.random() < 0.1:
                changed = replace(visit, advice=self.sentence(5, 15))
                found.append(
                    self.line(
                        RecordKind.ENCOUNTER,
                        changed,
                        status=RecordStatus.AMENDED,
                        base=(op_id(found[-1]),),
                        reason=self.sentence(2, 5),
                    )
                )
        link = PatientLink(id=self.id(), survivor_id=self.id(), duplicate_id=self.id())
        found.append(self.line(RecordKind.LINK, link))
        return found

    def headers(self) -> list[bytes]:
        request = ExchangeRequest(
            incarnation=self.incarnation,
            number=self.number,
            epoch=self.random.randbytes(8).hex(),
            cursor=self.random.randrange(90_000),
            state={
                "waiting": self.random.randrange(50),
                "oldest": self.at.isoformat(),
                "refused": 0,
                "conflicts": 0,
                "program": "station-emr 0.1.0",
                "clock": self.at.isoformat(),
            },
        )
        return [encode_request(request, self.random.randbytes(8).hex())]


def _rows(kind: CatalogKind, limit: int) -> list[CatalogRow]:
    """A spread over the whole list: no code is common enough in the samples to be preferred."""
    rows = list(starter_rows(kind))
    return random.Random(SEED).sample(rows, min(limit, len(rows)))


_ICD = _rows(CatalogKind.ICD10, 3000)
_DRUGS = list(starter_rows(CatalogKind.DRUG))

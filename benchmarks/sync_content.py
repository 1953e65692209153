"""A synthetic day of a station for the sync benchmarks; every peer carries the same content.

The free text is made of random Vietnamese syllables, so no compressor gains from repeated phrases.
The amount of text is that of a wordy clinician: about 60 words a visit.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import zstandard

from benchmarks.population import DOCTOR, ILLNESSES, STATION, ZONE, person
from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import (
    Diagnosis,
    DiagnosisRole,
    Encounter,
    PatientSnapshot,
    Procedure,
    Stage,
)
from station_emr.domain.ids import uuid7
from station_emr.domain.patient import Patient
from station_emr.domain.prescription import Prescription, PrescriptionLine
from station_emr.domain.record import Signature
from station_emr.domain.vitals import VitalSigns

SEED = 20261122
DAY = date(2026, 11, 20)
_ONSETS = "b c ch d đ g gh gi h k kh l m n ng ngh nh p ph qu r s t th tr v x".split()  # noqa: SIM905
_RIMES = [
    "a",
    "ai",
    "am",
    "an",
    "ang",
    "anh",
    "ao",
    "ap",
    "at",
    "au",
    "ay",
    "âm",
    "ân",
    "âng",
    "âp",
    "ât",
    "âu",
    "ây",
    "e",
    "em",
    "en",
    "eo",
    "ê",
    "êm",
    "ên",
    "êt",
    "êu",
    "i",
    "ia",
    "im",
    "in",
    "inh",
    "ip",
    "it",
    "iu",
    "iêm",
    "iên",
    "iêt",
    "iêu",
    "o",
    "oa",
    "oai",
    "oan",
    "oang",
    "oi",
    "om",
    "on",
    "ong",
    "ô",
    "ôi",
    "ôm",
    "ôn",
    "ông",
    "ôt",
    "ơ",
    "ơi",
    "ơm",
    "ơn",
    "ơt",
    "u",
    "ua",
    "ui",
    "um",
    "un",
    "ung",
    "uôi",
    "uôn",
    "uông",
    "uôt",
    "ư",
    "ưa",
    "ưi",
    "ưng",
    "ươi",
    "ươm",
    "ươn",
    "ương",
    "ươt",
    "y",
]
_TONES = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
_VOWELS = "aăâeêioôơuưy"
_DRUGS = (
    ("Amlodipin", "5 mg", "viên"), ("Paracetamol", "500 mg", "viên"), ("Amoxicilin", "500 mg", "viên"),
    ("Metformin", "850 mg", "viên"), ("Omeprazol", "20 mg", "viên"), ("Cetirizin", "10 mg", "viên"),
    ("Vitamin B1", "100 mg", "viên"), ("Oresol", "20,5 g", "gói"),
)  # fmt: skip


def syllable(chance: random.Random) -> str:
    onset, rime = chance.choice(_ONSETS), chance.choice(_RIMES)
    place = next(at for at, letter in enumerate(rime) if letter in _VOWELS)
    toned = rime[: place + 1] + chance.choice(_TONES) + rime[place + 1 :]
    return unicodedata.normalize("NFC", onset + toned)


def words(chance: random.Random, count: int) -> str:
    return " ".join(syllable(chance) for _ in range(count)).capitalize() + "."


def snapshot(patient: Patient) -> PatientSnapshot:
    """What a signed paper keeps of its person."""
    return PatientSnapshot(
        full_name=patient.full_name,
        birth=patient.birth,
        sex=patient.sex,
        patient_id=patient.id,
        chart_number=patient.chart_number,
        national_id=patient.national_id,
        phone=patient.phone,
        address=patient.address.text,
        ethnic_name=patient.ethnic_name,
        coverage=patient.coverage_on(DAY),
    )


def people(count: int, seed: int = SEED) -> list[Patient]:
    chance = random.Random(seed)
    return [person(index, chance) for index in range(count)]


def _record_id(at: datetime, chance: random.Random) -> str:
    return uuid7(int(at.timestamp() * 1000), chance.randbytes(10))


def visit(
    patient: Patient, index: int, chance: random.Random, day: date = DAY
) -> tuple[Encounter, Prescription]:
    """A signed visit and its prescription: about fifteen FHIR resources."""
    arrived = datetime.combine(day, datetime.min.time(), ZONE) + timedelta(
        hours=7, minutes=11 * (index % 50), seconds=chance.randrange(60)
    )
    started = arrived + timedelta(minutes=chance.randint(3, 30), seconds=chance.randrange(60))
    ended = started + timedelta(minutes=chance.randint(4, 12), seconds=chance.randrange(60))
    chosen = chance.sample(ILLNESSES, 2)
    diagnoses = tuple(
        Diagnosis(
            icd_code=code,
            title=title,
            role=DiagnosisRole.SECONDARY if place else DiagnosisRole.MAIN,
        )
        for place, (code, title) in enumerate(chosen)
    )
    signature = Signature(by=DOCTOR, at=ended)
    encounter = Encounter(
        id=_record_id(arrived, chance),
        patient_id=patient.id,
        number=f"A26.{index + 1:06d}",
        arrived_at=arrived,
        started_at=started,
        ended_at=ended,
        stage=Stage.FINISHED,
        reason=words(chance, 5),
        history=words(chance, 20),
        past_history=words(chance, 6),
        vitals=(
            VitalSigns(
                measured_at=arrived + timedelta(minutes=2),
                measured_by=DOCTOR.user_id,
                pulse=chance.randint(58, 104),
                systolic=chance.randint(95, 175),
                diastolic=chance.randint(55, 100),
                temperature=Decimal(chance.randint(362, 392)) / 10,
                respiratory_rate=chance.randint(14, 26),
                spo2=chance.randint(93, 100),
                weight=Decimal(chance.randint(380, 820)) / 10,
                height=Decimal(chance.randint(140, 178)),
                glucose=Decimal(chance.randint(42, 118)) / 10,
            ),
        ),
        examination=words(chance, 18),
        diagnoses=diagnoses,
        procedures=(
            Procedure(
                code=f"MAU.{chance.randint(1, 40):04d}",
                name=chance.choice(("Test nhanh cúm A/B", "Test nhanh sốt xuất huyết NS1")),
                is_test=True,
                result=chance.choice(("Âm tính", "Dương tính")),
                started_at=started,
                ended_at=started + timedelta(minutes=3),
                performed_by=DOCTOR.user_id,
            ),
        ),
        treatment=words(chance, 6),
        advice=words(chance, 8),
        result="1",
        station=STATION,
        patient=snapshot(patient),
        practitioner=DOCTOR,
        signature=signature,
    )
    lines = tuple(
        PrescriptionLine(
            drug_code=f"MAU{_DRUGS.index(drug):04d}",
            inn=drug[0],
            label=f"{drug[0]} {drug[1]}",
            strength=drug[1],
            unit=drug[2],
            dose=Decimal(chance.choice((1, 1, 2))),
            times_per_day=chance.choice((1, 2, 3)),
            days=chance.choice((3, 5, 7, 14, 28)),
            meal=chance.choice(("sau ăn", "trước ăn 30 phút", "")),
        )
        for drug in chance.sample(_DRUGS, 3)
    )
    prescription = Prescription(
        id=_record_id(ended, chance),
        patient_id=patient.id,
        encounter_id=encounter.id,
        code=f"DEMO1{chance.randrange(10**7):07d}-c",
        lines=lines,
        diagnoses=diagnoses,
        advice=words(chance, 6),
        written_at=ended,
        station=STATION,
        patient=snapshot(patient),
        prescriber=DOCTOR,
        signature=signature,
    )
    return encounter, prescription


def day_of(
    everybody: Sequence[Patient], count: int, *, seed: int = SEED, day: date = DAY
) -> list[tuple[Encounter, Prescription]]:
    chance = random.Random(seed + count)
    return [
        visit(patient, index, chance, day)
        for index, patient in enumerate(chance.choices(everybody, k=count))
    ]


def compact(record: Any) -> Any:
    """The record as the shortest honest JSON: every field that does not stand at its default."""
    if isinstance(record, BirthDate):
        return record.to_iso()
    if is_dataclass(record) and not isinstance(record, type):
        return {
            one.name: compact(value)
            for one in fields(record)
            if (value := getattr(record, one.name)) != one.default
        }
    if isinstance(record, (tuple, list)):
        return [compact(item) for item in record]
    if isinstance(record, Enum):
        return record.value
    return record


def compact_size(records: Sequence[Any]) -> int:
    """Bytes of the records as compact JSON lines under zstd level 19, without a dictionary."""
    encoder = msgspec.json.Encoder(decimal_format="number")
    text = b"\n".join(encoder.encode(compact(record)) for record in records)
    return len(zstandard.ZstdCompressor(level=19).compress(text))

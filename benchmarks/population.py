"""Made-up people and visits for the benchmarks: the same seed gives the same commune.

Name parts are common Kinh, Jrai and Bahnar ones; no person is meant. Numbers use ranges that are
visibly synthetic.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from station_emr.db import schema
from station_emr.db.codec import digest, encode, utc_text
from station_emr.db.connection import RawConnection
from station_emr.db.repositories.encounters import EncounterRepository
from station_emr.db.repositories.patients import PatientRepository
from station_emr.db.search import numbers_of, search_words
from station_emr.domain.encounter import (
    Diagnosis,
    DiagnosisRole,
    Encounter,
    PatientSnapshot,
    Stage,
)
from station_emr.domain.identity import BirthDate
from station_emr.domain.ids import uuid7
from station_emr.domain.patient import Address, Coverage, Patient
from station_emr.domain.record import PractitionerSnapshot, Sex, Signature, StationProfile
from station_emr.domain.vitals import VitalSigns

ZONE = timezone(timedelta(hours=7))
LAST_DAY = date(2026, 6, 30)
YEARS = 5
SEED = 20260630

SURNAMES = (
    ("Nguyễn", 38), ("Trần", 11), ("Lê", 9), ("Phạm", 7), ("Hoàng", 5), ("Phan", 4), ("Vũ", 3),
    ("Võ", 3), ("Đặng", 3), ("Bùi", 2), ("Đỗ", 2), ("Hồ", 2), ("Ngô", 2), ("Dương", 1), ("Lý", 1),
    ("Rơ Châm", 6), ("Rah Lan", 5), ("Siu", 7), ("Ksor", 6), ("Kpă", 4), ("Nay", 4), ("Rơ Mah", 4),
    ("Đinh", 4), ("Y", 3), ("A", 3), ("Puih", 2),
)  # fmt: skip
MIDDLES = (
    "Văn", "Thị", "Hữu", "Đức", "Ngọc", "Minh", "Thanh", "Quang", "Thu", "Kim", "Xuân", "Công",
    "Anh", "Hồng", "Bích", "Thị Mỹ", "Thị Thu", "Văn Minh", "",
)  # fmt: skip
GIVEN = (
    "An", "Bình", "Châu", "Dũng", "Đạt", "Giang", "Hà", "Hải", "Hạnh", "Hiền", "Hòa", "Hùng",
    "Hương", "Khánh", "Lan", "Liên", "Linh", "Long", "Mai", "Nam", "Nga", "Nhung", "Phúc", "Quân",
    "Sơn", "Tâm", "Thảo", "Thắng", "Thủy", "Trang", "Trinh", "Tuấn", "Tùng", "Vân", "Việt", "Yến",
)  # fmt: skip
MINORITY_GIVEN = (
    "H'Bĕ̆", "H'Blơi", "H'Nhung", "H’Linh", "H'Yim", "Y Thoan", "Djuang", "Blưk", "Hyưt", "Thuân",
    "Kloh", "Phen", "Plaih", "Tơih", "Nhơi", "Chơm", "Bơl", "Grel", "Dzung", "Weo",
)  # fmt: skip
HAMLETS = ("Làng Mẫu 1", "Làng Mẫu 2", "Làng Mẫu 3", "Thôn Mẫu 4", "Thôn Mẫu 5", "Tổ Mẫu 6")
ILLNESSES = (
    ("I10", "Tăng huyết áp vô căn (nguyên phát)"),
    ("J06.9", "Nhiễm trùng đường hô hấp trên cấp, không phân loại"),
    ("K29.7", "Viêm dạ dày, không phân loại"),
    ("E11.9", "Đái tháo đường type 2, không biến chứng"),
    ("M54.5", "Đau vùng thắt lưng"),
    ("A09.9", "Viêm dạ dày ruột và đại tràng không rõ nguyên nhân"),
)
STATION = StationProfile(
    facility_id="00000000-0000-7000-8000-000000000001",
    code="DEMO1",
    name="Trạm Y tế xã Mẫu (thử nghiệm)",
    parent_authority="Sở Y tế tỉnh Mẫu",
    commune_name="Xã Mẫu",
    province_name="Tỉnh Mẫu",
    demo=True,
)
DOCTOR = PractitionerSnapshot(
    user_id="00000000-0000-7000-8000-000000000002",
    full_name="Người Mẫu",
    title="BS.",
    role="doctor",
    licence_no="MAU-0001",
)


@dataclass(frozen=True, slots=True)
class Size:
    patients: int
    encounters: int


FULL = Size(200_000, 1_000_000)
QUICK = Size(4_000, 20_000)


def full_name(chance: random.Random) -> str:
    surname = chance.choices([name for name, _ in SURNAMES], [share for _, share in SURNAMES])[0]
    if surname in {"Rơ Châm", "Rah Lan", "Siu", "Ksor", "Kpă", "Nay", "Rơ Mah", "Y", "A", "Puih"}:
        return f"{surname} {chance.choice(MINORITY_GIVEN)}"
    middle = chance.choice(MIDDLES)
    return " ".join(part for part in (surname, middle, chance.choice(GIVEN)) if part)


def person(index: int, chance: random.Random) -> Patient:
    sex = chance.choice((Sex.MALE, Sex.FEMALE))
    year = chance.randint(1936, 2025)
    birth = BirthDate(year, chance.randint(1, 12), chance.randint(1, 28))
    century = (0 if year < 2000 else 2) + (sex is Sex.FEMALE)
    return Patient(
        id=uuid7(1_600_000_000_000 + index, chance.randbytes(10)),
        full_name=full_name(chance),
        birth=birth if chance.random() < 0.8 else BirthDate(year),
        sex=sex,
        chart_number=f"A{chance.randint(20, 26)}.{index:06d}",
        national_id=f"064{century}{year % 100:02d}{index:06d}" if chance.random() < 0.9 else "",
        phone=f"09{chance.randint(0, 99_999_999):08d}" if chance.random() < 0.7 else "",
        address=Address(line=chance.choice(HAMLETS), commune_name="Xã Mẫu"),
        coverages=(Coverage(number=f"GD4{chance.randint(1, 99):02d}{index:010d}"),)
        if chance.random() < 0.9
        else (),
    )


def visit(
    patient: Patient, index: int, count: int, chance: random.Random, years: int = YEARS
) -> Encounter:
    """Visit ``index`` of ``count`` in five years, in order of time."""
    day = LAST_DAY - timedelta(days=years * 365 * (count - 1 - index) // count)
    arrived = datetime(day.year, day.month, day.day, 7, 0, tzinfo=ZONE) + timedelta(
        minutes=chance.randint(0, 540)
    )
    code, title = chance.choice(ILLNESSES)
    return Encounter(
        id=uuid7(int(arrived.timestamp() * 1000), chance.randbytes(10)),
        patient_id=patient.id,
        number=f"A{day:%y}.{index:07d}",
        arrived_at=arrived,
        started_at=arrived + timedelta(minutes=10),
        ended_at=arrived + timedelta(minutes=20),
        stage=Stage.FINISHED,
        reason="Đau đầu, chóng mặt",
        history="Triệu chứng xuất hiện ba ngày nay, tăng về sáng.",
        vitals=(VitalSigns(systolic=chance.randint(100, 170), diastolic=chance.randint(60, 99)),),
        examination="Tỉnh, tiếp xúc tốt. Tim đều, phổi trong, bụng mềm.",
        diagnoses=(Diagnosis(icd_code=code, title=title, role=DiagnosisRole.MAIN),),
        treatment="Nghỉ ngơi, uống thuốc theo đơn.",
        result="1",
        station=STATION,
        patient=PatientSnapshot(
            patient_id=patient.id,
            full_name=patient.full_name,
            birth=patient.birth,
            sex=patient.sex,
            national_id=patient.national_id,
            address=patient.address.text,
        ),
        practitioner=DOCTOR,
        signature=Signature(by=DOCTOR, at=arrived + timedelta(minutes=20)),
    )


def fill(raw: RawConnection, size: Size) -> None:
    """Write the commune straight into an empty schema, as signed records, triggers and all."""
    chance = random.Random(SEED)
    raw.execute("PRAGMA journal_mode = OFF")
    raw.execute("PRAGMA synchronous = OFF")
    raw.execute("PRAGMA cache_size = -1000000")
    raw.execute("PRAGMA foreign_keys = OFF")
    patients = [person(index, chance) for index in range(size.patients)]
    load(raw, "patient", _patient_rows(patients))
    raw.execute("BEGIN")
    raw.executemany(
        "INSERT INTO patient_search(rowid, words) VALUES (?, ?)",
        ((row, search_words(patient)) for row, patient in enumerate(patients, 1)),
    )
    raw.executemany(
        "INSERT INTO patient_number VALUES (?, ?)",
        (
            (number, row)
            for row, patient in enumerate(patients, 1)
            for number in numbers_of(patient)
        ),
    )
    raw.execute("COMMIT")
    load(raw, "encounter", _encounter_rows(patients, size.encounters, chance))
    raw.execute("BEGIN")
    raw.execute(
        "UPDATE patient SET last_visit_on = (SELECT max(day) FROM encounter "
        "WHERE patient_id = patient.id)"
    )
    raw.execute("COMMIT")
    raw.execute("PRAGMA journal_mode = WAL")


def _patient_rows(patients: list[Patient]) -> Iterator[tuple[Patient, datetime, dict[str, Any]]]:
    repository = PatientRepository(None)  # type: ignore[arg-type]  # only its column rules
    at = datetime(2021, 1, 1, 8, tzinfo=ZONE)
    for patient in patients:
        yield patient, at, repository.columns(patient)


def _encounter_rows(
    patients: list[Patient], count: int, chance: random.Random
) -> Iterator[tuple[Encounter, datetime, dict[str, Any]]]:
    repository = EncounterRepository(None)  # type: ignore[arg-type]  # only its column rules
    for index in range(count):
        encounter = visit(chance.choice(patients), index, count, chance)
        assert encounter.ended_at is not None
        yield encounter, encounter.ended_at, repository.columns(encounter)


def load(
    raw: RawConnection, kind: str, rows: Iterator[tuple[Any, datetime, dict[str, Any]]]
) -> None:
    """Write first versions and their heads, 20,000 at a time."""
    heads: list[tuple[Any, ...]] = []
    versions: list[tuple[Any, ...]] = []
    names: tuple[str, ...] = ()

    def flush() -> None:
        if not heads:
            return
        raw.execute("BEGIN")
        raw.executemany(
            "INSERT INTO record_version (kind, record_id, version, status, content, "
            "content_sha256, author_id, author_name, at_utc, at_offset, reason) "
            "VALUES (?, ?, 1, 'signed', ?, ?, ?, ?, ?, 420, '')",
            versions,
        )
        marks = ", ".join("?" * len(heads[0]))
        raw.executemany(f"INSERT INTO {kind} ({', '.join(names)}) VALUES ({marks})", heads)
        raw.execute("COMMIT")
        heads.clear()
        versions.clear()

    for record, at, columns in rows:
        content, utc = encode(record), utc_text(at)
        names = ("id", "version", "status", "saved_utc", "saved_offset", *columns)
        versions.append(
            (kind, record.id, content, digest(content), DOCTOR.user_id, DOCTOR.full_name, utc)
        )
        heads.append((record.id, 1, "signed", utc, 420, *columns.values()))
        if len(heads) >= 20_000:
            flush()
    flush()


def people(size: Size) -> list[Patient]:
    """The same people that :func:`fill` wrote."""
    chance = random.Random(SEED)
    return [person(index, chance) for index in range(size.patients)]


def cached(folder: Path, size: Size, name: str) -> Path:
    """Where a filled database is kept between runs; the schema's own text is part of its name."""
    shape = digest("".join(schema.statements()))[:8]
    return folder / f"{name}-{size.patients}-{size.encounters}-{shape}.db"

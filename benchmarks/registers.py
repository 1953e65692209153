"""Registers and reports of a station that has worked for ten years.

``workbook_ms`` and ``pdf_ms`` are the register of a year, 15,000 visits, from the database to the bytes of
the file; ``report_ms`` the slowest ready report of one month, as the screen gets it. Each program is warm:
a figure is the median of the rounds; ``_cpu_ms`` is the processor's share of it. ``closed_year`` measures the
same year from its twelve snapshots.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.machine import median, milliseconds, report
from benchmarks.population import (
    DOCTOR,
    HAMLETS,
    SEED,
    STATION,
    Size,
    cached,
    fill,
    load,
    people,
    visit,
)
from benchmarks.save import KEY
from station_emr.db import connection as connections
from station_emr.db import schema
from station_emr.db.repositories.encounters import EncounterRepository
from station_emr.db.repositories.papers import PrescriptionRepository
from station_emr.db.store import EncryptedStore
from station_emr.domain.encounter import Encounter
from station_emr.domain.ids import uuid7
from station_emr.domain.patient import Coverage
from station_emr.domain.period import Period, PeriodKind
from station_emr.domain.permissions import Role
from station_emr.domain.prescription import Prescription, PrescriptionLine
from station_emr.domain.user import Actor, User
from station_emr.printing.register_papers import PdfRegisterPapers
from station_emr.services.clock import SystemClock
from station_emr.services.form_data import notification_rules
from station_emr.services.registers import Registers
from station_emr.services.report_templates import shipped
from station_emr.services.reports import Reports

YEARS = 10
FULL = Size(12_000, 150_000)
QUICK = Size(1_200, 15_000)
YEAR = Period(PeriodKind.YEAR, 2025)
MONTH = Period(PeriodKind.MONTH, 2026, 3)
DIRECTOR = Actor(
    user=User(id="u-1", username="gd", full_name="Giám Đốc Mẫu", role=Role.DIRECTOR),
    device="Máy 1",
)
DRUGS = (
    ("Paracetamol 500 mg", "viên"),
    ("Amoxicilin 500 mg", "viên"),
    ("Amlodipin 5 mg", "viên"),
    ("Metformin 500 mg", "viên"),
    ("Oresol 20,5 g", "gói"),
    ("Omeprazol 20 mg", "viên"),
)


class NoKeys:
    """The benchmark's director has no key slot."""

    def check(self, username: str, password: str) -> None:
        """Everybody may."""


def visits(size: Size) -> Iterator[Encounter]:
    """The same visits each time, as full as a station writes them."""
    chance = random.Random(SEED + 3)
    known = people(size)
    for index in range(size.encounters):
        made = visit(chance.choice(known), index, size.encounters, chance, YEARS)
        assert made.patient is not None
        number = f"GD464{chance.randint(10**9, 10**10 - 1)}"
        card = Coverage(number=number) if chance.random() < 0.9 else None
        yield replace(
            made,
            coverage_number=card.number if card else "",
            patient=replace(
                made.patient,
                address=f"{chance.choice(HAMLETS)}, Xã Mẫu, Tỉnh Mẫu",
                ethnic_name=chance.choice(("Kinh", "Gia Rai", "Ba Na")),
                occupation_name=chance.choice(("Nông dân", "Học sinh", "Nội trợ")),
                coverage=card,
            ),
        )


def prescriptions(size: Size) -> Iterator[tuple[Prescription, datetime, dict[str, Any]]]:
    chance = random.Random(SEED + 4)
    columns = PrescriptionRepository(None)  # type: ignore[arg-type]  # only its column rules
    for index, made in enumerate(visits(size)):
        if chance.random() > 0.8:
            continue
        lines = tuple(
            PrescriptionLine(
                drug_code=name,
                inn=name,
                label=name,
                unit=unit,
                dose=Decimal(1),
                times_per_day=2,
                days=5,
            )
            for name, unit in chance.sample(DRUGS, chance.randint(1, 3))
        )
        assert made.ended_at is not None
        paper = Prescription(
            id=uuid7(int(made.ended_at.timestamp() * 1000), chance.randbytes(10)),
            patient_id=made.patient_id,
            encounter_id=made.id,
            code=f"DEMO1{index:07d}-C",
            lines=lines,
            diagnoses=made.diagnoses,
            written_at=made.ended_at,
            station=STATION,
            patient=made.patient,
            prescriber=DOCTOR,
            signature=made.signature,
        )
        yield paper, made.ended_at, columns.columns(paper)


def prepare(path: Path, size: Size) -> None:
    if path.exists():
        return
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    raw = connections.connect(fresh, KEY, create=True)
    schema.build(raw)
    fill(raw, Size(size.patients, 0))
    heads = EncounterRepository(None)  # type: ignore[arg-type]  # only its column rules
    load(
        raw, "encounter", ((v, v.ended_at or v.arrived_at, heads.columns(v)) for v in visits(size))
    )
    load(raw, "prescription", prescriptions(size))
    raw.close()
    fresh.replace(path)
    store = EncryptedStore.open(path, KEY)
    with store.write() as work:
        work.settings.save_station(STATION, SystemClock().now())
    store.close()


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    begin, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - busy


def typical(name: str, work: Callable[[], object], rounds: int) -> dict[str, float]:
    times = [spent(work) for _ in range(rounds)]
    return {
        f"{name}_ms": milliseconds(median([clock for clock, _busy in times])),
        f"{name}_cpu_ms": milliseconds(median([busy for _clock, busy in times])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one year instead of ten")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "station-emr-bench"
    )
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    options.cache.mkdir(parents=True, exist_ok=True)
    path = cached(options.cache, size, "registers")
    prepare(path, size)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "station.db"
        source = EncryptedStore.open(path, KEY)
        source.backup(str(copy))
        source.close()
        store = EncryptedStore.open(copy, KEY)
        try:
            measure(store, size, options.rounds)
        finally:
            store.close()


def measure(store: EncryptedStore, size: Size, rounds: int) -> None:
    clock, papers = SystemClock(), PdfRegisterPapers()
    registers = Registers(store, clock, papers, NoKeys())
    reports = Reports(store, clock, papers, notification_rules)
    lines = registers.show(DIRECTOR, YEAR).count

    def files() -> dict[str, float]:
        return {
            **typical("workbook", lambda: registers.export(DIRECTOR, YEAR), rounds),
            **typical("pdf", lambda: registers.export(DIRECTOR, YEAR, as_pdf=True), rounds),
        }

    names = [*shipped(), "chuyen-tuyen", "benh-truyen-nhiem"]
    times = {
        name: typical("report", lambda: reports.show(DIRECTOR, name, MONTH), rounds)  # noqa: B023
        for name in names
    }
    slowest = max(times, key=lambda name: times[name]["report_ms"])
    open_year = files()
    closing = [
        spent(lambda: registers.close(DIRECTOR, month, "", ("period:unsigned",)))[0]  # noqa: B023
        for month in YEAR.months
    ]
    closed_year = files()
    report(
        "registers",
        visits=size.encounters,
        years=YEARS,
        year_lines=lines,
        **open_year,
        closed_year=closed_year,
        month_lines=registers.show(DIRECTOR, MONTH).count,
        **times[slowest],
        slowest_report=slowest,
        close_month_ms=milliseconds(median(closing)),
        **typical("late_year", lambda: registers.late(DIRECTOR, YEAR), rounds),
    )


if __name__ == "__main__":
    main()

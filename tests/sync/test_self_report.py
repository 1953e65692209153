"""What a machine says of itself to the province: counts, times and versions, nothing of any record."""

from __future__ import annotations

from datetime import date

from station_emr.domain.catalog import CatalogKind
from station_emr.domain.catalog_pack import CatalogPack, PackState
from station_emr.services.clock import SystemClock
from station_emr.sync.self_report import SelfReport, lists_in_force
from tests.interop import fhir_records as sample


def pack(kind: CatalogKind, number: int, version: str) -> CatalogPack:
    return CatalogPack(
        kind=kind,
        number=number,
        version=version,
        effective=date(2026, 1, 1),
        sha256="0" * 64,
        size=1,
        rows=1,
        source="mẫu",
    )


def test_the_newest_applied_version_of_each_list_is_told(station) -> None:
    with station.store.write() as work:
        assert lists_in_force(work) == ""
        for kind, number, version, state in [
            (CatalogKind.DRUG, 1, "2026.1", PackState.APPLIED),
            (CatalogKind.DRUG, 2, "2026.2", PackState.APPLIED),
            (CatalogKind.DRUG, 3, "2027.1", PackState.HELD),
            (CatalogKind.ICD10, 1, "2025", PackState.APPLIED),
        ]:
            work.packs.offer(pack(kind, number, version))
            work.packs.mark(kind, number, state)
    with station.store.read() as work:
        assert lists_in_force(work) == "drug 2026.2, icd10 2025"
        said = SelfReport(SystemClock(), "Mẫu 1", lambda: 0.0).when_due(work)
    assert said["catalog"] == "drug 2026.2, icd10 2025"


def test_nothing_of_a_record_is_told(station) -> None:
    station.work_a_day()
    with station.store.read() as work:
        said = SelfReport(SystemClock(), "Mẫu 1", lambda: 0.0).when_due(work)
    assert set(said) <= {"waiting", "oldest", "refused", "conflicts", "program", "catalog", "clock"}
    assert sample.PATIENT.full_name not in str(said)
    assert said["waiting"] > 0

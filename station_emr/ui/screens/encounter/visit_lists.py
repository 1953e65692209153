"""What the lists of the day offer a visit. No widgets here."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.domain.catalog import CatalogKind
from station_emr.domain.encounter import Encounter
from station_emr.services.station_services import StationServices

Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitLists:
    """Pairs of code and words; ``came_from_name`` is the name of the facility that sent the person."""

    results: Choices = ()
    discharges: Choices = ()
    care_kinds: Choices = ()
    visit_objects: Choices = ()
    accidents: Choices = ()
    came_from_name: str = ""


def read_lists(services: StationServices, encounter: Encounter) -> VisitLists:
    """The rows in force today."""

    def choices(kind: CatalogKind) -> Choices:
        return tuple((row.code, row.name) for row in services.catalogs.rows(kind))

    sender = (
        services.catalogs.find(CatalogKind.FACILITY, encounter.came_from)
        if encounter.came_from
        else None
    )
    return VisitLists(
        results=choices(CatalogKind.TREATMENT_RESULT),
        discharges=choices(CatalogKind.DISCHARGE_KIND),
        care_kinds=choices(CatalogKind.CARE_KIND),
        visit_objects=choices(CatalogKind.VISIT_OBJECT),
        accidents=choices(CatalogKind.ACCIDENT),
        came_from_name=sender.name if sender is not None else "",
    )

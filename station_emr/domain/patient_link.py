"""Two charts of one person, joined by a person's decision and never by the program (FHIR Linkage)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientLink:
    """``survivor_id`` is the chart that lists show; ``duplicate_id`` keeps its whole history.

    A voided link joins nothing any more. ``kept`` holds, for the undoing, the survivor's version
    before the merge copied fields into it (0 when nothing was copied).
    """

    id: str
    survivor_id: str
    duplicate_id: str
    reason: str = ""
    kept: int = 0

    @property
    def patient_id(self) -> str:
        return self.survivor_id


def survivors(links: Iterable[PatientLink]) -> dict[str, str]:
    """Chart id → the chart that is shown for it, for every chart that is in a group.

    Links join into groups whatever their order. The one shown is the chart that no link calls a
    duplicate; where links contradict one another (a ring, two survivors), the smallest id, so that
    every machine shows the same.
    """
    active = list(links)
    group: dict[str, set[str]] = {}
    for link in active:
        joined = group.get(link.survivor_id, {link.survivor_id}) | group.get(
            link.duplicate_id, {link.duplicate_id}
        )
        for chart in joined:
            group[chart] = joined
    duplicates = {link.duplicate_id for link in active}
    shown: dict[str, str] = {}
    for chart, joined in group.items():
        candidates = joined - duplicates or joined
        shown[chart] = min(candidates)
    return shown

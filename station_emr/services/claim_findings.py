"""The named rules over claims, each finding with the place where it is mended. Asks nobody who they are:
whoever uses this has asked already.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from station_emr.domain.claim import ClaimFile, Finding
from station_emr.domain.errors import NotFound

from .catalog_ports import CatalogSearch
from .claim_check_ports import ClaimRules
from .claim_lists import StationLists
from .claim_places import Origin, placed
from .ports import Clock, Store, Work


class ClaimFindings:
    """Fulfils :class:`station_emr.services.gateway_ports.ClaimChecks`: what has a blocking finding here
    does not leave the station.
    """

    def __init__(
        self, store: Store, clock: Clock, search: CatalogSearch, rules: ClaimRules
    ) -> None:
        self._store = store
        self._clock = clock
        self._search = search
        self._rules = rules

    def findings_of(self, claim: ClaimFile) -> tuple[Finding, ...]:
        """Of one claim."""
        return self.before_sending([claim])[0]

    def before_sending(self, claims: Sequence[ClaimFile]) -> tuple[tuple[Finding, ...], ...]:
        """Of each of several that go together, with what they repeat of one another."""
        found = self._rules.check_all(claims, self.lists())
        with self._store.read() as work:
            return tuple(
                _placed(work, claim, findings) if findings else ()
                for claim, findings in zip(claims, found, strict=True)
            )

    def unplaced(self, claims: Sequence[ClaimFile]) -> tuple[tuple[Finding, ...], ...]:
        """Of claims that no record of this station stands behind."""
        return self._rules.check_all(claims, self.lists())

    def lists(self) -> StationLists:
        return StationLists(self._store, self._search, self._clock.now().date())

    def title(self, finding: Finding) -> str:
        return self._rules.title(finding)


def _placed(work: Work, claim: ClaimFile, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    origin = _origin(work, claim.link_code)
    return tuple(placed(finding, origin) for finding in findings)


def _origin(work: Work, link_code: str) -> Origin:
    """The link code of our own claims is the visit's id without its hyphens."""
    try:
        encounter = work.encounters.get(str(UUID(hex=link_code))).record
    except (ValueError, NotFound):
        return Origin()
    bill = work.bills.of_encounter(encounter.id)
    return Origin(
        patient_id=encounter.patient_id,
        encounter=encounter,
        bill=bill.record if bill is not None else None,
    )

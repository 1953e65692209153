"""The named rules over claims, each finding with the place where it is mended. Asks nobody who they are:
whoever uses this has asked already.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Final, Protocol
from uuid import UUID

from station_emr.domain.claim import ClaimFile, Finding, ForeignFile
from station_emr.domain.errors import NotFound

from .catalog_ports import CatalogSearch
from .claim_check_ports import ClaimRules
from .claim_lists import StationLists
from .claim_places import Origin, placed
from .ports import Clock, Store, Work

_VIETNAM: Final = timezone(timedelta(hours=7))


class FileReader(Protocol):
    """Reads the files that left (services/claim_files.py)."""

    def read(self, data: bytes) -> ForeignFile: ...


class ClaimFindings:
    """Fulfils :class:`station_emr.services.gateway_ports.ClaimChecks`: what has a blocking finding here
    does not leave the station.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        search: CatalogSearch,
        rules: ClaimRules,
        files: FileReader,
    ) -> None:
        self._store = store
        self._clock = clock
        self._search = search
        self._rules = rules
        self._files = files

    def findings_of(self, claim: ClaimFile) -> tuple[Finding, ...]:
        """Of one claim."""
        return self.before_sending([claim])[0]

    def before_sending(self, claims: Sequence[ClaimFile]) -> tuple[tuple[Finding, ...], ...]:
        """Of each of several that go together, with what they repeat of one another and of what was
        signed or sent before.
        """
        found = self.unplaced(claims)
        with self._store.read() as work:
            return tuple(
                _placed(work, claim, findings) if findings else ()
                for claim, findings in zip(claims, found, strict=True)
            )

    def unplaced(self, claims: Sequence[ClaimFile]) -> tuple[tuple[Finding, ...], ...]:
        """Of claims that no record of this station stands behind."""
        return self._rules.check_all(claims, self.lists(), self._sent_alike(claims))

    def _sent_alike(self, claims: Sequence[ClaimFile]) -> tuple[ClaimFile, ...]:
        """What left of other visits that began in the same minutes: nothing else can be the same."""
        arrivals = {(claim.link_code, claim.summary.get("NGAY_VAO", "")) for claim in claims}
        with self._store.read() as work:
            files = {
                content
                for link_code, text in sorted(arrivals)
                if (moment := _arrival(text)) is not None
                for content in work.gateways.records_of_arrival(moment, link_code)
            }
        return tuple(claim for content in files for claim in self._files.read(content).claims)

    def lists(self) -> StationLists:
        return StationLists(self._store, self._search, self._clock.now().date())

    def title(self, finding: Finding) -> str:
        return self._rules.title(finding)


def _arrival(text: str) -> datetime | None:
    """NGAY_VAO as a moment; None for what the rules of its element speak of."""
    if not "1900" <= text[:4] < "2200":
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=_VIETNAM)
    except ValueError:
        return None


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

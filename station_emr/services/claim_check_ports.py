"""What looking through claims needs: the lists of the station, and who knows the rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from station_emr.domain.catalog import CatalogKind, CatalogRow
from station_emr.domain.claim import ClaimFile, Finding
from station_emr.domain.price_list import ApprovedItem


class ClaimLists(Protocol):
    """The lists that claims are held against, as they were in force on a day."""

    def find(self, kind: CatalogKind, code: str, day: date) -> CatalogRow | None: ...

    def size(self, kind: CatalogKind) -> int:
        """How many rows the list has; the starter lists are short where the official one is not
        known, and a short list proves nothing.
        """

    def approved(self, kind: CatalogKind, code: str, day: date) -> Sequence[ApprovedItem]:
        """The rows of an approved list that the code of a bill may mean."""

    def staff(self) -> frozenset[str]:
        """Licence numbers of the station's people; empty when nobody has one yet."""


class ClaimRules(Protocol):
    """The named rules."""

    def check(self, claim: ClaimFile, lists: ClaimLists) -> tuple[Finding, ...]:
        """What one encounter breaks, in the order in which it is best mended."""

    def check_all(
        self,
        claims: Sequence[ClaimFile],
        lists: ClaimLists,
        earlier: Sequence[ClaimFile] = (),
    ) -> tuple[tuple[Finding, ...], ...]:
        """The same for each of several that go together, and what they repeat of one another and of
        those that left ``earlier``.
        """

    def title(self, finding: Finding) -> str:
        """A finding in a few words; empty for one of no named rule."""

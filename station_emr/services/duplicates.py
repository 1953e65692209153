"""One person registered twice: proposed by the program, joined and separated by people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from station_emr.domain.record import Changes
from station_emr.domain.user import Actor

from .desk_views import ChartComparison, Choice, DuplicateProposal, JoinedRow
from .ports import Clock, PersonMatcher, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Separated:
    """Two charts are apart again; ``note`` says in Vietnamese what was left as it is, if anything."""

    changes: Changes
    note: str = ""


class Duplicates:
    """Use cases of charts that may be the same person's. All of them work offline."""

    def __init__(self, store: Store, clock: Clock, matcher: PersonMatcher) -> None:
        self._store = store
        self._clock = clock
        self._matcher = matcher

    def proposals(self, actor: Actor, limit: int = 50) -> tuple[DuplicateProposal, ...]:
        """Pairs that may be one person, the certain first. Looks through what came since the last
        call, and a part of what was there before.
        """
        raise NotImplementedError

    def compare(self, actor: Actor, one_id: str, other_id: str) -> ChartComparison:
        """Two charts field by field. ``one`` is the chart that would stay; ``shown`` is what
        :meth:`merge` takes for a field without a choice.
        """
        raise NotImplementedError

    def merge(
        self,
        actor: Actor,
        survivor_id: str,
        duplicate_id: str,
        choices: Mapping[str, Choice],
        *,
        reason: str = "",
        expected_version: int,
    ) -> Changes:
        """Join two charts. ``Choice.ONE`` is the survivor's value. Both keep their history.

        Raises Conflict when the survivor changed since the comparison, StateError when the two
        are joined already.
        """
        raise NotImplementedError

    def undo(self, actor: Actor, link_id: str, *, reason: str = "") -> Separated:
        """Separate two charts again; the survivor's fields go back unless they changed since."""
        raise NotImplementedError

    def dismiss(self, actor: Actor, one_id: str, other_id: str) -> None:
        """These are two people: do not propose them again on this machine."""
        raise NotImplementedError

    def joined(self, actor: Actor) -> tuple[JoinedRow, ...]:
        """Charts that are joined now, the newest first."""
        raise NotImplementedError

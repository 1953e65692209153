"""The conflict desk: fields that two people wrote differently, decided by a person."""

from __future__ import annotations

from collections.abc import Mapping

from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.user import Actor

from .desk_views import Choice, ConflictRow, ConflictView, DecidedRow
from .ports import Clock, LetterSigner, Store


class Conflicts:
    """Use cases of the desk. Every decision is a version, and so is its undoing."""

    def __init__(self, store: Store, clock: Clock, signer: LetterSigner) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer

    def count(self) -> int:
        """How many records wait for a decision."""
        with self._store.read() as work:
            return len(work.operations.conflicts())

    def rows(self, actor: Actor) -> tuple[ConflictRow, ...]:
        """What waits for a decision: safety first, then the oldest."""
        raise NotImplementedError

    def open(self, actor: Actor, kind: RecordKind, record_id: str) -> ConflictView:
        """The two versions side by side. Raises StateError when nothing is open any more.

        Where more than two people wrote, a field has a line per further value; the path of such a
        line ends in ``@3``, ``@4``: give the choices under the paths as they stand here.
        """
        raise NotImplementedError

    def decide(
        self,
        actor: Actor,
        kind: RecordKind,
        record_id: str,
        choices: Mapping[str, Choice],
        *,
        reason: str = "",
        expected_version: int,
    ) -> Changes:
        """Write the decision as a version; fields without a choice stay open.

        Raises Conflict when something arrived since the view was opened, InvalidRecord without a
        reason where one is needed (a signed document), PermissionDenied.
        """
        raise NotImplementedError

    def decided(self, actor: Actor, limit: int = 50) -> tuple[DecidedRow, ...]:
        """Decisions that can still be undone, newest first."""
        raise NotImplementedError

    def undo(self, actor: Actor, kind: RecordKind, record_id: str, *, reason: str = "") -> Changes:
        """Open the fields of the newest decision again, with what the chart showed before it.

        Raises StateError when the newest version is no decision, InvalidRecord without a reason
        for a signed document.
        """
        raise NotImplementedError

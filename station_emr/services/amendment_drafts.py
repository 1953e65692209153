"""Amendments that are being typed: kept like any other form, so that leaving the page loses nothing.

They are no part of the record. Only the person who types one finds it again, and only as long as the
signed version that it amends is still the one that stands.
"""

from __future__ import annotations

from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind
from station_emr.domain.user import Actor

from .guards import allow
from .ports import Clock, Store
from .version_ports import TypedAmendment


class AmendmentDrafts:
    """Use cases; the part of :class:`Drafts` that is about signed records."""

    _store: Store
    _clock: Clock

    def keep_amendment(
        self, actor: Actor, kind: RecordKind, record_id: str, typed: TypedAmendment
    ) -> None:
        """Keep what was typed so far, in place of what was kept before."""
        allow(actor, _right(kind))
        with self._store.write() as work:
            key = _key(actor, kind, record_id)
            work.drafts.put_amendment(key, actor.user.id, typed, self._clock.now())

    def amendment(
        self, actor: Actor, kind: RecordKind, record_id: str, version: int
    ) -> TypedAmendment | None:
        """What this person typed over ``version`` and did not sign; None when another one stands."""
        allow(actor, _right(kind))
        with self._store.read() as work:
            kept = work.drafts.amendment(_key(actor, kind, record_id))
        return kept if kept is not None and kept.version == version else None

    def drop_amendment(self, actor: Actor, kind: RecordKind, record_id: str) -> None:
        """It was signed, or given up."""
        allow(actor, _right(kind))
        with self._store.write() as work:
            work.drafts.drop(_key(actor, kind, record_id))


def _right(kind: RecordKind) -> Action:
    """A bill is no clinical content: who may close one may amend it."""
    return Action.BILL_CLOSE if kind is RecordKind.BILL else Action.RECORD_AMEND


def _key(actor: Actor, kind: RecordKind, record_id: str) -> str:
    return f"{actor.user.id}:amend/{kind.value}/{record_id}"

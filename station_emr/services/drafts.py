"""Unfinished forms: kept as typed, found again after a power cut."""

from __future__ import annotations

from station_emr.domain.user import Actor

from .ports import Clock, Store
from .views import DraftForm


class Drafts:
    """Autosave of forms that are not a record yet (registration, settings)."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def keep(self, actor: Actor, key: str, content: str) -> DraftForm:
        """Keep a form's state under a key such as ``registration``; one per person and key."""
        form = DraftForm(
            key=_key(actor, key),
            user_id=actor.user.id,
            content=content,
            saved_at=self._clock.now(),
        )
        with self._store.write() as work:
            work.drafts.put(form)
        return form

    def find(self, actor: Actor, key: str) -> DraftForm | None:
        with self._store.read() as work:
            return work.drafts.get(_key(actor, key))

    def drop(self, actor: Actor, key: str) -> None:
        with self._store.write() as work:
            work.drafts.drop(_key(actor, key))


def _key(actor: Actor, key: str) -> str:
    return f"{actor.user.id}:{key}"

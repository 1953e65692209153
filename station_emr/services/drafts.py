"""Unfinished forms: kept as typed, found again after a power cut."""

from __future__ import annotations

from typing import Final

from station_emr.domain.errors import NotFound
from station_emr.domain.field_labels import field_label
from station_emr.domain.merge import paths, value_of
from station_emr.domain.permissions import Action
from station_emr.domain.user import Actor
from station_emr.domain.value_text import describe

from .amendment_drafts import AmendmentDrafts
from .conflict_views import title_of
from .desk_views import DisplacedDraft
from .guards import allow
from .ports import Clock, Store, Work
from .readings import Readings
from .record_stores import patient_of, record_store
from .views import DisplacedForm, DraftForm

_NOBODY_TYPED: Final = frozenset({"patient_id", "encounter_id", "station"})


class Drafts(AmendmentDrafts):
    """Autosave of forms that are not a record yet (registration, settings), and the drafts that gave
    way to another machine's record of the same id.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._readings = Readings(store, clock)

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

    def displaced(self, actor: Actor) -> tuple[DisplacedDraft, ...]:
        """Every draft that gave way and that nobody has put away yet, oldest first."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            found = tuple(_displaced(work, form) for form in work.drafts.displaced())
        for draft in found:
            self._readings.note(actor, draft.kind, draft.record_id, draft.patient_id)
        return found

    def count_displaced(self) -> int:
        """How many :meth:`displaced` would give, without a look at any."""
        with self._store.read() as work:
            return work.drafts.count_displaced()

    def drop_displaced(self, actor: Actor, key: str) -> None:
        """Somebody has read a displaced draft and needs it no more. Gone already: nothing happens."""
        allow(actor, Action.PATIENT_EDIT)
        with self._store.write() as work:
            form = next((form for form in work.drafts.displaced() if form.key == key), None)
            if form is None:
                return
            work.drafts.drop(key)
            work.audit.append(
                actor,
                "draft.drop_displaced",
                self._clock.now(),
                kind=form.kind.value,
                record_id=form.record_id,
                patient_id=_patient_id(work, form),
            )


def _key(actor: Actor, key: str) -> str:
    return f"{actor.user.id}:{key}"


def _patient_id(work: Work, form: DisplacedForm) -> str:
    record = form.record
    if record is None:  # the record that took its place tells
        record = record_store(work, form.kind).get(form.record_id).record
    return patient_of(form.kind, record)


def _displaced(work: Work, form: DisplacedForm) -> DisplacedDraft:
    patient_id = _patient_id(work, form)
    try:
        name = work.patients.row(patient_id).full_name
    except NotFound:
        name = ""
    shown = form.record or record_store(work, form.kind).get(form.record_id).record
    return DisplacedDraft(
        key=form.key,
        kind=form.kind,
        record_id=form.record_id,
        patient_id=patient_id,
        patient_name=name,
        title=title_of(form.kind, shown),
        saved_at=form.saved_at,
        lines=_lines(form),
    )


def _lines(form: DisplacedForm) -> tuple[str, ...]:
    if form.record is None:
        return (form.content,)
    typed = (path for path in paths(form.kind) if path not in _NOBODY_TYPED)
    texts = ((path, describe(path, value_of(form.record, path))) for path in typed)
    return tuple(f"{field_label(form.kind, path)}: {text}" for path, text in texts if text)

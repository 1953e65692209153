"""The conflict desk: fields that two people wrote differently, decided by a person.

A decision is a version like any other, and so is its undoing: what was not chosen stays in the
history of the record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from station_emr.domain.encounter import Encounter
from station_emr.domain.errors import Conflict, NotFound, StateError
from station_emr.domain.merge import STATUS, with_values
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changed, Changes, RecordKind, RecordStatus, Signature
from station_emr.domain.referral import Referral
from station_emr.domain.signature import SIGNED_KINDS
from station_emr.domain.user import Actor

from .attachments import follow
from .conflict_views import OpenRecord, name_of, title_of
from .decisions import decisions, remember_decision
from .desk_views import (
    UNSIGNED,
    Choice,
    ConflictRow,
    ConflictView,
    DecidedRow,
    right_to_see,
)
from .form_rules import FormRules
from .guards import allow, begin_signing, needs_reason
from .papers import close_papers
from .ports import Clock, LetterSigner, Store, Work
from .readings import Readings
from .record_stores import patient_of, record_store
from .restricted import holds
from .rights_effect import RIGHTS_KINDS, follow_decision, may_decide
from .signing_rules import note_signed, number_of

_SETTLED = "Hồ sơ này không còn mục nào cần chọn. Có thể người khác vừa chọn xong."
_OVERTAKEN = (
    "Hồ sơ này vừa có bản mới nên lựa chọn của bạn chưa được ghi. Hãy mở lại để xem rồi chọn lại."
)


class Conflicts:
    """Use cases of the desk. Every decision is a version, and so is its undoing."""

    def __init__(self, store: Store, clock: Clock, signer: LetterSigner, rules: FormRules) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer
        self._rules = rules
        self._readings = Readings(store, clock)

    def count(self) -> int:
        """How many records wait for a decision."""
        with self._store.read() as work:
            return len(work.operations.conflicts())

    def rows(self, actor: Actor) -> tuple[ConflictRow, ...]:
        """What waits for a decision: safety first, then the oldest."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            rows = [
                OpenRecord(work, kind, each).row()
                for kind, each in work.operations.conflicts()
                if holds(actor, right_to_see(kind))
            ]
        return tuple(sorted(rows, key=lambda row: (not row.safety, row.since)))

    def of_patient(self, actor: Actor, patient_id: str) -> tuple[ConflictRow, ...]:
        """What is open in the records of one person, for the banner on the chart."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            return tuple(
                OpenRecord(work, kind, each).row()
                for kind, each in work.operations.conflicts()
                if holds(actor, right_to_see(kind))
                and patient_of(kind, record_store(work, kind).get(each).record) == patient_id
            )

    def open(self, actor: Actor, kind: RecordKind, record_id: str) -> ConflictView:
        """The two versions side by side. Raises StateError when nothing is open any more.

        Where more than two people wrote, a field has a line per further value; the path of such a
        line ends in ``@3``, ``@4``: give the choices under the paths as they stand here.
        """
        allow(actor, right_to_see(kind))
        with self._store.read() as work:
            record = OpenRecord(work, kind, record_id)
            if not record.rivals():
                raise StateError(_SETTLED)
            view = record.view()
        self._readings.note(actor, kind, record_id, view.row.patient_id)
        return view

    def decide(
        self,
        actor: Actor,
        kind: RecordKind,
        record_id: str,
        choices: Mapping[str, Choice],
        *,
        reason: str = "",
        expected_version: int,
        confirmed: Collection[str] = (),
    ) -> Changes:
        """Write the decision as a version; fields without a choice stay open.

        Raises Conflict when something arrived since the view was opened, InvalidRecord without a
        reason where one is needed (a signed document) and when the result breaks a rule of the
        record's form, PermissionDenied. ``confirmed`` answers the form's questions, as for signing.
        """
        now = self._clock.now()
        with self._store.write() as work:
            record = OpenRecord(work, kind, record_id)
            if record.stored.version != expected_version:
                raise Conflict(_OVERTAKEN)
            if not record.node.open_fields:
                raise StateError(_SETTLED)
            values = record.chosen(choices)
            if not values:
                raise StateError("Chưa chọn mục nào nên chưa ghi gì. Hãy chọn ít nhất một mục.")
            settled = {*values, *record.without_rivals()}
            left = [path for path in record.node.open_fields if path not in settled]
            status = values.pop(STATUS, record.stored.status)
            decided = with_values(record.stored.record, values)
            may_decide(actor, kind, record.stored.record)
            if status is not RecordStatus.VOIDED:
                decided = self._checked(work, record, decided, settled, confirmed)
            return self._write(
                work,
                actor,
                record,
                decided,
                status,
                left,
                now,
                reason=reason,
                action="conflict.decide",
                fields=sorted(settled),
            )

    def _checked(
        self,
        work: Work,
        record: OpenRecord,
        decided: Any,
        settled: Collection[str],
        confirmed: Collection[str],
    ) -> Any:
        """The decided content if its form would let it pass, with the answers that a visit keeps."""
        before = record.stored.record
        given: tuple[str, ...] = getattr(decided, "confirmed", ())
        # An answer about a field that is decided now may have been about the other value.
        standing = {key for key in given if key.partition(":")[0].split(".")[0] not in settled}
        self._rules.judge(work, record.kind, before, decided, settled, {*confirmed, *standing})
        if confirmed and isinstance(decided, Encounter):
            return replace(decided, confirmed=tuple(sorted({*confirmed, *given})))
        return decided

    def decided(self, actor: Actor, limit: int = 50) -> tuple[DecidedRow, ...]:
        """Decisions that can still be undone, newest first."""
        allow(actor, Action.PATIENT_VIEW)
        rows: list[DecidedRow] = []
        with self._store.read() as work:
            for kind, record_id, version in decisions(work):
                if len(rows) >= limit:
                    break
                if not holds(actor, right_to_see(kind)):
                    continue
                row = _decided_row(work, kind, record_id, version)
                if row is not None:
                    rows.append(row)
        return tuple(rows)

    def undo(self, actor: Actor, kind: RecordKind, record_id: str, *, reason: str = "") -> Changes:
        """Open the fields of the newest decision again, with what the chart showed before it.

        Raises StateError when the newest version is no decision, InvalidRecord without a reason
        for a signed document. Papers that were cancelled together with a visit stay cancelled.
        """
        now = self._clock.now()
        with self._store.write() as work:
            record = OpenRecord(work, kind, record_id)
            before = record.decided_version
            if before is None:
                raise StateError(
                    "Bản mới nhất của hồ sơ này không phải là một lần chọn nên không hoàn tác được."
                )
            return self._write(
                work,
                actor,
                record,
                record.content(before.version),
                before.status,
                before.open_fields,
                now,
                reason=reason,
                action="conflict.undo",
                fields=sorted(set(before.open_fields) - set(record.node.open_fields)),
            )

    def _write(
        self,
        work: Work,
        actor: Actor,
        record: OpenRecord,
        content: Any,
        status: RecordStatus,
        left: Sequence[str],
        now: datetime,
        *,
        reason: str,
        action: str,
        fields: Sequence[str],
    ) -> Changes:
        kind = record.kind
        status = RecordStatus.VOIDED if status is RecordStatus.VOIDED else RecordStatus.AMENDED
        papers: tuple[Changed, ...] = ()
        if kind in UNSIGNED:
            may_decide(actor, kind, content)
            reason = reason.strip()
        else:
            voids = status is RecordStatus.VOIDED
            begin_signing(work, actor, Action.RECORD_VOID if voids else Action.RECORD_AMEND, now)
            reason = needs_reason(reason)
            if not voids:
                content = self._signed(content, actor, now)
            elif kind is RecordKind.ENCOUNTER and STATUS not in left:
                papers = close_papers(work, actor, record.id, reason, now)
        changed = record_store(work, kind).add_version(
            content,
            status,
            author=actor.user.snapshot,
            at=now,
            reason=reason,
            expected_version=record.stored.version,
            open_fields=tuple(left),
        )
        if isinstance(content, Referral):
            follow(work, changed, content.number, now)
        if kind in SIGNED_KINDS:
            number, person = number_of(kind, content), patient_of(kind, content)
            note_signed(work, actor, changed, patient_id=person, number=number, now=now)
        if action == "conflict.decide":
            remember_decision(work, kind, record.id, changed.version)
        if kind in RIGHTS_KINDS:
            follow_decision(work, kind, record.id, fields, now)
        work.audit.append(
            actor,
            action,
            now,
            kind=kind.value,
            record_id=record.id,
            patient_id=patient_of(kind, content),
            detail={"fields": ",".join(fields), "reason": reason},
        )
        return Changes((changed, *papers))

    def _signed(self, content: Any, actor: Actor, now: datetime) -> Any:
        """The document under the name of the person who decided; a letter gets its code anew."""
        signed = replace(content, signature=Signature(by=actor.user.snapshot, at=now))
        if isinstance(signed, Referral):
            return replace(signed, letter_code=self._signer.sign(signed))
        return signed


def _decided_row(work: Work, kind: RecordKind, record_id: str, version: int) -> DecidedRow | None:
    """None when the decision is not the newest version any more."""
    try:
        record = OpenRecord(work, kind, record_id)
    except NotFound:
        return None
    if record.stored.version != version or record.decided_version is None:
        return None
    content, node = record.stored.record, record.node
    return DecidedRow(
        kind=kind,
        record_id=record_id,
        version=version,
        patient_name=name_of(work, kind, content),
        title=title_of(kind, content),
        decided_by=node.author_name,
        decided_at=node.at,
        papers_voided=kind is RecordKind.ENCOUNTER and node.status is RecordStatus.VOIDED,
    )

"""The versions of a record: listed, shown as they were, compared in words, brought back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from station_emr.domain.difference import differences, written_lines
from station_emr.domain.encounter import Encounter
from station_emr.domain.errors import NotFound, StateError
from station_emr.domain.lineage import by_rule
from station_emr.domain.merge import paths, value_of, with_values
from station_emr.domain.operation import Origin, VersionNode
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind, RecordStatus, Signature
from station_emr.domain.referral import Referral
from station_emr.domain.user import Actor

from .attachments import follow
from .conflict_views import title_of
from .decisions import still_open
from .form_rules import FormRules
from .guards import allow, begin_signing, needs_reason
from .ports import Clock, Documents, LetterSigner, PaperStore, PrintMark, Store, Stored, Work
from .prints import PRINTABLE, draw
from .readings import Readings
from .record_stores import patient_of, record_store
from .signing_rules import note_signed
from .version_ports import Comparison, RecordHistory, VersionRow, VersionView

KEPT_KINDS: Final = (
    RecordKind.PATIENT,
    RecordKind.ENCOUNTER,
    RecordKind.PRESCRIPTION,
    RecordKind.REFERRAL,
    RecordKind.APPOINTMENT,
    RecordKind.CERTIFICATE,
    RecordKind.BILL,
)
"""Kinds whose history a person reads; the history of the others is part of these."""
_ONE_PER_VISIT: Final = frozenset(
    {RecordKind.REFERRAL, RecordKind.APPOINTMENT, RecordKind.CERTIFICATE, RecordKind.BILL}
)
_PAPERS: Final = frozenset(PRINTABLE)


class Versions:
    """Use cases of a record's history. Nothing here changes a version that was written."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        signer: LetterSigner,
        rules: FormRules,
        documents: Documents,
    ) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer
        self._rules = rules
        self._documents = documents
        self._readings = Readings(store, clock)

    def history(self, actor: Actor, kind: RecordKind, record_id: str) -> RecordHistory:
        """Every version, the newest first. The look is logged. Raises NotFound for a mere draft."""
        allow(actor, _view(kind))
        with self._store.read() as work:
            stored = _signed(work, kind, record_id)
            patient_id = patient_of(kind, stored.record)
            history = RecordHistory(
                kind=kind,
                record_id=record_id,
                title=title_of(kind, stored.record),
                patient_id=patient_id,
                patient_name=work.patients.row(patient_id).full_name,
                status=stored.status,
                rows=tuple(reversed(_rows(work, kind, stored))),
            )
        self._note(actor, kind, record_id, history.patient_id)
        return history

    def view(self, actor: Actor, kind: RecordKind, record_id: str, version: int) -> VersionView:
        """One version as it was written. The look is logged."""
        allow(actor, _view(kind))
        with self._store.read() as work:
            stored = _signed(work, kind, record_id)
            content = record_store(work, kind).at_version(record_id, version)
            row = next(one for one in _rows(work, kind, stored) if one.version == version)
        self._note(actor, kind, record_id, patient_of(kind, content))
        return VersionView(
            row=row,
            title=title_of(kind, content),
            lines=written_lines(kind, content),
            printable=kind in _PAPERS,
        )

    def content(self, actor: Actor, kind: RecordKind, record_id: str, version: int) -> Stored[Any]:
        """One version as the record's own page shows it, read-only. The look is logged."""
        allow(actor, _view(kind))
        with self._store.read() as work:
            stored = _signed(work, kind, record_id)
            content = record_store(work, kind).at_version(record_id, version)
            row = next(one for one in _rows(work, kind, stored) if one.version == version)
        self._note(actor, kind, record_id, patient_of(kind, content))
        return Stored(record=content, version=version, status=row.status, saved_at=row.at)

    def paper(self, actor: Actor, kind: RecordKind, record_id: str, version: int) -> bytes:
        """The form of one version, to look at: its foot names the version, and a version that
        stands no more is not to be taken for one that does.
        """
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            stored = _signed(work, kind, record_id)
            content = record_store(work, kind).at_version(record_id, version)
            row = next(one for one in _rows(work, kind, stored) if one.version == version)
            copies = work.prints.copies(kind, record_id, version)
            mark = PrintMark(
                printed_at=self._clock.now(),
                printed_by=actor.user.snapshot.printed_name,
                copy=copies + 1,
                version=version,
                voided=row.status is RecordStatus.VOIDED,
                outdated=not row.shown,
            )
        self._note(actor, kind, record_id, patient_of(kind, content))
        if kind not in _PAPERS:
            raise NotFound("Loại hồ sơ này không có mẫu in. Hãy xem nội dung bằng chữ.")
        return draw(self._documents, content, mark)

    def compare(
        self, actor: Actor, kind: RecordKind, record_id: str, one: int, other: int
    ) -> Comparison:
        """What changed from the older of two versions to the newer, in words."""
        allow(actor, _view(kind))
        older, newer = min(one, other), max(one, other)
        with self._store.read() as work:
            stored = _signed(work, kind, record_id)
            store = record_store(work, kind)
            before, after = (store.at_version(record_id, version) for version in (older, newer))
            by_version = {row.version: row for row in _rows(work, kind, stored)}
        self._note(actor, kind, record_id, patient_of(kind, after))
        statuses = (by_version[older].status, by_version[newer].status)
        return Comparison(
            older=older,
            newer=newer,
            differences=differences(kind, before, after, statuses),
        )

    def restore(
        self,
        actor: Actor,
        kind: RecordKind,
        record_id: str,
        version: int,
        reason: str,
        expected_version: int,
        confirmed: Collection[str] = (),
    ) -> Changes:
        """Make an earlier version stand again: a new version with its content and a reason.

        A voided record comes back this way too, for those who may void. What the record got by
        number (letter, prescription, chart) stays. Raises InvalidRecord when the old content would
        not be let through today's form, StateError when there is nothing to bring back, Conflict.
        """
        allow(actor, Action.RECORD_RESTORE)
        allow(actor, Action.PATIENT_EDIT if kind is RecordKind.PATIENT else Action.RECORD_AMEND)
        reason = needs_reason(reason)
        now = self._clock.now()
        with self._store.write() as work:
            stored = _signed(work, kind, record_id)
            voided = stored.status is RecordStatus.VOIDED
            if kind is not RecordKind.PATIENT:
                begin_signing(
                    work, actor, Action.RECORD_VOID if voided else Action.RECORD_AMEND, now
                )
            wanted = work.operations.node(kind, record_id, version)
            _may_come_back(work, kind, stored, wanted)
            old = record_store(work, kind).at_version(record_id, version)
            content = with_values(
                stored.record, {path: value_of(old, path) for path in paths(kind)}
            )
            changed_paths = [
                path
                for path in paths(kind)
                if value_of(stored.record, path) != value_of(content, path)
            ]
            if not changed_paths and not voided:
                raise StateError(
                    "Bản này giống hệt bản đang có giá trị nên không có gì để khôi phục."
                )
            given = {*getattr(old, "confirmed", ()), *confirmed}
            self._rules.judge(work, kind, stored.record, content, changed_paths, given)
            if isinstance(content, Encounter):
                content = replace(content, confirmed=tuple(sorted(given)))
            content = self._signed_anew(kind, content, actor)
            changed = record_store(work, kind).add_version(
                content,
                RecordStatus.AMENDED,
                author=actor.user.snapshot,
                at=now,
                reason=f"Khôi phục bản {version}: {reason}",
                expected_version=expected_version,
                open_fields=() if voided else still_open(work, kind, stored, content),
                restores=version,
            )
            patient_id = patient_of(kind, content)
            if kind is not RecordKind.PATIENT:
                number = str(getattr(content, "code", "") or getattr(content, "number", ""))
                if kind in _PAPERS:
                    follow(work, changed, number, now)
                note_signed(work, actor, changed, patient_id=patient_id, number=number, now=now)
            work.audit.append(
                actor,
                f"{kind}.restore",
                now,
                kind=kind,
                record_id=record_id,
                patient_id=patient_id,
                detail={"version": str(version), "reason": reason},
            )
            return Changes((changed,))

    def _signed_anew(self, kind: RecordKind, content: Any, actor: Actor) -> Any:
        """The document under the name of the person who brings it back."""
        if kind is RecordKind.PATIENT:
            return content
        signed = replace(content, signature=Signature(by=actor.user.snapshot, at=self._clock.now()))
        if isinstance(signed, Referral):
            return replace(signed, letter_code=self._signer.sign(signed))
        return signed

    def _note(self, actor: Actor, kind: RecordKind, record_id: str, patient_id: str) -> None:
        self._readings.note(actor, kind, record_id, patient_id, action=f"{kind}.history")


def _view(kind: RecordKind) -> Action:
    return Action.PATIENT_VIEW if kind is RecordKind.PATIENT else Action.ENCOUNTER_VIEW


def _signed(work: Work, kind: RecordKind, record_id: str) -> Stored[Any]:
    if kind not in KEPT_KINDS:
        raise NotFound("Loại hồ sơ này không có trang lịch sử.")
    stored: Stored[Any] = record_store(work, kind).get(record_id)
    if stored.status is RecordStatus.DRAFT:
        raise NotFound("Hồ sơ này còn là nháp nên chưa có phiên bản nào. Hãy ký trước.")
    return stored


def _rows(work: Work, kind: RecordKind, stored: Stored[Any]) -> list[VersionRow]:
    record_id = stored.record.id
    digests = work.versions.digests(kind, record_id)
    given = _given(work, kind, record_id, digests)
    rows = []
    for node in record_store(work, kind).lineage(record_id):
        sha256, restores = digests.get(node.version, ("", None))
        corrected = None if node.skew is None else node.at + timedelta(seconds=node.skew)
        rows.append(
            VersionRow(
                version=node.version,
                status=node.status,
                author_name=node.author_name,
                at=node.at,
                corrected_at=corrected,
                device=node.device,
                reason=node.reason,
                parents=node.parents,
                by_rule=by_rule(node),
                elsewhere=node.origin is Origin.REPLICA,
                sha256=sha256,
                restores=restores,
                open_fields=node.open_fields,
                signatures=given.get(node.version, ()),
                shown=node.version == stored.version,
            )
        )
    return rows


def _given(
    work: Work,
    kind: RecordKind,
    record_id: str,
    digests: Any,
) -> dict[int, tuple[str, ...]]:
    """How each version was signed, in words; found by the hash of its bytes."""
    said: dict[int, list[str]] = {}
    for evidence in work.signatures.evidence_of(kind, record_id):
        said.setdefault(evidence.version, []).append(evidence.method.label)
    by_hash = {sha256: version for version, (sha256, _restores) in digests.items()}
    for signature in work.signatures.of(kind, record_id):
        version = by_hash.get(signature.content_sha256)
        if version is not None:
            said.setdefault(version, []).append(signature.method.label)
    return {version: tuple(dict.fromkeys(words)) for version, words in said.items()}


def _may_come_back(work: Work, kind: RecordKind, stored: Stored[Any], wanted: VersionNode) -> None:
    if wanted.status is RecordStatus.VOIDED:
        raise StateError(
            "Bản được chọn là bản đã hủy. Hãy chọn một bản còn giá trị trước đó để khôi phục."
        )
    if kind not in _PAPERS:
        return
    visit = work.encounters.get(stored.record.encounter_id)
    if visit.status is RecordStatus.VOIDED:
        raise StateError("Lượt khám của giấy này đã hủy. Hãy khôi phục lượt khám trước.")
    if stored.status is RecordStatus.VOIDED and kind in _ONE_PER_VISIT:
        papers: dict[RecordKind, PaperStore[Any]] = {
            RecordKind.REFERRAL: work.referrals,
            RecordKind.APPOINTMENT: work.appointments,
            RecordKind.CERTIFICATE: work.certificates,
            RecordKind.BILL: work.bills,
        }
        other = papers[kind].of_encounter(stored.record.encounter_id)
        if other is not None and other.status in (RecordStatus.SIGNED, RecordStatus.AMENDED):
            raise StateError(
                "Lượt khám này đã có giấy khác cùng loại đang có giá trị. "
                "Hãy sửa đổi giấy đó, hoặc hủy nó trước khi khôi phục giấy này."
            )

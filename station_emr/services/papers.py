"""What prescriptions, referrals and appointments share: draft, sign, amend, void.

Each paper service names its store, rights and rules; the steps are here, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

from station_emr.domain.appointment import Appointment
from station_emr.domain.billing import Bill
from station_emr.domain.certificate import SickLeave
from station_emr.domain.encounter import Encounter, PatientSnapshot
from station_emr.domain.errors import Problem, StateError
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import Changed, Changes, RecordKind, RecordStatus, Signature
from station_emr.domain.referral import Referral
from station_emr.domain.user import Actor

from .attachments import follow
from .decisions import still_open
from .guards import allow, allow_signing, begin_signing, needs_reason, refuse, still_draft
from .joined import standing_person
from .ports import CatalogSearch, Clock, PaperStore, Store, Stored, Work
from .readings import Readings
from .signing_rules import note_signed
from .snapshots import patient_snapshot

P = TypeVar("P", Prescription, Referral, Appointment, SickLeave, Bill)


class Papers(ABC, Generic[P]):
    """One kind of paper that a visit gives rise to."""

    kind: ClassVar[RecordKind]
    prepare_action: ClassVar[Action]
    sign_action: ClassVar[Action]
    one_per_visit: ClassVar[bool] = False
    amend_action: ClassVar[Action] = Action.RECORD_AMEND
    void_action: ClassVar[Action] = Action.RECORD_VOID

    def __init__(self, store: Store, clock: Clock, catalogs: CatalogSearch) -> None:
        self._store = store
        self._clock = clock
        self._catalogs = catalogs
        self._readings = Readings(store, clock)

    @abstractmethod
    def _records(self, work: Work) -> PaperStore[P]: ...

    @abstractmethod
    def _problems(self, work: Work, paper: P, patient: Patient) -> tuple[Problem, ...]: ...

    @abstractmethod
    def _complete(self, work: Work, paper: P, actor: Actor, snapshot: PatientSnapshot) -> P:
        """Give the numbers and snapshots that only a signature gives."""

    def get(self, actor: Actor, paper_id: str) -> Stored[P]:
        """The paper as it stands; the look is logged."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            stored = self._records(work).get(paper_id)
        self._readings.note(actor, self.kind, paper_id, stored.record.patient_id)
        return stored

    def check(self, paper: P, patient: Patient) -> tuple[Problem, ...]:
        """What still stands between this draft and a signature."""
        with self._store.read() as work:
            return self._problems(work, paper, patient)

    def problems_within(self, work: Work, paper: P) -> tuple[Problem, ...]:
        """What the form says of a paper inside a transaction that the caller owns."""
        return self._problems(work, paper, standing_person(work, paper.patient_id))

    def save_draft(self, actor: Actor, paper: P) -> Changes:
        """Keep the draft as it stands; nothing is judged. Raises StateError once signed."""
        allow(actor, self.prepare_action)
        with self._store.write() as work:
            still_draft(self._records(work).find(paper.id))
            self._records(work).save_draft(paper, self._clock.now())
            return Changes((Changed(self.kind, paper.id, 0, RecordStatus.DRAFT),))

    def discard(self, actor: Actor, paper_id: str) -> Changes:
        """Drop a draft that was never signed."""
        allow(actor, self.prepare_action)
        with self._store.write() as work:
            dropped = self._records(work).get(paper_id).record
            self._records(work).discard_draft(paper_id)
            self._log(work, actor, "discard", dropped)
            return Changes((Changed(self.kind, paper_id, 0, RecordStatus.DRAFT),))

    def sign(self, actor: Actor, paper: P, confirmed: Collection[str] = ()) -> Changes:
        """Sign a paper of a signed visit: number it, freeze it, queue it.

        Raises InvalidRecord with every field, StateError while the visit itself is a draft
        (:class:`Visits` signs both together) or when it was voided.
        """
        with self._store.write() as work:
            begin_signing(work, actor, self.sign_action, self._clock.now())
            _visit_stands(work, paper.encounter_id)
            return Changes((self.sign_within(work, actor, paper, confirmed),))

    def sign_within(
        self, work: Work, actor: Actor, paper: P, confirmed: Collection[str] = ()
    ) -> Changed:
        """The signing steps inside a transaction that the caller owns."""
        allow_signing(actor, self.sign_action)
        now = self._clock.now()
        still_draft(self._records(work).find(paper.id))
        patient = standing_person(work, paper.patient_id)
        encounter = work.encounters.get(paper.encounter_id).record
        if encounter.patient_id != paper.patient_id:
            raise StateError(
                "Giấy này và lượt khám là của hai người khác nhau nên chưa ký. "
                "Hãy mở lại lượt khám rồi lập giấy mới."
            )
        if self.one_per_visit:
            self._only_one(work, paper)
        refuse(self._problems(work, paper, patient), confirmed)
        snapshot = patient_snapshot(patient, now.date(), encounter)
        signed = self._complete(work, paper, actor, snapshot)
        changed = self._records(work).add_version(
            signed,
            RecordStatus.SIGNED,
            author=actor.user.snapshot,
            at=now,
            expected_version=0,
        )
        follow(work, changed, _number(signed), now)
        self._prove(work, actor, changed, signed)
        self._log(work, actor, "sign", signed)
        return changed

    def amend(
        self,
        actor: Actor,
        paper: P,
        expected_version: int,
        reason: str,
        confirmed: Collection[str] = (),
    ) -> Changes:
        """A new version with a reason; number and snapshots stay those of the first signature."""
        allow_signing(actor, self.amend_action)
        reason = needs_reason(reason)
        now = self._clock.now()
        with self._store.write() as work:
            begin_signing(work, actor, self.amend_action, now)
            before = self._signed(work, paper.id)
            paper = replace(
                paper,
                patient_id=before.record.patient_id,
                encounter_id=before.record.encounter_id,
            )
            patient = standing_person(work, paper.patient_id)
            refuse(self._problems(work, paper, patient), confirmed)
            amended = self._amended(before.record, paper, actor)
            changed = self._records(work).add_version(
                amended,
                RecordStatus.AMENDED,
                author=actor.user.snapshot,
                at=now,
                reason=reason,
                expected_version=expected_version,
                open_fields=still_open(work, self.kind, before, amended),
            )
            follow(work, changed, _number(amended), now)
            self._prove(work, actor, changed, amended)
            self._log(work, actor, "amend", amended, reason=reason)
            return Changes((changed,))

    def void(self, actor: Actor, paper_id: str, reason: str) -> Changes:
        """Cancel a signed paper with a reason; its number stays used and the content stays."""
        allow_signing(actor, self.void_action)
        reason = needs_reason(reason)
        with self._store.write() as work:
            begin_signing(work, actor, self.void_action, self._clock.now())
            before = self._signed(work, paper_id)
            changed = self._records(work).add_version(
                before.record,
                RecordStatus.VOIDED,
                author=actor.user.snapshot,
                at=self._clock.now(),
                reason=reason,
                expected_version=before.version,
            )
            follow(work, changed, _number(before.record), self._clock.now())
            self._prove(work, actor, changed, before.record)
            self._log(work, actor, "void", before.record, reason=reason)
            return Changes((changed,))

    def _amended(self, before: P, paper: P, actor: Actor) -> P:
        kept: dict[str, Any] = {
            name: getattr(before, name)
            for name in ("number", "code", "record_number", "register_number", "station", "patient")
            if hasattr(before, name)
        }
        signature = Signature(by=actor.user.snapshot, at=self._clock.now())
        return replace(paper, signature=signature, **kept)

    def _signed(self, work: Work, paper_id: str) -> Stored[P]:
        stored = self._records(work).get(paper_id)
        if stored.status is RecordStatus.DRAFT:
            raise StateError("Giấy này chưa ký: hãy sửa trực tiếp trên bản nháp.")
        if stored.status is RecordStatus.VOIDED:
            raise StateError("Giấy này đã hủy nên không sửa được nữa. Hãy lập giấy mới.")
        return stored

    def _only_one(self, work: Work, paper: P) -> None:
        """One slip after one course of care (TT 01/2025 art. 11), one letter for one transfer."""
        records = self._records(work)
        if records.find(paper.id) is not None:
            records.discard_draft(paper.id)  # it is written again, signed, by the caller
        other = records.of_encounter(paper.encounter_id)
        if other is not None and other.status in (RecordStatus.SIGNED, RecordStatus.AMENDED):
            raise StateError(
                f"Lượt khám này đã có {_NAMES[self.kind]} đã ký. "
                "Hãy sửa đổi giấy đó, hoặc hủy nó rồi lập giấy mới."
            )

    def _prove(self, work: Work, actor: Actor, changed: Changed, paper: P) -> None:
        number, now = _number(paper), self._clock.now()
        note_signed(work, actor, changed, patient_id=paper.patient_id, number=number, now=now)

    def _log(self, work: Work, actor: Actor, verb: str, paper: P, **detail: str) -> None:
        work.audit.append(
            actor,
            f"{self.kind}.{verb}",
            self._clock.now(),
            kind=self.kind,
            record_id=paper.id,
            patient_id=paper.patient_id,
            detail=detail,
        )


_NAMES = {
    RecordKind.PRESCRIPTION: "đơn thuốc",
    RecordKind.REFERRAL: "phiếu chuyển",
    RecordKind.APPOINTMENT: "phiếu hẹn khám lại",
    RecordKind.CERTIFICATE: "giấy nghỉ việc hưởng BHXH",
    RecordKind.BILL: "bảng kê chi phí",
}


def _number(paper: Prescription | Referral | Appointment | SickLeave | Bill) -> str:
    return paper.code if isinstance(paper, Prescription) else paper.number


def _visit_stands(work: Work, encounter_id: str) -> None:
    status = work.encounters.get(encounter_id).status
    if status is RecordStatus.DRAFT:
        raise StateError(
            "Lượt khám chưa ký nên giấy này chưa ký riêng được. Hãy ký cùng lượt khám."
        )
    if status is RecordStatus.VOIDED:
        raise StateError("Lượt khám đã hủy nên không ký thêm giấy tờ. Hãy lập lượt khám mới.")


def close_papers(
    work: Work, actor: Actor, encounter_id: str, reason: str, now: datetime
) -> tuple[Changed, ...]:
    """Void every signed paper of a visit that is being voided, and drop its drafts.

    Nothing may keep standing on a visit that does not count any more; numbers stay used.
    """
    closed: list[Changed] = []
    stores: tuple[tuple[RecordKind, PaperStore[Any]], ...] = (
        (RecordKind.PRESCRIPTION, work.prescriptions),
        (RecordKind.APPOINTMENT, work.appointments),
        (RecordKind.REFERRAL, work.referrals),
        (RecordKind.CERTIFICATE, work.certificates),
        (RecordKind.BILL, work.bills),
    )
    for kind, records in stores:
        while (stored := records.of_encounter(encounter_id)) is not None:
            if stored.status is RecordStatus.VOIDED:
                break
            paper = stored.record
            if stored.status is RecordStatus.DRAFT:
                records.discard_draft(paper.id)
                closed.append(Changed(kind, paper.id, 0, RecordStatus.DRAFT))
            else:
                changed = records.add_version(
                    paper,
                    RecordStatus.VOIDED,
                    author=actor.user.snapshot,
                    at=now,
                    reason=reason,
                    expected_version=stored.version,
                )
                follow(work, changed, _number(paper), now)
                closed.append(changed)
            work.audit.append(
                actor,
                f"{kind}.{'discard' if stored.status is RecordStatus.DRAFT else 'void'}",
                now,
                kind=kind,
                record_id=paper.id,
                patient_id=paper.patient_id,
                detail={"reason": reason, "with": "encounter"},
            )
    return tuple(closed)


def visit_of(work: Work, encounter_id: str) -> tuple[Encounter, Patient]:
    """The visit a paper belongs to and its person."""
    encounter = work.encounters.get(encounter_id).record
    return encounter, work.patients.get(encounter.patient_id).record

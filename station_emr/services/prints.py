"""Printed papers: a preview changes nothing, a print is logged and counted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final

from station_emr.domain.appointment import Appointment
from station_emr.domain.billing import Bill
from station_emr.domain.certificate import SickLeave
from station_emr.domain.errors import NotFound
from station_emr.domain.file_names import file_part
from station_emr.domain.notification import CommunicableDiseaseNotification
from station_emr.domain.permissions import Action
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.referral import Referral
from station_emr.domain.user import Actor

from .guards import allow, allow_recovery
from .joined import standing_person
from .ports import Clock, Documents, PrintMark, Store, Stored, Work
from .readings import Readings
from .record_stores import record_store
from .snapshots import patient_snapshot
from .views import PrintRow

PRINTABLE = (
    RecordKind.REFERRAL,
    RecordKind.PRESCRIPTION,
    RecordKind.APPOINTMENT,
    RecordKind.CERTIFICATE,
    RecordKind.NOTIFICATION,
    RecordKind.BILL,
)
Paper = Referral | Prescription | Appointment | SickLeave | CommunicableDiseaseNotification | Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A print that was logged. ``copy`` above 1 carries the mark "bản in lại".

    Copies are counted for each version: what an amendment says was never handed out before.
    """

    pdf: bytes
    file_name: str
    copy: int
    version: int


class Prints:
    """Preview and print the papers of a visit."""

    def __init__(self, store: Store, clock: Clock, documents: Documents) -> None:
        self._store = store
        self._clock = clock
        self._documents = documents
        self._readings = Readings(store, clock)

    def recovery_sheet(self, actor: Actor, code: str) -> bytes:
        """The page with the recovery code, for a sealed envelope. It names no patient."""
        allow_recovery(actor)
        with self._store.read() as work:
            name = work.settings.station().name
        return self._documents.recovery_sheet(name, code, self._clock.now())

    def preview(self, actor: Actor, kind: RecordKind, record_id: str) -> bytes:
        """The PDF as it would print now; drafts carry a watermark. Nothing is logged as printed."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            stored = _stored(work, kind, record_id)
            copies = work.prints.copies(kind, record_id, stored.version)
            pdf = self._render(work, actor, stored, copy=copies + 1)
        self._readings.note(actor, kind, record_id, stored.record.patient_id)
        return pdf

    def preview_draft(self, actor: Actor, paper: Paper) -> bytes:
        """The PDF of a form that is being typed and may not be saved yet."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            completed = self._with_snapshots(work, actor, paper)
            return self._draw(completed, self._mark(actor, copy=1, draft=True))

    def print(self, actor: Actor, kind: RecordKind, record_id: str) -> Printed:
        """The PDF of the signed content, logged with its copy number and hash.

        Raises NotFound for a draft: only signed papers leave the station.
        """
        allow(actor, Action.PRINT)
        with self._store.write() as work:
            stored = _stored(work, kind, record_id)
            if stored.status is RecordStatus.DRAFT:
                raise NotFound("Giấy này chưa ký nên chưa in được. Hãy ký trước rồi in.")
            copy = work.prints.copies(kind, record_id, stored.version) + 1
            pdf = self._render(work, actor, stored, copy=copy)
            work.prints.add(
                kind,
                record_id,
                stored.version,
                self._clock.now(),
                actor.user,
                hashlib.sha256(pdf).hexdigest(),
            )
            work.audit.append(
                actor,
                f"{kind}.print",
                self._clock.now(),
                kind=kind,
                record_id=record_id,
                patient_id=stored.record.patient_id,
                detail={"copy": str(copy), "version": str(stored.version)},
            )
            return Printed(
                pdf=pdf, file_name=_file_name(stored.record), copy=copy, version=stored.version
            )

    def copies(self, actor: Actor, kind: RecordKind, record_id: str, version: int) -> int:
        """How often this version of the paper has been printed or saved."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            return work.prints.copies(kind, record_id, version)

    def log(self, actor: Actor, limit: int = 200) -> tuple[PrintRow, ...]:
        allow(actor, Action.AUDIT_VIEW)
        with self._store.read() as work:
            return work.prints.rows(limit)

    def _render(
        self,
        work: Work,
        actor: Actor,
        stored: Stored[Any],
        copy: int,
    ) -> bytes:
        paper: Paper = stored.record
        draft = stored.status is RecordStatus.DRAFT
        if draft:
            paper = self._with_snapshots(work, actor, paper)
        mark = self._mark(
            actor,
            copy=copy,
            draft=draft,
            voided=stored.status is RecordStatus.VOIDED,
            version=stored.version,
        )
        return self._draw(paper, mark)

    def _draw(self, paper: Paper, mark: PrintMark) -> bytes:
        return draw(self._documents, paper, mark)

    def _mark(
        self,
        actor: Actor,
        *,
        copy: int,
        draft: bool = False,
        voided: bool = False,
        version: int = 0,
    ) -> PrintMark:
        return PrintMark(
            printed_at=self._clock.now(),
            printed_by=actor.user.snapshot.printed_name,
            copy=copy,
            draft=draft,
            voided=voided,
            version=version,
        )

    def _with_snapshots(self, work: Work, actor: Actor, paper: Paper) -> Paper:
        """A draft has no snapshots of its own yet: show today's, under the draft watermark."""
        patient = standing_person(work, paper.patient_id)
        encounter = work.encounters.find(paper.encounter_id)
        snapshot = patient_snapshot(
            patient, self._clock.now().date(), encounter.record if encounter else None
        )
        station = work.settings.station()
        signer = actor.user.snapshot
        if isinstance(paper, Referral):
            return replace(paper, station=station, patient=snapshot, referrer=signer)
        if isinstance(paper, Prescription):
            return replace(paper, station=station, patient=snapshot, prescriber=signer)
        return replace(paper, station=station, patient=snapshot, practitioner=signer)


def _stored(work: Work, kind: RecordKind, record_id: str) -> Stored[Any]:
    if kind not in PRINTABLE:
        raise NotFound("Loại giấy này không in được.")
    return record_store(work, kind).get(record_id)


def _file_name(paper: Paper) -> str:
    """A file name without the person's name: what kind of paper and its number."""
    if isinstance(paper, Prescription):
        return f"don-thuoc-{file_part(paper.code)}.pdf"
    return f"{_FILES[type(paper)]}-{file_part(paper.number)}.pdf"


_FILES: Final[dict[type, str]] = {
    Referral: "phieu-chuyen",
    Appointment: "phieu-hen",
    SickLeave: "giay-nghi-bhxh",
    CommunicableDiseaseNotification: "bao-benh-truyen-nhiem",
    Bill: "bang-ke",
}


def draw(documents: Documents, paper: Paper, mark: PrintMark) -> bytes:
    """The form of this paper."""
    match paper:
        case Referral():
            return documents.referral(paper, mark)
        case Prescription():
            return documents.prescription(paper, mark)
        case Appointment():
            return documents.appointment(paper, mark)
        case SickLeave():
            return documents.certificate(paper, mark)
        case CommunicableDiseaseNotification():
            return documents.notification(paper, mark)
        case Bill():
            return documents.bill(paper, mark)

"""Forms about a whole visit: the medical record (17/BV1, 15/BV1), the consent to a transfer (45/BV2).

They hold nothing that is not in the record: filled from it, printed, never typed again. Their labels
and order are data (``resources/forms``), because the official layouts are still to be compared.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from station_emr.domain.catalog import CatalogKind
from station_emr.domain.encounter import Encounter
from station_emr.domain.errors import NotFound, StateError
from station_emr.domain.file_names import file_part
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.user import Actor

from .certificates import head_of_unit
from .form_data import TEMPLATES, FormTemplate, form_template
from .form_ports import TemplateForms, VisitDossier
from .guards import allow
from .joined import standing_person
from .ports import CatalogSearch, Clock, PrintMark, Store, Stored, Work
from .readings import Readings
from .snapshots import patient_snapshot

T = TypeVar("T")
TRANSFER: Final = "transfer-consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedForm:
    pdf: bytes
    file_name: str


class VisitForms:
    """Preview and print. ``kind`` is always the visit: forms of other records are :class:`Prints`."""

    def __init__(
        self, store: Store, clock: Clock, catalogs: CatalogSearch, forms: TemplateForms
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogs = catalogs
        self._forms = forms
        self._readings = Readings(store, clock)

    def templates(self) -> tuple[FormTemplate, ...]:
        return tuple(form_template(name) for name in TEMPLATES)

    def preview(self, actor: Actor, kind: RecordKind, record_id: str, form: str) -> bytes:
        """As it would print now; a visit that is not signed carries a watermark."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            stored = _visit(work, kind, record_id)
            dossier = self._dossier(work, stored)
            pdf = self._forms.visit_form(_known(form), dossier, self._mark(actor, stored))
        self._readings.note(actor, kind, record_id, stored.record.patient_id)
        return pdf

    def print(self, actor: Actor, kind: RecordKind, record_id: str, form: str) -> PrintedForm:
        """The form of a signed visit, logged with its hash. Raises StateError for a draft; the
        consent to a transfer is signed by the person before the visit ends, so it never waits.
        """
        allow(actor, Action.PRINT)
        template = _known(form)
        with self._store.write() as work:
            stored = _visit(work, kind, record_id)
            if stored.status is RecordStatus.DRAFT and form != TRANSFER:
                raise StateError("Lượt khám chưa ký nên bệnh án chưa in được. Hãy ký trước rồi in.")
            dossier = self._dossier(work, stored)
            mark = replace(self._mark(actor, stored), draft=False)
            pdf = self._forms.visit_form(template, dossier, mark)
            work.audit.append(
                actor,
                "encounter.print",
                self._clock.now(),
                kind=kind,
                record_id=record_id,
                patient_id=stored.record.patient_id,
                detail={
                    "form": template.code,
                    "version": str(stored.version),
                    "sha256": hashlib.sha256(pdf).hexdigest(),
                },
            )
        number = file_part(stored.record.number or record_id)
        return PrintedForm(pdf=pdf, file_name=f"{template.name}-{number}.pdf")

    def _mark(self, actor: Actor, stored: Stored[Encounter]) -> PrintMark:
        return PrintMark(
            printed_at=self._clock.now(),
            printed_by=actor.user.snapshot.printed_name,
            copy=1,
            draft=stored.status is RecordStatus.DRAFT,
            voided=stored.status is RecordStatus.VOIDED,
            version=stored.version,
        )

    def _dossier(self, work: Work, stored: Stored[Encounter]) -> VisitDossier:
        visit = stored.record
        snapshot = visit.patient
        if snapshot is None:
            person = standing_person(work, visit.patient_id)
            snapshot = patient_snapshot(person, visit.arrived_at.date(), visit)
        result = self._catalogs.find(
            CatalogKind.TREATMENT_RESULT, visit.result, visit.arrived_at.date()
        )
        referral = _standing(work.referrals.of_encounter(visit.id))
        return VisitDossier(
            station=visit.station or work.settings.station(),
            patient=snapshot,
            encounter=visit,
            prescription=_standing(work.prescriptions.of_encounter(visit.id)),
            referral=referral,
            appointment=_standing(work.appointments.of_encounter(visit.id)),
            result=result.name if result is not None else "",
            transport=", ".join(filter(None, (referral.transport, referral.escort)))
            if referral is not None
            else "",
            head_name=head_of_unit(work),
        )


def _visit(work: Work, kind: RecordKind, record_id: str) -> Stored[Encounter]:
    if kind is not RecordKind.ENCOUNTER:
        raise NotFound("Mẫu này chỉ in cho một lượt khám.")
    return work.encounters.get(record_id)


def _known(form: str) -> FormTemplate:
    try:
        return form_template(form)
    except KeyError:
        raise NotFound(f"Không có mẫu in “{form}”.") from None


def _standing(stored: Stored[T] | None) -> T | None:
    """What counts; a voided paper is on no form."""
    if stored is None or stored.status is RecordStatus.VOIDED:
        return None
    return stored.record

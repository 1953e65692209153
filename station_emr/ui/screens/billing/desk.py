"""Reading the bill of a visit, or a fresh one for a visit that has none."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.domain.billing import Bill
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.services.i18n import _
from station_emr.services.station_services import StationServices
from station_emr.services.version_ports import TypedAmendment
from station_emr.ui.kit import ChipSpec, Severity
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A bill as it was read. ``version`` 0 is a draft; ``kept`` whether it lies in the record yet."""

    bill: Bill
    patient: Patient
    version: int
    status: RecordStatus
    visit_signed: bool
    kept: bool
    typed: TypedAmendment | None = None

    @property
    def who(self) -> str:
        """Person, card and number in one line."""
        card = self.bill.coverage.number if self.bill.coverage else _("không thẻ BHYT")
        number = self.bill.number and _("bảng kê {number}").format(number=self.bill.number)
        return " · ".join(part for part in (self.patient.full_name, card, number) if part)

    def state(self, *, amending: bool) -> ChipSpec:
        if amending:
            return ChipSpec(_("Đang sửa đổi"), Severity.WARNING)
        if self.version == 0:
            return ChipSpec(_("Nháp"), Severity.NEUTRAL)
        if self.status is RecordStatus.VOIDED:
            return ChipSpec(_("Đã hủy"), Severity.DANGER)
        return ChipSpec(_("Đã chốt"), Severity.SUCCESS)


def load_bill(services: StationServices, session: Session, route: routes.BillRoute) -> Opened:
    """The bill of a visit; where there is none that counts, a fresh draft for who may write one."""
    actor = session.actor
    encounter_id = route.encounter_id
    if not encounter_id:
        encounter_id = services.billing.get(actor, route.bill_id).record.encounter_id
    visit = services.encounters.get(actor, encounter_id)
    found = services.billing.of_encounter(actor, encounter_id)
    prepares = session.may(Action.BILL_PREPARE)
    if found is None or (found.status is RecordStatus.VOIDED and prepares):
        bill = services.billing.prepare(actor, encounter_id)
        version, status, kept = 0, RecordStatus.DRAFT, False
    else:
        bill, version, status, kept = found.record, found.version, found.status, True
    typed = None
    if version and session.may(Action.BILL_CLOSE):
        typed = services.drafts.amendment(actor, RecordKind.BILL, bill.id, version)
    return Opened(
        bill=bill,
        patient=services.patients.standing(actor, bill.patient_id).stored.record,
        version=version,
        status=status,
        visit_signed=visit.status is not RecordStatus.DRAFT,
        kept=kept,
        typed=typed,
    )

"""What the preview must know of a paper besides its pages. No widgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.user import Actor
from station_emr.services.i18n import _
from station_emr.services.ports import Stored
from station_emr.services.station_services import StationServices


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """Which paper, where it stands, and how often this version of it went out."""

    kind: RecordKind
    record_id: str
    status: RecordStatus
    number: str
    person: str
    copies: int
    chart_number: str = ""
    form: str = ""  # the template of a form about the visit
    joined_number: str = ""  # of the chart it hangs on, when that was joined to another

    @property
    def is_draft(self) -> bool:
        return self.status is RecordStatus.DRAFT

    @property
    def told(self) -> str:
        """Its number, and how often it was printed."""
        number = _("Số {number}").format(number=self.number) if self.number else ""
        if self.form:
            told = _("in từ hồ sơ, không phải gõ lại")
        elif self.is_draft:
            told = _("Bản nháp, chưa có số")
        elif self.copies:
            told = _("đã in {count} lần, bản tới là bản in lại (lần {next})").format(
                count=self.copies, next=self.copies + 1
            )
        elif self.status is RecordStatus.AMENDED:
            told = _("bản sửa đổi, chưa in lần nào")
        else:
            told = _("chưa in lần nào")
        return " · ".join(part for part in (number, told) if part)


def load_paper(
    services: StationServices, actor: Actor, kind: RecordKind, record_id: str, form: str = ""
) -> Paper:
    """Reads the database; call it through the session."""
    readers: dict[RecordKind, Callable[[Actor, str], Stored[Any]]] = {
        RecordKind.REFERRAL: services.referrals.get,
        RecordKind.PRESCRIPTION: services.prescriptions.get,
        RecordKind.APPOINTMENT: services.appointments.get,
        RecordKind.BILL: services.billing.get,
        RecordKind.CERTIFICATE: services.certificates.get,
        RecordKind.NOTIFICATION: services.notifications.get,
        RecordKind.ENCOUNTER: services.encounters.get,
    }
    stored = readers[kind](actor, record_id)
    record = stored.record
    person = services.patients.standing(actor, record.patient_id)
    return Paper(
        kind=kind,
        record_id=record_id,
        status=stored.status,
        number=record.code if kind is RecordKind.PRESCRIPTION else record.number,
        form=form,
        person=person.stored.record.full_name,
        chart_number=person.stored.record.chart_number,
        joined_number=person.joined_number,
        copies=services.prints.copies(actor, kind, record_id, stored.version),
    )

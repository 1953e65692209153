"""Where a refused record is mended: which page, and which field the province named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from station_emr.domain.field_text import field_label
from station_emr.domain.permissions import Action
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import OutboxItem
from station_emr.domain.vitals import SIGNS
from station_emr.services.i18n import _
from station_emr.services.refused_fields import RefusedField
from station_emr.ui.models import routes

Place = tuple[str, object]
_OF_PERSON: Final[Mapping[str, str]] = {
    "commune": "Địa chỉ",
    "guardian_name": "Người đưa đến khám",
    "coverage.number": "Số thẻ bảo hiểm y tế",
}
_OF_DRUG: Final[Mapping[str, str]] = {
    "drug_code": "tên thuốc",
    "dose": "liều mỗi lần",
    "times_per_day": "số lần mỗi ngày",
    "days": "số ngày",
    "quantity": "số lượng",
    "override_reason": "lý do kê",
}
_PRIVACY: Final = {RecordKind.REQUEST: "requests", RecordKind.BREACH: "breaches"}
_OTHERS: Final[Mapping[str, str]] = {
    "appointment.on": "Ngày hẹn",
    "vitals": "Dấu hiệu sinh tồn",
    "procedures": "Thủ thuật và xét nghiệm nhanh",
}


def field_words(kind: RecordKind, field: str) -> str:
    """What people call the field that the refusal named; empty when it named none."""
    own = _OF_PERSON.get(field) or _OTHERS.get(field)
    if not field or own:
        return _(own) if own else ""
    head, *rest = field.split(".")
    if head == "vitals" and rest[0] in SIGNS:
        return _(SIGNS[rest[0]].label)
    if head == "prescription" and len(rest) == 3:
        return _("Thuốc {number}: {part}").format(
            number=int(rest[1]) + 1, part=_(_OF_DRUG.get(rest[2], rest[2]))
        )
    owner = kind
    if kind in (RecordKind.PRESCRIPTION, RecordKind.APPOINTMENT):
        owner = RecordKind.ENCOUNTER  # written on the page of the visit
    return _(field_label(owner, head))


def place_of(
    item: OutboxItem, may: Callable[[Action], bool], named: RefusedField | None = None
) -> Place | None:
    """The page and what it is given; None when this person has no page for it."""
    field = named.field if named is not None else ""
    patient = (routes.PATIENTS, routes.PatientRoute(item.patient_id)) if item.patient_id else None
    if item.kind is RecordKind.PATIENT and may(Action.PATIENT_EDIT):
        # The chart that was refused, also when lists show another for it: only its own new version
        # takes the refused one's place.
        route = routes.RegistrationRoute(patient_id=item.record_id, field=field, itself=True)
        return routes.REGISTRATION, route
    if item.kind is RecordKind.ENCOUNTER and may(Action.ENCOUNTER_VIEW):
        return routes.ENCOUNTER, routes.EncounterRoute(item.record_id, field)
    if named is not None and named.encounter_id and may(Action.ENCOUNTER_VIEW):
        return routes.ENCOUNTER, routes.EncounterRoute(named.encounter_id, field)
    if item.kind is RecordKind.REFERRAL and may(Action.ENCOUNTER_VIEW):
        return routes.REFERRALS, routes.ReferralRoute(referral_id=item.record_id, field=field)
    if item.kind is RecordKind.BILL and may(Action.ENCOUNTER_VIEW):
        return routes.BILLING, routes.BillRoute(bill_id=item.record_id)
    if item.kind is RecordKind.LINK and may(Action.PATIENT_VIEW):
        return routes.CONFLICTS, routes.PAIRS
    if item.kind in _PRIVACY and may(Action.PRIVACY_HANDLE):
        return routes.PRIVACY, routes.PrivacyRoute(item.patient_id, _PRIVACY[item.kind])
    if item.kind is RecordKind.FACILITY:
        return routes.SETTINGS, None
    people = (RecordKind.PRACTITIONER, RecordKind.RIGHTS, RecordKind.STANDING)
    if item.kind in people and may(Action.USER_MANAGE):
        return routes.USERS, None
    return patient if may(Action.PATIENT_VIEW) else None

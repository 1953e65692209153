"""Where a refused record is mended: which page, and which field the province named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from station_emr.domain.field_labels import field_label
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
_OF_ROW: Final[Mapping[str, str]] = {
    "name": "tên",
    "quantity": "số lượng",
    "price": "đơn giá",
    "insured_price": "đơn giá BHYT",
}
_OF_STAFF: Final[Mapping[str, str]] = {
    "title": "Xưng danh",
    "full_name": "Họ và tên",
    "phone": "Điện thoại",
    "licence_no": "Số giấy phép hành nghề",
    "role": "Vai trò",
    "active": "Đang làm việc tại trạm",
}
_OF_STATION: Final[Mapping[str, str]] = {
    "name": "Tên trạm",
    "phone": "Điện thoại",
    "address": "Địa chỉ",
    "code": "Mã cơ sở khám, chữa bệnh",
    "parent_authority": "Cơ quan chủ quản",
    "level": "Cấp chuyên môn",
    "site": "Điểm trạm",
    "has_beds": "Trạm có giường lưu",
}
_OF_OWN: Final = {RecordKind.PRACTITIONER: _OF_STAFF, RecordKind.FACILITY: _OF_STATION}
_OF_USERS: Final = {RecordKind.RIGHTS: routes.RIGHTS, RecordKind.STANDING: routes.USERS}
_PRIVACY: Final = {
    RecordKind.CONSENT: "consents",
    RecordKind.REQUEST: "requests",
    RecordKind.BREACH: "breaches",
}
_OTHERS: Final[Mapping[str, str]] = {
    "appointment.on": "Ngày hẹn",
    "vitals": "Dấu hiệu sinh tồn",
    "procedures": "Thủ thuật và xét nghiệm nhanh",
}


def field_words(kind: RecordKind, field: str) -> str:
    """What people call the field that the refusal named; empty when it named none."""
    own = _OF_OWN.get(kind, {}).get(field) or _OF_PERSON.get(field) or _OTHERS.get(field)
    if not field or own:
        return _(own) if own else ""
    head, *rest = field.split(".")
    if head == "vitals" and rest[0] in SIGNS:
        return _(SIGNS[rest[0]].label)
    if head == "prescription" and len(rest) == 3:
        return _("Thuốc {number}: {part}").format(
            number=int(rest[1]) + 1, part=_(_OF_DRUG.get(rest[2], rest[2]))
        )
    if kind is RecordKind.BILL and head == "items" and rest:
        row = _("Khoản {number}").format(number=int(rest[0]) + 1)
        part = _OF_ROW.get(rest[1]) if len(rest) > 1 else ""
        return f"{row}: {_(part)}" if part else row
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
    if named is not None and named.about is not None:
        kind, record_id = named.about
        shown = replace(item, kind=kind, record_id=record_id)
        return place_of(shown, may, replace(named, about=None))
    found = _place_of_visit(item, may, named, field) or _place_of_station(item, may, field)
    return found or (patient if may(Action.PATIENT_VIEW) else None)


def _place_of_visit(
    item: OutboxItem, may: Callable[[Action], bool], named: RefusedField | None, field: str
) -> Place | None:
    """Papers of a visit, for those who may see visits."""
    if not may(Action.ENCOUNTER_VIEW):
        return None
    visit = named.encounter_id if named is not None else ""
    if item.kind is RecordKind.ENCOUNTER:
        return routes.ENCOUNTER, routes.EncounterRoute(item.record_id, field)
    if item.kind is RecordKind.CERTIFICATE and visit:
        return routes.CERTIFICATE, routes.CertificateRoute(visit, field)
    if item.kind is RecordKind.NOTIFICATION:
        return routes.NOTICES, routes.NoticeRoute(notification_id=item.record_id, field=field)
    if visit:
        return routes.ENCOUNTER, routes.EncounterRoute(visit, field)
    if item.kind is RecordKind.REFERRAL:
        return routes.REFERRALS, routes.ReferralRoute(referral_id=item.record_id, field=field)
    if item.kind is RecordKind.BILL:
        return routes.BILLING, routes.BillRoute(bill_id=item.record_id, field=field)
    return None


def _place_of_station(item: OutboxItem, may: Callable[[Action], bool], field: str) -> Place | None:
    """What is not about a visit."""
    if item.kind is RecordKind.LINK and may(Action.PATIENT_VIEW):
        return routes.CONFLICTS, routes.LinkRoute(item.record_id)
    if item.kind in _PRIVACY and may(Action.PRIVACY_HANDLE):
        tab = _PRIVACY[item.kind]
        return routes.PRIVACY, routes.PrivacyRoute(item.patient_id, tab, item.record_id)
    if item.kind is RecordKind.FACILITY:
        return routes.SETTINGS, routes.SettingsRoute("station", field)
    if item.kind is RecordKind.PRACTITIONER and may(Action.USER_MANAGE):
        return routes.USERS, routes.UserRoute(item.record_id, field)
    if item.kind in _OF_USERS and may(Action.USER_MANAGE):
        return _OF_USERS[item.kind], None
    return None

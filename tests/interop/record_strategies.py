"""Records of every kind with every field, drawn from the types of the fields themselves.

A field that a later program adds is drawn and checked without a word here. Only what a type cannot
say stands in :data:`SPECIAL`: ids, ranges, and what does not travel.
"""

from __future__ import annotations

import base64
import dataclasses
import types
import typing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

from hypothesis import strategies as st

from station_emr.domain.appointment import Appointment
from station_emr.domain.billing import Bill
from station_emr.domain.birth import BirthDate
from station_emr.domain.certificate import SickLeave
from station_emr.domain.consent import Consent
from station_emr.domain.encounter import Encounter, Procedure, Stage
from station_emr.domain.notification import CommunicableDiseaseNotification
from station_emr.domain.patient import ChronicCondition, Patient
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.prescription import DAYTIMES, Prescription, PrescriptionLine
from station_emr.domain.privacy_request import DataBreach, PrivacyRequest
from station_emr.domain.record import RecordKind, StationProfile
from station_emr.domain.referral import Referral
from station_emr.domain.referral_feedback import ReferralFeedback
from station_emr.domain.signature import DocumentSignature
from station_emr.domain.station_rights import Standing, StationRights
from station_emr.domain.user import User
from station_emr.domain.vitals import VitalSigns

VN = timezone(timedelta(hours=7))
RECORD_ID, PATIENT_ID, ENCOUNTER_ID, OTHER_ID, REFERRAL_ID = (
    f"019a0000-0000-7000-8000-00000000000{n}" for n in range(1, 6)
)

# Composed and decomposed Vietnamese, letters of the Central Highlands, and what JSON must escape.
_WORDS = (
    "Nguyễn Thị Mẫu",
    "Nguye\u0302\u0303n Thi\u0323 Ma\u0302\u0303u",
    "Rơ Châm H'Bĕ̆",
    "Y Ƀlô Êban Ñ ƀ č ĕ ơ̆ ŏ ñ",
    '"ngoặc" \\ / (kép) <b>',
    "dòng một\ndòng hai\r\n\ttab",
    "🩺 viêm họng 👩🏽‍⚕️",
    "  cách hai đầu  ",
    "null",
    "empty",
    "0",
    "\u2028\u00a0\ufeff\x7f",
    " (độ 1)",
)
texts = st.sampled_from(("", *_WORDS)) | st.text(
    st.sampled_from("aĐđưạẽờƠŬĕŏ'’\"\\\n ()/:|\u0306\u0323é𝄞"), max_size=8
)
moments = st.datetimes(
    datetime(1970, 1, 2), datetime(2099, 1, 1), timezones=st.sampled_from([UTC, VN])
)
days = st.dates(date(1800, 1, 1), date(9999, 12, 31))
births = (
    st.builds(BirthDate, st.integers(1800, 9999))
    | st.builds(BirthDate, st.integers(1800, 2100), st.integers(1, 12))
    | days.map(BirthDate.from_date)
)
decimals = st.sampled_from(
    [Decimal("36.50"), Decimal("0.5"), Decimal("1E+1"), Decimal("0.000"), Decimal(152)]
) | st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(0, 99999),
    st.integers(-4, 0),
)
_people = st.just("") | st.just(OTHER_ID) | texts

SPECIAL: dict[tuple[type, str], st.SearchStrategy[Any]] = {
    (Encounter, "stage"): st.just(Stage.FINISHED),  # a place in today's queue does not travel
    (User, "username"): st.just(""),
    (Standing, "user_id"): st.just(OTHER_ID),
    (User, "last_login_at"): st.none(),
    (ChronicCondition, "since_year"): st.none() | st.integers(1, 9999),
    (VitalSigns, "measured_by"): _people,
    (Procedure, "performed_by"): _people,
    (Prescription, "lines"): st.deferred(
        lambda: st.lists(values_of(PrescriptionLine), min_size=1, max_size=3).map(tuple)
    ),
    (DocumentSignature, "content_sha256"): st.sampled_from(["0" * 64, "ab" * 32]),
    (DocumentSignature, "seal"): st.binary(max_size=40).map(
        lambda data: base64.b64encode(data).decode()
    ),
    (PrescriptionLine, "daytimes"): st.lists(
        st.sampled_from([*DAYTIMES, "khi đau", ""]), max_size=3
    ).map(tuple),
}
_IDS = {
    "id": RECORD_ID,
    "facility_id": RECORD_ID,
    "patient_id": PATIENT_ID,
    "encounter_id": ENCOUNTER_ID,
    "survivor_id": PATIENT_ID,
    "duplicate_id": OTHER_ID,
    "referral_id": REFERRAL_ID,
    "target_id": ENCOUNTER_ID,
}
_MACHINE = {"device_name": st.just("Máy 1"), "series": st.just("A")}

CLASSES: dict[RecordKind, type] = {
    RecordKind.PATIENT: Patient,
    RecordKind.ENCOUNTER: Encounter,
    RecordKind.PRESCRIPTION: Prescription,
    RecordKind.REFERRAL: Referral,
    RecordKind.APPOINTMENT: Appointment,
    RecordKind.LINK: PatientLink,
    RecordKind.FEEDBACK: ReferralFeedback,
    RecordKind.SIGNATURE: DocumentSignature,
    RecordKind.CONSENT: Consent,
    RecordKind.CERTIFICATE: SickLeave,
    RecordKind.NOTIFICATION: CommunicableDiseaseNotification,
    RecordKind.BILL: Bill,
    RecordKind.RIGHTS: StationRights,
    RecordKind.STANDING: Standing,
    RecordKind.REQUEST: PrivacyRequest,
    RecordKind.BREACH: DataBreach,
    RecordKind.PRACTITIONER: User,
    RecordKind.FACILITY: StationProfile,
}


@cache  # tests ask for it in each example, and Hypothesis looks every new strategy through
def records(kind: RecordKind) -> st.SearchStrategy[Any]:
    """Any record of this kind that a unit can carry whole; all of one kind have the same id."""
    special = _MACHINE if kind is RecordKind.FACILITY else {}
    return values_of(CLASSES[kind], **special)


def values_of(kind: type, **special: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    drawn = {}
    for one in dataclasses.fields(kind):
        here = special.get(one.name)
        drawn[one.name] = _field(kind, one, hints[one.name]) if here is None else here
    return st.builds(kind, **drawn)


def _field(kind: type, one: dataclasses.Field[Any], hint: Any) -> st.SearchStrategy[Any]:
    if one.name in _IDS and hint is str:
        return st.just(_IDS[one.name])
    strategy = SPECIAL.get((kind, one.name))
    strategy = _of_type(hint) if strategy is None else strategy
    known = one.default is dataclasses.MISSING or (kind, one.name) in SPECIAL
    return strategy if known else st.just(one.default) | strategy


@cache
def _of_type(hint: Any) -> st.SearchStrategy[Any]:
    origin = typing.get_origin(hint)
    if origin is types.UnionType:
        inner = next(one for one in typing.get_args(hint) if one is not types.NoneType)
        return st.none() | _of_type(inner)
    if origin is tuple:
        return st.lists(_of_type(typing.get_args(hint)[0]), max_size=3).map(tuple)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    return _SIMPLE[hint] if hint in _SIMPLE else values_of(hint)


_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    bool: st.booleans(),
    int: st.integers(0, 300),
    Decimal: decimals,
    datetime: moments,
    date: days,
    BirthDate: births,
}

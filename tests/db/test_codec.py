"""Records come back from their JSON exactly as they were; what is signed stays readable."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.db.codec import decode, digest, encode, moment, offset_of, utc_text
from station_emr.domain.appointment import Appointment
from station_emr.domain.encounter import Encounter
from station_emr.domain.identity import BirthDate
from station_emr.domain.patient import Patient
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import StationProfile
from station_emr.domain.referral import Referral
from station_emr.domain.user import User

from .records import patient

zones = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.builds(
    lambda at, zone: at.replace(tzinfo=zone),
    st.datetimes(min_value=datetime(1901, 1, 2), max_value=datetime(2999, 1, 1)),
    zones,
)
births = st.one_of(
    st.dates(min_value=date(1850, 1, 1), max_value=date(2100, 1, 1)).map(BirthDate.from_date),
    st.integers(1850, 2100).map(BirthDate),
    st.builds(BirthDate, st.integers(1850, 2100), st.integers(1, 12)),
)
st.register_type_strategy(datetime, moments)
st.register_type_strategy(BirthDate, births)
st.register_type_strategy(
    Decimal,
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-999, max_value=9999),
)
st.register_type_strategy(str, st.text(st.characters(exclude_categories=("Cs",)), max_size=12))


@pytest.mark.parametrize(
    "kind", [Patient, Encounter, Prescription, Referral, Appointment, User, StationProfile]
)
def test_every_record_survives_the_round_trip(kind) -> None:
    @given(st.from_type(kind))
    def check(record) -> None:
        text = encode(record)
        again = decode(text, kind)
        assert again == record
        assert encode(again) == text

    check()


@given(moments)
def test_a_moment_keeps_its_offset_and_sorts_as_text(at: datetime) -> None:
    back = moment(utc_text(at), offset_of(at))

    assert back == at
    assert back.utcoffset() == at.utcoffset()
    assert utc_text(at) < utc_text(at + timedelta(microseconds=1))


def test_a_naive_moment_is_a_bug() -> None:
    with pytest.raises(ValueError, match="offset"):
        utc_text(datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="offset"):
        offset_of(datetime(2026, 1, 1))


def test_every_field_is_written_even_when_it_is_the_default() -> None:
    assert set(json.loads(encode(patient()))) == set(Patient.__dataclass_fields__)


def test_a_newer_program_may_have_written_more() -> None:
    content = json.loads(encode(patient()))
    content["from_the_future"] = {"a": [1]}
    content["address"]["also"] = True

    assert decode(json.dumps(content), Patient) == patient()


def test_an_older_program_may_have_written_less() -> None:
    content = json.loads(encode(replace(patient(), note="", blood_type="")))
    del content["note"], content["blood_type"]

    assert decode(json.dumps(content), Patient) == replace(patient(), note="", blood_type="")


def test_decimals_are_text_and_moments_carry_their_offset() -> None:
    assert encode([Decimal("52.50"), date(2026, 3, 4)]) == '["52.50","2026-03-04"]'
    assert encode(datetime(2026, 3, 4, 8, tzinfo=timezone(timedelta(hours=7)))) == (
        '"2026-03-04T08:00:00+07:00"'
    )
    assert utc_text(datetime(2026, 3, 4, 8, tzinfo=UTC)) == "2026-03-04T08:00:00.000000Z"
    assert digest("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"

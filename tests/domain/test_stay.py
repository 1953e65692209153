"""People kept at the station: when the stay began, and notes within it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.catalog import IcdCode
from station_emr.domain.encounter import (
    Diagnosis,
    DiagnosisRole,
    Encounter,
    ProgressNote,
    check_for_signing,
)
from station_emr.domain.record import Sex

AT = datetime(2026, 11, 22, 8, 30, 40, tzinfo=UTC)
KEPT = Encounter(
    id="e",
    patient_id="p",
    arrived_at=AT,
    ended_at=AT + timedelta(hours=9),
    care_kind="06",
    admitted_at=AT + timedelta(minutes=20),
    reason="Sốt cao",
    diagnoses=(Diagnosis(icd_code="A09", title="Tiêu chảy", role=DiagnosisRole.MAIN),),
    result="2",
    progress=(ProgressNote(at=AT + timedelta(hours=2), text="Còn sốt nhẹ"),),
)


def found(encounter: Encounter) -> set[tuple[str, str]]:
    problems = check_for_signing(
        encounter,
        BirthDate(1980),
        Sex.MALE,
        lambda code: IcdCode(code=code, title=code),
        date(2026, 11, 22),
    )
    return {(p.field, p.code) for p in problems}


def test_a_stay_with_its_notes_may_be_signed():
    assert found(KEPT) == set()


@pytest.mark.parametrize("kind", ["03", "04", "06", "09"])
def test_a_stay_says_when_it_began(kind):
    assert found(replace(KEPT, care_kind=kind, admitted_at=None)) == {
        ("admitted_at", "stay-start-required")
    }


def test_an_ordinary_visit_has_no_stay():
    assert found(replace(KEPT, care_kind="01", admitted_at=None, progress=())) == set()


def test_a_stay_begins_after_the_arrival_to_the_minute():
    typed = AT.replace(second=0)  # people type minutes; the arrival was taken with its seconds
    assert found(replace(KEPT, admitted_at=typed)) == set()
    early = AT - timedelta(minutes=1)
    assert found(replace(KEPT, admitted_at=early)) == {("admitted_at", "stay-before-arrival")}


def test_notes_have_words_and_lie_within_the_visit():
    first, empty, late = (
        ProgressNote(at=AT - timedelta(minutes=5), text="Trước khi đến"),
        ProgressNote(at=AT + timedelta(hours=1), text="  "),
        ProgressNote(at=AT + timedelta(hours=10), text="Sau khi về"),
    )
    assert found(replace(KEPT, progress=(first, empty, late))) == {
        ("progress.0", "progress-outside-stay"),
        ("progress.1", "progress-empty"),
        ("progress.2", "progress-outside-stay"),
    }

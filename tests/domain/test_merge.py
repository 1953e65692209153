"""What the rule may decide and what only a person may."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.domain.birth import BirthDate
from station_emr.domain.field_labels import LABELS, field_label
from station_emr.domain.merge import (
    LIST_FIELDS,
    SAFETY_FIELDS,
    TOGETHER,
    Written,
    differing,
    merge,
    merge_all,
    paths,
    untouched,
    value_of,
    with_values,
)
from station_emr.domain.patient import Address, Allergy, ChronicCondition, Coverage, Patient
from station_emr.domain.record import RecordKind, RecordStatus, Sex
from station_emr.domain.value_text import describe
from tests.interop.record_strategies import records

PATIENT = RecordKind.PATIENT
SIGNED, AMENDED, VOIDED = RecordStatus.SIGNED, RecordStatus.AMENDED, RecordStatus.VOIDED
DOCUMENTS = {
    kind: records(kind)
    for kind in (
        RecordKind.ENCOUNTER,
        RecordKind.PRESCRIPTION,
        RecordKind.REFERRAL,
        RecordKind.APPOINTMENT,
    )
}
PERSON = Patient(
    id="00000000-0000-7000-8000-000000000001",
    full_name="Rơ Châm Mẫu",
    birth=BirthDate(1990, 3),
    sex=Sex.FEMALE,
    phone="0900000001",
    occupation_code="6",
    occupation_name="Nông dân",
)
# A tick beside a listed allergy contradicts itself; no screen can write that.
sound = records(PATIENT).map(
    lambda p: replace(p, no_known_allergy=p.no_known_allergy and not p.allergies)
)


def people(base, one, other, *statuses):
    first, second = statuses or (AMENDED, AMENDED)
    return merge(PATIENT, base, one, other, first, second)


@settings(max_examples=30)
@given(sound, sound, sound)
def test_the_rule_is_symmetric_but_for_what_is_shown(base, one, other):
    ab, ba = people(base, one, other), people(base, other, one)
    assert ab.open_fields == ba.open_fields
    assert ab.status is ba.status
    shown = set(differing(PATIENT, ab.record, ba.record))
    assert shown <= set(ab.open_fields)
    assert "allergies" not in shown


@given(sound, sound)
def test_merging_with_itself_or_with_its_base_changes_nothing(base, one):
    assert people(base, one, one).record == one
    assert people(base, one, one).open_fields == ()
    merged = people(base, one, base)
    changed = set(differing(PATIENT, base, one))
    assert set(merged.open_fields) == changed & SAFETY_FIELDS
    for path in changed - SAFETY_FIELDS:
        assert value_of(merged.record, path) == value_of(one, path)


@settings(max_examples=30)
@given(sound, sound, sound)
def test_nothing_that_was_typed_disappears_without_a_question(base, one, other):
    merged = people(base, one, other)
    for side in (one, other):
        for path in differing(PATIENT, base, side):
            if path in merged.open_fields:
                continue
            mine, result = value_of(side, path), value_of(merged.record, path)
            if path in LIST_FIELDS:
                new = [line for line in mine if line not in value_of(base, path)]
                assert all(line in result for line in new)
            else:
                assert result == mine


@settings(max_examples=30)
@given(sound, sound, sound)
def test_the_same_input_gives_the_same_answer(base, one, other):
    assert people(base, one, other) == people(base, one, other)
    three = [Written(record=r, status=AMENDED) for r in (one, other, base)]
    again = [Written(record=r, status=AMENDED) for r in (one, base, other)]
    root = Written(record=base, status=SIGNED)
    # The order of the later sides decides nothing but what is shown of lists.
    ours, theirs = merge_all(PATIENT, root, three), merge_all(PATIENT, root, again)
    assert ours.open_fields == theirs.open_fields


@settings(max_examples=30)
@given(sound, sound, sound)
def test_a_known_allergy_is_always_shown(base, one, other):
    merged = people(base, one, other).record
    assert not (merged.no_known_allergy and merged.allergies)
    if one.allergies != other.allergies:
        assert set(merged.allergies) == {*one.allergies, *other.allergies}


@pytest.mark.parametrize("kind", DOCUMENTS)
@settings(max_examples=15)
@given(data=st.data())
def test_nobody_signs_by_rule(kind, data):
    strategy = DOCUMENTS[kind]
    base, one, other = (data.draw(strategy) for _ in range(3))
    other = replace(other, id=one.id)
    merged = merge(kind, base, one, other, AMENDED, VOIDED)
    assert merged.record == one
    assert set(merged.open_fields) == {*differing(kind, one, other), "status"}
    assert merge(kind, base, one, one, AMENDED, SIGNED).open_fields == ()


def test_changes_of_different_fields_both_survive():
    merged = people(PERSON, replace(PERSON, phone="0900000002"), replace(PERSON, note="Nhà xa"))
    assert merged.record == replace(PERSON, phone="0900000002", note="Nhà xa")
    assert merged.open_fields == ()


def test_the_first_side_is_shown_whoever_wrote_later():
    one, other = replace(PERSON, phone="0900000002"), replace(PERSON, phone="0900000003")
    assert people(PERSON, one, other).record.phone == "0900000002"
    assert people(PERSON, other, one).record.phone == "0900000003"
    assert people(PERSON, one, other).open_fields == ("phone",)


@pytest.mark.parametrize(
    "change",
    [
        {"sex": Sex.MALE},
        {"birth": BirthDate(1991)},
        {"national_id": "064099100001"},
        {"old_national_id": "230000001"},
        {"allergies": (Allergy(substance="Tôm"),)},
        {"no_known_allergy": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_safety_field_is_asked_about_even_if_one_side_left_it_alone(change):
    one, other = replace(PERSON, **change), replace(PERSON, note="khác")
    (path,) = change
    assert people(PERSON, one, other).open_fields == (path,)
    assert people(PERSON, one, one).open_fields == ()


def test_a_code_never_meets_the_words_of_another():
    one = replace(PERSON, occupation_code="1", occupation_name="Học sinh")
    other = replace(PERSON, occupation_code="2", occupation_name="Giáo viên")
    merged = people(PERSON, one, other)
    assert merged.open_fields == ("occupation_name",)
    assert (merged.record.occupation_code, merged.record.occupation_name) == ("1", "Học sinh")


def test_cards_and_conditions_are_merged_line_by_line():
    old = Coverage(number="GD4520000000001", valid_to=date(2026, 1, 1))
    new = Coverage(number="GD4520000000002")
    base = replace(PERSON, coverages=(old,))
    longer = replace(old, valid_to=date(2027, 1, 1))
    merged = people(base, replace(base, coverages=(longer,)), replace(base, coverages=(old, new)))
    assert merged.record.coverages == (longer, new)
    assert merged.open_fields == ()
    gone = people(base, replace(base, coverages=()), replace(base, coverages=(longer,)))
    assert gone.record.coverages == (longer,)  # taken out here, renewed there: a person decides
    assert gone.open_fields == ("coverages",)
    ill = ChronicCondition(icd_code="I10", title="Tăng huyết áp")
    sugar = ChronicCondition(icd_code="E11", title="Đái tháo đường")
    both = people(PERSON, replace(PERSON, conditions=(ill,)), replace(PERSON, conditions=(sugar,)))
    assert set(both.record.conditions) == {ill, sugar}
    assert both.open_fields == ()


def test_what_was_open_stays_open_until_somebody_decides():
    one = replace(PERSON, phone="0900000002")
    open_side = Written(record=one, status=AMENDED, open_fields=("phone",))
    beside = Written(record=replace(PERSON, note="x"), status=AMENDED)
    root = Written(record=PERSON, status=SIGNED)
    assert merge_all(PATIENT, root, (open_side, beside)).open_fields == ("phone",)
    decided = Written(record=one, status=AMENDED)
    further = replace(open_side, record=replace(one, note="y"))
    assert merge_all(PATIENT, open_side, (decided, further)).open_fields == ()


def test_two_who_answered_one_question_differently_are_asked_again():
    asked = Written(record=PERSON, status=AMENDED, open_fields=("phone",))
    kept = Written(record=PERSON, status=AMENDED)
    other = Written(record=replace(PERSON, phone="0912000018"), status=AMENDED)
    still = replace(kept, open_fields=("phone",))
    for sides in ((kept, other), (other, kept), (kept, still, other)):
        merged = merge_all(PATIENT, asked, sides)
        assert merged.open_fields == ("phone",)
        assert merged.record.phone == sides[0].record.phone
    for sides in ((kept, still), (still, kept), (kept, kept)):
        assert merge_all(PATIENT, asked, sides).open_fields == ()
    # That nobody asked is no answer.
    nothing = replace(asked, open_fields=())
    assert merge_all(PATIENT, nothing, (kept, other)).open_fields == ()


def test_voided_against_amended_is_a_question_and_voided_twice_is_none():
    assert people(PERSON, PERSON, PERSON, VOIDED, AMENDED).open_fields == ("status",)
    both = people(PERSON, PERSON, PERSON, VOIDED, VOIDED)
    assert (both.status, both.open_fields) == (VOIDED, ())


def test_an_edit_closes_what_it_changes():
    after = replace(PERSON, phone="0900000009")
    assert untouched(PATIENT, PERSON, after, ("note", "phone", "status")) == ["note", "status"]


def test_values_of_a_group_are_taken_together():
    taken = with_values(PERSON, {"occupation_name": ("1", "Học sinh")})
    assert (taken.occupation_code, taken.occupation_name) == ("1", "Học sinh")


# What Python writes of a value must not reach a person.
CODE = re.compile(r"\bNone\b|\b[A-Z][A-Za-z]+\(|<[A-Z][A-Za-z]+\.|datetime")

# Words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [PATIENT, RecordKind.LINK, *DOCUMENTS])
def test_every_field_has_its_own_vietnamese_name(kind):
    names = [field_label(kind, path) for path in (*paths(kind), "status")]
    assert all(name[0].isupper() for name in names)
    assert len(set(names)) == len(names)
    assert set(paths(kind)) <= set(LABELS[kind])
    assert field_label(kind, "something_newer") == "something_newer"


@pytest.mark.parametrize("kind", DOCUMENTS)
@settings(max_examples=15)
@given(data=st.data())
def test_every_value_of_a_document_reads_as_text(kind, data):
    record = data.draw(DOCUMENTS[kind])
    for path in paths(kind):
        assert not CODE.search(describe(path, value_of(record, path)))


@given(sound)
def test_every_value_of_a_person_reads_as_text(person):
    for path in paths(PATIENT):
        assert not CODE.search(describe(path, value_of(person, path)))


def test_values_that_differ_in_a_code_alone_do_not_look_the_same():
    for path, one, other in (
        ("occupation_name", ("6", "Nông dân"), ("7", "Nông dân")),
        ("address", Address(line="Làng", commune_code="1"), Address(line="Làng", commune_code="2")),
    ):
        assert describe(path, one) != describe(path, other)


def test_texts_a_nurse_reads():
    assert describe("birth", BirthDate(1990, 3, 4)) == "04/03/1990"
    assert describe("sex", Sex.FEMALE) == "Nữ"
    assert describe("national_id_issued_on", date(2024, 7, 1)) == "01/07/2024"
    assert describe("address", Address(line="Làng Mẫu", commune_name="Xã Mẫu")) == (
        "Làng Mẫu, Xã Mẫu"
    )
    assert describe("occupation_name", ("6", "Nông dân")) == "Nông dân (6)"
    assert describe("phone", "") == ""
    assert describe("status", VOIDED) == "Đã hủy"


def test_every_field_of_a_person_is_merged_or_follows_by_intent():
    grouped = {name for names in TOGETHER.values() for name in names}
    left = {f.name for f in fields(Patient)} - set(paths(PATIENT)) - grouped
    assert left == {"id", "chart_number"}

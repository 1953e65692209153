"""Counting by templates, against a count made anew and slowly; ranges of codes; numbers as written."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.domain.birth import BirthDate
from station_emr.domain.icd_range import IcdChapter, IcdRange, chapter_of
from station_emr.domain.notification import NotifiableDisease, NotificationRules
from station_emr.domain.period import ZONE
from station_emr.domain.record import Sex
from station_emr.domain.referral import ReferralReason
from station_emr.domain.register import DrugUse, RegisterLine, changed_fields, compare
from station_emr.domain.report import (
    Filter,
    Measure,
    ReportColumn,
    ReportRow,
    ReportTemplate,
    RowsBy,
    count,
    number_text,
)
from station_emr.domain.report_lists import (
    ReferralTrack,
    hours_text,
    infectious_cases,
    summarise,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=ZONE)
CODES = ("A00.9", "A15.0", "B20", "B24.9", "I10", "J06.9", "Z21", "")
CHAPTERS = (
    IcdChapter("I", "Nhiễm trùng mẫu", (IcdRange("A00", "B99"),)),
    IcdChapter("IX", "Tuần hoàn mẫu", (IcdRange("I00", "I99"),)),
    IcdChapter("X", "Hô hấp mẫu", (IcdRange("J00", "J99"),)),
)
LINES = st.lists(
    st.builds(
        RegisterLine,
        encounter_id=st.uuids().map(str),
        patient_id=st.sampled_from(("p1", "p2", "p3")),
        version=st.just(1),
        arrived_at=st.integers(0, 40 * 1440).map(lambda n: NOON + timedelta(minutes=n)),
        full_name=st.just("Người Mẫu"),
        sex=st.sampled_from(Sex),
        birth=st.just(BirthDate(1990)),
        age=st.integers(0, 100),
        codes=st.sampled_from(CODES).map(lambda code: (code,) if code else ()),
        result=st.sampled_from(("1", "5")),
        insured=st.booleans(),
        referred_to=st.sampled_from(("", "Bệnh viện Mẫu")),
        drugs=st.lists(
            st.builds(
                DrugUse,
                code=st.just(""),
                name=st.sampled_from(("Paracetamol mẫu", "Oresol mẫu")),
                unit=st.just("viên"),
                quantity=st.integers(1, 30).map(Decimal),
            ),
            max_size=3,
        ).map(tuple),
    ),
    max_size=30,
)
FILTERS = st.builds(
    Filter,
    icd=st.sampled_from(((), (IcdRange("A15", "B20"),), (IcdRange("I10", "I10"),))),
    chapters=st.sampled_from(((), ("I",), ("IX", "X"))),
    sex=st.sampled_from((None, *Sex)),
    age_from=st.sampled_from((None, 6)),
    age_to=st.sampled_from((None, 59)),
    insured=st.sampled_from((None, True, False)),
    referred=st.sampled_from((None, True, False)),
    results=st.sampled_from(((), ("5",))),
)


def slowly(wanted: Filter, line: RegisterLine) -> bool:
    """The same question, asked letter by letter of the code."""
    code = line.codes[0] if line.codes else ""
    in_icd = not wanted.icd or any(
        code and r.first <= code and code[: len(r.last)] <= r.last for r in wanted.icd
    )
    letter = {"A": "I", "B": "I", "I": "IX", "J": "X"}.get(code[:1], "")
    return all(
        (
            in_icd,
            not wanted.chapters or letter in wanted.chapters,
            wanted.sex in (None, line.sex),
            wanted.age_from is None or line.age >= wanted.age_from,
            wanted.age_to is None or line.age <= wanted.age_to,
            wanted.insured in (None, line.insured),
            wanted.referred in (None, line.referred_to != ""),
            not wanted.results or line.result in wanted.results,
        )
    )


@settings(max_examples=60, deadline=None)
@given(LINES, FILTERS, FILTERS, FILTERS, st.sampled_from(Measure))
def test_a_cell_counts_what_its_row_and_its_column_hold(lines, whole, row, column, measure) -> None:
    template = ReportTemplate(
        key="mau",
        title="Mẫu",
        filter=whole,
        rows=(ReportRow(title="dòng", filter=row),),
        columns=(ReportColumn(title="cột", filter=column, measure=measure),),
    )
    made = count(template, lines, CHAPTERS)
    held = [x for x in lines if slowly(whole, x) and slowly(column, x)]
    inside = [x for x in held if slowly(row, x)]

    def measured(some) -> int:
        if measure is Measure.VISITS:
            return len(some)
        if measure is Measure.PEOPLE:
            return len({x.patient_id for x in some})
        return sum(d.quantity for x in some for d in x.drugs)

    assert made.rows[0].values == (measured(inside),)
    assert made.total == (measured(held),)


@settings(max_examples=60, deadline=None)
@given(LINES, st.sampled_from(RowsBy))
def test_rows_that_visits_name_add_up(lines, by) -> None:
    """Every visit stands in one row; drugs and procedures may stand in several or none."""
    template = ReportTemplate(
        key="mau",
        title="Mẫu",
        rows_by=by,
        columns=(ReportColumn(title="lượt"), ReportColumn(title="sl", measure=Measure.QUANTITY)),
    )
    made = count(template, lines, CHAPTERS)
    titles = [row.title for row in made.rows]
    assert len(titles) == len(set(titles))
    if by is RowsBy.DRUG:
        for row in made.rows:
            name = row.title.partition(" (")[0]
            uses = [[d.quantity for d in x.drugs if d.name == name] for x in lines]
            assert row.values == (sum(map(bool, uses)), sum(map(sum, uses)))
    elif by is RowsBy.PROCEDURE:
        assert titles == []
    else:
        assert sum(row.values[0] for row in made.rows) == len(lines)


def test_only_the_largest_rows_stay_and_the_rest_is_counted() -> None:
    def line(code, number):
        return RegisterLine(
            encounter_id=f"{code}{number}", patient_id="p", version=1, arrived_at=NOON,
            full_name="Mẫu", sex=Sex.MALE, birth=BirthDate(1990), age=30, codes=(code,),
            main_title="bệnh",
        )  # fmt: skip

    lines = [line("I10", n) for n in range(3)] + [line("J06.9", n) for n in range(2)]
    template = ReportTemplate(
        key="mau",
        title="Mẫu",
        rows_by=RowsBy.DISEASE,
        columns=(ReportColumn(title="lượt"),),
        most=1,
    )
    made = count(template, lines)

    assert [(row.title, row.values) for row in made.rows] == [("I10 bệnh", (3,))]
    assert (made.left_out, made.total) == (1, (5,))


@pytest.mark.parametrize(
    ("span", "code", "inside"),
    [
        ("A15-A19", "A15.0", True),
        ("A15-A19", "A19.9", True),
        ("A15-A19", "A20", False),
        ("A15-A19", "A14.9", False),
        ("I10", "I10", True),
        ("I10", "I11.0", False),
        ("E10.1-E11", "E10", False),
        ("B20-B24", "", False),
    ],
)
def test_ranges_hold_what_is_below_them(span, code, inside) -> None:
    assert IcdRange.parse(span).covers(code) is inside


@pytest.mark.parametrize("span", ["A19-A15", "15-19", "A1", "A15–", ""])
def test_what_is_no_range(span) -> None:
    with pytest.raises(ValueError, match=f"^{span}$"):
        IcdRange.parse(span)


def test_chapters() -> None:
    assert chapter_of("I10", CHAPTERS) is CHAPTERS[1]
    assert chapter_of("Q00", CHAPTERS) is None


@settings(max_examples=60, deadline=None)
@given(LINES, st.data())
def test_what_differs_from_a_snapshot_is_told_once(lines, data) -> None:
    lines = list({line.encounter_id: line for line in lines}.values())
    now = [line for line in lines if data.draw(st.booleans())]
    late = compare("2026-11", lines, now)
    kept = {line.encounter_id for line in now}

    assert [one.number for one in late] == [
        place for place, line in enumerate(lines, 1) if line.encounter_id not in kept
    ]
    back = compare("2026-11", now, lines)
    assert len(back) == len(late)
    assert all(one.number == 0 and one.before is None for one in back)
    assert all(not changed_fields(line, line) for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0"), ("1234", "1.234"), ("0.5", "0,5"), ("1234567.25", "1.234.567,25"), ("10", "10")],
)
def test_numbers_as_forms_write_them(value, text) -> None:
    assert number_text(Decimal(value)) == text


@pytest.mark.parametrize(
    ("hours", "text"),
    [(0.5, "30 phút"), (5, "5 giờ"), (2.25, "2 giờ 15 phút"), (49, "2 ngày 1 giờ"), (48, "2 ngày")],
)
def test_spans_of_time_in_words(hours, text) -> None:
    assert hours_text(timedelta(hours=hours)) == text


def track(reason, after=None, done=None) -> ReferralTrack:
    return ReferralTrack(
        referral_id="r", encounter_id="e", patient_id="p", number="1", full_name="Mẫu",
        signed_at=NOON, to_facility="Bệnh viện Mẫu", reason=reason, diagnosis="",
        accepted_at=NOON + timedelta(hours=after) if after is not None else None,
        completed_at=NOON + timedelta(hours=done) if done is not None else None,
    )  # fmt: skip


def test_turn_around_is_the_median_over_those_that_answered() -> None:
    beyond = ReferralReason.BEYOND_CAPACITY
    found = summarise([track(beyond, 1), track(beyond, 3), track(beyond, 8, 30), track(beyond)])
    by_reason = {one.title: one for one in found}

    assert by_reason[beyond.label].letters == 4
    assert by_reason[beyond.label].answered == 3
    assert by_reason[beyond.label].answer_after == timedelta(hours=3)
    assert by_reason["Tất cả"].completed_after == timedelta(hours=30)
    assert by_reason[ReferralReason.PATIENT_REQUEST.label].answer_after is None


def test_the_clock_of_an_infectious_disease_starts_with_the_signature() -> None:
    rules = NotificationRules(
        since=NOON.date() - timedelta(days=400),
        diseases=(
            NotifiableDisease(code="sxh", name="Sốt xuất huyết mẫu", icd=("A97",), hours=24),
            NotifiableDisease(code="lao", name="Lao mẫu", icd=("A15-A19",), hours=48),
        ),
    )
    signed = NOON + timedelta(minutes=20)
    line = RegisterLine(
        encounter_id="e", patient_id="p", version=1, arrived_at=NOON, signed_at=signed,
        full_name="Mẫu", sex=Sex.MALE, birth=BirthDate(1990), age=30,
        codes=("A97.1", "A97.0", "I10", "A16.2"),
    )  # fmt: skip
    dengue, lung = infectious_cases([line], [rules])

    assert (dengue.disease_code, dengue.icd_code) == ("sxh", "A97.1")
    assert dengue.due_at == signed + timedelta(hours=24)
    assert lung.left(signed + timedelta(hours=50)) == timedelta(hours=-2)
    assert infectious_cases([line], []) == ()

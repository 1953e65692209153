"""Rights that two machines wrote at once: the stricter, whatever the order of the sides."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from station_emr.domain.merge import Written, merge_all
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sensitive import DEFAULT_RANGES, SensitiveRange
from station_emr.domain.station_rights import GivenRight, RightCell, Standing, StationRights

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
moments = st.integers(0, 3).map(lambda n: AT + timedelta(hours=n))
days = st.none() | st.integers(1, 4).map(lambda n: date(2026, 12, n))
cells = st.builds(
    RightCell,
    role=st.sampled_from(["nurse", "doctor"]),
    action=st.sampled_from(["print", "of-next-year"]),
    granted=st.booleans(),
    by_id=st.sampled_from("ab"),
    at=moments,
)
ranges = st.sampled_from(
    [
        *DEFAULT_RANGES[:2],
        SensitiveRange("A50", "A64", "Hoa liễu", date(2026, 3, 1)),
        SensitiveRange("A50", "A64", "Hoa liễu", date(2026, 2, 1)),
    ]
)
given_rights = st.builds(
    GivenRight,
    id=st.sampled_from(["1", "2"]),
    since=st.just(AT),
    until=moments,
    actions=st.sampled_from([("print",), ("print", "backup")]),
    ended_at=st.none() | moments,
)
RECORDS = {
    RecordKind.RIGHTS: st.builds(
        StationRights,
        id=st.just("r"),
        cells=st.lists(cells, max_size=3, unique_by=lambda c: c.key).map(
            lambda found: tuple(sorted(found, key=lambda c: c.key))
        ),
        ranges=st.lists(ranges, min_size=1, unique_by=lambda r: r.first).map(tuple),
    ),
    RecordKind.STANDING: st.builds(
        Standing,
        id=st.just("s"),
        user_id=st.just("u"),
        shut=st.sampled_from(["", "by_hand", "left", "of-next-year"]),
        shut_at=moments,
        opens_on=days,
        closes_on=days,
        days_at=moments,
        rights=st.lists(given_rights, max_size=2, unique_by=lambda g: g.id).map(
            lambda found: tuple(sorted(found, key=lambda g: g.id))
        ),
    ),
}


def written(record):
    return Written(record=record, status=RecordStatus.AMENDED)


def merged(kind, base, sides):
    return merge_all(kind, base and written(base), [written(side) for side in sides])


@pytest.mark.parametrize("kind", RECORDS)
@settings(max_examples=60, derandomize=True)
@given(data=st.data())
def test_the_order_of_the_sides_does_not_matter(kind, data) -> None:
    base = data.draw(st.none() | RECORDS[kind])
    sides = data.draw(st.lists(RECORDS[kind], min_size=2, max_size=3))
    one = merged(kind, base, sides)
    other = merged(kind, base, sides[::-1])
    assert (one.record, one.open_fields) == (other.record, other.open_fields)
    assert merged(kind, base, [sides[0], sides[0]]).open_fields == ()


@settings(max_examples=60, derandomize=True)
@given(data=st.data())
def test_where_both_changed_it_nothing_is_looser_than_either(data) -> None:
    one, other = (data.draw(RECORDS[RecordKind.STANDING]) for _ in range(2))
    found = merged(RecordKind.STANDING, None, [one, other])
    assert bool(found.record.shut) is (bool(one.shut) or bool(other.shut))
    for side in (one, other):
        for first, last in (("opens_on", "closes_on"),):
            ours, theirs = getattr(found.record, first), getattr(side, first)
            assert theirs is None or ours >= theirs
            ours, theirs = getattr(found.record, last), getattr(side, last)
            assert theirs is None or ours <= theirs
        for right in side.rights:
            kept = next(each for each in found.record.rights if each.id == right.id)
            assert kept.until <= right.until
            assert set(kept.actions) <= set(right.actions)
            assert right.ended_at is None or kept.ended_at <= right.ended_at
    assert ("shut" in found.open_fields) is (one.shut != other.shut)


def cell(*, granted, hour=0):
    at = AT + timedelta(hours=hour)
    return RightCell(role="nurse", action="print", granted=granted, by_id="a", at=at)


def test_a_cell_that_one_side_changed_is_as_it_says_and_refused_where_both_did() -> None:
    base = StationRights(id="r", cells=(cell(granted=False),), ranges=DEFAULT_RANGES)
    opened = StationRights(id="r", cells=(cell(granted=True, hour=1),), ranges=DEFAULT_RANGES)
    again = StationRights(id="r", cells=(cell(granted=False, hour=2),), ranges=DEFAULT_RANGES)
    found = merged(RecordKind.RIGHTS, base, [base, opened])
    assert (found.record.cells, found.open_fields) == (opened.cells, ())
    found = merged(RecordKind.RIGHTS, base, [opened, again])
    assert (found.record.cells, found.open_fields) == (again.cells, ("cells",))


def test_a_range_that_one_took_out_and_the_other_changed_stays() -> None:
    sti = SensitiveRange("A50", "A64", "Hoa liễu", date(2026, 3, 1))
    earlier = SensitiveRange("A50", "A64", "Hoa liễu", date(2026, 1, 1))

    def of(*more):
        return StationRights(id="r", ranges=(*DEFAULT_RANGES, *more))

    found = merged(RecordKind.RIGHTS, of(sti), [of(), of(earlier)])
    assert found.record.ranges == of(earlier).ranges
    assert found.open_fields == ("ranges",)
    found = merged(RecordKind.RIGHTS, of(sti), [of(), of(sti)])
    assert (found.record.ranges, found.open_fields) == (of().ranges, ())

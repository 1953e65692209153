"""People registered twice are found while nobody asks, and their number is true."""

from station_emr.domain.birth import BirthDate
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.record import RecordStatus
from station_emr.services import chart_likeness, duplicate_watch
from station_emr.services.chart_likeness import open_pairs
from station_emr.services.duplicate_watch import DuplicateWatch
from station_emr.services.matching import NameMatcher
from tests.services.test_duplicates import join, pairs, register


def watch_of(station):
    return DuplicateWatch(station.store, NameMatcher())


def waiting(station):
    with station.store.read() as work:
        return len(open_pairs(work))


def test_a_pair_is_found_without_anybody_asking(station):
    watch = watch_of(station)
    watch.look()
    assert waiting(station) == 0
    one, other = register(station), register(station)
    register(station, "Siu Mẫu Khác")

    watch.look()

    assert waiting(station) == 1
    assert pairs(station) == [({one.id, other.id}, False)]


def test_who_was_told_apart_or_joined_is_counted_no_more(station):
    watch = watch_of(station)
    one, other = register(station), register(station)
    third, fourth = (register(station, "Siu Mẫu Khác") for _ in range(2))
    watch.look()
    assert waiting(station) == 2

    station.services.duplicates.dismiss(station.nurse, one.id, other.id)
    assert waiting(station) == 1
    join(station, third, fourth)
    assert waiting(station) == 0
    watch.look()
    assert waiting(station) == 0


def test_a_pair_that_was_joined_on_another_machine_goes_off_the_list(station):
    watch = watch_of(station)
    one, other = register(station), register(station)
    for _ in range(3):  # until no chart is left to look at
        watch.look()
    assert waiting(station) == 1
    with station.store.write() as work:  # as a line from elsewhere does
        link = PatientLink(
            id=station.clock.new_id(), survivor_id=one.id, duplicate_id=other.id, reason="", kept=0
        )
        work.links.add_version(
            link,
            RecordStatus.SIGNED,
            author=station.nurse.user.snapshot,
            at=station.clock.now(),
            reason="",
            expected_version=0,
        )

    watch.look()

    assert waiting(station) == 0


def test_nothing_is_read_again_where_nothing_changed(station, monkeypatch):
    watch = watch_of(station)
    register(station)
    for _ in range(3):
        watch.look()
    looked = []
    real = duplicate_watch.sweep
    monkeypatch.setattr(
        duplicate_watch, "sweep", lambda *args, **how: looked.append(1) or real(*args, **how)
    )

    watch.look()
    assert looked == []
    register(station)
    watch.look()
    assert looked == [1]


def test_what_came_all_at_once_is_looked_through_in_short_portions(station, monkeypatch):
    """As after a rebuild: the newest first, then those before them, and every chart once."""
    monkeypatch.setattr(chart_likeness, "_NEW_AT_ONCE", 3)
    monkeypatch.setattr(chart_likeness, "_OLD_AT_ONCE", 2)
    read = []
    real = chart_likeness._pairs_of
    monkeypatch.setattr(
        chart_likeness, "_pairs_of", lambda *asked: read.append(asked[-1]) or real(*asked)
    )
    people = [register(station, birth=BirthDate(1940 + 5 * n)) for n in range(5)]
    people += [register(station), register(station)]
    people += [register(station, birth=BirthDate(2000 + 5 * n)) for n in range(3)]
    watch = watch_of(station)
    counts = []
    for _ in range(8):
        before = len(read)
        watch.look()
        counts.append(len(read) - before)

    assert counts == [3, 2, 2, 2, 1, 0, 0, 0]
    assert sorted(read) == sorted(one.id for one in people)
    assert waiting(station) == 1

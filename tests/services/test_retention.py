"""How long records must be kept: the table of the law, and what has stayed long enough."""

from contextlib import contextmanager
from datetime import date, timedelta

import pytest

from station_emr.domain.errors import PermissionDenied
from station_emr.domain.retention import (
    TABLE,
    RetentionClass,
    class_of_visit,
    last_year,
    may_be_archived,
)
from station_emr.services.retention import EndedVisit, Retention
from tests.services.visit_samples import prescription, sign, visit


@pytest.mark.parametrize(
    ("kind", "years"),
    [
        (RetentionClass.DEATH, 30),
        (RetentionClass.PSYCHIATRIC, 20),
        (RetentionClass.ACCIDENT, 20),
        (RetentionClass.TRANSPLANT, 20),
        (RetentionClass.TREATMENT, 10),
        (RetentionClass.PRESCRIPTION, 10),
        (RetentionClass.REGISTER, 5),
        (RetentionClass.HEALTH_CERTIFICATE, 2),
        (RetentionClass.HEALTH_BOOK, 10),
        (RetentionClass.INCIDENT, None),
    ],
)
def test_the_table(kind, years):
    (rule,) = [one for one in TABLE if one.kind is kind]
    assert rule.years == years
    assert last_year(kind, 2026) == (None if years is None else 2026 + years)


@pytest.mark.parametrize(
    ("codes", "result", "kind"),
    [
        (["I10"], "1", RetentionClass.TREATMENT),
        (["I10", "F20.0"], "1", RetentionClass.PSYCHIATRIC),
        (["S52.5", "V23.4"], "1", RetentionClass.ACCIDENT),
        (["S61", "Y96"], "1", RetentionClass.ACCIDENT),
        (["F32", "I21"], "5", RetentionClass.DEATH),
        (["I46"], "8", RetentionClass.DEATH),
        ([], "", RetentionClass.TREATMENT),
    ],
)
def test_a_visit_belongs_to_the_longest_of_its_classes(codes, result, kind):
    assert class_of_visit(codes, result) is kind


def test_years_count_from_the_end_of_the_year():
    assert not may_be_archived(RetentionClass.TREATMENT, 2016, date(2026, 12, 31))
    assert may_be_archived(RetentionClass.TREATMENT, 2016, date(2027, 1, 1))
    assert not may_be_archived(RetentionClass.INCIDENT, 1990, date(2099, 1, 1))


def test_the_report_counts_by_class_and_year_and_deletes_nothing(station):
    encounter = visit(station, station.register())
    sign(station, encounter, prescription=prescription(station, encounter))
    visit(station, station.register(national_id=""))  # a draft: no record yet
    before = station.store.counts
    year = station.clock.now().year

    report = station.services.retention.report(station.director)

    assert report.archivable == 0
    (line,) = [one for one in report.lines if one.rule.kind is RetentionClass.TREATMENT]
    assert (line.year, line.count, line.until, line.archivable) == (year, 1, year + 10, False)

    station.clock._now += timedelta(days=366 * 12)
    later = station.services.retention.report(station.director)

    assert later.archivable >= 1
    assert station.store.counts == before
    assert station.services.accounts.audit(station.director, 1)[0].action == "retention.report"


class Known:
    """A store that knows two old visits; everything else is the real one."""

    def __init__(self, store):
        self._store = store
        self.write = store.write

    @contextmanager
    def read(self):
        yield self

    @property
    def retention(self):
        return self

    def ended_visits(self):
        yield EndedVisit(year=2000, codes=("F20",), result="1", papers=2)
        yield EndedVisit(year=2000, codes=("I10",), result="1", papers=1)


def test_a_paper_stays_as_long_as_its_visit(station):
    report = Retention(Known(station.store), station.clock).report(station.director)

    lines = {(one.rule.kind, one.until): (one.count, one.archivable) for one in report.lines}
    assert lines[RetentionClass.PRESCRIPTION, 2020] == (2, True)
    assert lines[RetentionClass.PRESCRIPTION, 2010] == (1, True)
    assert report.archivable == 5


def test_who_cares_for_people_has_no_business_with_it(station):
    with pytest.raises(PermissionDenied):
        station.services.retention.report(station.nurse)

"""What the station must keep how long, and what has stayed long enough. Deletes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from station_emr.domain.permissions import Action
from station_emr.domain.retention import (
    TABLE,
    RetentionClass,
    RetentionRule,
    class_of_visit,
    last_year,
    may_be_archived,
    rule_of,
)
from station_emr.domain.user import Actor

from .guards import allow
from .ports import Clock, Store, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedVisit:
    """As much of a signed visit as its class depends on. ``papers`` hang on it."""

    year: int
    codes: tuple[str, ...]
    result: str
    papers: int = 0


class VisitYears(Protocol):
    def ended_visits(self) -> Iterable[EndedVisit]: ...


class RetentionWork(Work, Protocol):
    @property
    def retention(self) -> VisitYears: ...


class RetentionStore(Store, Protocol):
    def read(self) -> AbstractContextManager[RetentionWork]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionLine:
    """The records of one class that ended in one year. ``until`` is the last year they must stay."""

    rule: RetentionRule
    year: int
    count: int
    until: int | None
    archivable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    on: date
    table: tuple[RetentionRule, ...]
    lines: tuple[RetentionLine, ...]

    @property
    def archivable(self) -> int:
        """Visits and papers that need not be kept any longer."""
        return sum(line.count for line in self.lines if line.archivable)


class Retention:
    def __init__(self, store: RetentionStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def report(self, actor: Actor) -> RetentionReport:
        """Counts by class and year, no names. Reads every visit: seconds for a large station."""
        allow(actor, Action.AUDIT_VIEW)
        now = self._clock.now()
        counted: Counter[tuple[RetentionClass, int]] = Counter()
        papers: Counter[tuple[int, RetentionClass]] = Counter()
        with self._store.read() as work:
            for visit in work.retention.ended_visits():
                kind = class_of_visit(visit.codes, visit.result)
                counted[kind, visit.year] += 1
                papers[visit.year, kind] += visit.papers
        today = now.date()
        lines = [_line(kind, year, count, today) for (kind, year), count in counted.items()]
        lines += _papers(papers, today)
        report = RetentionReport(
            on=today,
            table=TABLE,
            lines=tuple(sorted(lines, key=lambda one: (TABLE.index(one.rule), one.year))),
        )
        with self._store.write() as work:
            work.audit.append(
                actor, "retention.report", now, detail={"count": str(report.archivable)}
            )
        return report


def _line(kind: RetentionClass, year: int, count: int, today: date) -> RetentionLine:
    return RetentionLine(
        rule=rule_of(kind),
        year=year,
        count=count,
        until=last_year(kind, year),
        archivable=may_be_archived(kind, year, today),
    )


def _papers(papers: Counter[tuple[int, RetentionClass]], today: date) -> Iterable[RetentionLine]:
    """A paper stays as long as its visit, and never shorter than its own line of the table."""
    for (year, kind), count in papers.items():
        if count:
            longest = max(
                last_year(kind, year) or 0, last_year(RetentionClass.PRESCRIPTION, year) or 0
            )
            yield RetentionLine(
                rule=rule_of(RetentionClass.PRESCRIPTION),
                year=year,
                count=count,
                until=longest,
                archivable=today.year > longest,
            )

"""The rules that the screens hold a record to, asked of a record that no screen has shown whole.

A decision at the conflict desk puts together what two people wrote: each half was judged when it was
written, the whole was not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from station_emr.domain.errors import Problem
from station_emr.domain.field_labels import field_label
from station_emr.domain.merge import TOGETHER
from station_emr.domain.record import RecordKind

from .encounters import Encounters
from .guards import refuse
from .papers import Papers
from .patients import Patients
from .ports import Work


class FormRules:
    """Every kind's rules under one name."""

    def __init__(
        self, patients: Patients, encounters: Encounters, papers: Iterable[Papers[Any]]
    ) -> None:
        self._patients = patients
        self._encounters = encounters
        self._papers = {paper.kind: paper for paper in papers}

    def problems(self, work: Work, kind: RecordKind, record: Any) -> tuple[Problem, ...]:
        """What the screen of this kind would say of the record; nothing for kinds without a form."""
        if kind is RecordKind.PATIENT:
            return self._patients.problems_within(work, record)
        if kind is RecordKind.ENCOUNTER:
            return self._encounters.problems_within(work, record)
        paper = self._papers.get(kind)
        return paper.problems_within(work, record) if paper is not None else ()

    def judge(
        self,
        work: Work,
        kind: RecordKind,
        before: Any,
        after: Any,
        changed: Collection[str],
        confirmed: Collection[str] = (),
    ) -> None:
        """Raise InvalidRecord for what is wrong with ``after`` and was either not wrong in
        ``before`` or stands in a field of ``changed``: a fault that somebody else left in another
        field keeps nobody from deciding this one. Each sentence begins with the field's name.
        """
        touched = {name for path in changed for name in TOGETHER.get(path, (path,))}
        known = {(p.field, p.code) for p in self.problems(work, kind, before)}
        refuse(
            (
                _with_name(kind, problem)
                for problem in self.problems(work, kind, after)
                if _head(problem) in touched or (problem.field, problem.code) not in known
            ),
            confirmed,
        )


def _head(problem: Problem) -> str:
    return problem.field.partition(".")[0]


def _with_name(kind: RecordKind, problem: Problem) -> Problem:
    head = _head(problem)
    name = field_label(kind, head)
    if name == head or problem.message.casefold().startswith(name.casefold()):
        return problem
    return replace(problem, message=f"{name}: {problem.message}")

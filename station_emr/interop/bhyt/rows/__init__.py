"""A visit as rows of the tables: which tables, and what stands in each element."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from station_emr.domain.claim import (
    APPOINTMENT,
    CHECK_IN,
    DISCHARGE_PAPER,
    DRUGS,
    PROGRESS,
    RECORD_SUMMARY,
    REFERRAL,
    SERVICES,
    SICK_LEAVE,
    SUMMARY,
    TABLES,
    TESTS,
    TUBERCULOSIS,
    ClaimFile,
    ClaimRow,
)
from station_emr.domain.claim_source import ClaimSource
from station_emr.interop.bhyt.schema import Table, schema
from station_emr.interop.bhyt.values import plain

from . import care, costs, papers, summary
from .facts import Facts
from .free_of_charge import with_rows

__all__ = ["check_in_claim", "health_book_claim", "record_claim"]

Values = Mapping[str, str]


def record_claim(source: ClaimSource) -> ClaimFile:
    """The record of a visit: the summary and every other table that applies to it. What is not known
    stays empty: whether it may stay so is for the checks to say.
    """
    facts = Facts(source)
    top = summary.summary_row(facts)
    rows: dict[str, Iterable[Values]] = {
        SUMMARY: [top],
        DRUGS: costs.drug_rows(facts),
        SERVICES: costs.service_rows(facts),
        TESTS: care.test_rows(facts),
        PROGRESS: care.progress_rows(facts),
        DISCHARGE_PAPER: care.discharge_rows(facts, top),
        RECORD_SUMMARY: care.record_summary_rows(facts, top),
        SICK_LEAVE: papers.sick_leave_rows(facts, top),
        REFERRAL: papers.referral_rows(facts, top),
        APPOINTMENT: papers.appointment_rows(facts, top),
        TUBERCULOSIS: papers.tuberculosis_rows(facts, top),
    }
    return _claim(facts, rows)


def health_book_claim(source: ClaimSource) -> ClaimFile:
    """What the electronic health book takes of a visit: tables 1, 2, 3, 4 and 8 (QĐ 2733/QĐ-BYT,
    annex 02), of people without insurance too, who have at least 1 and 8.
    """
    facts = Facts(with_rows(source))
    top = summary.summary_row(facts)
    return _claim(
        facts,
        {
            SUMMARY: [top],
            DRUGS: costs.drug_rows(facts),
            SERVICES: costs.service_rows(facts),
            TESTS: care.test_rows(facts),
            RECORD_SUMMARY: care.record_summary_rows(facts, top, for_everybody=True),
        },
    )


def check_in_claim(source: ClaimSource) -> ClaimFile:
    """The check-in of a visit, due with its first cost."""
    facts = Facts(source)
    return _claim(facts, {CHECK_IN: [summary.check_in_row(facts)]})


def _claim(facts: Facts, rows: Mapping[str, Iterable[Values]]) -> ClaimFile:
    tables = schema(facts.options.version)
    made = {
        name: tuple(
            _row(tables.table(name), facts.link_code, place, values)
            for place, values in enumerate(rows[name])
        )
        for name in TABLES
        if name in rows
    }
    return ClaimFile(
        facility_code=facts.options.facility_code,
        made_on=facts.options.made_on,
        version=facts.options.version,
        tables=MappingProxyType({name: found for name, found in made.items() if found}),
    )


def _row(table: Table, link_code: str, place: int, values: Values) -> ClaimRow:
    """A whole row. What only another decision's table has is left out by its builder, not here."""
    own = {name: plain(text) for name, text in values.items()}
    own["MA_LK"] = link_code
    if table.numbered:
        own["STT"] = str(place + 1)
    return table.row(own)

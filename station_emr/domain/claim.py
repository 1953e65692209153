"""What a visit looks like to the insurance: rows of the tables XML0 to XML15, and what is wrong with them.

A row maps the names of a table's elements, in the order of the table, to texts exactly as they are
written in the file; an empty text is an element that is present and empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

ClaimRow = Mapping[str, str]

CHECK_IN: Final = "XML0"
SUMMARY: Final = "XML1"
DRUGS: Final = "XML2"
SERVICES: Final = "XML3"
TESTS: Final = "XML4"
PROGRESS: Final = "XML5"
DISCHARGE_PAPER: Final = "XML7"
RECORD_SUMMARY: Final = "XML8"
SICK_LEAVE: Final = "XML11"
REFERRAL: Final = "XML13"
APPOINTMENT: Final = "XML14"
TUBERCULOSIS: Final = "XML15"
TABLES: Final = tuple(f"XML{number}" for number in range(16))

LINK_CODE: Final = "MA_LK"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFile:
    """One encounter as it goes to the gateway. ``tables`` holds only the tables that apply, each with
    its rows in the order of the file.
    """

    facility_code: str
    made_on: date
    version: str  # of the tables: "4750", "3176" or "1931"
    tables: Mapping[str, tuple[ClaimRow, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def rows(self, table: str) -> tuple[ClaimRow, ...]:
        """The rows of ``table``; none when the file does not hold it."""
        return self.tables.get(table, ())

    @property
    def summary(self) -> ClaimRow:
        """The row of XML1; empty when there is none."""
        rows = self.rows(SUMMARY)
        return rows[0] if rows else MappingProxyType({})

    @property
    def check_in(self) -> ClaimRow:
        """The row of XML0; empty when there is none."""
        rows = self.rows(CHECK_IN)
        return rows[0] if rows else MappingProxyType({})

    @property
    def link_code(self) -> str:
        """MA_LK, one for the encounter and its every table; of a check-in when there is no XML1 yet."""
        return self.summary.get(LINK_CODE, "") or self.check_in.get(LINK_CODE, "")


class Severity(StrEnum):
    """BLOCKING: the gateway would send the file back. WARNING: a person should look at it."""

    BLOCKING = "blocking"
    WARNING = "warning"

    @property
    def label(self) -> str:
        return {"blocking": "Phải sửa", "warning": "Nên xem lại"}[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPlace:
    """Where on screen a finding is mended. ``field`` is named as the forms name it (``weight``,
    ``diagnoses.0``, ``lines.1.dose``, ``items.2``); all empty when no screen shows it.
    """

    patient_id: str = ""
    encounter_id: str = ""
    screen: str = (
        ""  # "visit", "patient", "prescription", "bill", "letter", "certificate", "settings"
    )
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing wrong with a claim: the table, row and element, the rule, how it is mended and where."""

    rule: str  # its name, stable: "gdh-15", "field-length", "schema"
    severity: Severity
    table: str = ""
    row: int = 0  # from 0
    element: str = ""
    message: str = ""
    remedy: str = ""
    place: ClaimPlace = field(default_factory=ClaimPlace)

    @property
    def blocks(self) -> bool:
        return self.severity is Severity.BLOCKING


def blocking(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Those because of which a file must not leave."""
    return tuple(finding for finding in findings if finding.blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignFile:
    """A file of claims as it was read, ours or another program's. It is taken whole or not at all:
    with a blocking finding there is nothing in ``claims``.
    """

    facility_code: str = ""
    made_on: date | None = None
    signed: bool = False  # a signature stands in it; who checks it is another matter
    claims: tuple[ClaimFile, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def readable(self) -> bool:
        return not blocking(self.findings)

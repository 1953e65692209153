"""The format of the insurance as the use cases know it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from station_emr.domain.claim import CHECK_IN, ClaimFile, Finding, ForeignFile
from station_emr.domain.claim_source import ClaimSource

from .envelope import check_in_file, record_file
from .rows import check_in_claim, health_book_claim, record_claim
from .schema import version_on


class InsuranceFormat:
    """Fulfils :class:`station_emr.services.claim_ports.ClaimFormat`."""

    def version_on(self, day: date, starts: Mapping[str, date]) -> str:
        return version_on(day, starts)

    def record(self, source: ClaimSource) -> ClaimFile:
        return record_claim(source)

    def health_book(self, source: ClaimSource) -> ClaimFile:
        return health_book_claim(source)

    def check_in(self, source: ClaimSource) -> ClaimFile:
        return check_in_claim(source)

    def findings(self, claim: ClaimFile) -> tuple[Finding, ...]:
        from .validation import schema_findings  # noqa: PLC0415  loads the XML library

        return schema_findings(claim)

    def write(self, claim: ClaimFile) -> bytes:
        """A claim with nothing but a check-in is that file alone; any other is the envelope."""
        if set(claim.tables) == {CHECK_IN}:
            return check_in_file(claim)
        return record_file(claim)

    def read(self, data: bytes) -> ForeignFile:
        from .reader import read_claims  # noqa: PLC0415  loads the XML library

        return read_claims(data)

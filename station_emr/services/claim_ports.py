"""What claims need of the format of the insurance and of the key that signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from station_emr.domain.claim import ClaimFile, Finding, ForeignFile
from station_emr.domain.claim_source import ClaimSource
from station_emr.domain.user import Actor

from .secret import Secret

SIGNATURE_PLACE = "CHUKYDONVI"


class ClaimFormat(Protocol):
    """The tables, their files and back (interop/bhyt)."""

    def version_on(self, day: date, starts: Mapping[str, date]) -> str:
        """The decision by whose tables a visit that ended on ``day`` is written; ``starts`` are the
        station's own first days.
        """

    def record(self, source: ClaimSource) -> ClaimFile:
        """Every table that applies to the visit but the check-in."""

    def health_book(self, source: ClaimSource) -> ClaimFile:
        """What the electronic health book takes of the visit, insured or not."""

    def check_in(self, source: ClaimSource) -> ClaimFile:
        """Table 0 alone."""

    def findings(self, claim: ClaimFile) -> tuple[Finding, ...]:
        """What the schemas refuse; empty when the file may leave."""

    def write(self, claim: ClaimFile) -> bytes:
        """The file, with an empty place for the signature. Raises ValueError for what no file holds."""

    def read(self, data: bytes) -> ForeignFile:
        """A file of claims by whomever; never raises for what it holds."""


class ClaimReview(Protocol):
    """The named rules (services/claim_findings.py)."""

    def before_sending(self, claims: Sequence[ClaimFile]) -> tuple[tuple[Finding, ...], ...]:
        """What each breaks by itself and beside the others."""


class XmlSigner(Protocol):
    """The facility's key (services/signing.py)."""

    def sign_xmls(
        self,
        actor: Actor,
        secret: Secret,
        documents: Sequence[bytes],
        *,
        into: str = "",
        xades: bool = True,
    ) -> tuple[bytes, ...]:
        """All of them with one PIN, or none. Raises SigningFailure."""

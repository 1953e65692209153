"""Joins claims: visits as files of the insurance, the named rules, the key that signs."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.domain.claim import ClaimFile, Finding
from station_emr.interop.bhyt.insurance_format import InsuranceFormat
from station_emr.services.claim_files import ClaimFiles
from station_emr.services.claim_ports import XmlSigner
from station_emr.services.claims import Claims
from station_emr.services.gateway_ports import ClaimChecks
from station_emr.services.ports import Clock, Store


class _SchemasAlone:
    """No named rule: the schemas are asked in any case."""

    def findings_of(self, claim: ClaimFile) -> tuple[Finding, ...]:
        del claim
        return ()


@dataclass(frozen=True, slots=True)
class ClaimDesk:
    """``files`` asks nobody who they are: it is for other use cases; ``claims`` is for people."""

    files: ClaimFiles
    claims: Claims
    checks: ClaimChecks


def build_claims(
    store: Store, clock: Clock, signer: XmlSigner, checks: ClaimChecks | None = None
) -> ClaimDesk:
    files = ClaimFiles(store, clock, InsuranceFormat())
    checks = checks or _SchemasAlone()
    return ClaimDesk(files=files, claims=Claims(store, clock, files, checks, signer), checks=checks)

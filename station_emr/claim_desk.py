"""Joins claims: visits as files of the insurance, the named rules, the key that signs."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.interop.bhyt.checks import NamedRules
from station_emr.interop.bhyt.insurance_format import InsuranceFormat
from station_emr.services.catalog_ports import CatalogSearch
from station_emr.services.claim_checks import ClaimInspection
from station_emr.services.claim_files import ClaimFiles
from station_emr.services.claim_findings import ClaimFindings
from station_emr.services.claim_ports import XmlSigner
from station_emr.services.claims import Claims
from station_emr.services.foreign_visits import ForeignVisits
from station_emr.services.ports import Clock, Store


@dataclass(frozen=True, slots=True)
class ClaimDesk:
    """``files`` and ``checks`` ask nobody who they are: they are for other use cases; ``claims`` and
    ``inspection`` are for people.
    """

    files: ClaimFiles
    claims: Claims
    checks: ClaimFindings
    inspection: ClaimInspection
    foreign_visits: ForeignVisits


def build_claims(
    store: Store, clock: Clock, signer: XmlSigner, catalogs: CatalogSearch
) -> ClaimDesk:
    claim_format = InsuranceFormat()
    files = ClaimFiles(store, clock, claim_format)
    checks = ClaimFindings(store, clock, catalogs, NamedRules(), files)
    return ClaimDesk(
        files=files,
        claims=Claims(store, clock, files, checks, signer),
        checks=checks,
        inspection=ClaimInspection(store, clock, files, checks),
        foreign_visits=ForeignVisits(store, clock, claim_format),
    )

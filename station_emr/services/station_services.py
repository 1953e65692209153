"""The use cases of one open station, as the screens and the command line receive them."""

from __future__ import annotations

from dataclasses import dataclass

from station_emr.domain.scan import ScanResult, parse_scan

from .accounts import Accounts
from .appointments import Appointments
from .audit_trail import AuditTrail
from .backups import Backups
from .billing import Billing
from .catalog_packs import CatalogPacks
from .catalogs import Catalogs
from .certificates import Certificates
from .claim_checks import ClaimInspection
from .claims import Claims
from .conflicts import Conflicts
from .courier import Courier
from .dossier import Dossiers
from .drafts import Drafts
from .duplicates import Duplicates
from .elsewhere import Elsewhere
from .encounters import Encounters
from .enrolment import Enrolments
from .exports import Exports
from .foreign_visits import ForeignVisits
from .gateways import Gateways
from .keys import Keys
from .notifications import Notifications
from .patients import Patients
from .people import People
from .ports import Clock
from .prescriptions import Prescriptions
from .prints import Prints
from .privacy_requests import Privacy
from .rebuild import Rebuild
from .record_check import RecordCheck
from .referrals import Referrals
from .registers import Registers
from .reports import Reports
from .retention import Retention
from .signatures import Signatures
from .signing import Signing
from .synchronisation import Synchronisation
from .versions import Versions
from .visit_forms import VisitForms
from .visits import Visits


@dataclass(frozen=True, slots=True, kw_only=True)
class StationServices:
    """One object per open database; built in the composition root."""

    clock: Clock
    accounts: Accounts
    people: People
    patients: Patients
    encounters: Encounters
    prescriptions: Prescriptions
    referrals: Referrals
    appointments: Appointments
    certificates: Certificates
    billing: Billing
    notifications: Notifications
    visit_forms: VisitForms
    claims: Claims
    foreign_visits: ForeignVisits
    claim_checks: ClaimInspection
    gateways: Gateways
    visits: Visits
    prints: Prints
    catalogs: Catalogs
    packs: CatalogPacks
    drafts: Drafts
    sync: Synchronisation
    backups: Backups
    dossier: Dossiers
    retention: Retention
    keys: Keys
    enrolments: Enrolments
    conflicts: Conflicts
    duplicates: Duplicates
    courier: Courier
    rebuild: Rebuild
    elsewhere: Elsewhere
    trail: AuditTrail
    privacy: Privacy
    signing: Signing
    signatures: Signatures
    versions: Versions
    record_check: RecordCheck
    exports: Exports
    registers: Registers
    reports: Reports

    @staticmethod
    def scan(text: str) -> ScanResult:
        """What a scanned or typed code means; never raises."""
        return parse_scan(text)

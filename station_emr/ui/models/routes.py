"""Where screens can send the person: keys and what each screen is given on entering.

Screens never import one another; they call ``self.go(key, context)`` with these.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from station_emr.domain.record import RecordKind
from station_emr.domain.scan import CitizenCardScan, InsuranceCardScan, NumberScan

TODAY: Final = "today"  # no context
PATIENTS: Final = "patients"  # PatientRoute or None
REGISTRATION: Final = "registration"  # RegistrationRoute or None
ENCOUNTER: Final = "encounter"  # EncounterRoute or None (None: the visit in progress, or empty)
REFERRALS: Final = "referrals"  # ReferralRoute or None (None: the list of letters)
PREVIEW: Final = "preview"  # PreviewRoute
CERTIFICATE: Final = "certificate"  # CertificateRoute: the sick-leave certificate of a visit
NOTICES: Final = "notices"  # NoticeRoute or None (None: the list of infectious diseases to tell)
MEDICINES: Final = "medicines"  # no context: people waiting for medicine
BILLING: Final = "billing"  # BillRoute or None (None: the visits of today with their bills)
CLAIMS: Final = "claims"  # ClaimsRoute or None (None: today)
FOREIGN_VISITS: Final = "foreign_visits"  # no context: files of other facilities
SYNC: Final = "sync"  # no context
CONFLICTS: Final = "conflicts"  # ConflictRoute, LinkRoute, PAIRS (people registered twice) or None
PAIRS: Final = "pairs"
CATALOGS: Final = "catalogs"  # no context
USERS: Final = "users"  # UserRoute or None
DOSSIER: Final = "dossier"  # no context: the station's file for the inspection
AUDIT: Final = "audit"  # AuditRoute or None (None: the whole log)
RIGHTS: Final = "rights"  # no context: what each role may do
RIGHTS_REVIEW: Final = "rights_review"  # no context
EMERGENCY: Final = "emergency"  # no context: opening one record with a reason
EMERGENCY_REVIEW: Final = "emergency_review"  # no context
SHARING: Final = "sharing"  # SharingRoute or None (None: of all people)
PRIVACY: Final = "privacy"  # PrivacyRoute or None (None: what is due, of all people)
REGISTERS: Final = "registers"  # a Period, or None: the one shown last
REPORTS: Final = "reports"  # a Period, or None: the one shown last
SIGNING: Final = "signing"  # no context: papers that wait for a digital signature
VERSIONS: Final = "versions"  # VersionsRoute: every version of one record
SETTINGS: Final = "settings"  # SettingsRoute or None


@dataclass(frozen=True, slots=True)
class PatientRoute:
    patient_id: str


@dataclass(frozen=True, slots=True)
class RegistrationRoute:
    """A new person, prefilled by a scan or typed name; or an existing person to correct."""

    scan: CitizenCardScan | InsuranceCardScan | NumberScan | None = None
    name: str = ""
    patient_id: str = ""
    field: str = ""  # where the cursor goes, such as what the province would not take
    itself: bool = False  # this very chart, although it was joined to another

    @property
    def names_somebody(self) -> bool:
        """Whether it says anything of a person; else the form is opened as it was left."""
        return self != RegistrationRoute()


@dataclass(frozen=True, slots=True)
class EncounterRoute:
    encounter_id: str
    field: str = ""  # where the cursor goes, such as what the province would not take
    version: int = 0  # an earlier version to read, as it was signed; 0: as the visit stands


@dataclass(frozen=True, slots=True)
class ReferralRoute:
    """One letter, or a new one for a visit."""

    referral_id: str = ""
    encounter_id: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class BillRoute:
    """The bill of one visit, begun when there is none; or one bill."""

    encounter_id: str = ""
    bill_id: str = ""
    field: str = ""  # the row that is chosen, and the field of it that Enter opens: items.2.price


@dataclass(frozen=True, slots=True)
class PreviewRoute:
    """A paper to look at and print."""

    kind: RecordKind
    record_id: str
    version: int = 0  # an earlier version to look at, which is not printed; 0: as it stands
    form: str = ""  # the template of a form about a whole visit


@dataclass(frozen=True, slots=True)
class CertificateRoute:
    """The certificate of a visit, begun when there is none."""

    encounter_id: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class NoticeRoute:
    """A notice that was kept, or a new one for a disease of a visit."""

    encounter_id: str = ""
    notification_id: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class VersionsRoute:
    """A signed record whose versions are read and compared."""

    kind: RecordKind
    record_id: str


@dataclass(frozen=True, slots=True)
class ConflictRoute:
    """One record whose open fields a person decides."""

    kind: RecordKind
    record_id: str


@dataclass(frozen=True, slots=True)
class LinkRoute:
    """Two charts that were joined, or separated again."""

    link_id: str


@dataclass(frozen=True, slots=True)
class ClaimsRoute:
    """The claims of a day; ``tab`` is lines, decide, sent, papers or away."""

    day: date | None = None
    tab: str = "lines"


@dataclass(frozen=True, slots=True)
class PrivacyRoute:
    """Of one person, or of all with an empty id; ``tab`` is consents, requests or breaches, and the
    cursor goes to the record of it that is named.
    """

    patient_id: str = ""
    tab: str = "consents"
    record_id: str = ""


@dataclass(frozen=True, slots=True)
class SharingRoute:
    """What one person agreed to, and who looked at that person's chart."""

    patient_id: str


@dataclass(frozen=True, slots=True)
class AuditRoute:
    """The log's lines about one person."""

    patient_id: str
    patient_name: str


@dataclass(frozen=True, slots=True)
class SettingsRoute:
    """One panel of the settings."""

    panel: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class UserRoute:
    """One account of the station."""

    user_id: str
    field: str = ""

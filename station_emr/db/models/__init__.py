"""Tables, one module per aggregate. Importing this package registers all of them."""

from __future__ import annotations

from .access import (
    AccessEndRow,
    AccessGrantRow,
    AccessReviewRow,
    AccountStateRow,
    RightsReviewRow,
    RoleChangeRow,
)
from .appointment import AppointmentHead
from .attachment import AttachmentRow
from .audit import AuditAnchor, AuditEntry
from .base import Base, Head, table_of
from .bill import BillHead
from .catalog import CatalogEntry, CatalogList
from .catalog_pack import CatalogPackRow
from .certificate import CertificateHead
from .desk import Counter, FormDraft, PrintEntry, Setting
from .encounter import EncounterHead
from .facility import FacilityHead
from .feedback import FeedbackHead
from .foreign_visit import ForeignVisitRow
from .gateway import CardLookUpRow, GatewayAttemptRow, GatewayMessageRow
from .link import LinkHead, NotDuplicate, PatientIdentity
from .notification import NotificationHead
from .operation import HeldBucket, OperationRow, ParkedOperation, WantedOperation
from .outbox import OutboxEvent, SyncedRecord, SyncedResource, SyncRunRow, TrafficDay
from .patient import PatientHead, PatientNumber
from .prescription import PrescriptionHead
from .privacy import BreachHead, ConsentHead, RequestHead
from .referral import ReferralHead
from .register import RegisterClosingRow, RegisterReopeningRow
from .signature import (
    SignatureFinding,
    SignatureHead,
    SignedDocument,
    SigningEvidenceRow,
    SignRequestRow,
)
from .station_rights import RightsHead, StandingHead
from .user import UserHead
from .version import RecordVersion

__all__ = [
    "AccessEndRow",
    "AccessGrantRow",
    "AccessReviewRow",
    "AccountStateRow",
    "AppointmentHead",
    "AttachmentRow",
    "AuditAnchor",
    "AuditEntry",
    "Base",
    "BillHead",
    "BreachHead",
    "CardLookUpRow",
    "CatalogEntry",
    "CatalogList",
    "CatalogPackRow",
    "CertificateHead",
    "ConsentHead",
    "Counter",
    "EncounterHead",
    "FacilityHead",
    "FeedbackHead",
    "ForeignVisitRow",
    "FormDraft",
    "GatewayAttemptRow",
    "GatewayMessageRow",
    "Head",
    "HeldBucket",
    "LinkHead",
    "NotDuplicate",
    "NotificationHead",
    "OperationRow",
    "OutboxEvent",
    "ParkedOperation",
    "PatientHead",
    "PatientIdentity",
    "PatientNumber",
    "PrescriptionHead",
    "PrintEntry",
    "RecordVersion",
    "ReferralHead",
    "RegisterClosingRow",
    "RegisterReopeningRow",
    "RequestHead",
    "RightsHead",
    "RightsReviewRow",
    "RoleChangeRow",
    "Setting",
    "SignRequestRow",
    "SignatureFinding",
    "SignatureHead",
    "SignedDocument",
    "SigningEvidenceRow",
    "StandingHead",
    "SyncRunRow",
    "SyncedRecord",
    "SyncedResource",
    "TrafficDay",
    "UserHead",
    "WantedOperation",
    "table_of",
]

"""What the use cases need from the outside world. Adapters are joined in the composition root.

The protocols lie by subject in the modules beside this one; who needs them imports them from here.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from .access_ports import AccessStore, RightsStore, StandingStore
from .audit_ports import AuditLog
from .billing_ports import BillStore
from .catalog_ports import CatalogImporter, CatalogSearch, CatalogStore, PackStore
from .export_ports import ExportSource
from .foreign_visit_ports import ForeignVisitStore
from .form_ports import CertificateStore, NotificationStore
from .gateway_ports import GatewayQueue
from .paper_ports import Documents, LetterSigner, PrintMark
from .privacy_ports import BreachStore, ConsentStore, PrivacyRegister, RequestStore
from .record_ports import (
    AppointmentStore,
    EncounterStore,
    FeedbackStore,
    PaperStore,
    PatientLinkStore,
    PatientStore,
    PrescriptionStore,
    RecordStore,
    ReferralStore,
    Stored,
)
from .register_ports import RegisterStore
from .signing_ports import SignatureStore
from .station_ports import CounterStore, DraftStore, PrintLog, SettingStore, UserStore
from .sync_ports import AttachmentStore, OperationLog, Outbox
from .version_ports import VersionStore
from .views import Counts

__all__ = [
    "AccessStore",
    "AppointmentStore",
    "AuditLog",
    "CatalogImporter",
    "CatalogSearch",
    "CatalogStore",
    "CertificateStore",
    "Clock",
    "CounterStore",
    "Documents",
    "DraftStore",
    "EncounterStore",
    "FeedbackStore",
    "GatewayQueue",
    "LetterSigner",
    "NotificationStore",
    "PaperStore",
    "PatientLinkStore",
    "PatientStore",
    "PersonMatcher",
    "PrescriptionStore",
    "PrintLog",
    "PrintMark",
    "RecordStore",
    "ReferralStore",
    "SettingStore",
    "SignatureStore",
    "Store",
    "Stored",
    "UserStore",
    "VersionStore",
    "Work",
]


class Clock(Protocol):
    """Time and chance, so that tests own both."""

    def now(self) -> datetime:
        """Aware local time of this machine (the offset is kept with every record)."""

    def random(self, count: int) -> bytes:
        """``count`` unpredictable bytes."""

    def new_id(self) -> str:
        """A fresh UUIDv7."""


class Work(Protocol):
    """One transaction: everything below commits together or not at all."""

    @property
    def patients(self) -> PatientStore: ...
    @property
    def encounters(self) -> EncounterStore: ...
    @property
    def prescriptions(self) -> PrescriptionStore: ...
    @property
    def referrals(self) -> ReferralStore: ...
    @property
    def appointments(self) -> AppointmentStore: ...
    @property
    def users(self) -> UserStore: ...
    @property
    def catalogs(self) -> CatalogStore: ...
    @property
    def drafts(self) -> DraftStore: ...
    @property
    def counters(self) -> CounterStore: ...
    @property
    def settings(self) -> SettingStore: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def prints(self) -> PrintLog: ...
    @property
    def links(self) -> PatientLinkStore: ...
    @property
    def feedback(self) -> FeedbackStore: ...
    @property
    def signatures(self) -> SignatureStore: ...
    @property
    def access(self) -> AccessStore: ...
    @property
    def consents(self) -> ConsentStore: ...
    @property
    def requests(self) -> RequestStore: ...
    @property
    def breaches(self) -> BreachStore: ...
    @property
    def certificates(self) -> CertificateStore: ...
    @property
    def notifications(self) -> NotificationStore: ...
    @property
    def bills(self) -> BillStore: ...
    @property
    def rights(self) -> RightsStore: ...
    @property
    def standings(self) -> StandingStore: ...
    @property
    def foreign_visits(self) -> ForeignVisitStore: ...
    @property
    def privacy(self) -> PrivacyRegister: ...
    @property
    def registers(self) -> RegisterStore: ...
    @property
    def operations(self) -> OperationLog: ...
    @property
    def versions(self) -> VersionStore: ...
    @property
    def attachments(self) -> AttachmentStore: ...
    @property
    def packs(self) -> PackStore: ...
    @property
    def exporting(self) -> ExportSource: ...
    @property
    def gateways(self) -> GatewayQueue: ...
    def counts(self) -> Counts: ...
    def attempt(self) -> AbstractContextManager[None]:
        """What is written inside is undone when an error leaves it; the transaction goes on."""


class Store(Protocol):
    """The open encrypted database. ``write`` commits on a clean exit and rolls back on any error;
    a full disk arrives as DiskFull with nothing written.
    """

    def read(self) -> AbstractContextManager[Work]: ...
    def write(self) -> AbstractContextManager[Work]: ...
    def backup(self, target: str) -> None: ...
    def close(self) -> None: ...


class PersonMatcher(Protocol):
    """How alike two names are, 0 to 100."""

    def likeness(self, one: str, other: str) -> int: ...

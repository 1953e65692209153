"""One transaction over the encrypted store: every aggregate has its repository here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from station_emr.domain.sync import UnitState
from station_emr.services.views import Counts

from .audit import AuditRepository
from .catalogs import CatalogRepository
from .outbox import OutboxRepository
from .repositories.access import AccessRepository
from .repositories.attachments import AttachmentRepository
from .repositories.bills import BillRepository
from .repositories.certificates import CertificateRepository
from .repositories.comparing import ComparisonRepository
from .repositories.desk import CounterRepository, DraftRepository, PrintRepository
from .repositories.encounters import EncounterRepository
from .repositories.exporting import ExportRepository
from .repositories.feedback import FeedbackRepository
from .repositories.figures import FigureRepository
from .repositories.foreign_visits import ForeignVisitRepository
from .repositories.gateways import GatewayRepository
from .repositories.histories import VersionRepository
from .repositories.links import PatientLinkRepository
from .repositories.notifications import NotificationRepository
from .repositories.operations import OperationRepository
from .repositories.packs import PackRepository
from .repositories.papers import (
    AppointmentRepository,
    PrescriptionRepository,
    ReferralRepository,
)
from .repositories.patients import PatientRepository
from .repositories.privacy import (
    BreachRepository,
    ConsentRepository,
    PrivacyRepository,
    RequestRepository,
)
from .repositories.registers import RegisterRepository
from .repositories.retention import RetentionRepository
from .repositories.signatures import SignatureRepository
from .repositories.staff import SettingRepository, UserRepository
from .repositories.station_rights import RightsRepository, StandingRepository
from .statements import text

_COUNTS = """
SELECT
  (SELECT count(*) FROM patient) - (SELECT count(*) FROM patient WHERE version = 0),
  (SELECT count(*) FROM encounter) - (SELECT count(*) FROM encounter WHERE version = 0),
  (SELECT count(*) FROM prescription) - (SELECT count(*) FROM prescription WHERE version = 0),
  (SELECT count(*) FROM referral) - (SELECT count(*) FROM referral WHERE version = 0),
  (SELECT count(*) FROM appointment) - (SELECT count(*) FROM appointment WHERE version = 0)
"""


class SqlWork:
    """One transaction over every aggregate; implements the ``Work`` port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def patients(self) -> PatientRepository:
        return PatientRepository(self._connection)

    @cached_property
    def encounters(self) -> EncounterRepository:
        return EncounterRepository(self._connection)

    @cached_property
    def prescriptions(self) -> PrescriptionRepository:
        return PrescriptionRepository(self._connection)

    @cached_property
    def referrals(self) -> ReferralRepository:
        return ReferralRepository(self._connection)

    @cached_property
    def appointments(self) -> AppointmentRepository:
        return AppointmentRepository(self._connection)

    @cached_property
    def users(self) -> UserRepository:
        return UserRepository(self._connection)

    @cached_property
    def catalogs(self) -> CatalogRepository:
        return CatalogRepository(self._connection)

    @cached_property
    def drafts(self) -> DraftRepository:
        return DraftRepository(self._connection)

    @cached_property
    def counters(self) -> CounterRepository:
        return CounterRepository(self._connection)

    @cached_property
    def settings(self) -> SettingRepository:
        return SettingRepository(self._connection)

    @cached_property
    def audit(self) -> AuditRepository:
        return AuditRepository(self._connection)

    @cached_property
    def outbox(self) -> OutboxRepository:
        return OutboxRepository(self._connection)

    @cached_property
    def prints(self) -> PrintRepository:
        return PrintRepository(self._connection)

    @cached_property
    def feedback(self) -> FeedbackRepository:
        return FeedbackRepository(self._connection)

    @cached_property
    def signatures(self) -> SignatureRepository:
        return SignatureRepository(self._connection)

    @cached_property
    def access(self) -> AccessRepository:
        return AccessRepository(self._connection)

    @cached_property
    def consents(self) -> ConsentRepository:
        return ConsentRepository(self._connection)

    @cached_property
    def rights(self) -> RightsRepository:
        return RightsRepository(self._connection)

    @cached_property
    def standings(self) -> StandingRepository:
        return StandingRepository(self._connection)

    @cached_property
    def requests(self) -> RequestRepository:
        return RequestRepository(self._connection)

    @cached_property
    def breaches(self) -> BreachRepository:
        return BreachRepository(self._connection)

    @cached_property
    def certificates(self) -> CertificateRepository:
        return CertificateRepository(self._connection)

    @cached_property
    def notifications(self) -> NotificationRepository:
        return NotificationRepository(self._connection)

    @cached_property
    def bills(self) -> BillRepository:
        return BillRepository(self._connection)

    @cached_property
    def foreign_visits(self) -> ForeignVisitRepository:
        return ForeignVisitRepository(self._connection)

    @cached_property
    def privacy(self) -> PrivacyRepository:
        return PrivacyRepository(self._connection)

    @property
    def links(self) -> PatientLinkRepository:
        return PatientLinkRepository(self._connection)

    @cached_property
    def operations(self) -> OperationRepository:
        return OperationRepository(self._connection)

    @cached_property
    def versions(self) -> VersionRepository:
        return VersionRepository(self._connection)

    @cached_property
    def packs(self) -> PackRepository:
        return PackRepository(self._connection)

    @cached_property
    def attachments(self) -> AttachmentRepository:
        return AttachmentRepository(self._connection)

    @property
    def exporting(self) -> ExportRepository:
        return ExportRepository(self._connection)

    @property
    def gateways(self) -> GatewayRepository:
        return GatewayRepository(self._connection)

    @property
    def registers(self) -> RegisterRepository:
        return RegisterRepository(self._connection)

    @property
    def retention(self) -> RetentionRepository:
        return RetentionRepository(self._connection)

    @property
    def comparison(self) -> ComparisonRepository:
        return ComparisonRepository(self._connection)

    @property
    def figures(self) -> FigureRepository:
        return FigureRepository(self._connection)

    def counts(self) -> Counts:
        """Signed records, voided ones too: the province holds those as well."""
        held = self._connection.execute(text(_COUNTS)).one()
        return Counts(
            patients=held[0],
            encounters=held[1],
            prescriptions=held[2],
            referrals=held[3],
            appointments=held[4],
            outbox=self.outbox.count(UnitState.WAITING),
            quarantined=self.outbox.count(UnitState.QUARANTINED),
        )

    @contextmanager
    def attempt(self) -> Iterator[None]:
        self._connection.exec_driver_sql("SAVEPOINT attempt")
        try:
            yield
        except DBAPIError:
            raise  # a full disk or a broken file: the whole transaction is lost
        except Exception:
            self._connection.exec_driver_sql("ROLLBACK TO attempt")
            self._connection.exec_driver_sql("RELEASE attempt")
            raise
        self._connection.exec_driver_sql("RELEASE attempt")

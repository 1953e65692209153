"""The encrypted store: one file, many readers, one writer at a time."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from station_emr.domain.errors import DatabaseMissing, EnvironmentFailure
from station_emr.domain.sync import UnitState
from station_emr.services.views import Counts

from . import connection as connections
from . import failures, migrate, rekey, schema
from .audit import AuditRepository
from .catalogs import CatalogRepository
from .connection import RawConnection
from .gate import Gate
from .outbox import OutboxRepository
from .rekey import Cancelled, Progress
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
from .repositories.replicas import forget_here
from .repositories.retention import RetentionRepository
from .repositories.signatures import SignatureRepository
from .repositories.staff import SettingRepository, UserRepository
from .repositories.station_rights import RightsRepository, StandingRepository
from .statements import text

READERS = 4


def _nobody(_done: int, _total: int) -> None:
    pass


def _never() -> bool:
    return False


_COUNTS = """
SELECT
  (SELECT count(*) FROM patient) - (SELECT count(*) FROM patient WHERE version = 0),
  (SELECT count(*) FROM encounter) - (SELECT count(*) FROM encounter WHERE version = 0),
  (SELECT count(*) FROM prescription) - (SELECT count(*) FROM prescription WHERE version = 0),
  (SELECT count(*) FROM referral) - (SELECT count(*) FROM referral WHERE version = 0),
  (SELECT count(*) FROM appointment) - (SELECT count(*) FROM appointment WHERE version = 0)
"""
# Versions written in this transaction that nobody queued for the province. What came from
# elsewhere is not offered back.
_UNQUEUED = """
SELECT count(*) FROM record_version AS v WHERE v.seq > :seq AND v.origin <> 'replica' AND NOT EXISTS (
  SELECT 1 FROM outbox AS o
  WHERE o.kind = v.kind AND o.record_id = v.record_id AND o.version = v.version
)
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


class EncryptedStore:
    """The open database. Safe to share between threads; every ``read`` has its own connection."""

    def __init__(self, path: Path, key: bytes) -> None:
        connections.check_key(key)
        self.path = path
        self._key = key
        self._earlier: tuple[bytes, ...] = ()
        self._lock = threading.Lock()
        self._gate = Gate()
        self._closing = False
        self._writer_thread: int | None = None
        self._readers = connections.engine(
            lambda: connections.connect(
                path, self._key, read_only=True, cache_kib=connections.READ_CACHE_KIB
            ),
            begin="BEGIN",
            size=READERS,
        )
        self._writer = connections.engine(
            lambda: connections.connect(path, self._key), begin="BEGIN IMMEDIATE", size=1
        )

    def __repr__(self) -> str:
        return f"EncryptedStore({str(self.path)!r})"

    @classmethod
    def create(cls, path: str | Path, key: bytes) -> EncryptedStore:
        """Make a new database; nothing is left behind when it fails. Never overwrites."""
        path = Path(path)
        connections.check_key(key)
        if path.exists():
            raise failures.exists()
        fresh = path.with_name(path.name + ".new")
        _remove(fresh)
        try:
            raw = connections.connect(fresh, key, create=True)
            try:
                schema.build(raw)
            finally:
                raw.close()
            fresh.replace(path)
        except (sqlcipher.Error, OSError) as error:
            _remove(fresh)
            raise _failure(error) from None
        return cls.open(path, key)

    @classmethod
    def open(cls, path: str | Path, key: bytes, earlier: Iterable[bytes] = ()) -> EncryptedStore:
        """Open, migrating an older database first. Raises DatabaseMissing, DatabaseDamaged
        (also for a wrong key) or DatabaseTooNew, having changed nothing.

        ``earlier`` keys are tried when ``key`` does not fit: the change of keys that would bring
        the file under ``key`` is not finished (:meth:`is_under`).
        """
        path = Path(path)
        older = tuple(earlier)
        if older:
            key = next((one for one in (key, *older) if connections.fits(path, one)), b"")
            if not key:
                raise failures.no_key_fits()
        migrate.bring_up_to_date(path, key)
        made = cls(path, key)
        made._earlier = older
        return made

    def is_under(self, key: bytes) -> bool:
        """Whether the file is encrypted with this key."""
        return hmac.compare_digest(self._key, key)

    def change_key(
        self, new_key: bytes, progress: Progress = _nobody, cancelled: Cancelled = _never
    ) -> float:
        """Encrypt the whole file anew while others go on reading and writing; gives for how many
        seconds they had to wait in the end. See :mod:`station_emr.db.rekey` for what it raises.
        """
        handles = rekey.Handles(
            path=self.path,
            key=self._key,
            lock=self._lock,
            gate=self._gate,
            writer=self._raw_writer,
            let_go=self._dispose,
            adopt=self._adopt,
        )
        return rekey.change_key(handles, new_key, progress, lambda: self._closing or cancelled())

    def _raw_writer(self) -> RawConnection:
        """The one connection that writes; the caller holds the writers' lock."""
        lent = self._writer.raw_connection()
        try:
            return lent.driver_connection
        finally:
            lent.close()

    def _dispose(self) -> None:
        self._readers.dispose()
        self._writer.dispose()

    def _adopt(self, key: bytes) -> None:
        self._earlier = (self._key, *self._earlier)
        self._key = key

    @contextmanager
    def read(self) -> Iterator[SqlWork]:
        """A consistent snapshot; any attempt to write through it fails."""
        with self._gate.shared(), _explained(), self._readers.begin() as connection:
            yield SqlWork(connection)

    @contextmanager
    def write(self) -> Iterator[SqlWork]:
        """The only way to change anything: all of it is kept, or none."""
        if self._writer_thread == threading.get_ident():
            raise RuntimeError("a command is one transaction: write() inside write()")
        with self._gate.shared(), self._lock, _explained():
            self._writer_thread = threading.get_ident()
            try:
                with self._writer.begin() as connection:
                    forget_here(connection)
                    last = connection.execute(
                        text("SELECT coalesce(max(seq), 0) FROM record_version")
                    ).scalar_one()
                    yield SqlWork(connection)
                    if connection.execute(text(_UNQUEUED), {"seq": last}).scalar_one():
                        raise RuntimeError("a written version was not queued for the province")
            finally:
                self._writer_thread = None

    @property
    def counts(self) -> Counts:
        with self.read() as work:
            return work.counts()

    def backup(self, target: str) -> None:
        """A compact copy under the same key, opened and checked before it counts as one."""
        destination = Path(target)
        if destination.exists():
            raise failures.exists()
        try:
            with self._gate.shared():
                migrate.copy_database(self.path, self._key, destination)
        except (sqlcipher.Error, OSError) as error:
            _remove(destination)
            failure = _failure(error)
            raise (
                failures.no_backup() if isinstance(failure, DatabaseMissing) else failure
            ) from None
        except EnvironmentFailure:
            _remove(destination)
            raise

    def check_pages(self) -> None:
        """The seal of every page, also of those that hold an index or nothing. Raises
        DatabaseDamaged.
        """
        with self._gate.shared(), _explained():
            raw = connections.connect(self.path, self._key, read_only=True)
            try:
                if raw.execute("PRAGMA cipher_integrity_check").fetchone() is not None:
                    raise failures.damaged()
            finally:
                raw.close()

    def size(self) -> int:
        """Bytes of the file on the disk."""
        return self.path.stat().st_size

    def opened_copy(self, path: str) -> EncryptedStore:
        """A copy of this database, under the key of this one or an earlier one."""
        return EncryptedStore.open(path, self._key, self._earlier)

    def check(self) -> None:
        """Read every page and every reference. Raises DatabaseDamaged."""
        with self._gate.shared(), _explained():
            raw = connections.connect(self.path, self._key)
            try:
                migrate.verify(raw)
            except sqlcipher.Error as error:
                raise _failure(error) from None
            finally:
                raw.close()

    def close(self) -> None:
        """Let go of every connection; the last one folds the write-ahead log into the file."""
        self._closing = True
        with self._lock:
            self._dispose()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn the failures of disk and file into sentences; bugs pass unchanged."""
    try:
        yield
    except (DBAPIError, sqlcipher.Error) as error:
        failure = failures.explain(error)
        if failure is None:
            raise
        raise failure from None


def _failure(error: Exception) -> Exception:
    if isinstance(error, OSError):
        return failures.no_room()
    return failures.explain(error) or error


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

"""Digital signatures: what waits for one, signing a day's documents with one PIN.

The key is asked outside of any transaction, because a token takes its time; then the signature, its
file, what the issuer said, and the end of the waiting are written in one. A power cut in between
leaves the document waiting and unsigned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from station_emr.domain.errors import EnvironmentFailure, NotFound, StationError, UserError
from station_emr.domain.permissions import SIGNING, Action, Role
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.domain.sign_fault import SignFault, SigningFailure
from station_emr.domain.signature import (
    CertificateFacts,
    CertificateStanding,
    KeySource,
    SigningPolicy,
    SignMethod,
    SignRequest,
    StandingReport,
    sha256,
)
from station_emr.domain.user import Actor

from .document_signer import SIGN_ACTIONS, DocumentSigner, usable
from .guards import allow, allow_any
from .ports import Clock, Store, Work
from .record_stores import record_store
from .secret import Secret
from .signing_ports import SigningTools, StampedForms
from .signing_rules import (
    ask_for_signature,
    number_of,
    read_policy,
    read_source,
    remember_confirmation,
    write_policy,
    write_source,
)

_ANY_SIGNER: Final = tuple(action for action in SIGN_ACTIONS.values() if action in SIGNING)
_LISTED: Final = 500
_TEST: Final = b"station-emr test signature"
_NOT_YOURS: Final = (
    "Giấy này do người khác ký xác nhận. Chỉ người đó hoặc giám đốc trạm được ký số."
)

Name = tuple[RecordKind, str, int]
Told = Callable[[int, int], bool]
"""Documents done and in all; False stops before the next one."""


class PasswordCheck(Protocol):
    def check(self, username: str, password: str) -> None:
        """Raises WrongPassword or AccountLocked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """One document that was not signed, and the sentence that says why."""

    request: SignRequest
    reason: str


@dataclass(slots=True, kw_only=True)
class BatchReport:
    """What became of a batch. ``stopped`` is the sentence that ended it early."""

    signed: list[SignRequest] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    left: int = 0
    stopped: str = ""
    standing: CertificateStanding = CertificateStanding.UNKNOWN
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTest:
    """A key that signed and was checked, without any document."""

    facts: CertificateFacts
    report: StandingReport


class Signing:
    """Use cases of keys, rules and the list of what waits."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tools: SigningTools,
        forms: StampedForms,
        passwords: PasswordCheck,
    ) -> None:
        self._store = store
        self._clock = clock
        self._tools = tools
        self._signer = DocumentSigner(store, clock, tools, forms)
        self._passwords = passwords

    # Rules and keys ----------------------------------------------------------------------

    def policy(self) -> SigningPolicy:
        with self._store.read() as work:
            return read_policy(work)

    def save_policy(self, actor: Actor, policy: SigningPolicy) -> None:
        """Which method a kind of document needs. Raises UserError for one that cannot be demanded."""
        allow(actor, Action.SETTINGS_EDIT)
        demanded = (SignMethod.DIGITAL_CERT, SignMethod.E_CONFIRM)
        if any(method not in demanded for method in policy.methods.values()):
            raise UserError(
                "Chỉ chọn được chữ ký số hoặc xác nhận điện tử. Ký tay và sinh trắc học "
                "được ghi nhận thêm trên từng giấy."
            )
        with self._store.write() as work:
            write_policy(work, policy)
            detail = {kind.value: policy.method(kind).value for kind in SIGN_ACTIONS}
            detail["reentry"] = policy.reentry.value
            work.audit.append(actor, "signing.policy", self._clock.now(), detail=detail)

    def source(self) -> KeySource | None:
        with self._store.read() as work:
            return read_source(work)

    def save_source(self, actor: Actor, source: KeySource | None) -> None:
        allow(actor, Action.SETTINGS_EDIT)
        with self._store.write() as work:
            write_source(work, source)
            detail = {} if source is None else {"kind": source.kind.value, "path": source.path}
            work.audit.append(actor, "signing.source", self._clock.now(), detail=detail)

    def certificates(
        self, actor: Actor, source: KeySource, secret: str = ""
    ) -> tuple[CertificateFacts, ...]:
        """What can be chosen. Raises SigningFailure."""
        allow_any(actor, (Action.SETTINGS_EDIT, *_ANY_SIGNER))
        return self._tools.certificates(source, secret)

    def test(self, actor: Actor, secret: Secret) -> KeyTest:
        """Sign a few bytes and check them, and ask the issuer. Nothing is stored but the audit line.
        Raises SigningFailure.
        """
        allow_any(actor, (Action.SETTINGS_EDIT, *_ANY_SIGNER))
        source = self._chosen()
        now = self._clock.now()
        try:
            with self._tools.open(source, secret.reveal()) as key:
                usable(key.facts, now)
                if not self._tools.seal_holds(key.facts.der, _TEST, self._tools.seal(key, _TEST)):
                    raise SigningFailure(SignFault.DEVICE)
                facts, chain = key.facts, key.chain_ders
        finally:
            secret.wipe()
        report = self._tools.standing(facts.der, chain, now)
        with self._store.write() as work:
            detail = {"certificate": facts.fingerprint, "standing": report.standing.value}
            work.audit.append(actor, "signing.test", now, detail=detail)
        return KeyTest(facts=facts, report=report)

    def confirm(self, actor: Actor, password: str) -> None:
        """Enter one's own password again before signing. Raises WrongPassword, AccountLocked."""
        allow_any(actor, _ANY_SIGNER)
        self._passwords.check(actor.user.username, password)
        with self._store.write() as work:
            now = self._clock.now()
            remember_confirmation(work, actor, now)
            work.audit.append(actor, "signing.confirm", now)

    # What waits --------------------------------------------------------------------------

    def waiting(self, actor: Actor) -> tuple[SignRequest, ...]:
        """Oldest first; one's own, or all of them for the director."""
        allow_any(actor, _ANY_SIGNER)
        with self._store.read() as work:
            return tuple(one for one in work.signatures.requests(_LISTED) if _mine(actor, one))

    def count_waiting(self) -> int:
        with self._store.read() as work:
            return work.signatures.count_requests()

    def collect(self, actor: Actor, since: datetime) -> int:
        """Put what was signed on this machine since then, without a digital signature although the
        rules want one, on the list. Gives how many were added.
        """
        allow_any(actor, _ANY_SIGNER)
        self._chosen()
        now = self._clock.now()
        added = 0
        with self._store.write() as work:
            policy = read_policy(work)
            kinds = [k for k in SIGN_ACTIONS if policy.method(k) is SignMethod.DIGITAL_CERT]
            for kind, record_id, version in work.signatures.unsigned_since(kinds, since, _LISTED):
                record = record_store(work, kind).at_version(record_id, version)
                confirmed = record.signature
                if confirmed is None or not (
                    actor.role is Role.DIRECTOR or confirmed.by.user_id == actor.user.id
                ):
                    continue
                ask_for_signature(
                    work,
                    confirmed.by,
                    (kind, record_id, version),
                    patient_id=record.patient_id,
                    number=number_of(kind, record),
                    confirmed_at=confirmed.at,
                )
                added += 1
            work.audit.append(actor, "signing.collect", now, detail={"count": str(added)})
        return added

    def batch(
        self,
        actor: Actor,
        secret: Secret,
        names: Sequence[Name] | None = None,
        told: Told | None = None,
    ) -> BatchReport:
        """Sign what waits with one PIN: all of it, or only ``names``.

        The PIN is wiped when this returns, however it ends. A document that cannot be signed keeps
        its place with the reason and the next one is tried; a fault of the key itself stops the
        rest. Raises SigningFailure when the key cannot be used at all.
        """
        try:
            allow_any(actor, _ANY_SIGNER)
            return self._batch(actor, secret, names, told)
        finally:
            secret.wipe()

    def _batch(
        self, actor: Actor, secret: Secret, names: Sequence[Name] | None, told: Told | None
    ) -> BatchReport:
        source = self._chosen()
        todo = [
            one
            for one in self.waiting(actor)
            if names is None or (one.kind, one.record_id, one.version) in names
        ]
        result = BatchReport()
        with self._tools.open(source, secret.reveal()) as key:
            secret.wipe()
            now = self._clock.now()
            usable(key.facts, now)
            report = self._tools.standing(key.facts.der, key.chain_ders, now)
            result.standing = report.standing
            if report.standing is CertificateStanding.REVOKED:
                raise SigningFailure(SignFault.REVOKED)
            for done, request in enumerate(todo):
                if told is not None and not told(done, len(todo)):
                    result.left = len(todo) - done
                    break
                try:
                    result.changes += self._signer.sign(actor, key, request, report)
                    result.signed.append(request)
                except StationError as error:
                    self._note_failure(request, error)
                    result.failed.append(Failed(request=request, reason=str(error)))
                    if _stops(error):
                        result.left = len(todo) - done - 1
                        result.stopped = str(error)
                        break
        return result

    def _note_failure(self, request: SignRequest, error: StationError) -> None:
        if isinstance(error, EnvironmentFailure):
            return  # the disk is at fault, and would be again
        with self._store.write() as work:
            work.signatures.note_failure(
                request.kind, request.record_id, request.version, str(error)
            )

    def sign_xml(
        self, actor: Actor, secret: Secret, document: bytes, *, into: str = "", xades: bool = True
    ) -> bytes:
        """An XML document with an enveloped signature in the element ``into`` (its local name), or
        last in the root. Raises SigningFailure.
        """
        return self.sign_xmls(actor, secret, (document,), into=into, xades=xades)[0]

    def sign_xmls(
        self,
        actor: Actor,
        secret: Secret,
        documents: Sequence[bytes],
        *,
        into: str = "",
        xades: bool = True,
    ) -> tuple[bytes, ...]:
        """Like :meth:`sign_xml` for several documents with one PIN, all of them or none."""
        allow_any(actor, _ANY_SIGNER)
        source = self._chosen()
        now = self._clock.now()
        try:
            with self._tools.open(source, secret.reveal()) as key:
                usable(key.facts, now)
                signed = tuple(
                    self._tools.sign_xml(key, one, into=into, xades=xades) for one in documents
                )
                fingerprint = key.facts.fingerprint
        finally:
            secret.wipe()
        with self._store.write() as work:
            for one in signed:
                detail = {"certificate": fingerprint, "sha256": sha256(one)}
                work.audit.append(actor, "signing.xml", now, detail=detail)
        return signed

    def _chosen(self) -> KeySource:
        source = self.source()
        if source is None:
            raise SigningFailure(SignFault.NO_KEY)
        return source


def _mine(actor: Actor, request: SignRequest) -> bool:
    return actor.role is Role.DIRECTOR or request.user_id == actor.user.id


def _stops(error: StationError) -> bool:
    """Whether the next document would fail for the same reason."""
    if isinstance(error, SigningFailure):
        return error.fault.stops
    return isinstance(error, EnvironmentFailure)


def signed_record(work: Work, kind: RecordKind, record_id: str) -> Any:
    """The stored record, which must be signed."""
    stored = record_store(work, kind).get(record_id)
    if stored.status is RecordStatus.DRAFT:
        raise NotFound("Giấy này chưa ký nên chưa có chữ ký nào để xem hay ghi nhận.")
    return stored

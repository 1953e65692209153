"""What may be said of stored signatures; hands and fingers recorded beside them; asking issuers again."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from station_emr.domain.errors import NotFound, Problem
from station_emr.domain.operation import Origin
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.domain.sign_fault import SigningFailure
from station_emr.domain.signature import (
    CertificateStanding,
    DocumentSignature,
    FileVerdict,
    SignatureState,
    SignerKind,
    SigningEvidence,
    SignMethod,
    StandingReport,
    sha256,
    statement,
)
from station_emr.domain.text import clean
from station_emr.domain.user import Actor

from .guards import allow, refuse
from .ports import Clock, Store, Work
from .record_stores import record_store
from .signing import signed_record
from .signing_ports import SigningTools
from .signing_rules import AUTHORITIES, skew_seconds

_ASK_AGAIN: Final = timedelta(hours=1)
_PAUSE: Final = timedelta(minutes=15)
_AT_ONCE: Final = 20
_DUE: Final = 500
_TRIES: Final = 2
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureView:
    """A signature with what may be said of it now."""

    signature: DocumentSignature
    state: SignatureState
    report: StandingReport
    has_file: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBy:
    """Everything that stands under a record: confirmations of this machine, and signatures."""

    confirmed: tuple[SigningEvidence, ...] = ()
    signatures: tuple[SignatureView, ...] = ()
    waiting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HandSignature:
    """A signature on paper or by a finger, as a person saw it. No template of a finger is kept."""

    method: SignMethod
    signer_kind: SignerKind
    signer_name: str
    witness: str
    evidence_number: str
    relation: str = ""
    note: str = ""


class Signatures:
    """Use cases of signatures that are there."""

    def __init__(self, store: Store, clock: Clock, tools: SigningTools) -> None:
        self._store = store
        self._clock = clock
        self._tools = tools
        self._asked_in_vain: datetime | None = None
        self._asked: dict[str, datetime] = {}

    def of(self, actor: Actor, kind: RecordKind, record_id: str) -> SignedBy:
        """Judged anew from the bytes at every call; asks nobody over the network."""
        allow(actor, Action.ENCOUNTER_VIEW)
        with self._store.read() as work:
            stored = record_store(work, kind).find(record_id)
            shown = 0 if stored is None else stored.version
            return SignedBy(
                confirmed=work.signatures.evidence_of(kind, record_id),
                signatures=tuple(
                    self._view(work, one, shown) for one in work.signatures.of(kind, record_id)
                ),
                waiting=work.signatures.find_request(kind, record_id, shown) is not None,
            )

    def file(self, actor: Actor, signature_id: str) -> bytes:
        """The signed PDF. Raises NotFound on a machine that did not make it."""
        allow(actor, Action.PRINT)
        now = self._clock.now()
        with self._store.write() as work:
            found = work.signatures.document(signature_id)
            if found is None:
                raise NotFound(
                    "Tệp đã ký số nằm ở máy đã ký, không có trên máy này. "
                    "Hãy mở giấy này ở máy đó, hoặc in bản thường."
                )
            signature = work.signatures.get(signature_id).record
            work.audit.append(
                actor,
                f"{signature.target_kind}.export",
                now,
                kind=signature.target_kind,
                record_id=signature.target_id,
                patient_id=signature.patient_id,
                detail={"signature": signature_id, "sha256": sha256(found[1])},
            )
        return found[1]

    def record_hand(
        self, actor: Actor, kind: RecordKind, record_id: str, hand: HandSignature
    ) -> Changes:
        """Keep that somebody signed on paper or by a finger, who saw it and under which number."""
        allow(actor, Action.SIGNATURE_RECORD)
        refuse(check_hand(hand))
        now = self._clock.now()
        with self._store.write() as work:
            stored = signed_record(work, kind, record_id)
            signature = DocumentSignature(
                id=self._clock.new_id(),
                patient_id=stored.record.patient_id,
                target_kind=kind,
                target_id=record_id,
                target_version=stored.version,
                content_sha256=work.signatures.content_sha256(kind, record_id, stored.version)
                or "",
                method=hand.method,
                signed_at=now,
                signer_kind=hand.signer_kind,
                signer_name=clean(hand.signer_name),
                recorded_by_id=actor.user.id,
                recorded_by_name=actor.user.snapshot.printed_name,
                clock_skew=skew_seconds(work),
                device=actor.device,
                session=actor.session,
                witness=clean(hand.witness),
                evidence_number=clean(hand.evidence_number),
                relation=clean(hand.relation),
                note=clean(hand.note),
            )
            changed = work.signatures.add_version(
                signature,
                RecordStatus.SIGNED,
                author=actor.user.snapshot,
                at=now,
                expected_version=0,
            )
            work.audit.append(
                actor,
                "signature.record",
                now,
                kind=kind,
                record_id=record_id,
                patient_id=signature.patient_id,
                detail={"method": hand.method.value, "signature": signature.id},
            )
        return Changes((changed,))

    def worthless(self, actor: Actor) -> int:
        """How many signatures made here turned out to stand on a certificate that was revoked before
        they were made.
        """
        allow(actor, Action.ENCOUNTER_VIEW)
        found = 0
        with self._store.read() as work:
            for one in work.signatures.revoked():
                signature = work.signatures.get(one).record
                shown = record_store(work, signature.target_kind).find(signature.target_id)
                view = self._view(work, signature, 0 if shown is None else shown.version)
                found += view.state is SignatureState.REVOKED
        return found

    def check_file(self, data: bytes) -> FileVerdict:
        """A signed PDF or XML from anywhere. Any content gets a verdict."""
        with self._store.read() as work:
            roots = work.settings.get(AUTHORITIES) or ""
        return self._tools.check_file(data, roots)

    def trust(self, actor: Actor, path: str) -> None:
        """The authorities whose certificates count, from a file; an empty path trusts nobody."""
        allow(actor, Action.SETTINGS_EDIT)
        pem = self._tools.authorities(path) if path else ""
        with self._store.write() as work:
            work.settings.put(AUTHORITIES, pem)
            detail = {"sha256": sha256(pem.encode())}
            work.audit.append(actor, "signing.authorities", self._clock.now(), detail=detail)

    def recheck(self) -> int:
        """Ask issuers about certificates nobody could answer for when they signed. Gives how many
        got an answer. For a thread of its own: it waits for the network.
        """
        now = self._clock.now()
        if self._asked_in_vain is not None and now - self._asked_in_vain < _PAUSE:
            return 0
        with self._store.read() as work:
            due = work.signatures.to_check(_DUE, now - _ASK_AGAIN)
            due = tuple(one for one in due if now - self._asked.get(one, _NEVER) >= _ASK_AGAIN)
            asked = [
                (one, work.signatures.get(one).record, work.signatures.chain(one))
                for one in due[:_AT_ONCE]
            ]
        answered, unanswered = 0, 0
        for signature_id, signature, chain in asked:
            report = self._tools.standing(_der(signature), chain, now)
            if report.standing is CertificateStanding.UNKNOWN:
                self._asked[signature_id] = now
                unanswered += 1
                if unanswered == _TRIES:  # the line is away for the others as well
                    self._asked_in_vain = now
                    break
                continue
            with self._store.write() as work:
                work.signatures.keep_standing(signature_id, report)
                work.audit.append(
                    None,
                    "signature.standing",
                    now,
                    kind=signature.target_kind,
                    record_id=signature.target_id,
                    patient_id=signature.patient_id,
                    detail={"standing": report.standing.value, "signature": signature_id},
                )
            answered += 1
        return answered

    # Judging -----------------------------------------------------------------------------

    def _view(self, work: Work, signature: DocumentSignature, shown: int) -> SignatureView:
        report = work.signatures.latest_standing(signature.id) or StandingReport(
            standing=signature.standing,
            checked_at=signature.standing_at or signature.signed_at,
            source=signature.standing_source,
        )
        found = work.signatures.document(signature.id)
        return SignatureView(
            signature=signature,
            state=self._state(work, signature, report, shown, found and found[1]),
            report=report,
            has_file=found is not None,
        )

    def _state(
        self,
        work: Work,
        signature: DocumentSignature,
        report: StandingReport,
        shown: int,
        document: bytes | None,
    ) -> SignatureState:
        digital = signature.method is SignMethod.DIGITAL_CERT
        if digital and not self._seal_holds(signature):
            return SignatureState.INVALID
        if document is not None and sha256(document) != signature.document_sha256:
            return SignatureState.INVALID
        versions = work.signatures.versions_with(
            signature.target_kind, signature.target_id, signature.content_sha256
        )
        if not versions:
            made_here = any(
                node.origin is Origin.HERE for node in work.signatures.lineage(signature.id)
            )
            return SignatureState.INVALID if made_here else SignatureState.FOREIGN
        if report.standing is CertificateStanding.REVOKED and (
            report.revoked_at is None or report.revoked_at <= signature.signed_at
        ):
            return SignatureState.REVOKED
        if shown not in versions:
            return SignatureState.OLDER
        if not digital:
            return SignatureState.RECORDED
        unknown = report.standing is CertificateStanding.UNKNOWN
        return SignatureState.UNCHECKED if unknown else SignatureState.VALID

    def _seal_holds(self, signature: DocumentSignature) -> bool:
        """The certificate's own signature over the whole binding, made while it was in force."""
        try:
            der = _der(signature)
            seal = base64.b64decode(signature.seal, validate=True)
            facts = self._tools.facts(der)
        except (binascii.Error, ValueError, SigningFailure):
            return False
        if facts.fault_at(signature.signed_at) is not None:
            return False
        return self._tools.seal_holds(der, statement(signature), seal)


def _der(signature: DocumentSignature) -> bytes:
    return base64.b64decode(signature.certificate, validate=True)


def check_hand(hand: HandSignature) -> tuple[Problem, ...]:
    """What is missing before it counts as evidence."""
    if hand.method not in (SignMethod.PAPER, SignMethod.BIOMETRIC):
        return (
            Problem(
                field="method",
                code="method-recorded",
                message="Chỉ ghi nhận chữ ký tay trên giấy hoặc sinh trắc học ở đây.",
            ),
        )
    number = (
        "Hãy ghi số hoặc nơi lưu của tờ giấy đã ký."
        if hand.method is SignMethod.PAPER
        else "Hãy ghi tên hoặc số của thiết bị đã đối chiếu sinh trắc học."
    )
    needed = [
        ("signer_name", hand.signer_name, "Hãy ghi họ tên người đã ký."),
        ("witness", hand.witness, "Hãy ghi họ tên người chứng kiến."),
        ("evidence_number", hand.evidence_number, number),
    ]
    if hand.signer_kind is SignerKind.REPRESENTATIVE:
        needed.append(("relation", hand.relation, "Hãy ghi quan hệ của người đại diện."))
    return tuple(
        Problem(field=name, code=f"{name}-required", message=message)
        for name, value, message in needed
        if not value.strip()
    )

"""One document under its digital signature: made outside of any transaction, written in one."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.domain.sign_fault import SignFault, SigningFailure
from station_emr.domain.signature import (
    CertificateFacts,
    DocumentSignature,
    SignMethod,
    SignRequest,
    StandingReport,
    sha256,
    statement,
)
from station_emr.domain.user import Actor

from .guards import begin_signing
from .ports import Clock, Store, Work
from .record_stores import record_store
from .signing_ports import SigningKey, SigningTools, StampedForms
from .signing_rules import skew_seconds

SIGN_ACTIONS: Final = {
    RecordKind.ENCOUNTER: Action.ENCOUNTER_SIGN,
    RecordKind.PRESCRIPTION: Action.PRESCRIPTION_SIGN,
    RecordKind.REFERRAL: Action.REFERRAL_SIGN,
    RecordKind.APPOINTMENT: Action.APPOINTMENT_SIGN,
    RecordKind.CERTIFICATE: Action.CERTIFICATE_SIGN,
    RecordKind.BILL: Action.BILL_CLOSE,
}
_WITH_FORM: Final = frozenset(
    {
        RecordKind.PRESCRIPTION,
        RecordKind.REFERRAL,
        RecordKind.APPOINTMENT,
        RecordKind.CERTIFICATE,
        RecordKind.BILL,
    }
)
_NAMES: Final = {
    RecordKind.ENCOUNTER: "lượt khám",
    RecordKind.PRESCRIPTION: "đơn thuốc",
    RecordKind.REFERRAL: "phiếu chuyển",
    RecordKind.APPOINTMENT: "phiếu hẹn khám lại",
    RecordKind.CERTIFICATE: "giấy nghỉ việc hưởng BHXH",
    RecordKind.BILL: "bảng kê chi phí",
}


class DocumentSigner:
    """Signs what waits, one by one, with a key that somebody else holds open."""

    def __init__(
        self, store: Store, clock: Clock, tools: SigningTools, forms: StampedForms
    ) -> None:
        self._store = store
        self._clock = clock
        self._tools = tools
        self._forms = forms

    def sign(
        self, actor: Actor, key: SigningKey, request: SignRequest, report: StandingReport
    ) -> Changes:
        name = (request.kind, request.record_id, request.version)
        with self._store.read() as work:
            _still_waits(work, request)
            record = record_store(work, request.kind).at_version(*name[1:])
            profile = work.settings.station()
            skew = skew_seconds(work)
        now = self._clock.now()
        usable(key.facts, now)
        document = self._signed_form(key, request, record, now, profile.name, report)
        signature = DocumentSignature(
            id=self._clock.new_id(),
            patient_id=request.patient_id,
            target_kind=request.kind,
            target_id=request.record_id,
            target_version=request.version,
            content_sha256=request.content_sha256,
            method=SignMethod.DIGITAL_CERT,
            signed_at=now,
            signer_id=actor.user.id,
            signer_name=actor.user.snapshot.printed_name,
            clock_skew=skew,
            device=actor.device,
            session=actor.session,
            media_type="application/pdf" if document else "",
            document_sha256=sha256(document) if document else "",
            certificate=base64.b64encode(key.facts.der).decode(),
            certificate_subject=key.facts.subject,
            certificate_issuer=key.facts.issuer,
            certificate_serial=key.facts.serial,
            algorithm=key.algorithm,
            standing=report.standing,
            standing_at=report.checked_at,
            standing_source=report.source,
        )
        said = statement(signature)
        seal = self._tools.seal(key, said)
        if not self._tools.seal_holds(key.facts.der, said, seal):
            raise SigningFailure(SignFault.DEVICE)
        signature = replace(signature, seal=base64.b64encode(seal).decode())
        with self._store.write() as work:
            _still_waits(work, request)
            begin_signing(work, actor, SIGN_ACTIONS[request.kind], now)
            changed = work.signatures.add_version(
                signature,
                RecordStatus.SIGNED,
                author=actor.user.snapshot,
                at=now,
                expected_version=0,
            )
            if document:
                work.signatures.keep_document(signature.id, signature.media_type, document)
                work.attachments.offer_signed(*name)
            work.signatures.keep_standing(signature.id, report, key.chain_ders)
            work.signatures.close_request(*name, signed=True)
            work.audit.append(
                actor,
                f"{request.kind}.sign_digitally",
                now,
                kind=request.kind,
                record_id=request.record_id,
                patient_id=request.patient_id,
                detail={
                    "version": str(request.version),
                    "signature": signature.id,
                    "certificate": key.facts.fingerprint,
                    "standing": report.standing.value,
                },
            )
        return Changes((changed,))

    def _signed_form(
        self,
        key: SigningKey,
        request: SignRequest,
        record: Any,
        now: datetime,
        station: str,
        report: StandingReport,
    ) -> bytes:
        """The PDF that leaves the station; empty for what has no form of its own."""
        if request.kind not in _WITH_FORM:
            return b""
        form = self._forms.form(request.kind, record, now, request.version)
        stamp = self._forms.stamp(
            request.kind,
            record,
            request.version,
            signer=key.facts.subject,
            issuer=key.facts.issuer,
            signed_at=now,
        )
        reason = (
            f"Ký {_NAMES[request.kind]} {request.number}, phiên bản {request.version}, "
            f"SHA-256 {request.content_sha256}"
        )
        return self._tools.sign_pdf(
            key, form, reason=reason, location=station, at=now, stamp=stamp, report=report
        )


def usable(facts: CertificateFacts, at: datetime) -> None:
    """Raises SigningFailure when the certificate may not sign at this moment."""
    fault = facts.fault_at(at)
    if fault is not None:
        raise SigningFailure(fault)


def _still_waits(work: Work, request: SignRequest) -> None:
    """The version is the one that stands, says what it said, and nobody signed it meanwhile."""
    name = (request.kind, request.record_id, request.version)
    if (
        work.signatures.find_request(*name) is None
        or work.signatures.content_sha256(*name) != request.content_sha256
    ):
        raise SigningFailure(SignFault.CHANGED)

"""The station's rules of signing, and what is kept of every electronic confirmation.

:func:`note_signed` runs inside the transaction that signs: the evidence is there with the signature,
or neither is.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from station_emr.domain.record import Changed, PractitionerSnapshot, RecordKind, RecordStatus
from station_emr.domain.sign_fault import ConfirmationNeeded
from station_emr.domain.signature import (
    DEFAULT_POLICY,
    SIGNED_KINDS,
    KeySource,
    KeySourceKind,
    Reentry,
    SigningEvidence,
    SigningPolicy,
    SignMethod,
    SignRequest,
)
from station_emr.domain.user import Actor

from .ports import Work
from .timekeeping import server_skew

POLICY: Final = "signing.policy"
SOURCE: Final = "signing.source"
AUTHORITIES: Final = "signing.authorities"
_CONFIRMED: Final = "signing.confirmed"
_HOLDS: Final = {
    Reentry.QUARTER_HOUR: timedelta(minutes=15),
    Reentry.EACH_TIME: timedelta(seconds=30),  # a visit is signed together with its papers
}


def read_policy(work: Work) -> SigningPolicy:
    """The default for whatever the station has not decided, or a later program wrote."""
    kept = _parsed(work.settings.get(POLICY))
    methods = dict(DEFAULT_POLICY.methods)
    for kind in SIGNED_KINDS:
        named = kept.get("methods", {}).get(kind.value)
        if named in (SignMethod.DIGITAL_CERT, SignMethod.E_CONFIRM):
            methods[kind] = SignMethod(named)
    named = str(kept.get("reentry"))
    reentry = Reentry(named) if named in tuple(Reentry) else DEFAULT_POLICY.reentry
    return SigningPolicy(methods=methods, reentry=reentry)


def write_policy(work: Work, policy: SigningPolicy) -> None:
    methods = {kind.value: policy.method(kind).value for kind in SIGNED_KINDS}
    kept = {"methods": methods, "reentry": policy.reentry.value}
    work.settings.put(POLICY, json.dumps(kept, sort_keys=True))


def read_source(work: Work) -> KeySource | None:
    """Where this machine finds its signing key; None while nothing is chosen."""
    kept = _parsed(work.settings.get(SOURCE))
    if kept.get("kind") not in tuple(KeySourceKind) or not kept.get("path"):
        return None
    return KeySource(
        kind=KeySourceKind(kept["kind"]),
        path=str(kept["path"]),
        certificate=str(kept.get("certificate", "")),
    )


def write_source(work: Work, source: KeySource | None) -> None:
    kept = {}
    if source is not None:
        kept = {"kind": source.kind, "path": source.path, "certificate": source.certificate}
    work.settings.put(SOURCE, json.dumps(kept, sort_keys=True))


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class Proof(NamedTuple):
    """How the person behind a confirmation was known."""

    how: str
    at: datetime | None


def remember_confirmation(work: Work, actor: Actor, now: datetime) -> None:
    """The person has just entered the password again."""
    kept = {"user": actor.user.id, "session": actor.session, "at": now.isoformat()}
    work.settings.put(_CONFIRMED, json.dumps(kept, sort_keys=True))


def proof_of(work: Work, actor: Actor, now: datetime) -> Proof:
    """Raises ConfirmationNeeded when the rules want the password again."""
    reentry = read_policy(work).reentry
    kept = _parsed(work.settings.get(_CONFIRMED))
    mine = kept.get("user") == actor.user.id and kept.get("session") == actor.session
    entered = _moment(kept.get("at")) if mine else None
    if reentry is Reentry.LOG_IN:
        return Proof("log_in", None)
    if entered is None or not timedelta() <= now - entered <= _HOLDS[reentry]:
        raise ConfirmationNeeded
    return Proof("password", entered)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def note_signed(
    work: Work, actor: Actor, changed: Changed, *, patient_id: str, number: str, now: datetime
) -> None:
    """Keep the evidence of a confirmation that was just written as ``changed``, and put the document
    on the list of those that wait for a digital signature when the rules want one. Without a key on
    this machine nothing waits: the paper is signed by hand, and can be collected later.
    """
    proof = proof_of(work, actor, now)
    sha256 = work.signatures.content_sha256(changed.kind, changed.record_id, changed.version) or ""
    work.signatures.keep_evidence(
        SigningEvidence(
            kind=changed.kind,
            record_id=changed.record_id,
            version=changed.version,
            content_sha256=sha256,
            method=SignMethod.E_CONFIRM,
            proof=proof.how,
            proven_at=proof.at,
            user_id=actor.user.id,
            user_name=actor.user.snapshot.printed_name,
            role=actor.role.value,
            device=actor.device,
            session=actor.session,
            at=now,
            skew=skew_seconds(work),
        )
    )
    if changed.status is RecordStatus.VOIDED or read_source(work) is None:
        return
    if read_policy(work).method(changed.kind) is SignMethod.DIGITAL_CERT:
        ask_for_signature(
            work,
            actor.user.snapshot,
            (changed.kind, changed.record_id, changed.version),
            patient_id=patient_id,
            number=number,
            confirmed_at=now,
        )


def ask_for_signature(
    work: Work,
    author: PractitionerSnapshot,
    name: tuple[RecordKind, str, int],
    *,
    patient_id: str,
    number: str,
    confirmed_at: datetime,
) -> None:
    """Put a version on the list of those that wait, for the person who confirmed it."""
    kind, record_id, version = name
    work.signatures.request(
        SignRequest(
            kind=kind,
            record_id=record_id,
            version=version,
            patient_id=patient_id,
            content_sha256=work.signatures.content_sha256(kind, record_id, version) or "",
            user_id=author.user_id,
            user_name=author.printed_name,
            number=number,
            created_at=confirmed_at,
        )
    )


def skew_seconds(work: Work) -> int | None:
    skew = server_skew(work)
    return None if skew is None else round(skew.total_seconds())


def number_of(kind: RecordKind, record: Any) -> str:
    """The number that people know a document by."""
    return str(record.code if kind is RecordKind.PRESCRIPTION else record.number)

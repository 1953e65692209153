"""The consent of a person that a station may see what other stations wrote: a FHIR Consent that says
who agreed, when, for what, how it was given, and until when.

Its versions are kept under the asking facility. What was withdrawn stays withdrawn: who agrees again
gives a new consent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.auth import Caller
from provincial_server.dates import interval
from provincial_server.faults import FhirFault, Issue, refuse
from provincial_server.people.tables import ConsentVersion
from provincial_server.structure import ID, StructureCheck

GIVEN = "https://station-emr.example/fhir/StructureDefinition/consent-given"
SIGNED_PAPER, VERBAL = "signed-paper", "verbal"
_HOW = {SIGNED_PAPER: "giấy đã ký", VERBAL: "lời nói có người làm chứng"}
_LONGEST = 366 * 86_400_000
_SLACK = 10 * 60_000
_LONGEST_TEXT = 200


@dataclass(frozen=True)
class Consent:
    """What was checked of it."""

    id: str
    patient_id: str
    how: str
    given_by: str
    witness: str
    recorded_by: str
    purpose: str

    def said(self) -> str:
        """One line for the access log, without the person's name."""
        return f"{self.purpose}; đồng ý bằng {_HOW[self.how]}; người ghi: {self.recorded_by}"


def _deny(text: str, diagnostics: str, expression: str | None = None) -> FhirFault:
    return refuse(403, "forbidden", diagnostics, expression, f"{text} Chưa có hồ sơ nào được xem.")


def missing_consent() -> FhirFault:
    return _deny(
        "Cần có sự đồng ý của người bệnh trước khi xem hồ sơ ở trạm khác.", "a consent is required"
    )


def read_consent(resource: object, caller: Caller, now: int) -> Consent:
    """Judges a consent that this facility recorded; 400 or 403 with the sentence to show."""
    if not isinstance(resource, dict) or resource.get("resourceType") != "Consent":
        raise refuse(400, "structure", "a Consent is expected", "Consent")
    walk = StructureCheck()
    walk.resource(resource)
    if walk.issues:
        raise FhirFault(400, walk.issues)
    consent_id = resource.get("id")
    if not isinstance(consent_id, str) or not ID.fullmatch(consent_id):
        raise refuse(400, "required", "a consent has an id", "Consent.id")
    if resource["status"] != "active":
        raise _deny("Người bệnh chưa đồng ý hoặc đã rút lại.", "not active", "Consent.status")
    _check_facility(resource, caller)
    _check_time(resource, now)
    return _with_givers(resource, consent_id)


def _check_facility(resource: dict[str, Any], caller: Caller) -> None:
    codes = {item.get("identifier", {}).get("value") for item in resource.get("organization", [])}
    if codes != {caller.facility_code}:
        text = "Sự đồng ý này dành cho một cơ sở khác."
        raise _deny(text, "the consent names another facility", "Consent.organization")


def _check_time(resource: dict[str, Any], now: int) -> None:
    provision = resource.get("provision", {})
    if provision.get("type") != "permit":
        raise _deny("Người bệnh không đồng ý.", "no permit", "Consent.provision.type")
    period = provision.get("period", {})
    given, start, end = resource.get("dateTime"), period.get("start"), period.get("end")
    if not given or not start or not end:
        raise _deny(
            "Phiếu đồng ý thiếu ngày giờ hoặc thời hạn.", "times are missing", "Consent.provision"
        )
    try:
        at, first, last = interval(given)[0], interval(start)[0], interval(end)[1]
    except (ValueError, OverflowError):
        raise _deny("Ngày giờ trên phiếu đồng ý không đúng.", "no such time", "Consent") from None
    if at > now + _SLACK or last - first > _LONGEST:
        raise _deny(
            "Ngày giờ trên phiếu đồng ý không đúng: kiểm tra đồng hồ, thời hạn tối đa một năm.",
            "the times cannot be",
            "Consent.provision.period",
        )
    if not first - _SLACK <= now <= last:
        raise _deny("Sự đồng ý đã hết hạn.", "out of its period", "Consent.provision.period")


def _with_givers(resource: dict[str, Any], consent_id: str) -> Consent:
    parts = {
        item.get("url"): item
        for extension in resource.get("extension", [])
        if extension.get("url") == GIVEN
        for item in extension.get("extension", [])
    }
    how = parts.get("how", {}).get("valueCode", "")
    witness = _text(parts.get("witness", {}).get("valueString"))
    recorder = _text(parts.get("recorded-by", {}).get("valueString"))
    givers = [_text(item.get("display")) for item in resource.get("performer", [])]
    purposes = [
        _text(item.get("display") or item.get("code"))
        for item in resource.get("provision", {}).get("purpose", [])
    ]
    if how not in _HOW:
        raise _deny(
            "Phiếu chưa ghi cách người bệnh đồng ý.", "how it was given", "Consent.extension"
        )
    if not recorder or not any(givers):
        raise _deny(
            "Phiếu chưa ghi ai đồng ý, hoặc ai ghi nhận.", "who gave it", "Consent.performer"
        )
    if how == VERBAL and (not witness or witness.casefold() == recorder.casefold()):
        raise _deny(
            "Đồng ý bằng lời nói cần một người làm chứng, khác người ghi nhận.",
            "a witness is required",
            "Consent.extension",
        )
    if not any(purposes):
        raise _deny("Phiếu chưa ghi mục đích.", "no purpose", "Consent.provision.purpose")
    patient = str(resource.get("patient", {}).get("reference", ""))
    return Consent(
        id=consent_id,
        patient_id=patient.removeprefix("Patient/"),
        how=how,
        given_by=", ".join(filter(None, givers)),
        witness=witness,
        recorded_by=recorder,
        purpose=", ".join(filter(None, purposes)),
    )


def _text(value: object) -> str:
    return " ".join(value.split())[:_LONGEST_TEXT] if isinstance(value, str) else ""


def keep_consent(
    session: Session, caller: Caller, consent: Consent, resource: dict[str, Any], now: int
) -> None:
    """Stores a new consent; 403 when it was withdrawn, 409 when another one has this id."""
    content = wire.canonical(resource)
    last = last_version(session, caller.facility_code, consent.id)
    if last is None:
        _add(session, caller, consent.id, consent.patient_id, "active", content, 1, now)
    elif last.status != "active":
        raise _deny("Người bệnh đã rút lại sự đồng ý này.", "withdrawn", "Consent.id")
    elif last.content != content:
        issue = Issue("conflict", "another consent has this id", "Consent.id")
        raise FhirFault(409, issue)


def withdraw(session: Session, caller: Caller, consent_id: str, now: int) -> None:
    """From now on nothing more is shown on its word; 404 for what is not this facility's."""
    last = last_version(session, caller.facility_code, consent_id)
    if last is None:
        raise refuse(404, "not-found", "no such consent")
    if last.status != "active":
        return
    content: dict[str, Any] = wire.reread(last.content.encode())
    content["status"] = "inactive"
    text = wire.canonical(content)
    _add(session, caller, consent_id, last.patient_id, "inactive", text, last.version + 1, now)


def last_version(session: Session, facility_code: str, consent_id: str) -> ConsentVersion | None:
    return session.scalars(
        select(ConsentVersion)
        .where(
            ConsentVersion.facility_code == facility_code, ConsentVersion.consent_id == consent_id
        )
        .order_by(ConsentVersion.version.desc())
        .limit(1)
    ).first()


def _add(
    session: Session,
    caller: Caller,
    consent_id: str,
    patient_id: str,
    status: str,
    content: str,
    version: int,
    now: int,
) -> None:
    session.add(
        ConsentVersion(
            facility_code=caller.facility_code,
            consent_id=consent_id,
            version=version,
            patient_id=patient_id,
            status=status,
            at=now,
            device_id=caller.device_id,
            content=content,
        )
    )
    session.flush()

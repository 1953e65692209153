"""What other stations wrote of a person, read only, for a station before which this person stands.

Needed are: the person's chart at the asking station; the person's consent, or an emergency with its
reason; and that the charts belong together, by an identity number that the asker has seen or by a
proposal that a reviewer confirmed. Each look is in the log of the home station before anything leaves.
One answer stands for "no such chart", "another's chart" and "nothing elsewhere".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from provincial_server import wire
from provincial_server.auth import Caller
from provincial_server.faults import FhirFault, refuse
from provincial_server.people.chart import read_chart
from provincial_server.people.consent import Consent, keep_consent, missing_consent, read_consent
from provincial_server.people.facts import Facts, clean_number, person_number
from provincial_server.people.likeness import STRONG, compare
from provincial_server.people.matching import Chart, current_facts, facts_of
from provincial_server.people.review import SAME
from provincial_server.people.tables import PersonKey, Proposal, SharedAccess
from provincial_server.resources import Stored
from provincial_server.store import Facility
from provincial_server.structure import ID
from provincial_server.web.access_log import note_access

CONSENT, EMERGENCY = "consent", "emergency"
_SHORTEST_REASON, _LONGEST_REASON = 10, 500
_WEEK = 7 * 86_400_000
_SOURCE = "https://station-emr.example/fhir/CodeSystem/source-facility"


@dataclass(frozen=True)
class Asked:
    """One question, as far as its form is judged."""

    patient_id: str
    number: str
    user: str
    consent: dict[str, Any] | None
    emergency: str
    sensitive: str = ""
    """Why restricted visits (HIV, mental health) are wanted as well; empty: they stay out."""


def read_question(body: object) -> Asked:
    """A FHIR Parameters with `patient`, `number`, `user`, and `consent` or `emergency`."""
    if not isinstance(body, dict) or body.get("resourceType") != "Parameters":
        raise refuse(400, "structure", "Parameters are expected")
    items = body.get("parameter")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise refuse(400, "structure", "Parameters.parameter is a list", "Parameters.parameter")
    named = {str(item.get("name")): item for item in items}
    if len(named) != len(items):
        raise refuse(400, "structure", "a parameter is given twice", "Parameters.parameter")
    holder = named.get("patient", {}).get("valueReference")
    reference = holder.get("reference") if isinstance(holder, dict) else None
    if not isinstance(reference, str) or not reference.startswith("Patient/"):
        raise refuse(400, "required", "patient is a reference to Patient", "Parameters.parameter")
    patient_id = reference.removeprefix("Patient/")
    if not ID.fullmatch(patient_id):
        raise refuse(400, "value", "patient has no such id", "Parameters.parameter")
    user = _text(named, "user")
    if not user:
        raise refuse(400, "required", "user names who asks", "Parameters.parameter")
    consent = named.get("consent", {}).get("resource")
    return Asked(
        patient_id=patient_id,
        number=clean_number(_text(named, "number")),
        user=user[:200],
        consent=consent if isinstance(consent, dict) else None,
        emergency=_text(named, "emergency")[:_LONGEST_REASON],
        sensitive=_text(named, "sensitive")[:_LONGEST_REASON],
    )


def _text(named: dict[str, dict[str, Any]], name: str) -> str:
    value = named.get(name, {}).get("valueString", "")
    if not isinstance(value, str) or "\x00" in value:
        raise refuse(400, "value", f"{name} is a text", "Parameters.parameter")
    return " ".join(value.split())


def homes(session: Session, caller: Caller, asked: Asked) -> set[str]:
    """The facilities whose charts would be shown."""
    own = current_facts(session, caller.facility_code, [asked.patient_id])
    return {chart[0] for chart in _matched(session, own[0], asked.number)} if own else set()


def share(
    session: Session, caller: Caller, asked: Asked, root: str, now: int, ready: Collection[str]
) -> str:
    """The bundle, with every look noted, in one write transaction. Only of facilities that are `ready`:
    everything that was taken from them can be read, a visit that they took back among it."""
    if asked.sensitive and len(asked.sensitive) < _SHORTEST_REASON:
        text = (
            "Muốn xem cả nội dung hạn chế thì ghi rõ lý do, ít nhất 10 chữ. "
            "Chưa có hồ sơ nào được xem."
        )
        raise refuse(403, "forbidden", "the reason is too short", "Parameters.parameter", text)
    consent: Consent | None = None
    if asked.consent is not None:
        consent = read_consent(asked.consent, caller, now)
        if consent.patient_id != asked.patient_id:
            raise refuse(
                403,
                "forbidden",
                "the consent is of another person",
                "Consent.patient",
                "Phiếu đồng ý là của người khác. Chưa có hồ sơ nào được xem.",
            )
        keep_consent(session, caller, consent, asked.consent, now)
    elif len(asked.emergency) < _SHORTEST_REASON:
        raise missing_consent()
    own = current_facts(session, caller.facility_code, [asked.patient_id])
    if not own:
        raise _nothing()
    matched = _matched(session, own[0], asked.number)
    found = {chart: how for chart, how in matched.items() if chart[0] in ready}
    if not found:
        raise _nothing()
    names = {row.code: row.name for row in session.scalars(select(Facility))}
    entries: list[str] = []
    for chart, matched_by in sorted(found.items()):
        resources = read_chart(session, chart, now, restricted=bool(asked.sensitive))
        _note(session, caller, asked, consent, chart, matched_by, len(resources), now)
        entries += [_entry(stored, chart[0], names[chart[0]], root) for stored in resources]
    return (
        '{"resourceType":"Bundle","type":"collection",'
        f'"timestamp":"{wire.instant(now)}","entry":[{",".join(entries)}]}}'
    )


def _nothing() -> FhirFault:
    text = "Không tìm thấy hồ sơ nào của người này ở trạm khác."
    return refuse(404, "not-found", "nothing is shared for this person", None, text)


# --- whose charts ------------------------------------------------------------------------------


def _matched(session: Session, own: Facts, number: str) -> dict[Chart, str]:
    found = dict.fromkeys(_reviewed(session, own), "review")
    found |= dict.fromkeys(_by_number(session, own, number), "number")
    return found


def _by_number(session: Session, own: Facts, number: str) -> list[Chart]:
    """Charts with the number that the asker read from a paper, if it is this person's number and name
    and birth agree as well: a number alone opens nothing."""
    keys = []
    if number in own.numbers:
        keys.append(f"n:{number}")
    if number in own.cards:
        keys.append(f"c:{person_number(number)}")
    if not keys:
        return []
    charts = {
        (facility, patient)
        for facility, patient in session.execute(
            select(PersonKey.facility_code, PersonKey.patient_id)
            .where(PersonKey.key.in_(keys), PersonKey.facility_code != own.facility_code)
            .limit(50)
        )
    }
    found = []
    for chart, facts in facts_of(session, charts).items():
        likeness = compare(own, facts)
        if likeness and likeness.strength == STRONG:
            found.append(chart)
    return found


def _reviewed(session: Session, own: Facts) -> list[Chart]:
    rows = session.scalars(
        select(Proposal).where(
            Proposal.verdict == SAME,
            Proposal.strength != "",
            or_(
                and_(
                    Proposal.facility_code == own.facility_code,
                    Proposal.patient_id == own.patient_id,
                ),
                and_(
                    Proposal.other_facility_code == own.facility_code,
                    Proposal.other_patient_id == own.patient_id,
                ),
            ),
        )
    )
    found = []
    for row in rows:
        first = (row.facility_code, row.patient_id)
        second = (row.other_facility_code, row.other_patient_id)
        found.append(second if first == (own.facility_code, own.patient_id) else first)
    return found


# --- what is shown -----------------------------------------------------------------------------


def _entry(stored: Stored, code: str, name: str, root: str) -> str:
    """With its source on it; references stay relative and resolve within the same source."""
    resource: dict[str, Any] = wire.reread(stored.as_json().encode())
    source = f"{root}/shared/{code}"
    meta = resource.setdefault("meta", {})
    meta["source"] = source
    meta["tag"] = [*meta.get("tag", []), {"system": _SOURCE, "code": code, "display": name}]
    full = f"{source}/{stored.resource_type}/{stored.resource_id}"
    return wire.canonical({"fullUrl": full, "resource": resource})


# --- the log -----------------------------------------------------------------------------------


def _note(
    session: Session,
    caller: Caller,
    asked: Asked,
    consent: Consent | None,
    chart: Chart,
    matched_by: str,
    count: int,
    now: int,
) -> None:
    facility, patient = chart
    reason = consent.said() if consent else f"Khẩn cấp, chưa có sự đồng ý: {asked.emergency}"
    if asked.sensitive:
        reason = f"{reason}; gồm cả nội dung hạn chế: {asked.sensitive}"
    sequence = note_access(
        session,
        facility_code=facility,
        at=now,
        actor_kind="device",
        actor_id=caller.device_id,
        action="shared-history" if consent else "emergency-history",
        object_type="Patient",
        object_id=patient,
        purpose=reason,
        result="ok" if consent else "báo động",
    )
    session.add(
        SharedAccess(
            facility_code=facility,
            sequence=sequence,
            at=now,
            patient_id=patient,
            asking_facility_code=caller.facility_code,
            device_id=caller.device_id,
            asking_user=asked.user,
            basis=CONSENT if consent else EMERGENCY,
            consent_id=consent.id if consent else "",
            reason=reason[:_LONGEST_REASON],
            matched_by=matched_by,
            resources=count,
        )
    )
    session.flush()


def accesses(
    session: Session, facility_code: str, after: int, limit: int
) -> Iterable[SharedAccess]:
    """Looks at this facility's charts, in the order of their numbers."""
    return session.scalars(
        select(SharedAccess)
        .where(SharedAccess.facility_code == facility_code, SharedAccess.sequence > after)
        .order_by(SharedAccess.sequence)
        .limit(limit)
    )


def emergencies(session: Session, now: int) -> int:
    """Looks without a consent in the last seven days."""
    return (
        session.scalar(
            select(func.count())
            .select_from(SharedAccess)
            .where(SharedAccess.basis == EMERGENCY, SharedAccess.at > now - _WEEK)
        )
        or 0
    )

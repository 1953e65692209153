"""One visit as a FHIR document: a Composition that people can read, and everything it names.

A document stands alone (R4, "FHIR Documents"): every resource that the Composition refers to is inside,
so that it can be kept, handed on and read without any server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape

from station_emr.domain.record import PractitionerSnapshot, RecordKind, RecordStatus
from station_emr.domain.visit_record import VisitRecord

from .datatypes import (
    Json,
    Resource,
    coding,
    concept,
    filled,
    identifier,
    moment,
    organization,
    present,
    reference,
    resource,
    staff,
)
from .facility import facility_resources
from .json_text import write_json
from .units import build_unit
from .uris import LOINC, OWN, VN_CORE, UriTable

_NOTE: Final = ("11488-4", "Hồ sơ lượt khám")
_XHTML: Final = "http://www.w3.org/1999/xhtml"
_SIGNED: Final = RecordStatus.SIGNED
_TEST: Final = re.compile(r"-t[0-9]+$")  # a temperature ends in "-temp"


def visit_document(
    visit: VisitRecord, document_id: str, made_at: datetime, uris: UriTable = VN_CORE
) -> bytes:
    """A Bundle of type ``document`` as UTF-8 JSON. Raises ValueError for a visit that is not signed:
    a draft never leaves the machine.
    """
    inside = _resources(visit, uris)
    composition = _composition(visit, document_id, inside, uris)
    entries = [composition, *inside]
    return write_json(
        {
            "resourceType": "Bundle",
            "id": document_id,
            "identifier": {"system": uris.record, "value": document_id},
            "type": "document",
            "timestamp": moment(made_at),
            "entry": [
                {"fullUrl": f"{OWN}/{one['resourceType']}/{one['id']}", "resource": one}
                for one in entries
            ],
        }
    )


def _resources(visit: VisitRecord, uris: UriTable) -> list[Resource]:
    found = [
        *build_unit(RecordKind.ENCOUNTER, visit.encounter, visit.status, uris=uris),
        *build_unit(RecordKind.PATIENT, visit.patient, _SIGNED, uris=uris),
    ]
    for kind, paper in (
        (RecordKind.PRESCRIPTION, visit.prescription),
        (RecordKind.REFERRAL, visit.referral),
        (RecordKind.APPOINTMENT, visit.appointment),
    ):
        if paper is not None:
            found += build_unit(kind, paper, _SIGNED, uris=uris)
    found += facility_resources(visit.encounter.station or visit.station, uris)
    held = {(one["resourceType"], one["id"]) for one in found}
    for person in _people(visit):
        if ("Practitioner", person.user_id) not in held:
            held.add(("Practitioner", person.user_id))
            found.append(_practitioner(person, uris))
    return found


def _people(visit: VisitRecord) -> Iterable[PractitionerSnapshot]:
    """Everybody whom these papers name as their writer."""
    script, letter, slip = visit.prescription, visit.referral, visit.appointment
    for person in (
        visit.encounter.practitioner,
        script.prescriber if script else None,
        letter.referrer if letter else None,
        slip.practitioner if slip else None,
    ):
        if person is not None:
            yield person


def _practitioner(person: PractitionerSnapshot, uris: UriTable) -> Resource:
    """As they were when they signed: the account of today may have another title."""
    return resource(
        "Practitioner",
        person.user_id,
        identifier=present(
            identifier(uris.record, person.user_id),
            identifier(uris.licence, person.licence_no, "MD"),
        ),
        name=[filled(text=person.full_name, prefix=[person.title] if person.title else [])],
    )


def _composition(
    visit: VisitRecord, document_id: str, inside: Sequence[Resource], uris: UriTable
) -> Resource:
    encounter = visit.encounter
    signature = encounter.signature
    signer = signature.by if signature is not None else encounter.practitioner
    station = encounter.station or visit.station
    return resource(
        "Composition",
        document_id,
        identifier={"system": uris.record, "value": encounter.id},
        status="amended" if visit.status is RecordStatus.AMENDED else "final",
        type=concept(coding(LOINC, *_NOTE), text=_NOTE[1]),
        subject=reference("Patient", visit.patient.id, visit.patient.full_name),
        encounter=reference("Encounter", encounter.id),
        date=moment(signature.at if signature is not None else encounter.arrived_at),
        author=[staff(signer) or organization(station)],
        title=f"{_NOTE[1]} {encounter.number}".strip(),
        attester=(
            [{"mode": "legal", "time": moment(signature.at), "party": staff(signature.by)}]
            if signature is not None
            else []
        ),
        custodian=organization(station),
        section=[_section(*one) for one in _sections(visit, inside) if any(one[2]) or one[3]],
    )


def _section(title: str, loinc: str, words: Sequence[str], refers: Sequence[Json]) -> Json:
    lines = "".join(f"<p>{escape(line)}</p>" for line in words if line)
    return filled(
        title=title,
        code=concept(coding(LOINC, loinc), text=title),
        text=(
            {"status": "generated", "div": f'<div xmlns="{_XHTML}">{lines}</div>'} if lines else {}
        ),
        entry=list(refers),
    )


def _sections(
    visit: VisitRecord, inside: Sequence[Resource]
) -> list[tuple[str, str, list[str], list[Json]]]:
    """Title, LOINC code, lines that people read, and what stands behind them."""
    encounter = visit.encounter
    of: dict[str, list[Json]] = {}
    for one in inside:
        of.setdefault(_part(one), []).append(reference(one["resourceType"], one["id"]))
    script, letter, slip = visit.prescription, visit.referral, visit.appointment
    return [
        ("Lý do đến khám", "29299-5", [encounter.reason], []),
        ("Bệnh sử", "10164-2", [encounter.history], []),
        ("Tiền sử", "11348-0", [encounter.past_history], []),
        (
            "Dị ứng",
            "48765-2",
            [a.substance for a in visit.patient.allergies],
            of.get("allergy", []),
        ),
        ("Dấu hiệu sinh tồn", "8716-3", [], of.get("vital", [])),
        ("Khám", "29545-1", [encounter.examination], []),
        (
            "Chẩn đoán",
            "29308-4",
            [one.label for one in encounter.diagnoses],
            of.get("diagnosis", []),
        ),
        (
            "Xét nghiệm nhanh",
            "30954-2",
            [f"{one.name}: {one.result}" for one in encounter.procedures if one.is_test],
            of.get("test", []),
        ),
        (
            "Thủ thuật",
            "47519-4",
            [one.name for one in encounter.procedures if not one.is_test],
            of.get("procedure", []),
        ),
        ("Diễn biến", "8648-8", [note.text for note in encounter.progress], []),
        ("Xử trí", "18776-5", [encounter.treatment], []),
        (
            "Đơn thuốc",
            "57828-6",
            [f"{one.label}: {one.sentence}" for one in script.lines] if script else [],
            of.get("medicine", []),
        ),
        (
            "Chuyển cơ sở khám bệnh, chữa bệnh",
            "57133-1",
            [f"{letter.to_facility_name}. {letter.plan}"] if letter else [],
            of.get("referral", []),
        ),
        (
            "Lời dặn và hẹn khám lại",
            "69730-0",
            [encounter.advice, f"Hẹn khám lại {slip.on:%d/%m/%Y}" if slip and slip.on else ""],
            of.get("appointment", []),
        ),
    ]


_PARTS: Final = {
    "AllergyIntolerance": "allergy",
    "Condition": "diagnosis",
    "Procedure": "procedure",
    "MedicationRequest": "medicine",
    "ServiceRequest": "referral",
    "Appointment": "appointment",
}


def _part(one: dict[str, Any]) -> str:
    kind = one["resourceType"]
    if kind == "Observation":
        return "test" if _TEST.search(one["id"]) else "vital"
    if kind == "Condition" and "encounter" not in one:
        return "history"
    return _PARTS.get(kind, "")

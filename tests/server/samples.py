"""Synthetic resources. Every name and number is visibly invented."""

from __future__ import annotations

from typing import Any

CCCD = "http://fhir.hl7.org.vn/core/sid/cccd"


def patient(resource_id: str, *, name: str = "Nguyễn Thị Mẫu", cccd: str = "") -> dict[str, Any]:
    body: dict[str, Any] = {
        "resourceType": "Patient",
        "id": resource_id,
        "name": [{"text": name}],
        "gender": "female",
        "birthDate": "1990-05-17",
    }
    if cccd:
        body["identifier"] = [{"system": CCCD, "value": cccd}]
    return body


def encounter(resource_id: str, patient_id: str) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": resource_id,
        "status": "finished",
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "AMB",
        },
        "subject": {"reference": f"Patient/{patient_id}"},
        "period": {"start": "2026-11-20T08:00:00+07:00", "end": "2026-11-20T08:20:00+07:00"},
    }


def observation(resource_id: str, patient_id: str, encounter_id: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": resource_id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8310-5"}]},
        "subject": {"reference": f"Patient/{patient_id}"},
        "encounter": {"reference": f"Encounter/{encounter_id}"},
        "effectiveDateTime": "2026-11-20T08:05:00+07:00",
        "valueQuantity": {
            "value": 37.5,
            "unit": "°C",
            "system": "http://unitsofmeasure.org",
            "code": "Cel",
        },
    }


def entry(resource: dict[str, Any], **request: str) -> dict[str, Any]:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url, **request}}


def bundle(*entries: dict[str, Any], kind: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def unit(number: int = 1) -> dict[str, Any]:
    """A person, one visit and one measurement."""
    person, visit = f"p{number}", f"e{number}"
    return bundle(
        entry(patient(person)),
        entry(encounter(visit, person)),
        entry(observation(f"{visit}-o1", person, visit)),
    )

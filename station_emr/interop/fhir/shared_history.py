"""A question for another station's records as FHIR, and the answer as lines to read.

The answer is read with care and never kept: it may come from a program that writes other elements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from station_emr.services.elsewhere import Agreement, Basis, OtherPart
from station_emr.services.sharing import CONSENT_VALID

from .datatypes import VIETNAM, Json, extension, filled, moment, present, reference, terminology
from .reading import BROKEN
from .uris import LOINC, TERMINOLOGY, VN_CORE, own_extension

GIVEN: Final = own_extension("consent-given")
_SOURCE: Final = "source-facility"
_PURPOSE: Final = "Khám và điều trị"
_LAW: Final = "Luật Khám bệnh, chữa bệnh 15/2023/QH15"
_CATEGORY: Final = "59284-0"  # patient consent
_ALWAYS: Final = {
    "AllergyIntolerance": "Dị ứng",
    "Condition": "Bệnh đã biết",
}


class SharedHistory:
    """Question and answer of :class:`station_emr.services.elsewhere.Elsewhere`."""

    def question(
        self,
        patient_id: str,
        agreement: Agreement,
        *,
        facility_code: str,
        user: str,
        consent_id: str,
        at: datetime,
    ) -> dict[str, Any]:
        """A Parameters with the consent, or with the reason of an emergency."""
        parts: list[Json] = [
            {"name": "patient", "valueReference": reference("Patient", patient_id)},
            {"name": "user", "valueString": user},
        ]
        if agreement.number:
            parts.append({"name": "number", "valueString": agreement.number})
        if agreement.restricted:
            parts.append({"name": "sensitive", "valueString": agreement.restricted})
        if agreement.basis is Basis.EMERGENCY:
            parts.append({"name": "emergency", "valueString": agreement.reason})
        else:
            made = _consent(patient_id, agreement, facility_code, user, consent_id, at)
            parts.append({"name": "consent", "resource": made})
        return {"resourceType": "Parameters", "parameter": parts}

    def parts(self, bundle: dict[str, Any]) -> tuple[OtherPart, ...]:
        """What holds at all times first, then the visits, newest first."""
        try:
            return tuple(_parts([entry["resource"] for entry in bundle.get("entry", [])]))
        except BROKEN as error:
            raise ValueError("not an answer") from error


def _consent(
    patient_id: str,
    agreement: Agreement,
    facility_code: str,
    user: str,
    consent_id: str,
    at: datetime,
) -> Json:
    given = present(
        {"url": "how", "valueCode": agreement.basis.value},
        extension("witness", valueString=agreement.witness.strip() or None),
        {"url": "recorded-by", "valueString": user},
    )
    return {
        "resourceType": "Consent",
        "id": consent_id,
        "extension": [{"url": GIVEN, "extension": given}],
        "status": "active",
        "scope": terminology("consentscope", "patient-privacy"),
        "category": [{"coding": [{"system": LOINC, "code": _CATEGORY}]}],
        "patient": reference("Patient", patient_id),
        "dateTime": moment(at),
        "performer": [{"display": agreement.given_by.strip()}],
        "organization": [{"identifier": {"system": VN_CORE.facility_code, "value": facility_code}}],
        "policyRule": {"text": _LAW},
        "provision": {
            "type": "permit",
            "period": filled(start=moment(at), end=moment(at + CONSENT_VALID)),
            "purpose": [
                {"system": f"{TERMINOLOGY}/v3-ActReason", "code": "TREAT", "display": _PURPOSE}
            ],
        },
    }


def _parts(resources: list[Json]) -> Iterator[OtherPart]:
    visits: dict[tuple[str, str], Json] = {}
    inside: dict[tuple[str, str], list[str]] = defaultdict(list)
    always: dict[tuple[str, str], list[str]] = defaultdict(list)
    for item in resources:
        station = _station(item)
        kind = item["resourceType"]
        if kind == "Encounter":
            visits[station, item["id"]] = item
            continue
        line = _line(item)
        where = item.get("encounter", {}).get("reference", "").removeprefix("Encounter/")
        if not line:
            continue
        if where:
            inside[station, where].append(line)
        elif kind in _ALWAYS:
            always[station, _ALWAYS[kind]].append(line)
    for (station, title), lines in sorted(always.items()):
        yield OtherPart(station=station, title=title, lines=tuple(dict.fromkeys(lines)))
    dated = [(_begin(item), station, item) for (station, _), item in visits.items()]
    for began, station, item in sorted(dated, key=lambda row: row[0].isoformat(), reverse=True):
        reasons = [_text(reason) for reason in item.get("reasonCode", [])]
        first = [f"Lý do: {', '.join(filter(None, reasons))}"] if any(reasons) else []
        yield OtherPart(
            station=station,
            title="Lượt khám",
            on=began,
            lines=(*first, *sorted(inside[station, item["id"]])),
        )


def _station(item: Json) -> str:
    tags = item.get("meta", {}).get("tag", [])
    found = (tag for tag in tags if str(tag.get("system", "")).endswith(_SOURCE))
    tag: Json = next(found, {})
    return str(tag.get("display") or tag.get("code") or "Trạm khác")


def _begin(item: Json) -> datetime:
    text = item.get("period", {}).get("start") or item["meta"]["lastUpdated"]
    found = datetime.fromisoformat(text)
    return found.astimezone(VIETNAM) if found.tzinfo else found.replace(tzinfo=VIETNAM)


def _line(item: Json) -> str:
    """One resource in words, empty for one that says nothing to a reader."""
    kind = item["resourceType"]
    named = _text(item.get("code", {}))
    if kind == "Condition":
        codes = [part.get("code", "") for part in item.get("code", {}).get("coding", [])]
        code = next(filter(None, codes), "")
        return (
            f"Chẩn đoán: {named} ({code})" if code and code not in named else f"Chẩn đoán: {named}"
        )
    if kind == "AllergyIntolerance":
        grave = " (nặng)" if item.get("criticality") == "high" else ""
        reactions = [
            _text(sign) for found in item.get("reaction", []) for sign in found["manifestation"]
        ]
        shown = f": {', '.join(filter(None, reactions))}" if any(reactions) else ""
        return f"{named}{grave}{shown}"
    if kind == "Observation":
        value = _value(item)
        return f"{named}: {value}" if value else ""
    if kind == "MedicationRequest":
        drug = _text(item.get("medicationCodeableConcept", {}))
        doses = [found.get("text", "") for found in item.get("dosageInstruction", [])]
        return f"Thuốc: {drug}. {' '.join(filter(None, doses))}".strip()
    if kind == "Procedure":
        return f"Thủ thuật: {named}"
    if kind == "ServiceRequest":
        return f"Chuyển tuyến: {named}" if named else "Có chuyển tuyến"
    return ""


def _value(item: Json) -> str:
    parts = item.get("component")
    if parts:
        shown = [_quantity(part) for part in parts]
        return "/".join(text.split()[0] for text in shown if text) + " mmHg" if any(shown) else ""
    return _quantity(item) or str(item.get("valueString", ""))


def _quantity(item: Json) -> str:
    found = item.get("valueQuantity")
    if not found:
        return ""
    number = str(found["value"]).replace(".", ",")
    return f"{number} {found.get('unit', '')}".strip()


def _text(concept: Json) -> str:
    """The words of a code, else its name in the list."""
    if concept.get("text"):
        return str(concept["text"])
    shown = (part.get("display") for part in concept.get("coding", []))
    return str(next(filter(None, shown), ""))

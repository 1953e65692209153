"""Derives the server's table of R4 elements from an independent model of the standard.

`python tests/server/r4_table.py` rewrites provincial_server/r4_elements.json; a test compares the
two, so the table cannot drift by hand. The notation of one element is
``TYPE MIN..MAX [@choice] [allowed|values|or|targets]``.
"""

from __future__ import annotations

import json
import re
import types
import typing
from pathlib import Path

from fhir.resources.R4B import get_fhir_model_class

TABLE = Path(__file__).parents[2] / "provincial_server" / "r4_elements.json"
STORED = [
    "AllergyIntolerance",
    "Appointment",
    "Basic",
    "Binary",
    "Communication",
    "Composition",
    "Condition",
    "Consent",
    "Coverage",
    "DocumentReference",
    "Encounter",
    "Invoice",
    "Linkage",
    "Location",
    "MedicationRequest",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "QuestionnaireResponse",
    "ServiceRequest",
    "Task",
]
CONTAINED_ONLY = ["Medication", "Specimen"]
# The model abbreviates long value sets with a plus sign; the missing codes are from the standard.
REST_OF_VALUES = {
    "Encounter.status": ["entered-in-error", "unknown"],
    "EncounterStatusHistory.status": ["entered-in-error", "unknown"],
    "Observation.status": ["corrected", "cancelled", "entered-in-error", "unknown"],
    "Task.status": [
        "rejected", "ready", "cancelled", "in-progress", "on-hold", "failed", "completed",
        "entered-in-error",
    ],
}  # fmt: skip
# The model is R4B; R4 itself does not know these types, nor the wider subjects of Observation.
NOT_IN_R4 = {"CodeableReference", "RatioRange"}
R4_TARGETS = {"Observation.subject": ["Patient", "Group", "Device", "Location"]}
PRIMITIVES = {
    "EncodedBytes": "base64Binary", "Canonical": "canonical", "Code": "code", "Date": "date",
    "DateTime": "dateTime", "Decimal": "decimal", "Id": "id", "Instant": "instant",
    "Integer": "integer", "Markdown": "markdown", "Oid": "oid", "PositiveInt": "positiveInt",
    "String": "string", "Time": "time", "UnsignedInt": "unsignedInt", "Uri": "uri", "Url": "url",
    "UuidVersion": "uuid", "XhtmlType": "xhtml", "Xhtml": "xhtml", "bool": "boolean",
}  # fmt: skip


def element_type(annotation: object) -> tuple[str, bool]:
    """The FHIR type inside the annotation, and whether it is a list."""
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        inner = [part for part in typing.get_args(annotation) if part is not type(None)]
        return element_type(inner[0])
    if typing.get_origin(annotation) is list:
        return element_type(typing.get_args(annotation)[0])[0], True
    if hasattr(annotation, "__metadata__"):
        return PRIMITIVES[type(annotation.__metadata__[0]).__name__], False
    name = annotation.__name__
    if name in PRIMITIVES:
        return PRIMITIVES[name], False
    return name.removesuffix("Type"), False


def describe(type_name: str) -> dict[str, str]:
    elements: dict[str, str] = {}
    for field_name, field in get_fhir_model_class(type_name).model_fields.items():
        extra = field.json_schema_extra or {}
        name = field.alias or field_name
        if not extra.get("element_property") or name.startswith("_"):
            continue
        kind, many = element_type(field.annotation)
        if kind in NOT_IN_R4:
            continue
        least = 1 if field.is_required() or extra.get("element_required") else 0
        parts = [kind, f"{least}..{'*' if many else '1'}"]
        if choice := extra.get("one_of_many"):
            parts.append(f"@{choice}{'!' if extra.get('one_of_many_required') else ''}")
        values = extra.get("enum_values") or extra.get("enum_reference_types") or []
        values = R4_TARGETS.get(f"{type_name}.{name}", values)
        if "etc." in values:
            values = []
        if "+" in values:
            rest = REST_OF_VALUES.get(f"{type_name}.{name}")
            values = [*(value for value in values if value != "+"), *rest] if rest else []
        if values and "Resource" not in values and kind in {"code", "Reference"}:
            parts.append("|".join(values))
        elements[name] = " ".join(parts)
    return dict(sorted(elements.items()))


def build() -> dict[str, dict[str, dict[str, str]]]:
    stored = {name: describe(name) for name in [*STORED, *CONTAINED_ONLY]}
    parts: dict[str, dict[str, str]] = {}
    waiting = sorted(_complex_types(stored))
    while waiting:
        name = waiting.pop()
        if name in parts or name == "Resource":
            continue
        parts[name] = describe(name)
        waiting.extend(_complex_types({name: parts[name]}) - parts.keys())
    return {"resources": stored, "types": dict(sorted(parts.items()))}


def _complex_types(described: dict[str, dict[str, str]]) -> set[str]:
    kinds = {text.split()[0] for elements in described.values() for text in elements.values()}
    return {kind for kind in kinds if re.match("[A-Z]", kind)} - {"Resource"}


def render() -> str:
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TABLE.write_text(render(), encoding="utf-8")

"""MedicationRequests of one sheet → a prescription."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from station_emr.domain.prescription import Prescription, PrescriptionLine

from .datatypes import Resource
from .prescription import DETAILS, LINE, SIGNED, WHEN
from .read_encounter import read_reasons
from .reading import (
    Parts,
    by_url,
    coded,
    first,
    id_in,
    integer_in,
    maybe_moment,
    must_refer,
    number_in,
    referred,
    text_in,
)
from .uris import UriTable

_DAYTIME = {code: name for name, code in WHEN.items()}


def read_prescription(parts: Parts, uris: UriTable) -> Prescription:
    sheet = parts.root
    patient = sheet["subject"]["reference"]
    extensions = by_url(sheet)
    fields: dict[str, Any] = DETAILS.read(extensions)
    written_at: datetime | None = maybe_moment(sheet, "authoredOn")
    group = sheet["groupIdentifier"]
    lines = []
    for _, line in parts.numbered({"l": "MedicationRequest"}):
        must_refer(line, "subject", patient)
        lines.append(_line(line, uris))
    return Prescription(
        id=parts.record_id,
        patient_id=id_in(sheet["subject"], "Patient"),
        encounter_id=referred(sheet, "encounter", "Encounter"),
        code=text_in(group, "value") if group["system"] == uris.prescription_code else "",
        lines=tuple(lines),
        diagnoses=read_reasons(sheet),
        **{"written_at": written_at, **fields},
        **SIGNED.read(extensions),
    )


def _line(line: Resource, uris: UriTable) -> PrescriptionLine:
    fields: dict[str, Any] = LINE.read(by_url(line))
    drug = line.get("medicationCodeableConcept", {})
    dosage = line["dosageInstruction"][0]
    route = dosage.get("route", {})
    repeat = dosage["timing"]["repeat"]
    fields.setdefault("daytimes", tuple(_DAYTIME[code] for code in repeat.get("when", ())))
    return PrescriptionLine(
        drug_code=coded(drug, uris.drug_codes)[0],
        label=text_in(drug, "text"),
        bhyt_code=coded(drug, uris.bhyt_drug_codes)[0],
        route_code=coded(route, uris.route_codes)[0],
        route=text_in(route, "text"),
        dose=number_in(dosage["doseAndRate"][0]["doseQuantity"]["value"]),
        times_per_day=integer_in(repeat["frequency"]),
        days=integer_in(repeat["boundsDuration"]["value"]),
        meal=text_in(first(dosage, "additionalInstruction"), "text"),
        **{"inn": "", **fields},
    )

"""A prescription → one MedicationRequest per line, held together by the prescription's code."""

from __future__ import annotations

from station_emr.domain.prescription import (
    AFTERNOON,
    EVENING,
    MORNING,
    NOON,
    Prescription,
    PrescriptionLine,
)

from .datatypes import (
    Json,
    Resource,
    as_signed,
    coding,
    concept,
    filled,
    identifier,
    moment,
    own_fields,
    present,
    quantity,
    reference,
    resource,
    staff,
)
from .encounter import reason_concept
from .uris import UriTable

_WHEN = {MORNING: "MORN", NOON: "NOON", AFTERNOON: "AFT", EVENING: "EVE"}
_LINE = (
    "inn",
    "strength",
    "form",
    "unit",
    "ingredients",
    "groups",
    "control",
    "toxic",
    "quantity",
    "instruction",
    "override_reason",
)


def prescription_resources(prescription: Prescription, uris: UriTable) -> list[Resource]:
    """The first line also carries what belongs to the whole sheet: FHIR has no resource for it."""
    return [
        _line(prescription, line, number, uris) for number, line in enumerate(prescription.lines, 1)
    ]


def _fields_of(line: PrescriptionLine) -> tuple[str, ...]:
    """Moments of the day have codes; free words such as "khi đau" do not."""
    return _LINE if all(name in _WHEN for name in line.daytimes) else (*_LINE, "daytimes")


def _line(
    prescription: Prescription, line: PrescriptionLine, number: int, uris: UriTable
) -> Resource:
    authored = prescription.written_at or (prescription.signature and prescription.signature.at)
    return resource(
        "MedicationRequest",
        f"{prescription.id}-l{number}",
        extension=present(
            own_fields("prescription-line", line, _fields_of(line)),
            *(_sheet(prescription) if number == 1 else ()),
        ),
        identifier=present(identifier(uris.record, f"{prescription.id}-l{number}")),
        status="active",
        intent="order",
        medicationCodeableConcept=concept(
            coding(uris.drug_codes, line.drug_code, line.label),
            coding(uris.bhyt_drug_codes, line.bhyt_code),
            text=line.label,
        ),
        subject=reference("Patient", prescription.patient_id),
        encounter=reference("Encounter", prescription.encounter_id),
        authoredOn=moment(authored or None),
        requester=staff(prescription.prescriber),
        reasonCode=[reason_concept(diagnosis) for diagnosis in prescription.diagnoses],
        # TT 26/2025 art. 12: one national code for the sheet, the same on every line.
        groupIdentifier=identifier(uris.prescription_code, prescription.code)
        or identifier(uris.record, prescription.id),
        dosageInstruction=[_dosage(line, uris)],
        dispenseRequest=filled(
            quantity=quantity(line.computed_quantity, line.unit),
            expectedSupplyDuration=quantity(line.days, "ngày", "d"),
        ),
    )


def _sheet(prescription: Prescription) -> tuple[Json, ...]:
    return (
        own_fields(
            "prescription-details", prescription, ("advice", "follow_up_on", "replaces_code")
        ),
        as_signed(prescription, ("station", "patient", "prescriber", "signature")),
    )


def _dosage(line: PrescriptionLine, uris: UriTable) -> Json:
    return filled(
        text=line.sentence,
        additionalInstruction=present(concept(text=line.meal)),
        timing={
            "repeat": filled(
                boundsDuration=quantity(line.days, "ngày", "d"),
                frequency=line.times_per_day,
                period=1,
                periodUnit="d",
                when=[_WHEN[name] for name in line.daytimes if name in _WHEN],
            )
        },
        route=concept(coding(uris.route_codes, line.route_code, line.route), text=line.route),
        doseAndRate=[{"doseQuantity": quantity(line.dose, line.unit)}],
    )

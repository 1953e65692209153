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
    coding,
    concept,
    filled,
    identifier,
    moment,
    present,
    quantity,
    reference,
    resource,
    staff,
)
from .encounter import reason_concept
from .own_extensions import AsSigned, OwnFields, emptied
from .uris import UriTable

WHEN = {MORNING: "MORN", NOON: "NOON", AFTERNOON: "AFT", EVENING: "EVE"}
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
    "daytimes",
)
LINE = OwnFields("prescription-line", PrescriptionLine, _LINE)
DETAILS = OwnFields(
    "prescription-details", Prescription, ("advice", "follow_up_on", "replaces_code", "written_at")
)
SIGNED = AsSigned(Prescription, ("station", "patient", "prescriber", "signature"))


def prescription_resources(prescription: Prescription, uris: UriTable) -> list[Resource]:
    """The first line also carries what belongs to the whole sheet: FHIR has no resource for it."""
    return [
        _line(prescription, line, number, uris) for number, line in enumerate(prescription.lines, 1)
    ]


def _said_elsewhere(line: PrescriptionLine) -> str:
    """Moments of the day have codes; free words such as "khi đau" do not."""
    return "daytimes" if all(name in WHEN for name in line.daytimes) else ""


def _line(
    prescription: Prescription, line: PrescriptionLine, number: int, uris: UriTable
) -> Resource:
    authored = prescription.written_at or (prescription.signature and prescription.signature.at)
    return resource(
        "MedicationRequest",
        f"{prescription.id}-l{number}",
        extension=present(
            LINE.write(line, _said_elsewhere(line)),
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
    details = DETAILS.write(prescription, "written_at")
    if prescription.written_at is None and prescription.signature is not None:
        # authoredOn says when it was signed then, and must not be read as the time of writing.
        parts = [*details.get("extension", ()), emptied("written_at")]
        details = {"url": DETAILS.url, "extension": parts}
    return (details, SIGNED.write(prescription))


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
                when=[WHEN[name] for name in line.daytimes if name in WHEN],
            )
        },
        route=concept(coding(uris.route_codes, line.route_code, line.route), text=line.route),
        doseAndRate=[{"doseQuantity": quantity(line.dose, line.unit)}],
    )

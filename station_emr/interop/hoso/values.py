"""Every value of a visit that a layout may ask for, as text, under a name of ours.

Days are ``yyyy-mm-dd``, moments ISO 8601 with the offset of Viet Nam, decimals with a point, yes and no
``1`` and ``0``; nothing known is an empty text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from station_emr.domain.encounter import Encounter, Priority, Procedure
from station_emr.domain.patient import Coverage
from station_emr.domain.prescription import PrescriptionLine
from station_emr.domain.record import Sex, Signature
from station_emr.domain.visit_record import VisitRecord
from station_emr.domain.vitals import VitalSigns

Values = Mapping[str, str]

_VIETNAM: Final = timezone(timedelta(hours=7))
_SEX_CODES: Final = {Sex.MALE: "1", Sex.FEMALE: "2", Sex.UNKNOWN: "3"}


def text_of(value: object) -> str:
    """One value as the file writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return value.astimezone(_VIETNAM).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def visit_values(visit: VisitRecord) -> Values:
    """What the visit says once: names begin with ``patient.``, ``visit.``, ``vitals.`` and so on."""
    return {
        name: text_of(value)
        for part in (
            _patient(visit),
            _station(visit),
            _visit(visit),
            _vitals(visit.encounter.latest_vitals),
            _coverage(_card(visit)),
            _papers(visit),
        )
        for name, value in part.items()
    }


def rows_of(visit: VisitRecord, source: str) -> tuple[Values, ...]:
    """The rows of a group: one for ``visit``, none or more for the others. Raises KeyError for a
    source that no layout may name.
    """
    shared = visit_values(visit)
    return tuple(
        {**shared, **{name: text_of(value) for name, value in row.items()}}
        for row in _SOURCES[source](visit)
    )


def _patient(visit: VisitRecord) -> dict[str, object]:
    person = visit.patient
    guardian, address = person.guardian, person.address
    return {
        "empty": "",
        "patient.national_id": person.national_id or person.old_national_id,
        "patient.chart_number": person.chart_number,
        "patient.full_name": person.full_name,
        "patient.birth": person.birth.to_iso(),
        "patient.sex_code": _SEX_CODES[person.sex],
        "patient.sex": person.sex.label,
        "patient.ethnic_code": person.ethnic_code,
        "patient.ethnic_name": person.ethnic_name,
        "patient.nationality_code": person.nationality_code,
        "patient.occupation_code": person.occupation_code,
        "patient.occupation_name": person.occupation_name,
        "patient.workplace": person.workplace,
        "patient.phone": person.phone,
        "patient.address_line": address.line,
        "patient.commune_code": address.commune_code,
        "patient.commune_name": address.commune_name,
        "patient.province_code": address.province_code,
        "patient.province_name": address.province_name,
        "patient.province_code_3": address.province_code.zfill(3) if address.province_code else "",
        "patient.blood_type": person.blood_type,
        "patient.allergies": "; ".join(one.substance for one in person.allergies),
        "patient.conditions": "; ".join(f"{one.icd_code} {one.title}" for one in person.conditions),
        "patient.guardian_name": guardian.full_name if guardian else "",
        "patient.guardian_relationship": guardian.relationship if guardian else "",
        "patient.guardian_phone": guardian.phone if guardian else "",
        "patient.guardian_id": guardian.national_id if guardian else "",
    }


def _station(visit: VisitRecord) -> dict[str, object]:
    return {
        "station.code": visit.station.code,
        "station.name": visit.station.name,
        "station.national_code": visit.national_code,
    }


def _visit(visit: VisitRecord) -> dict[str, object]:
    encounter, main = visit.encounter, visit.encounter.main_diagnosis
    named = {
        f"visit.{name}": getattr(encounter, name)
        for name in (
            "id",
            "number",
            "arrived_at",
            "started_at",
            "ended_at",
            "admitted_at",
            "admission_reason",
            "care_kind",
            "visit_object",
            "accident",
            "came_from",
            "came_with",
            "reason",
            "history",
            "past_history",
            "examination",
            "preliminary_diagnosis",
            "treatment",
            "advice",
            "result",
            "discharge",
        )
    }
    return named | {
        "visit.version": visit.version,
        "visit.status": visit.status.value,
        "visit.main_code": main.icd_code if main else "",
        "visit.main_title": main.title if main else "",
        "visit.secondary_codes": ";".join(d.icd_code for d in encounter.secondary_diagnoses),
        "visit.secondary_titles": "; ".join(d.title for d in encounter.secondary_diagnoses),
        "visit.progress": "\n".join(
            f"{text_of(note.at)} {note.text}".strip() for note in encounter.progress
        ),
        **_signed("visit", encounter.signature),
    }


def _signed(part: str, signature: Signature | None) -> dict[str, object]:
    return {
        f"{part}.signed_by": signature.by.full_name if signature else "",
        f"{part}.signed_at": signature.at if signature else None,
        f"{part}.signer_licence": signature.by.licence_no if signature else "",
    }


def _vitals(vitals: VitalSigns | None) -> dict[str, object]:
    taken = vitals or VitalSigns()
    pressure = ""
    if taken.systolic is not None and taken.diastolic is not None:
        pressure = f"{taken.systolic}/{taken.diastolic}"
    return {
        "vitals.pressure": pressure,
        "vitals.pulse": taken.pulse,
        "vitals.temperature": taken.temperature,
        "vitals.respiratory_rate": taken.respiratory_rate,
        "vitals.spo2": taken.spo2,
        "vitals.weight": taken.weight,
        "vitals.height": taken.height,
        "vitals.waist": taken.waist,
        "vitals.glucose": taken.glucose,
    }


def _card(visit: VisitRecord) -> Coverage | None:
    """The card that the visit was written under."""
    number = visit.encounter.coverage_number
    snapshot = visit.encounter.patient
    if snapshot is not None and snapshot.coverage is not None:
        return snapshot.coverage
    return next((card for card in visit.patient.coverages if card.number == number), None)


def _coverage(card: Coverage | None) -> dict[str, object]:
    return {
        "coverage.number": card.number if card else "",
        "coverage.valid_from": card.valid_from if card else None,
        "coverage.valid_to": card.valid_to if card else None,
        "coverage.facility": card.initial_facility if card else "",
        "coverage.living_area": card.living_area if card else "",
    }


def _papers(visit: VisitRecord) -> dict[str, object]:
    slip, script = visit.appointment, visit.prescription
    return {
        "appointment.on": slip.on if slip else None,
        "appointment.number": slip.number if slip else "",
        "prescription.code": script.code if script else "",
        "prescription.advice": script.advice if script else "",
        "prescription.written_at": script.written_at if script else None,
        **_signed("prescription", script.signature if script else None),
    }


# Groups with rows ---------------------------------------------------------------------------


def _once(_visit: VisitRecord) -> Iterable[dict[str, object]]:
    return ({},)


def _medicines(visit: VisitRecord) -> Iterable[dict[str, object]]:
    lines = visit.prescription.lines if visit.prescription else ()
    return [_medicine(line) for line in lines]


def _medicine(line: PrescriptionLine) -> dict[str, object]:
    named = {
        f"medicine.{name}": getattr(line, name)
        for name in ("inn", "label", "strength", "form", "unit", "route_code", "route", "dose")
    }
    return named | {
        "medicine.code": line.bhyt_code or line.drug_code,
        "medicine.times_per_day": line.times_per_day,
        "medicine.days": line.days,
        "medicine.quantity": line.computed_quantity,
        "medicine.sentence": line.sentence,
    }


def _orders(visit: VisitRecord) -> Iterable[dict[str, object]]:
    return [_order(one) for one in visit.encounter.procedures]


def _tests(visit: VisitRecord) -> Iterable[dict[str, object]]:
    return [_order(one) for one in visit.encounter.procedures if one.is_test]


def _procedures(visit: VisitRecord) -> Iterable[dict[str, object]]:
    return [_order(one) for one in visit.encounter.procedures if not one.is_test]


def _order(done: Procedure) -> dict[str, object]:
    return {
        f"order.{name}": getattr(done, name)
        for name in (
            "code",
            "name",
            "result",
            "unit",
            "indicator",
            "conclusion",
            "abnormal",
            "ordered_at",
            "started_at",
            "ended_at",
            "performed_by",
            "performer_licence",
            "note",
        )
    }


def _referrals(visit: VisitRecord) -> Iterable[dict[str, object]]:
    letter = visit.referral
    if letter is None:
        return ()
    named = {
        f"referral.{name}": getattr(letter, name)
        for name in (
            "number",
            "record_number",
            "register_number",
            "clinical_signs",
            "test_results",
            "procedures",
            "treatment",
            "plan",
            "transfer_at",
            "transport",
            "escort",
            "one_year",
        )
    }
    return (
        named
        | {
            "referral.to_code": letter.to_facility_code,
            "referral.to_name": letter.to_facility_name,
            "referral.condition": letter.condition_on_transfer,
            "referral.reason": letter.reason.value if letter.reason else "",
            **_signed("referral", letter.signature),
        },
    )


def _emergencies(visit: VisitRecord) -> Iterable[dict[str, object]]:
    return ({},) if is_emergency(visit.encounter) else ()


def is_emergency(encounter: Encounter) -> bool:
    """By the queue, or by MA_DOITUONG_KCB 2 (QĐ 3276)."""
    return encounter.priority is Priority.EMERGENCY or encounter.visit_object == "2"


def _none(_visit: VisitRecord) -> Iterable[dict[str, object]]:
    """A commune station has neither an X-ray room nor an operating room."""
    return ()


_SOURCES: Final[Mapping[str, Callable[[VisitRecord], Iterable[dict[str, object]]]]] = {
    "visit": _once,
    "medicine": _medicines,
    "order": _orders,
    "test": _tests,
    "procedure": _procedures,
    "referral": _referrals,
    "emergency": _emergencies,
    "imaging": _none,
    "operation": _none,
}

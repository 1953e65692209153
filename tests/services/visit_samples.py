"""A visit as the tests of the services need it: a person, a draft, papers ready to be signed."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from station_emr.domain.catalog import CatalogKind, drug_of
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.prescription import line_from_drug
from station_emr.domain.record import RecordKind
from station_emr.domain.referral import ReferralReason
from station_emr.domain.vitals import VitalSigns
from station_emr.services.visits import VisitPapers

VITALS = VitalSigns(pulse=80, systolic=130, diastolic=80, temperature=Decimal("36.8"))


def visit(station, patient, vitals=VITALS):
    """A draft that may be signed."""
    made = station.services.encounters.check_in(station.nurse, patient.id, "Đau ngực")
    encounter_id = made.id_of(RecordKind.ENCOUNTER)
    yes = [f"vitals.{name}:unusual" for name in ("pulse", "temperature", "weight")]
    station.services.encounters.record_vitals(station.nurse, encounter_id, vitals, yes)
    station.services.encounters.start(station.doctor, encounter_id)
    encounter = replace(
        station.services.encounters.get(station.doctor, encounter_id).record,
        diagnoses=(Diagnosis(icd_code="I10", title="Tăng huyết áp", role=DiagnosisRole.MAIN),),
        result="2",
    )
    station.services.encounters.save_draft(station.doctor, encounter)
    return encounter


def sign(station, encounter, **papers):
    return station.services.visits.sign(station.doctor, VisitPapers(encounter=encounter, **papers))


def prescription(station, encounter, *names, **changes):
    lines = tuple(
        replace(
            line_from_drug(
                drug_of(station.services.catalogs.search(CatalogKind.DRUG, name, 1)[0].row)
            ),
            days=3,
            **changes,
        )
        for name in names or ("paracetamol 500",)
    )
    draft = station.services.prescriptions.prepare(station.doctor, encounter.id)
    return replace(draft, lines=lines)


def appointment(station, encounter):
    draft = station.services.appointments.prepare(station.doctor, encounter.id)
    return replace(draft, on=date(2026, 12, 18))


def referral(station, encounter):
    return replace(
        station.services.referrals.prepare(station.doctor, encounter.id),
        to_facility_name="Bệnh viện (mẫu)",
        reason=ReferralReason.LEVEL_APPROPRIATE,
        plan="Theo dõi",
        transport="Xe cứu thương",
        condition_on_transfer="Tỉnh",
        clinical_signs="Đau ngực trái",
    )

"""Records as a station writes them, drawn at random: plausible words, codes and days."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from station_emr.domain.appointment import Appointment
from station_emr.domain.birth import BirthDate
from station_emr.domain.encounter import (
    Diagnosis,
    DiagnosisRole,
    Encounter,
    PatientSnapshot,
    Priority,
    Procedure,
)
from station_emr.domain.patient import (
    Address,
    Allergy,
    AllergyCategory,
    ChronicCondition,
    Coverage,
    Guardian,
    Patient,
)
from station_emr.domain.prescription import Prescription, PrescriptionLine
from station_emr.domain.record import Sex
from station_emr.domain.referral import PriorCare, Referral, ReferralReason
from station_emr.domain.vitals import VitalSigns
from tests.interop.fhir_records import (
    DOCTOR,
    ENCOUNTER_ID,
    PATIENT_ID,
    SIGNATURE,
    STATION,
    USER_ID,
    VN,
    made_id,
)

_LETTERS = "abcđưạẽờ ƠŬĕŏ'HBY’\n"
texts = st.text(_LETTERS, max_size=30).map(str.strip)
names = st.text("Rơ Châm H'BĕŬĐạ", min_size=1, max_size=30).map(lambda t: t.strip() or "Mẫu")
days = st.dates(date(1930, 1, 1), date(2099, 12, 31))
times = st.datetimes(
    datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.sampled_from([UTC, VN])
)
births = st.one_of(
    st.builds(BirthDate, st.integers(1900, 2026)),
    st.builds(BirthDate, st.integers(1900, 2026), st.integers(1, 12)),
    days.map(BirthDate.from_date),
)
diagnoses = st.lists(
    st.builds(
        Diagnosis,
        icd_code=st.sampled_from(["J00", "I10", "E11.9", "A09"]),
        title=names,
        note=texts,
        role=st.sampled_from(DiagnosisRole),
    ),
    max_size=4,
).map(tuple)
coverages = st.builds(
    Coverage,
    number=st.sampled_from(["GD4520000000001", "6400000001"]),
    valid_from=st.none() | days,
    valid_to=st.none() | days,
    initial_facility=st.sampled_from(["", "DEMO1"]),
    living_area=st.sampled_from(["", "K1"]),
)
snapshots = st.builds(
    PatientSnapshot,
    patient_id=st.just(PATIENT_ID),
    full_name=names,
    birth=births,
    sex=st.sampled_from(Sex),
    coverage=st.none() | coverages,
    allergies=st.lists(names, max_size=2).map(tuple),
)
_signed = {
    "station": st.none() | st.just(STATION),
    "patient": st.none() | snapshots,
    "signature": st.none() | st.just(SIGNATURE),
}
patients = st.builds(
    Patient,
    id=st.just(PATIENT_ID),
    full_name=names,
    birth=births,
    sex=st.sampled_from(Sex),
    chart_number=st.sampled_from(["", "DEMO1.A.000001"]),
    national_id=st.sampled_from(["", "064099100001"]),
    phone=st.sampled_from(["", "0900000001"]),
    address=st.builds(Address, line=texts, commune_name=texts, province_code=st.just("52")),
    ethnic_code=st.sampled_from(["", "10"]),
    guardian=st.none() | st.builds(Guardian, full_name=names, relationship=texts),
    coverages=st.lists(coverages, max_size=3).map(tuple),
    allergies=st.lists(
        st.builds(
            Allergy,
            substance=names,
            category=st.sampled_from(AllergyCategory),
            reaction=texts,
            severe=st.booleans(),
            noted_on=st.none() | days,
        ),
        max_size=3,
    ).map(tuple),
    no_known_allergy=st.booleans(),
    conditions=st.lists(
        st.builds(
            ChronicCondition,
            icd_code=st.just("I10"),
            title=names,
            since_year=st.none() | st.integers(1950, 2026),
        ),
        max_size=2,
    ).map(tuple),
    note=texts,
    card_extra=st.lists(texts, max_size=2).map(tuple),
)
_tenths = st.decimals(1, 300, places=1)
vitals = st.builds(
    VitalSigns,
    measured_at=st.none() | times,
    measured_by=st.sampled_from(["", "ĐD. Mẫu", USER_ID]),
    pulse=st.none() | st.integers(20, 300),
    systolic=st.none() | st.integers(20, 300),
    diastolic=st.none() | st.integers(20, 200),
    temperature=st.none() | _tenths,
    spo2=st.none() | st.integers(20, 100),
    weight=st.none() | _tenths,
    glucose=st.none() | _tenths,
)
encounters = st.builds(
    Encounter,
    id=st.just(ENCOUNTER_ID),
    patient_id=st.just(PATIENT_ID),
    arrived_at=times,
    started_at=st.none() | times,
    ended_at=st.none() | times,
    priority=st.sampled_from(Priority),
    reason=texts,
    history=texts,
    vitals=st.lists(vitals, max_size=2).map(tuple),
    diagnoses=diagnoses,
    procedures=st.lists(
        st.builds(
            Procedure,
            code=st.just("T1"),
            name=names,
            is_test=st.booleans(),
            result=texts,
            abnormal=st.booleans(),
            started_at=st.none() | times,
            performed_by=st.sampled_from(["", "ĐD. Mẫu", USER_ID]),
            note=texts,
        ),
        max_size=2,
    ).map(tuple),
    result=st.sampled_from(["", "2"]),
    practitioner=st.none() | st.just(DOCTOR),
    **_signed,
)
prescriptions = st.builds(
    Prescription,
    id=st.just(made_id(5)),
    patient_id=st.just(PATIENT_ID),
    encounter_id=st.just(ENCOUNTER_ID),
    code=st.sampled_from(["", "DEMO1abc1234-C"]),
    lines=st.lists(
        st.builds(
            PrescriptionLine,
            drug_code=st.just("DEMO-AML5"),
            inn=names,
            label=names,
            dose=_tenths,
            times_per_day=st.integers(1, 6),
            daytimes=st.sampled_from([(), ("sáng",), ("sáng", "tối"), ("lúc đau",)]),
            days=st.integers(1, 90),
            meal=texts,
            instruction=texts,
            toxic=st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ).map(tuple),
    diagnoses=diagnoses,
    advice=texts,
    written_at=st.none() | times,
    prescriber=st.none() | st.just(DOCTOR),
    **_signed,
)
referrals = st.builds(
    Referral,
    id=st.just(made_id(6)),
    patient_id=st.just(PATIENT_ID),
    encounter_id=st.just(ENCOUNTER_ID),
    number=st.sampled_from(["", "01/2026/A/PCCKCB"]),
    to_facility_code=st.sampled_from(["", "DEMO9"]),
    to_facility_name=names,
    prior_care=st.lists(st.builds(PriorCare, facility=names, end=st.none() | days), max_size=2).map(
        tuple
    ),
    clinical_signs=texts,
    diagnoses=diagnoses,
    reason=st.none() | st.sampled_from(ReferralReason),
    transfer_at=st.none() | times,
    emergency=st.booleans(),
    letter_code=st.sampled_from(["", "EMR1:abc"]),
    referrer=st.none() | st.just(DOCTOR),
    **_signed,
)
appointments = st.builds(
    Appointment,
    id=st.just(made_id(7)),
    patient_id=st.just(PATIENT_ID),
    encounter_id=st.just(ENCOUNTER_ID),
    on=st.none() | days,
    diagnoses=diagnoses,
    note=texts,
    practitioner=st.none() | st.just(DOCTOR),
    **_signed,
)

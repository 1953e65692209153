from dataclasses import replace
from datetime import date

import pytest

from station_emr.domain.appointment import Appointment, check_appointment
from station_emr.domain.encounter import Diagnosis

TODAY = date(2026, 11, 20)
SLIP = Appointment(
    id="a",
    patient_id="p",
    encounter_id="e",
    on=date(2026, 12, 18),
    diagnoses=(Diagnosis(icd_code="I10", title="Tăng huyết áp"),),
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"on": None}, [("on", "date-required", "error")]),
        ({"on": TODAY}, [("on", "date-past", "error")]),
        ({"on": date(2028, 1, 3)}, [("on", "date-far", "error")]),
        ({"on": date(2026, 12, 20)}, [("on", "date-sunday", "confirm")]),
        ({"diagnoses": ()}, [("diagnoses", "diagnosis-required", "error")]),
    ],
)
def test_the_day_and_the_diagnosis(change, expected):
    problems = check_appointment(replace(SLIP, **change), TODAY)
    assert [(p.field, p.code, p.severity) for p in problems] == expected

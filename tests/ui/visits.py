"""Visits and letters in a real station, for the tests of the screens that show them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.record import RecordKind
from station_emr.domain.referral import ReferralReason


@pytest.fixture
def visit(station):
    """``visit("Tên")`` is the id of a draft visit that could be signed as it stands."""

    def make(name: str = "Người Mẫu Một", code: str = "I20.0", **changes) -> str:
        patient = station.register(full_name=name)
        services = station.services
        made = services.encounters.check_in(station.nurse, patient.id, "Đau ngực trái")
        encounter_id = made.id_of(RecordKind.ENCOUNTER)
        record = services.encounters.get(station.doctor, encounter_id).record
        icd = services.catalogs.icd(code)
        main = Diagnosis(icd_code=code, title=icd.title, role=DiagnosisRole.MAIN)
        whole = {"diagnoses": (main,), "result": "4", **changes}
        services.encounters.save_draft(station.doctor, replace(record, **whole))
        return encounter_id

    return make


@pytest.fixture
def letter(station, visit):
    """``letter("Tên")`` is the id of a letter kept as a draft, ready to be signed."""

    def make(name: str = "Người Mẫu Một", **changes) -> str:
        draft = station.services.referrals.prepare(station.doctor, visit(name))
        filled = {
            "to_facility_name": "Bệnh viện Đa khoa tỉnh (mẫu)",
            "condition_on_transfer": "Tỉnh, còn đau nhẹ",
            "plan": "Can thiệp mạch vành",
            "transport": "Xe cứu thương",
            "reason": ReferralReason.BEYOND_CAPACITY,
            **changes,
        }
        station.services.referrals.save_draft(station.doctor, replace(draft, **filled))
        return draft.id

    return make


@pytest.fixture
def signed_letter(station, letter):
    """``signed_letter("Tên")`` is the id of a letter that was signed with its visit."""

    def make(name: str = "Người Mẫu Một", **changes) -> str:
        letter_id = letter(name, **changes)
        services = station.services
        referral = services.referrals.get(station.doctor, letter_id).record
        encounter = services.encounters.get(station.doctor, referral.encounter_id).record
        services.encounters.sign(station.doctor, encounter)
        services.referrals.sign(station.doctor, referral)
        return letter_id

    return make

"""For pictures: a signed visit and its letter were corrected the next day, each with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from station_emr.domain.record import RecordStatus
from station_emr.services.guards import confirmation_key
from station_emr.station import OpenStation

_LETTERS: Final = 20


def correct_a_letter(station: OpenStation) -> None:
    """The second newest letter that stands: the newest is the one that was answered."""
    services, doctor = station.services, station.actor
    rows = services.referrals.rows(doctor, _LETTERS)
    row = next(one for one in rows if one.status is RecordStatus.SIGNED and one.answer is None)
    visit = services.encounters.get(doctor, row.encounter_id)
    taken = visit.record.vitals
    corrected = replace(
        visit.record,
        vitals=(replace(taken[0], systolic=130, diastolic=80, pulse=78), *taken[1:]),
        advice="Ăn nhạt, uống thuốc đúng giờ, đo huyết áp mỗi sáng và ghi vào sổ.",
    )
    patient = services.patients.get(doctor, row.patient_id).record
    asked = {confirmation_key(one) for one in services.encounters.check(corrected, patient)}
    services.encounters.amend(doctor, corrected, visit.version, "Ghi nhầm số đo huyết áp", {*asked})
    letter = services.referrals.get(doctor, row.id)
    services.referrals.amend(
        doctor,
        replace(
            letter.record,
            condition_on_transfer="Tỉnh, đi lại được, huyết áp 130/80 mmHg",
            plan="Khám chuyên khoa tim mạch, siêu âm tim, chỉnh thuốc huyết áp",
        ),
        letter.version,
        "Bổ sung tình trạng lúc chuyển",
    )

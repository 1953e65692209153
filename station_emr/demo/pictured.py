"""A station made for pictures: the same people at the same minute, whenever the pictures are made.

The province held everything until the line went down at 08:40; what came after waits to be sent,
and the doctor is half-way through a visit with a letter begun.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Final

from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.patient import Allergy, Patient
from station_emr.domain.prescription import Prescription
from station_emr.domain.record import RecordKind
from station_emr.domain.referral import ReferralReason
from station_emr.domain.vitals import VitalSigns
from station_emr.services.clock import VIETNAM
from station_emr.services.enrolment import SERVER_TOKEN, SERVER_URL
from station_emr.services.guards import confirmation_key
from station_emr.services.timekeeping import NEWEST_SEEN, NEWEST_SIGNED, SERVER_TIME, SKEW
from station_emr.station import OpenStation, open_station

from .books import close_months, correct_late
from .cases import CaseDrug
from .clock import DemoClock
from .filled import make_filled_station
from .people import People
from .pictured_answers import answer_a_letter, note_sharing
from .pictured_gateways import use_gateways
from .pictured_people import note_emergency
from .pictured_privacy import note_privacy
from .pictured_signing import wait_for_token
from .pictured_versions import correct_a_letter
from .province import DemoProvince
from .scripted import DIRECTOR, DOCTOR, NURSE, actor_named
from .seed import HOSPITAL, Seeder, SeedPlan
from .station import DEMO_PASSWORD, demo_profile

MOMENT: Final = datetime(2026, 11, 20, 9, 12, 33, tzinfo=VIETNAM)  # a Friday morning
_LINE_DOWN: Final = MOMENT.replace(hour=8, minute=40, second=0)
_BACKUP: Final = (MOMENT - timedelta(days=1)).replace(hour=17, minute=2, second=0)
_SEED: Final = 2026
_NEWCOMERS: Final = 3
_SECOND: Final = "Máy 2"
_SECOND_SERIES: Final = "B1"
_CHRONIC: Final = "I10"
# An address that answers nobody: the picture's station is offline.
_NOWHERE: Final = "http://127.0.0.1:9/fhir"


class StillClock(DemoClock):
    """Stays at one minute, so that every picture says the same."""

    def now(self) -> datetime:
        return self._now


def picture_clock() -> StillClock:
    return StillClock(MOMENT, _SEED)


def make_pictured_station(folder: Path, people: int = 120) -> None:
    """Fill ``folder``, send all to a province, back up, lose the line, work on."""
    plan = SeedPlan(today=MOMENT.date(), people=people, days=180, seed=_SEED)
    make_filled_station(folder, lambda _done, _total: None, plan, MOMENT)
    with DemoProvince(folder.parent / "province", demo_profile("").code) as province:
        address = province.start()
        _at(folder, DIRECTOR, _BACKUP, lambda station: _join(station, address.url, address.token))
        _at(folder, DIRECTOR, _BACKUP, lambda station: _back_up(station, folder.parent))
        _at(folder, DIRECTOR, _LINE_DOWN - timedelta(minutes=9), _send_everything)
        _write_twice(folder)
        _at(folder, DIRECTOR, _LINE_DOWN - timedelta(minutes=2), _send_everything)
    heard = _LINE_DOWN - timedelta(minutes=1)
    _at(folder, DIRECTOR, heard, lambda station: answer_a_letter(station, heard))
    _at(folder, DIRECTOR, heard, lambda station: note_sharing(station, heard))
    _at(folder, DIRECTOR, heard, note_privacy)
    _at(folder, DIRECTOR, heard, lambda station: note_emergency(station, heard))
    _at(folder, DIRECTOR, _LINE_DOWN, lambda station: _join(station, _NOWHERE, address.token))
    _at(folder, DIRECTOR, _LINE_DOWN, wait_for_token)
    _at(folder, DIRECTOR, _LINE_DOWN, use_gateways)
    _at(folder, DOCTOR, _LINE_DOWN - timedelta(seconds=20), _correct)
    _at(folder, DOCTOR, _LINE_DOWN, _lose_the_line)
    _at(folder, DOCTOR, MOMENT - timedelta(minutes=17), _begin_visit)
    _at(folder, DIRECTOR, MOMENT - timedelta(minutes=4), _close_months)
    _at(folder, DOCTOR, MOMENT - timedelta(minutes=3), lambda one: correct_late(one, MOMENT))


def _at(folder: Path, username: str, moment: datetime, work: Callable[[OpenStation], None]) -> None:
    station = open_station(folder, username, DEMO_PASSWORD, DemoClock(moment, moment.minute))
    try:
        work(station)
    finally:
        station.close()


def _close_months(station: OpenStation) -> None:
    close_months(station.services, station.actor, MOMENT)


def _join(station: OpenStation, url: str, token: str) -> None:
    with station.store.write() as work:
        work.settings.put(SERVER_URL, url)
        work.settings.put(SERVER_TOKEN, token)


def _send_everything(station: OpenStation) -> None:
    for _attempt in range(20):
        if station.sync_now().outcome == "complete":
            return


def _back_up(station: OpenStation, folder: Path) -> None:
    station.services.backups.make(station.actor, str(folder / "backups"))
    station.services.backups.drill(station.actor)


def _write_twice(folder: Path) -> None:
    """A colleague's machine wrote about the same people while both were apart."""
    other = folder.parent / "other"
    shutil.copytree(folder, other)
    _at(other, DIRECTOR, _LINE_DOWN - timedelta(minutes=9), _become_second_machine)
    theirs = replace(
        People(_SEED + 2, MOMENT.date()).next(), phone="0900000412", workplace="", note=""
    )
    for place, minutes, substance, phone, person in (
        (other, 8, "Penicillin", "0900000731", theirs),
        (folder, 7, "Sulfamid", "0900000732", replace(theirs, phone="0900000415")),
    ):
        moment = _LINE_DOWN - timedelta(minutes=minutes)  # another minute makes other ids
        _at(place, NURSE, moment, partial(_write_about, substance, phone, person))
        _at(place, DIRECTOR, moment, _send_everything)


def _become_second_machine(station: OpenStation) -> None:
    """The colleague's machine has a name and a number series of its own, as at set-up."""
    accounts = station.services.accounts
    accounts.save_station(
        station.actor, replace(accounts.station(), device_name=_SECOND, series=_SECOND_SERIES)
    )


def _forget_todays_clock(station: OpenStation, skew: str) -> None:
    """The server of the pictures lives on the day they are made, the station on its own day."""
    with station.store.write() as work:
        work.settings.put(SKEW, skew)
        work.settings.put(SERVER_TIME, "")
        work.settings.put(NEWEST_SEEN, "")
        work.settings.put(NEWEST_SIGNED, "")  # the bills of the day were closed later than this


def _write_about(substance: str, phone: str, newcomer: Patient, station: OpenStation) -> None:
    _forget_todays_clock(station, "-118")
    services, nurse = station.services, station.actor
    found = services.patients.search(nurse, "siu", 5)[0]
    stored = services.patients.get(nurse, found.id)
    told = replace(stored.record, phone=phone, allergies=(Allergy(substance=substance),))
    yes = [confirmation_key(problem) for problem in services.patients.check(told)]
    services.patients.update(nurse, told, stored.version, yes)
    yes = [confirmation_key(problem) for problem in services.patients.check(newcomer)]
    services.patients.register(nurse, newcomer, yes)


def _correct(station: OpenStation) -> None:
    _forget_todays_clock(station, "-118")
    correct_a_letter(station)


def _lose_the_line(station: OpenStation) -> None:
    station.sync_now()
    _forget_todays_clock(station, "")
    nurse = actor_named(station, NURSE)
    people = People(_SEED + 1, MOMENT.date())
    for _count in range(_NEWCOMERS):
        person = replace(people.next(), national_id="")
        yes = [confirmation_key(p) for p in station.services.patients.check(person)]
        station.services.patients.register(nurse, person, yes)


def _begin_visit(station: OpenStation) -> None:
    """Somebody with high blood pressure and an allergy is in the room; a letter is begun."""
    services, doctor, nurse = station.services, station.actor, actor_named(station, NURSE)
    patient_id = _chronic_patient(station)
    stored = services.patients.get(nurse, patient_id)
    allergic = replace(
        stored.record, allergies=(Allergy(substance="Sulfamid", group="sulfonamide"),)
    )
    yes = [confirmation_key(problem) for problem in services.patients.check(allergic)]
    services.patients.update(nurse, allergic, stored.version, yes)
    reason = "Tái khám, đau đầu vùng chẩm buổi sáng"
    visit = services.encounters.check_in(nurse, patient_id, reason).id_of(RecordKind.ENCOUNTER)
    taken = VitalSigns(
        pulse=82,
        systolic=165,
        diastolic=96,
        temperature=Decimal("36.8"),
        respiratory_rate=18,
        spo2=97,
        weight=Decimal(58),
        height=Decimal(162),
    )
    asked = ("vitals.systolic:unusual", "vitals.diastolic:unusual")
    services.encounters.record_vitals(nurse, visit, taken, asked)
    services.encounters.start(doctor, visit)
    title = services.encounters.find_icd(_CHRONIC)
    diagnosis = Diagnosis(
        icd_code=_CHRONIC, title=title.title if title else "", role=DiagnosisRole.MAIN
    )
    draft = replace(
        services.encounters.get(doctor, visit).record,
        history="Đau đầu âm ỉ vùng chẩm ba ngày nay, nhiều về sáng, không nôn.",
        examination="Tỉnh, tiếp xúc tốt. Tim đều, phổi trong, không phù, không dấu thần kinh khu trú.",
        diagnoses=(diagnosis,),
        result="2",
        advice="Ăn nhạt, đo huyết áp mỗi sáng.",
    )
    services.encounters.save_draft(doctor, draft)
    seeder = Seeder(station.store, services, DemoClock(MOMENT, _SEED), doctor, nurse)
    drugs = (
        CaseDrug(search="losartan 50", times=1, days=30),
        CaseDrug(search="hydroclorothiazid 25", times=1, days=30),
    )
    prescription = services.prescriptions.prepare(doctor, visit)
    lines = tuple(line for drug in drugs if (line := seeder.line(drug)) is not None)
    written: Prescription = replace(prescription, lines=lines, diagnoses=(diagnosis,))
    services.prescriptions.save_draft(doctor, written)
    letter = services.referrals.prepare(doctor, visit)
    services.referrals.save_draft(
        doctor,
        replace(
            letter,
            to_facility_code=HOSPITAL[0],
            to_facility_name=HOSPITAL[1],
            to_facility_level=HOSPITAL[2],
            condition_on_transfer="Tỉnh, đi lại được",
            reason=ReferralReason.LEVEL_APPROPRIATE,
            plan="Khám chuyên khoa tim mạch, siêu âm tim",
        ),
    )


def _chronic_patient(station: OpenStation) -> str:
    """The first with high blood pressure who has not come today, a person over fifty."""
    with station.store.read() as work:
        here = {row.patient_id for row in work.encounters.queue(MOMENT.date())}
        for row in work.patients.search("siu", 50) + work.patients.search("nguyen", 80):
            patient = work.patients.get(row.id).record
            codes = {condition.icd_code for condition in patient.conditions}
            if row.id not in here and _CHRONIC in codes and patient.birth.year < 1976:
                return row.id
    raise LookupError("nobody with high blood pressure among the made-up people")

"""Nothing that shows or changes a record, and no refusal, passes the log: every use case is tried."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace

import pytest

from station_emr.domain.audit import Purpose, Result, Source
from station_emr.domain.errors import DiskFull, PermissionDenied
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.domain.user import Actor
from station_emr.services import journal
from station_emr.services.looks import LOOKS, UNLOGGED
from station_emr.services.station_services import StationServices
from station_emr.services.timekeeping import SKEW

from .visit_samples import appointment, prescription, referral, sign, visit

OWN = {
    "accounts.change_password",
    "accounts.clock_warning",
    "accounts.log_out",
    "drafts.drop",
    "drafts.find",
    "drafts.keep",
}
"""What a person does with the own account and the own typing asks for no right."""
BY_OTHERS = {"visits.sign"}
"""Made of use cases that write their lines."""
CHECKED_LATER = {
    # What right is needed depends on the record, which must be read first; tests of conflicts and
    # visits show that nothing is written.
    "conflicts.decide",
    "conflicts.undo",
    "signing.batch",
    "visits.sign",
    # These tell nothing instead of refusing.
    "keys.code_reminder",
    "sync.names",
    "trail.alarm",
}


def watched(services: StationServices):
    """Every use case: its name, and the method as the screens call it."""

    def walk(name, service):
        for method in journal.methods_of(service):
            yield f"{name}.{method}", getattr(service, method)
        for part_name, part in vars(service).items():
            ours = type(part).__module__.startswith("station_emr.services")
            if not part_name.startswith("_") and ours and not callable(part):
                yield from walk(f"{name}.{part_name}", part)

    for item in fields(services):
        if item.name != "clock":
            yield from walk(item.name, getattr(services, item.name))


def with_actor(services):
    for name, method in watched(services):
        if "actor" in inspect.signature(method).parameters and not name.endswith("_within"):
            yield name, method


def something(annotation):
    """A value of the kind that is asked for; records are left out."""
    kind = str(annotation)
    for name, value in (
        ("Mapping", {}),
        ("Collection", ()),
        ("Iterable", ()),
        ("Sequence", ()),
        ("tuple", ()),
        ("RecordKind", RecordKind.PATIENT),
        ("str", ""),
        ("int", 0),
        ("bool", False),
    ):
        if kind.startswith(name):
            return value
    return None


def rows(station, limit=500):
    with station.store.read() as work:
        return work.audit.rows(limit)


def since(station, seq):
    return [row for row in reversed(rows(station)) if row.seq > seq]


def last_seq(station) -> int:
    return rows(station, 1)[0].seq


def test_there_are_many_use_cases_and_all_are_watched(station) -> None:
    found = [name for name, _ in watched(station.services)]
    assert len(found) > 120
    unwatched = [
        name for name, method in watched(station.services) if not hasattr(method, "__wrapped__")
    ]
    assert unwatched == []


def test_every_refusal_of_every_use_case_leaves_its_line(station) -> None:
    """Somebody whose account is closed may do nothing at all, so each must refuse before it looks
    at what it was given.
    """
    gone = Actor(user=replace(station.doctor.user, active=False), device="Máy 1")
    silent, unasked = [], []
    for name, method in with_actor(station.services):
        if name in OWN:
            continue
        before = last_seq(station)
        parameters = list(inspect.signature(method).parameters.values())[1:]
        given = [
            something(one.annotation)
            for one in parameters
            if one.default is inspect.Parameter.empty
            and one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD}
        ]
        named = {
            one.name: something(one.annotation)
            for one in parameters
            if one.default is inspect.Parameter.empty and one.kind is one.KEYWORD_ONLY
        }
        try:
            method(gone, *given, **named)
        except PermissionDenied:
            new = since(station, before)
            if [row.action for row in new] != [journal.ACTION] or (
                new[0].result,
                new[0].user_id,
            ) != ("refused", gone.user.id):
                silent.append(name)
        except Exception as error:  # noqa: BLE001  # any other way out is the fault that is looked for
            unasked.append(f"{name}: {type(error).__name__}")
        else:
            unasked.append(f"{name}: done")
    assert silent == []
    assert [one for one in unasked if one.partition(":")[0] not in CHECKED_LATER] == [], unasked


def test_a_refusal_inside_a_command_undoes_the_command_and_keeps_its_line(station) -> None:
    encounter = visit(station, station.register())
    paper = prescription(station, encounter)
    before = last_seq(station)

    with pytest.raises(PermissionDenied):
        sign(replace_doctor(station, Role.NURSE), encounter, prescription=paper)

    (line,) = [row for row in since(station, before) if row.action == journal.ACTION]
    assert (line.role, line.result, line.source) == ("nurse", Result.REFUSED, Source.WINDOW)
    assert line.patient_id == encounter.patient_id
    with station.store.read() as work:
        assert work.encounters.get(encounter.id).version == 0


class replace_doctor:  # noqa: N801  # reads as what it does
    """The same station with somebody else where the samples take the doctor."""

    def __init__(self, station, role) -> None:
        self._station = station
        self.doctor = station.actor(role)

    def __getattr__(self, name):
        return getattr(self._station, name)


def test_somebody_who_left_is_noted_at_the_door(station) -> None:
    director = station.director
    station.services.accounts.update_user(director, replace(station.nurse.user, active=False))
    before = last_seq(station)

    with pytest.raises(PermissionDenied):
        station.services.accounts.log_in("ddmai", "Máy 1")

    (line,) = since(station, before)
    assert (line.action, line.account, line.source) == (
        journal.ACTION,
        "ddmai",
        Source.BEFORE_OPENING,
    )


def test_a_line_says_by_which_door_what_for_and_by_which_clock(station) -> None:
    person = station.register()
    with station.store.write() as work:
        work.settings.put(SKEW, "-118")
    doctor = replace(station.doctor, source=Source.COMMAND)
    station.services.patients.card(doctor, person.id)
    station.services.patients.card(station.actor(Role.INSPECTOR), person.id)
    urgent = replace(station.actor(Role.PHARMACIST), purpose=Purpose.EMERGENCY)
    station.services.patients.card(urgent, person.id)

    third, second, first = rows(station, 3)
    assert (first.source, first.account, first.purpose, first.result, first.skew) == (
        "cli",
        doctor.user.username,
        "care",
        "ok",
        -118,
    )
    assert (first.device, first.role, first.patient_id) == ("Máy 1", "doctor", person.id)
    assert (second.purpose, third.purpose) == ("inspection", "emergency")
    with station.store.read() as work:
        assert work.audit.verify() is None


def test_what_shows_or_changes_is_in_the_log_or_says_why_not(station) -> None:
    """Every use case of a person writes a line in its own module, is in the table of looks, or is
    named with the reason why it is not.
    """
    unknown = []
    for name, method in with_actor(station.services):
        if name in LOOKS or name in UNLOGGED or name in BY_OTHERS:
            continue
        source = inspect.getsource(inspect.getmodule(inspect.unwrap(method)))
        if "audit.append" not in source and ".note(" not in source:
            unknown.append(name)
    assert unknown == []
    every = {name for name, _ in watched(station.services)}
    assert sorted({*LOOKS, *UNLOGGED} - every) == []


def looking(station):
    """Use cases that show something, each as a call, with the action that must be in the log."""
    services, doctor, director = station.services, station.doctor, station.director
    person = station.register()
    encounter = visit(station, person)
    paper = prescription(station, encounter)
    slip = appointment(station, encounter)
    letter = referral(station, encounter)
    sign(station, encounter, prescription=paper, appointment=slip, referral=letter)
    return [
        (lambda: services.patients.search(doctor, person.full_name, 5), "patient.search", ""),
        (lambda: services.patients.get(doctor, person.id), "patient.view", person.id),
        (lambda: services.patients.card(doctor, person.id), "patient.view", person.id),
        (lambda: services.patients.standing(doctor, person.id), "patient.view", person.id),
        (lambda: services.patients.by_number(doctor, "0123"), "patient.search", ""),
        (lambda: services.patients.duplicates(doctor, person), "patient.search", ""),
        (lambda: services.encounters.queue(doctor), "encounter.list", ""),
        (lambda: services.encounters.get(doctor, encounter.id), "encounter.view", person.id),
        (
            lambda: services.prescriptions.of_encounter(doctor, encounter.id),
            "prescription.view",
            person.id,
        ),
        (lambda: services.prescriptions.get(doctor, paper.id), "prescription.view", person.id),
        (
            lambda: services.prescriptions.current_lines(doctor, person.id),
            "patient.view",
            person.id,
        ),
        (
            lambda: services.appointments.of_encounter(doctor, encounter.id),
            "appointment.view",
            person.id,
        ),
        (lambda: services.referrals.of_encounter(doctor, encounter.id), "referral.view", person.id),
        (lambda: services.referrals.row(doctor, letter.id), "referral.view", person.id),
        (lambda: services.referrals.rows(doctor), "referral.list", ""),
        (
            lambda: services.prints.preview(doctor, RecordKind.REFERRAL, letter.id),
            "referral.view",
            person.id,
        ),
        (lambda: services.prints.preview_draft(doctor, paper), "encounter.view", person.id),
        (lambda: services.prints.log(director), "audit.view", ""),
        (lambda: services.accounts.audit(director), "audit.view", ""),
        (lambda: services.trail.rows(director), "audit.view", ""),
        (lambda: services.sync.waiting(doctor), "patient.list", ""),
        (lambda: services.conflicts.rows(doctor), "patient.list", ""),
        (lambda: services.conflicts.of_patient(doctor, person.id), "patient.view", person.id),
        (lambda: services.duplicates.proposals(doctor), "patient.list", ""),
        (lambda: services.elsewhere.sharing.kept(doctor), "patient.list", ""),
    ]


def test_every_look_is_in_the_log(station) -> None:
    missing = []
    for call, action, patient in looking(station):
        station.clock.forward(hours=2)
        before = last_seq(station)
        call()
        found = [row for row in since(station, before) if row.action == action]
        if not found or (patient and found[0].patient_id != patient):
            missing.append((action, [row.action for row in since(station, before)]))
    assert missing == []


def test_a_look_is_one_line_for_all_use_cases_that_show_the_record(station) -> None:
    person = station.register()
    before = last_seq(station)
    station.services.patients.card(station.doctor, person.id)
    station.services.patients.get(station.doctor, person.id)
    station.services.prescriptions.current_lines(station.doctor, person.id)
    assert [row.action for row in since(station, before)] == ["patient.view"]


def test_looks_that_a_full_disk_refused_are_written_when_there_is_room(
    station, monkeypatch
) -> None:
    first, second = station.register(), station.register(national_id="")
    before = last_seq(station)

    def full():
        raise DiskFull("Ổ đĩa đã đầy.")

    with monkeypatch.context() as broken:
        broken.setattr(station.store, "write", full)
        station.services.patients.card(station.doctor, first.id)
    station.clock.forward(minutes=1)
    station.services.patients.card(station.doctor, second.id)

    late, now = since(station, before)
    assert (late.patient_id, now.patient_id) == (first.id, second.id)
    assert "seen_at" in late.detail
    assert now.detail == ""


def test_every_line_of_a_day_is_complete(station) -> None:
    for call, _action, _patient in looking(station):
        call()
    for row in rows(station):
        assert row.source, row
        assert row.purpose, row
        assert row.result, row
        if row.user_id:
            assert row.account, row
            assert row.device, row
            assert row.role, row

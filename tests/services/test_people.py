"""Rights of a station, rights for a time, the emergency door and the yearly review."""

from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.domain.access import Grant, GrantKind, RoleChange, Verdict
from station_emr.domain.errors import InvalidRecord, PermissionDenied, StateError
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import RecordKind
from station_emr.services.rights import rights_of

from .visit_samples import sign, visit

REASON = "Người bệnh bất tỉnh, cần biết tiền sử dị ứng"


def actions(station):
    return [row.action for row in station.services.accounts.audit(station.director)]


def take(station, role, action):
    return station.services.people.roles.change(station.director, [(role, action, False)])


def test_a_changed_right_holds_at_once_in_every_service(station) -> None:
    person = station.register()
    nurse = station.nurse
    take(station, Role.NURSE, Action.PATIENT_VIEW)
    with pytest.raises(PermissionDenied, match="không được xem hồ sơ người bệnh"):
        station.services.patients.card(nurse, person.id)
    with pytest.raises(PermissionDenied):
        station.services.patients.search(nurse, person.full_name)

    station.services.people.roles.change(
        station.director,
        [(Role.NURSE, Action.PATIENT_VIEW, True), (Role.NURSE, Action.DISPENSE, True)],
    )

    station.services.patients.card(nurse, person.id)
    assert Action.DISPENSE in station.services.people.roles.table(nurse)[Role.NURSE]
    newest = station.services.accounts.audit(station.director)[0]
    assert newest.action == "user.change_rights"
    assert "before_right: không" in newest.detail
    assert "after_right: được" in newest.detail


def test_a_change_outlives_the_program(station) -> None:
    take(station, Role.NURSE, Action.PATIENT_VIEW)
    station.reopen()
    with pytest.raises(PermissionDenied):
        station.services.patients.search(station.nurse, "Mẫu")


@pytest.mark.parametrize(
    ("role", "action"),
    [
        (Role.ADMINISTRATOR, Action.PATIENT_VIEW),
        (Role.NURSE, Action.PRESCRIPTION_SIGN),
        (Role.INSPECTOR, Action.PATIENT_EDIT),
    ],
)
def test_the_walls_stand(station, role, action) -> None:
    roles = station.services.people.roles
    with pytest.raises(InvalidRecord, match="không bao giờ"):
        roles.change(station.director, [(role, action, True)])
    with station.store.write() as work:  # written past the service
        change = RoleChange(
            role=role, action=action, granted=True, by_id="", by_name="", at=station.clock.now()
        )
        work.access.add_role_change(change)
    assert action not in roles.table(station.actor(role))[role]


def test_the_director_keeps_what_gives_rights_back(station) -> None:
    with pytest.raises(InvalidRecord, match="luôn giữ quyền"):
        take(station, Role.DIRECTOR, Action.USER_MANAGE)


def test_only_those_in_charge_change_rights(station) -> None:
    for role in (Role.DOCTOR, Role.NURSE, Role.INSPECTOR):
        with pytest.raises(PermissionDenied):
            station.services.people.roles.cells(station.actor(role))
        with pytest.raises(PermissionDenied):
            station.services.people.roles.change(
                station.actor(role), [(role, Action.USER_MANAGE, True)]
            )


def test_the_table_shows_default_and_walls(station) -> None:
    take(station, Role.NURSE, Action.PRINT)
    cells = {(c.role, c.action): c for c in station.services.people.roles.cells(station.director)}
    changed = cells[Role.NURSE, Action.PRINT]
    assert (changed.granted, changed.default, changed.fixed) == (False, True, "")
    assert cells[Role.ADMINISTRATOR, Action.PATIENT_VIEW].fixed
    (change,) = station.services.people.roles.changes(station.director)
    assert change.by_name == station.director.user.snapshot.printed_name


# -- rights for a time -----------------------------------------------------------------------------


def give(station, username, *given, days=7, **changes):
    now = station.clock.now()
    when = {"since": now, "until": now + timedelta(days=days), **changes}
    return station.services.people.access.give(
        station.director, username, given, reason="Thay người nghỉ phép", **when
    )


def test_a_right_for_a_time_begins_and_ends(station) -> None:
    nurse = station.nurse
    now = station.clock.now()
    give(
        station,
        "ddmai",
        Action.DISPENSE,
        since=now + timedelta(days=1),
        until=now + timedelta(days=3),
    )
    table = station.services.people.roles.table

    assert Action.DISPENSE not in table(nurse)[Role.NURSE]
    station.clock.forward(days=2)
    assert Action.DISPENSE in table(nurse)[Role.NURSE]
    station.clock.forward(days=2)
    assert Action.DISPENSE not in table(nurse)[Role.NURSE]


def test_it_is_taken_back_before_its_end(station) -> None:
    grant = give(station, "ddmai", Action.AUDIT_VIEW)
    station.services.accounts.audit(station.nurse)
    station.services.people.access.end(station.director, grant.id)
    with pytest.raises(PermissionDenied):
        station.services.accounts.audit(station.nurse)
    assert "user.end_right" in actions(station)


def test_a_right_for_a_time_crosses_no_wall_and_needs_an_end(station) -> None:
    with pytest.raises(InvalidRecord, match="không bao giờ"):
        give(station, "admin", Action.PATIENT_VIEW)
    with pytest.raises(InvalidRecord, match="dài nhất là một năm"):
        give(station, "ddmai", Action.DISPENSE, days=400)
    with pytest.raises(StateError, match="chính mình"):
        give(station, "giamdoc", Action.DISPENSE)


def test_a_grant_written_past_the_service_crosses_no_wall(station) -> None:
    admin, person = station.actor(Role.ADMINISTRATOR), station.register()
    now = station.clock.now()
    for number, kind in enumerate(GrantKind):
        grant = Grant(
            id=f"lau-{number}",
            kind=kind,
            user_id=admin.user.id,
            user_name="",
            since=now,
            until=now + timedelta(hours=4),
            reason="",
            actions=frozenset(Action),
            patient_id=person.id,
        )
        with station.store.write() as work:
            work.access.add_grant(grant)
    with pytest.raises(PermissionDenied):
        station.services.patients.card(admin, person.id)


# -- emergency -------------------------------------------------------------------------------------


@pytest.fixture
def shut(station):
    """A pharmacist whom this station lets read no record."""
    people = station.register(), station.register(national_id="", full_name="Rơ Châm Mẫu")
    for action in (Action.PATIENT_VIEW, Action.ENCOUNTER_VIEW):
        take(station, Role.PHARMACIST, action)
    return station.actor(Role.PHARMACIST), *people


def test_one_record_opens_for_four_hours(station, shut) -> None:
    pharmacist, person, other = shut
    emergency = station.services.people.emergency
    with pytest.raises(PermissionDenied):
        emergency.record(pharmacist, person.id)
    found = emergency.find(pharmacist, person.full_name)
    assert person.id in [one.id for one in found]

    emergency.open(pharmacist, person.id, REASON)

    assert emergency.record(pharmacist, person.id).patient.id == person.id
    assert station.services.patients.card(pharmacist, person.id).patient.id == person.id
    with pytest.raises(PermissionDenied):
        emergency.record(pharmacist, other.id)
    with pytest.raises(PermissionDenied):
        station.services.patients.search(pharmacist, person.full_name)
    station.clock.forward(hours=4, minutes=1)
    with pytest.raises(PermissionDenied):
        emergency.record(pharmacist, person.id)
    rows = station.services.accounts.audit(station.director)
    views = [row for row in rows if row.purpose == "emergency"]
    assert {"emergency.search", "emergency.open", "patient.view"} <= {row.action for row in views}


def test_a_clock_set_back_prolongs_nothing(station, shut) -> None:
    pharmacist, person, _other = shut
    people = station.services.people
    people.emergency.open(pharmacist, person.id, REASON)
    station.clock.forward(hours=4, minutes=1)
    people.access.warning(pharmacist)  # the window asks for it all day long
    station.clock.forward(hours=-3)
    assert people.emergency.mine(pharmacist) == ()
    with pytest.raises(PermissionDenied):
        people.emergency.record(pharmacist, person.id)


def test_a_visit_of_the_person_can_be_read_and_of_nobody_else(station, shut) -> None:
    pharmacist, person, other = shut
    mine, theirs = visit(station, person), visit(station, other)
    station.services.people.emergency.open(pharmacist, person.id, REASON)
    assert station.services.encounters.get(pharmacist, mine.id).record.id == mine.id
    with pytest.raises(PermissionDenied):
        station.services.encounters.get(pharmacist, theirs.id)


def test_it_gives_no_signing_no_print_and_no_change(station, shut) -> None:
    pharmacist, person, _other = shut
    encounter = visit(station, person)
    take(station, Role.PHARMACIST, Action.PRINT)
    station.services.people.emergency.open(pharmacist, person.id, REASON)
    services = station.services
    for call in (
        lambda: services.encounters.sign(pharmacist, encounter),
        lambda: services.encounters.save_draft(pharmacist, encounter),
        lambda: services.patients.update(pharmacist, person, 1),
        lambda: services.prints.preview(pharmacist, RecordKind.ENCOUNTER, encounter.id),
        lambda: services.encounters.queue(pharmacist),
    ):
        with pytest.raises(PermissionDenied):
            call()


def test_restricted_visits_of_the_person_open_with_it(station) -> None:
    person, other, nurse = station.register(), station.register(national_id=""), station.nurse

    def reads(patient_id) -> bool:
        with station.store.read() as work:
            table = rights_of(work, nurse, station.clock.now(), patient_id).table
        return Action.SENSITIVE_VIEW in table[Role.NURSE]

    assert not reads(person.id)
    station.services.people.emergency.open(nurse, person.id, REASON)
    assert (reads(person.id), reads(other.id), reads("")) == (True, False, False)


def test_a_reason_is_asked_and_an_administrator_stays_outside(station, shut) -> None:
    pharmacist, person, _other = shut
    emergency = station.services.people.emergency
    with pytest.raises(InvalidRecord, match="lý do khẩn cấp"):
        emergency.open(pharmacist, person.id, "gấp")
    with pytest.raises(PermissionDenied, match="kể cả khi khẩn cấp"):
        emergency.open(station.actor(Role.ADMINISTRATOR), person.id, REASON)
    with pytest.raises(PermissionDenied):
        emergency.find(station.actor(Role.ADMINISTRATOR), person.full_name)
    with pytest.raises(StateError, match="không cần mở khẩn cấp"):
        emergency.open(station.doctor, person.id, REASON)


def test_the_alarm_waits_for_a_review_by_somebody_else(station, shut) -> None:
    pharmacist, person, _other = shut
    emergency, director = station.services.people.emergency, station.director
    assert emergency.alarm(director) == ""
    grant = emergency.open(pharmacist, person.id, REASON)

    assert "chờ duyệt" in emergency.alarm(director)
    assert emergency.alarm(pharmacist) == ""
    station.clock.forward(days=3, hours=1)
    assert "đã quá hạn 3 ngày" in emergency.alarm(director)
    (row,) = emergency.rows(director)
    assert row.is_overdue(station.clock.now())
    with pytest.raises(PermissionDenied):
        emergency.review(pharmacist, grant.id, Verdict.JUSTIFIED, "Đúng là cấp cứu")
    with pytest.raises(InvalidRecord):
        emergency.review(director, grant.id, Verdict.JUSTIFIED, "")

    emergency.review(director, grant.id, Verdict.JUSTIFIED, "Đúng là cấp cứu")

    assert emergency.alarm(director) == ""
    with pytest.raises(StateError, match="đã được"):
        emergency.review(director, grant.id, Verdict.UNJUSTIFIED, "Nghĩ lại thì không")
    assert "emergency.review" in actions(station)


def test_an_administrator_sees_that_it_happened_and_not_whose_it_was(station, shut) -> None:
    pharmacist, person, _other = shut
    emergency = station.services.people.emergency
    emergency.open(pharmacist, person.id, REASON)
    (row,) = emergency.rows(station.actor(Role.ADMINISTRATOR))
    assert person.full_name not in row.grant.patient_name
    (row,) = emergency.rows(station.director)
    assert row.grant.patient_name == person.full_name


def test_nobody_judges_the_own_access(station) -> None:
    person = station.register()
    take(station, Role.PHARMACIST, Action.PATIENT_VIEW)
    pharmacist = station.actor(Role.PHARMACIST)
    grant = station.services.people.emergency.open(pharmacist, person.id, REASON)
    give(station, "duoc", Action.USER_MANAGE)
    with pytest.raises(PermissionDenied, match="chính mình"):
        station.services.people.emergency.review(
            pharmacist, grant.id, Verdict.JUSTIFIED, "Tôi thấy đúng"
        )


def test_it_is_closed_before_its_time(station, shut) -> None:
    pharmacist, person, _other = shut
    emergency = station.services.people.emergency
    grant = emergency.open(pharmacist, person.id, REASON)
    assert [one.id for one in emergency.mine(pharmacist)] == [grant.id]
    emergency.close(pharmacist, grant.id)
    assert emergency.mine(pharmacist) == ()
    with pytest.raises(PermissionDenied):
        emergency.record(pharmacist, person.id)


# -- leaving and reviewing -------------------------------------------------------------------------


def test_a_leaver_loses_slot_account_and_rights(station) -> None:
    nurse = station.nurse
    give(station, "ddmai", Action.AUDIT_VIEW)
    station.services.people.access.leave(station.director, "ddmai")
    assert station.keys.removed == ["ddmai"]
    row = next(
        r
        for r in station.services.people.access.rows(station.director)
        if r.user.username == "ddmai"
    )
    assert (row.user.active, row.grants) == (False, ())
    with pytest.raises(PermissionDenied):
        station.services.accounts.audit(replace(nurse, user=row.user))


def test_rights_are_looked_at_every_year(station) -> None:
    access, director = station.services.people.access, station.director
    assert all(row.due for row in access.rights_rows(director))
    for row in access.rights_rows(director):
        access.review_rights(director, row.user.username, keeps=True, note="")
    assert not any(row.due for row in access.rights_rows(director))
    nurse = station.nurse.user
    station.services.accounts.update_user(director, replace(nurse, role=Role.MIDWIFE))
    due = [row.user.username for row in access.rights_rows(director) if row.due]
    assert due == ["ddmai"]  # another role is looked at again
    station.clock.forward(days=365)
    assert all(row.due for row in access.rights_rows(director))


def test_a_signature_needs_the_right_of_this_station(station) -> None:
    encounter = visit(station, station.register())
    take(station, Role.DOCTOR, Action.ENCOUNTER_SIGN)
    with pytest.raises(PermissionDenied):
        sign(station, encounter)

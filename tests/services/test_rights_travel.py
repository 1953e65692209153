"""What is decided about rights on one PC holds on the other, as far as its author may say so there."""

from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.domain.access import Closed
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sensitive import RESTRICTED, SensitiveRange
from station_emr.domain.station_rights import RightCell, Standing, standing_id
from station_emr.services.restricted import ranges_of
from station_emr.services.rights_records import id_here
from tests.services.replicas import sealed
from tests.services.rights_pcs import RIGHTS, STANDING, granting, take_away, two_pcs
from tests.services.test_door import RealDoor
from tests.services.visit_samples import sign, visit

WIDER = SensitiveRange("A50", "A64", "Hoa liễu")


@pytest.fixture
def pcs(station, template, lists, tmp_path):
    with two_pcs(station, template, lists, tmp_path) as both:
        yield both


def test_a_right_taken_on_one_pc_is_gone_on_the_other_at_its_next_command(pcs) -> None:
    one, two = pcs
    nurse = two.station.nurse  # has logged in on the other PC, and stays so
    two.station.services.patients.search(nurse, "Mẫu")
    take_away(one, Role.NURSE, Action.PATIENT_VIEW)

    two.hears(one)

    with pytest.raises(PermissionDenied, match="không được xem hồ sơ"):
        two.station.services.patients.search(nurse, "Mẫu")
    (row,) = two.log("rights.arrived")
    assert one.station.director.user.full_name in row.detail
    assert "Máy 1" in row.detail
    one.roles.change(one.station.director, [(Role.NURSE, Action.PATIENT_VIEW, True)])
    two.hears(one)
    two.station.services.patients.search(nurse, "Mẫu")


def test_who_was_closed_on_one_pc_does_not_come_in_on_the_other_nor_goes_on_there(pcs) -> None:
    one, two = pcs
    nurse = two.station.nurse
    door = RealDoor(two.station)
    door(nurse.user.username)
    one.access.suspend(one.station.director, nurse.user.username)

    two.hears(one, nurse.user)

    with pytest.raises(PermissionDenied, match="tạm ngừng"):
        door(nurse.user.username)
    with pytest.raises(PermissionDenied, match="tạm ngừng"):
        two.station.services.patients.search(nurse, "Mẫu")
    one.access.reopen(one.station.director, nurse.user.username)
    two.hears(one, nurse.user)
    door(nurse.user.username)


def test_who_left_is_closed_everywhere_and_a_limit_and_a_right_for_a_time_travel(pcs) -> None:
    one, two = pcs
    director, nurse, doctor = (one.user(r) for r in (Role.DIRECTOR, Role.NURSE, Role.DOCTOR))
    actor, now = one.station.director, one.station.clock.now()
    one.access.leave(actor, nurse.username)
    until = (now + timedelta(days=3)).date()
    one.access.limit(actor, doctor.username, None, until)
    given = one.access.give(
        actor,
        doctor.username,
        [Action.AUDIT_VIEW],
        since=now,
        until=now + timedelta(days=2),
        reason="Trực thay giám đốc đi họp",
    )

    two.hears(one, nurse, doctor)

    assert two.state(nurse).closed is Closed.BY_HAND
    assert two.state(doctor).valid_until == until
    assert two.machine.history(STANDING, standing_id(doctor.id))[0].days_at
    assert two.may(Role.DOCTOR, Action.AUDIT_VIEW)
    one.access.end(actor, given.id)
    two.hears(one, doctor)
    assert not two.may(Role.DOCTOR, Action.AUDIT_VIEW)
    assert director.id not in str(two.machine.history(STANDING, standing_id(doctor.id)))


def test_no_secret_of_an_account_is_in_what_travels(pcs) -> None:
    one, _ = pcs
    nurse = one.user(Role.NURSE)
    with one.station.store.write() as work:
        state = work.access.state(nurse.id)
        secrets = {"totp_secret": "53454352", "pending_secret": "50454e44", "recovery": ("RECOV",)}
        work.access.put_state(
            replace(state, used_passwords=("HASHED",), wrong_codes=4, totp_step=987654, **secrets)
        )
    one.access.suspend(one.station.director, nurse.username)
    (operation,) = one.machine.operations(STANDING, standing_id(nurse.id))
    for secret in ("53454352", "50454e44", "RECOV", "HASHED", "987654", "wrong_codes", "totp"):
        assert secret.encode() not in operation.line


def test_restricted_codes_travel_and_who_lacks_the_right_there_cannot_take_them_away(pcs) -> None:
    one, two = pcs
    one.codes.replace_all(one.station.director, "B20-B24; HIV\nA50-A64; Hoa liễu")
    two.hears(one)
    with two.station.store.read() as work:
        assert [each.first for each in ranges_of(work)] == ["B20", "A50"]

    admin = one.user(Role.ADMINISTRATOR)  # runs the accounts, and reads no record
    forged = one.forge(RIGHTS, admin, lambda record: replace(record, ranges=record.ranges[:1]))
    two.machine.take(forged)
    with two.station.store.read() as work:
        assert [each.first for each in ranges_of(work)] == ["B20", "A50"]
    assert two.held(RIGHTS)["ranges"].by_name == admin.full_name


def test_a_range_set_on_one_pc_hides_the_visit_on_the_other(pcs) -> None:
    one, two = pcs
    person = one.station.register()
    encounter = visit(one.station, person)
    sign(one.station, encounter)
    for kind, record_id in ((RecordKind.PATIENT, person.id), (RecordKind.ENCOUNTER, encounter.id)):
        two.machine.take(*one.machine.operations(kind, record_id))
    inspector = two.station.actor(Role.INSPECTOR)

    def seen():
        return repr(two.station.services.patients.card(inspector, person.id).visits)

    assert RESTRICTED not in seen()
    rows = one.codes.add(one.station.director, "I10", "", "Mẫu")
    two.hears(one)
    assert RESTRICTED in seen()
    one.codes.remove(one.station.director, rows[-1].range)
    two.hears(one)
    assert RESTRICTED not in seen()


@pytest.mark.parametrize("role", [Role.NURSE, Role.DOCTOR, Role.INSPECTOR])
def test_a_forged_line_of_somebody_without_the_right_changes_nothing(pcs, role) -> None:
    one, two = pcs
    take_away(one, Role.NURSE, Action.PATIENT_EDIT)
    two.hears(one)
    wanted = (Role.NURSE, Action.USER_MANAGE), (Role.DOCTOR, Action.AUDIT_VIEW)
    two.machine.take(one.forge(RIGHTS, one.user(role), granting(*wanted)))
    assert not any(two.may(*each) for each in wanted)
    (row,) = two.log("rights.held")
    assert one.user(role).full_name in row.detail
    # A later decision of the director builds on the forged version, and vouches for none of it.
    last = two.machine.operations(RIGHTS, two.ids()[0][1])[-1]
    cell = RightCell(role="pharmacist", action="print", granted=False)
    by_director = {"author_id": one.user(Role.DIRECTOR).id, "base": (last.op_id,), "number": 901}
    record = replace(last.record, cells=(*last.record.cells, cell))
    two.machine.take(sealed(replace(last.envelope, **by_director), record))
    assert not two.may(Role.PHARMACIST, Action.PRINT)
    assert not any(two.may(*each) for each in wanted)


def test_nobody_gets_more_by_an_own_line_not_even_who_runs_the_accounts(pcs) -> None:
    one, two = pcs
    taken = Action.RECORD_EXPORT
    take_away(one, Role.DIRECTOR, taken)
    take_away(one, Role.NURSE, Action.PATIENT_EDIT)
    two.hears(one)
    assert not two.may(Role.DIRECTOR, taken)
    one.roles.change(
        one.station.director, [(Role.DIRECTOR, taken, True), (Role.NURSE, taken, True)]
    )
    two.hears(one)
    assert not two.may(Role.DIRECTOR, taken)
    assert two.may(Role.NURSE, taken)
    (held,) = two.held(RIGHTS).values()
    assert (held.why, held.device) == ("người ghi tự thêm quyền cho chính mình", "Máy 1")
    two.roles.change(two.station.director, [(Role.DIRECTOR, taken, True)])  # in person, it is open
    assert two.may(Role.DIRECTOR, taken)
    assert not two.held(RIGHTS)


def test_the_walls_stand_whoever_says_otherwise(pcs) -> None:
    one, two = pcs
    take_away(one, Role.NURSE, Action.PATIENT_EDIT)
    two.hears(one)
    director = one.user(Role.DIRECTOR)
    wall = granting(
        (Role.NURSE, Action.PRESCRIPTION_SIGN), (Role.ADMINISTRATOR, Action.PATIENT_VIEW)
    )
    two.machine.take(one.forge(RIGHTS, director, wall))
    assert not two.may(Role.NURSE, Action.PRESCRIPTION_SIGN)
    assert not two.may(Role.ADMINISTRATOR, Action.PATIENT_VIEW)
    cell = RightCell(role="director", action="user_manage", granted=False)
    locked = one.forge(RIGHTS, director, lambda record: replace(record, cells=(cell,)))
    two.machine.take(locked)
    assert two.may(Role.DIRECTOR, Action.USER_MANAGE)


def test_a_line_that_claims_to_be_the_merge_rule_is_held_against_the_rule(pcs) -> None:
    one, two = pcs
    take_away(one, Role.NURSE, Action.PATIENT_EDIT)
    take_away(two, Role.PHARMACIST, Action.PRINT)
    two.hears(one)
    true = two.machine.operations(RIGHTS, two.ids()[0][1])[-1]
    assert true.envelope.by_rule
    record = granting((Role.NURSE, Action.USER_MANAGE))(true.record)
    tries = (sealed(replace(true.envelope, reason=str(n)), record) for n in range(1000))
    forged = next(made for made in tries if made.op_id < true.op_id)  # the one that is shown

    two.machine.take(forged)

    with two.station.store.read() as work:
        assert work.rights.get(two.ids()[0][1]).record == record
    assert not two.may(Role.NURSE, Action.USER_MANAGE)
    assert [each.why for each in two.held(RIGHTS).values()] == ["bản gộp không đúng quy tắc"]


def test_who_is_closed_on_a_pc_decides_nothing_there(pcs) -> None:
    one, two = pcs
    admin = one.user(Role.ADMINISTRATOR)
    take_away(one, Role.NURSE, Action.PATIENT_EDIT)
    two.hears(one)
    two.access.suspend(two.station.director, admin.username)
    one.roles.change(one.station.actor(Role.ADMINISTRATOR), [(Role.NURSE, Action.BACKUP, True)])
    two.hears(one)
    assert one.may(Role.NURSE, Action.BACKUP)
    assert not two.may(Role.NURSE, Action.BACKUP)


def test_the_last_director_of_a_pc_is_never_closed_from_elsewhere(pcs) -> None:
    one, two = pcs
    director = one.user(Role.DIRECTOR)
    admin = one.user(Role.ADMINISTRATOR)
    one.access.suspend(one.station.director, one.user(Role.NURSE).username)
    with one.station.store.write() as work:
        store = work.standings
        known = store.find(standing_id(director.id))
        assert known is None
        store.add_version(
            Standing(id=standing_id(director.id), user_id=director.id, shut="by_hand"),
            RecordStatus.SIGNED,
            author=admin.snapshot,
            at=one.station.clock.now(),
            expected_version=0,
        )
    two.hears(one, director)
    assert two.state(director).closed is None
    assert two.held(STANDING, director)["door"].why == "đó là giám đốc cuối cùng vào được máy này"


def test_a_later_word_on_the_own_machine_settles_what_was_held_back(pcs) -> None:
    one, two = pcs
    take_away(one, Role.NURSE, Action.PATIENT_EDIT)
    two.hears(one)
    wanted = (Role.NURSE, Action.AUDIT_VIEW)
    two.machine.take(one.forge(RIGHTS, one.user(Role.NURSE), granting(wanted)))
    assert two.held(RIGHTS)
    take_away(two, Role.PHARMACIST, Action.PRINT)
    assert not two.held(RIGHTS)
    assert not two.may(*wanted)
    with two.station.store.read() as work:
        cells = work.rights.get(id_here(work)).record.cells
    assert ("nurse", "audit_view") not in {
        (each.role, each.action) for each in cells if each.granted
    }

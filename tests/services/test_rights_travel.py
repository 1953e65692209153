"""What is decided about rights on one PC holds on the other, as far as its author may say so there."""

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.demo.clock import DemoClock
from station_emr.domain.access import Closed
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.operation import MERGE_INCARNATION
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sensitive import DEFAULT_RANGES, RESTRICTED, SensitiveRange, ranges_text
from station_emr.domain.station_rights import RightCell, Standing, standing_id
from station_emr.services.desk_views import Choice
from station_emr.services.restricted import ranges_of
from station_emr.services.rights_effect import held_back
from station_emr.services.rights_records import id_here
from tests.services.conftest import MORNING, Station
from tests.services.replicas import Machine, sealed
from tests.services.test_door import RealDoor
from tests.services.visit_samples import sign, visit

RIGHTS, STANDING = RecordKind.RIGHTS, RecordKind.STANDING
WIDER = SensitiveRange("A50", "A64", "Hoa liễu")


class Pc:
    """One PC of the station, with everything that an open program has."""

    def __init__(self, station, lines, name):
        self.station = station
        self.machine = Machine(name, station.store, station.clock, lines)
        self.roles = station.services.people.roles
        self.access = station.services.people.access
        self.codes = station.services.privacy.codes

    def user(self, role):
        return self.station.actor(role).user

    def ids(self, *people):
        with self.station.store.read() as work:
            name = id_here(work)
        return [(RIGHTS, name), *((STANDING, standing_id(one.id)) for one in people)]

    def hears(self, other, *people):
        """Everything that the other PC has written of rights and of these people."""
        found = []
        for kind, record_id in self.ids(*people):
            for operation in other.machine.operations(kind, record_id):
                found += self.machine.take(operation)
        return found

    def may(self, role, action):
        return action in self.roles.table(self.station.actor(role))[role]

    def state(self, user):
        with self.station.store.read() as work:
            return work.access.state(user.id)

    def held(self, kind, user=None):
        with self.station.store.read() as work:
            return held_back(work, standing_id(user.id) if user else id_here(work))

    def log(self, action):
        rows = self.station.services.accounts.audit(self.station.director)
        return [row for row in rows if row.action == action]

    def forge(self, kind, author, change, **envelope):
        """A line of this PC that no program would have written: ``change`` of the newest version."""
        name = self.ids(self.user(Role.NURSE))[0 if kind is RIGHTS else 1][1]
        newest = self.machine.operations(kind, name)[-1]
        said = {
            "author_id": author.id,
            "author_name": author.full_name,
            "base": (newest.op_id,),
            "status": RecordStatus.AMENDED,
            "number": 900,
            **envelope,
        }
        made = sealed(replace(newest.envelope, **said), change(newest.record))
        self.machine.lines[made.line] = made
        return made


@pytest.fixture
def pcs(station, template, lists, tmp_path):
    (tmp_path / "two").mkdir()
    shutil.copy(template, tmp_path / "two" / "station.db")
    other = Station(tmp_path / "two" / "station.db", DemoClock(MORNING, seed=5), lists)
    lines = {}
    yield Pc(station, lines, "a" * 16), Pc(other, lines, "b" * 16)
    other.store.close()


def take_away(pc, role, action):
    pc.roles.change(pc.station.director, [(role, action, False)])


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

    nurse = one.user(Role.NURSE)
    forged = one.forge(RIGHTS, nurse, lambda record: replace(record, ranges=record.ranges[:1]))
    two.machine.take(forged)
    with two.station.store.read() as work:
        assert [each.first for each in ranges_of(work)] == ["B20", "A50"]
    assert two.held(RIGHTS)["ranges"].by_name == nurse.full_name


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


def granting(*cells):
    more = tuple(RightCell(role=r.value, action=a.value, granted=True) for r, a in cells)
    return lambda record: replace(record, cells=(*record.cells, *more))


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
    two.hears(one)
    name = two.ids()[0][1]
    (known,) = two.machine.operations(RIGHTS, name)
    take_away(two, Role.PHARMACIST, Action.PRINT)
    mine = two.machine.operations(RIGHTS, name)[-1]
    grant = granting((Role.NURSE, Action.USER_MANAGE))(mine.record)
    said = {"incarnation": MERGE_INCARNATION, "rule": 1, "number": 0}
    base = tuple(sorted((known.op_id, mine.op_id)))
    two.machine.take(sealed(replace(mine.envelope, base=base, **said), grant))
    assert not two.may(Role.NURSE, Action.USER_MANAGE)


def test_closed_and_opened_at_once_is_closed_until_somebody_decides(pcs) -> None:
    one, two = pcs
    nurse = one.user(Role.NURSE)
    one.access.suspend(one.station.director, nurse.username)
    two.hears(one, nurse)
    two.station.clock.forward(minutes=5)
    one.access.reopen(one.station.director, nurse.username)
    two.access.suspend(two.station.director, nurse.username)

    two.hears(one, nurse)
    one.hears(two, nurse)

    for pc in pcs:
        assert pc.state(nurse).closed is Closed.BY_HAND
        (row,) = pc.station.services.conflicts.rows(pc.station.director)
        assert (row.kind, row.patient_name) == (STANDING, nurse.snapshot.printed_name)
    name = standing_id(nurse.id)
    desk = one.station.services.conflicts
    view = desk.open(one.station.director, STANDING, name)
    (difference,) = view.differences
    opened = Choice.ONE if "Đang mở" in difference.one else Choice.OTHER
    with pytest.raises(PermissionDenied):
        desk.decide(
            one.station.doctor, STANDING, name, {"shut": opened}, expected_version=view.version
        )
    desk.decide(
        one.station.director, STANDING, name, {"shut": opened}, expected_version=view.version
    )
    assert one.state(nurse).closed is None
    two.hears(one, nurse)
    assert two.state(nurse).closed is None
    assert not two.station.services.conflicts.rows(two.station.director)


def test_a_decision_at_the_desk_lets_nothing_else_in(pcs) -> None:
    one, two = pcs
    one.codes.replace_all(one.station.director, "B20-B24; HIV")
    two.hears(one)
    one.codes.replace_all(one.station.director, "B20-B24; HIV một")
    two.codes.replace_all(two.station.director, "B20-B24; HIV hai")
    two.hears(one)
    one.hears(two)
    wanted = (Role.NURSE, Action.USER_MANAGE)
    said = {"incarnation": one.machine.name, "rule": 0, "open_fields": ("ranges",)}
    two.machine.take(one.forge(RIGHTS, one.user(Role.NURSE), granting(wanted), **said))
    assert list(two.held(RIGHTS)) == ["nurse.user_manage"]
    desk, director = two.station.services.conflicts, two.station.director
    (row,) = desk.rows(director)
    assert not desk.rows(two.station.nurse)
    view = desk.open(director, RIGHTS, row.record_id)
    chosen = {"ranges": Choice.OTHER}
    desk.decide(director, RIGHTS, row.record_id, chosen, expected_version=view.version)
    assert not two.may(*wanted)
    assert list(two.held(RIGHTS)) == ["nurse.user_manage"]
    one.hears(two)
    assert not one.may(*wanted)
    for pc in pcs:
        with pc.station.store.read() as work:
            (one_range,) = ranges_of(work)
        assert one_range.what in view.differences[0].other


def test_two_tables_written_at_once_are_joined_cell_by_cell(pcs) -> None:
    one, two = pcs
    take_away(one, Role.NURSE, Action.PATIENT_EDIT)
    take_away(two, Role.PHARMACIST, Action.PRINT)
    one.codes.replace_all(one.station.director, ranges_text((*DEFAULT_RANGES, WIDER)))
    two.hears(one)
    one.hears(two)
    for pc in pcs:
        assert not pc.may(Role.NURSE, Action.PATIENT_EDIT)
        assert not pc.may(Role.PHARMACIST, Action.PRINT)
        with pc.station.store.read() as work:
            assert {"A50", *(each.first for each in DEFAULT_RANGES)} == {
                each.first for each in ranges_of(work)
            }


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

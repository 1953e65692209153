"""Two PCs decide about rights at once: the stricter counts, and the conflict desk decides."""

from dataclasses import replace

import pytest

from station_emr.domain.access import Closed
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Action, Role
from station_emr.domain.sensitive import DEFAULT_RANGES, SensitiveRange, ranges_text
from station_emr.domain.station_rights import standing_id
from station_emr.services.desk_views import Choice
from station_emr.services.restricted import ranges_of
from station_emr.services.rights_effect import follow_late
from station_emr.services.rights_records import forget_held
from tests.services.rights_pcs import RIGHTS, STANDING, granting, take_away, two_pcs

WIDER = SensitiveRange("A50", "A64", "Hoa liễu")


@pytest.fixture
def pcs(station, template, lists, tmp_path):
    with two_pcs(station, template, lists, tmp_path) as both:
        yield both


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


def test_a_head_that_moves_late_takes_effect_as_far_as_its_author_may_say_so(pcs) -> None:
    one, two = pcs
    nurse = one.user(Role.NURSE)
    one.access.suspend(one.station.director, nurse.username)
    two.hears(one, nurse)
    name = standing_id(nurse.id)

    def moves_late():
        with two.station.store.write() as work:
            follow_late(work, STANDING, name, two.station.clock.now())

    with two.station.store.write() as work:  # as if the version had been refused until now
        work.access.put_state(replace(work.access.state(nurse.id), closed=None))
    moves_late()
    assert two.state(nurse).closed is Closed.BY_HAND
    assert len(two.log("rights.arrived")) == 2

    opened = one.forge(STANDING, nurse, lambda record: replace(record, shut=""))
    two.machine.take(opened)
    with two.station.store.write() as work:
        forget_held(work, name)
    moves_late()
    assert two.state(nurse).closed is Closed.BY_HAND

"""A station that has only a stick shows the end of its log as well, and a cut one is found out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from provincial_server.anchors.tables import AuditAnchor, RefusedAnchor
from provincial_server.anchors.watching import MISMATCH as SHOWN_MISMATCH
from provincial_server.anchors.watching import log_states
from provincial_server.courier.faults import CourierRefused
from station_emr.domain.audit import EvidenceKind
from station_emr.services.audit_evidence import ANCHORED, MISMATCH
from station_emr.services.incarnation import INCARNATION
from station_emr.sync import courier
from tests.sync.courier_machines import DIRECTOR, CourierMachine, Province, province

__all__ = ["province"]


@pytest.fixture
def one(tmp_path: Path, province: Province) -> Iterator[CourierMachine]:
    machine = CourierMachine(tmp_path, province, province.facility())
    look(machine, 5)
    yield machine
    machine.store.close()


def look(machine: CourierMachine, count: int = 1) -> None:
    with machine.store.write() as work:
        for _line in range(count):
            work.audit.append(DIRECTOR, "patient.view", machine.clock.now(), patient_id="p")


def ends(machine: CourierMachine) -> list[int]:
    """What this machine knows the province to hold, the newest first."""
    with machine.store.read() as work:
        return [one.head.seq for one in work.audit.anchors() if one.kind is EvidenceKind.PROVINCE]


def noted(machine: CourierMachine, action: str) -> int:
    with machine.store.read() as work:
        return sum(row.action == action for row in work.audit.rows(500))


def held(province: Province) -> list[int]:
    with province.database.write() as session:
        return sorted(row.line for row in session.query(AuditAnchor))


def refused(province: Province) -> list[str]:
    with province.database.write() as session:
        return [row.reason for row in session.query(RefusedAnchor)]


def cut(machine: CourierMachine, after: int) -> None:
    """As somebody with the key does it: lines, counter and what remembers the end."""
    with machine.store.write() as work:
        run = work.audit._connection.execute
        for name in ("audit_entry_delete", "audit_anchor_delete"):
            run(text(f"DROP TRIGGER {name}"))
        run(text(f"DELETE FROM audit_entry WHERE seq > {after}"))
        run(text("DELETE FROM audit_anchor"))
        work.settings.put("courier.shown_ends", "[]")


def test_the_end_goes_along_and_comes_home(one: CourierMachine, province: Province) -> None:
    one.round_trip()
    assert ends(one) == held(province) == [5]
    assert noted(one, ANCHORED) == 1
    with province.database.write() as session:
        state = log_states(session, 10**13)[one.device]
    assert (state.line, state.wrong) == (5, "")

    look(one)
    one.round_trip()
    assert ends(one)[0] == held(province)[-1] > 5
    assert noted(one, MISMATCH) == 0


def test_answers_that_never_come_home_stop_no_end(one: CourierMachine, province: Province) -> None:
    for _file in range(3):
        province.answer(one.write())
        look(one)
    assert len(held(province)) == 3
    assert refused(province) == []
    assert ends(one) == []


def test_an_answer_taken_twice_is_one(one: CourierMachine, province: Province) -> None:
    reply, _done = province.answer(one.write())
    for _time in range(2):
        one.courier.import_reply(DIRECTOR, str(reply))
    assert ends(one) == [5]
    assert noted(one, ANCHORED) == 1


def test_a_file_that_lay_about_alarms_nobody(one: CourierMachine, province: Province) -> None:
    old = one.write().rename(one.folder / "tep-cu.semr")  # a later one may have the same name
    look(one)
    one.round_trip()
    known = held(province)
    late, _done = province.answer(old)
    assert (held(province), refused(province)) == (known, [])
    one.courier.import_reply(DIRECTOR, str(late))
    assert noted(one, MISMATCH) == 0


def test_a_cut_log_is_found_out_on_both_sides(one: CourierMachine, province: Province) -> None:
    look(one, 20)
    one.round_trip()
    cut(one, after=10)
    reply, _done = province.answer(one.write())
    assert refused(province) == ["back"]
    with province.database.write() as session:
        assert log_states(session, 10**13)[one.device].wrong == SHOWN_MISMATCH
    one.courier.import_reply(DIRECTOR, str(reply))
    assert noted(one, MISMATCH) == 1


def test_a_cut_log_that_grew_again_is_told_at_home(one: CourierMachine, province: Province) -> None:
    """It says nothing of the end that it lost, so the province asks; the answer holds that end."""
    look(one, 20)
    one.round_trip()
    cut(one, after=10)
    look(one, 40)
    reply, _done = province.answer(one.write())
    assert (held(province), refused(province)) == ([25], [])
    one.courier.import_reply(DIRECTOR, str(reply))
    assert noted(one, MISMATCH) == 1
    assert ends(one) == []

    province.answer(one.write())
    assert refused(province) == [], "still no proof: the end it lost was never anchored again here"


def test_a_new_life_with_all_its_lines_is_taken(one: CourierMachine, province: Province) -> None:
    one.round_trip()
    one.put(INCARNATION, "00000000000000ff")
    one.round_trip()
    with province.database.write() as session:
        rows = session.query(AuditAnchor).all()
        assert len({row.incarnation for row in rows}) == 2
        assert not any(row.restored for row in rows)
    assert noted(one, MISMATCH) == 0


@pytest.mark.parametrize("said", ["x", {"seq": -1}, {"incarnation": "a", "seq": 5, "hash": "b"}])
def test_nonsense_about_the_log_changes_nothing(
    one: CourierMachine, province: Province, said: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.work_a_day()
    monkeypatch.setattr(courier, "show_log", lambda _work, _at: said)
    with pytest.raises(CourierRefused, match="không phải của trạm"):
        province.answer(one.write())
    assert held(province) == []


def test_a_file_of_an_earlier_release_says_nothing_of_the_log(
    one: CourierMachine, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier, "show_log", lambda _work, _at: {})
    one.work_a_day()
    assert one.round_trip().acknowledged > 5
    assert held(province) == ends(one) == []

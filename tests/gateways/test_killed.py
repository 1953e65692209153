"""kill -9 between sending and the receipt: nothing is lost, nothing doubled, unknown is shown."""

import subprocess
import sys
import time
from pathlib import Path

from station_emr.demo.gateways_serving import Fault
from station_emr.domain.gateway import MessageKind, MessageState
from tests.gateways.conftest import PATIENCE
from tests.gateways.desk import Desk

ROOT = Path(__file__).parents[2]
RX = MessageKind.PRESCRIPTION
_WAIT = 100.0


def killed_while_sending(desk: Desk) -> None:
    """Another process of the station sends; it dies once the other end has taken the file."""
    desk.station.store.close()
    desk.rx.fail(Fault.SLOW)  # the file is taken; the answer never comes
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.gateways.killable", str(desk.station.path.parent)], cwd=ROOT
    )
    until = time.monotonic() + _WAIT
    while not desk.rx.taken and time.monotonic() < until and child.poll() is None:
        time.sleep(0.01)
    child.kill()
    child.wait()


def test_a_killed_program_leaves_its_file_unknown_and_the_rest_waiting(
    station, bhxh, donthuoc
) -> None:
    desk = Desk(station, bhxh, donthuoc, PATIENCE)
    first, second = desk.prescribed(), desk.prescribed()

    killed_while_sending(desk)
    assert len(donthuoc.taken) == 1
    station.open()
    again = Desk(station, bhxh, donthuoc, PATIENCE)
    with station.store.read() as work:
        assert work.gateways.count(MessageState.SENT) == 1

    again.later(hours=1)
    again.send()

    states = {paper: again.message(RX, paper).state for paper in (first, second)}
    assert sorted(states.values()) == [MessageState.ACCEPTED, MessageState.UNKNOWN]
    assert len(donthuoc.taken) == 2
    assert len({one.content for one in donthuoc.taken}) == 2
    (waiting,) = again.gateways.to_decide(station.doctor)
    assert waiting.message.state is MessageState.UNKNOWN
    assert "dừng đột ngột" in waiting.message.reason
    for _ in range(2):
        again.later(days=1)
        again.send()
    assert len(donthuoc.taken) == 2


def test_two_programs_never_send_at_once(station, bhxh, donthuoc) -> None:
    desk = Desk(station, bhxh, donthuoc, PATIENCE)
    desk.prescribed()
    with desk.identity.gateway_turn() as mine:
        assert mine
        turn = desk.send()
    assert not turn.mine
    assert donthuoc.asked == []
    assert desk.send().accepted == 1

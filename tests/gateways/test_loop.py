"""The loop that sends: after news and wishes, with patience while a gateway is away."""

import queue
import threading

import pytest

from station_emr.domain.backoff import full_jitter
from station_emr.domain.errors import DiskFull
from station_emr.domain.gateway import Gateway
from station_emr.services.gateway_sending import GatewayTurn
from station_emr.sync.gateways.loop import GatewayLoop, GatewayPace

LONG = 600.0


class Sender:
    """Tells of each turn; gives the turns it was told to."""

    def __init__(self):
        self.turns = queue.Queue()
        self.next = []
        self.due = None
        self.stopped = threading.Event()

    def run_once(self):
        turn = self.next.pop(0) if self.next else GatewayTurn()
        self.turns.put(turn)
        if isinstance(turn, Exception):
            raise turn
        return turn

    def next_due_at(self):
        return self.due

    def stop(self):
        self.stopped.set()

    def ran(self):
        return self.turns.get(timeout=60)


@pytest.fixture
def made(clock):
    loops = []

    def make(**pace):
        sender = Sender()
        steady = {"settle": 0.0, "idle": LONG, "first": LONG, "longest": LONG}
        loop = GatewayLoop(clock, pace=GatewayPace(**{**steady, **pace}))
        loop.send_by(sender)
        loops.append(loop)
        return loop, sender

    yield make
    for loop in loops:
        assert loop.stop()


def test_it_runs_at_start_after_news_and_when_somebody_asks(made):
    loop, sender = made()
    loop.start()
    sender.ran()
    loop.notify()
    sender.ran()
    loop.wake()
    sender.ran()
    assert sender.turns.empty()


def test_while_a_gateway_is_away_a_person_is_heard(made):
    loop, sender = made()
    sender.next = [GatewayTurn(away={Gateway.INSURANCE})]
    loop.start()
    sender.ran()
    loop.wake()
    sender.ran()
    loop.notify()
    sender.ran()  # it is back: news count again


def test_news_do_not_hurry_a_gateway_that_is_away(made):
    loop, _sender = made()
    loop._failures = 1
    loop.notify()
    assert loop._rest(0.01) is False
    loop._failures = 0
    loop.notify()
    assert loop._rest(LONG) is True


def test_a_full_disk_or_a_bug_does_not_end_sending_for_the_day(made, caplog):
    loop, sender = made()
    sender.next = [DiskFull("Đĩa đầy."), RuntimeError("Nguyễn Văn Mẫu")]
    loop.start()
    sender.ran()
    loop.wake()
    sender.ran()
    loop.wake()
    sender.ran()
    assert "Mẫu" not in caplog.text
    assert "RuntimeError" in caplog.text


def test_what_is_due_wakes_it(made, clock):
    loop, sender = made()
    sender.due = clock.now()
    sender.next = [GatewayTurn(tried=1)]
    loop.start()
    sender.ran()
    sender.ran()  # its time had come
    assert sender.turns.empty()  # nothing was tried: what is due rests for another reason


def test_ending_stops_what_is_under_way(made):
    loop, sender = made()
    loop.start()
    sender.ran()
    assert loop.stop()
    assert sender.stopped.is_set()


def test_the_wait_is_any_time_up_to_a_limit_that_doubles():
    most, none = b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"
    limits = [round(full_jitter(most, n, first=5, longest=300)) for n in range(1, 9)]
    assert limits == [5, 10, 20, 40, 80, 160, 300, 300]
    assert full_jitter(none, 8, first=5, longest=300) == 0.0

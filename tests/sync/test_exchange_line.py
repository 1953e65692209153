"""What the line does to an exchange: cut, delayed, doubled, slow, dead or somebody else's.

Which fault is proved where: docs/faults.md. After each the same closing check.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from station_emr.domain.sync import SyncRun
from tests.sync.closing import World, Worlds, ends
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine
from tests.sync.faults import Fault

HEAD_END = b"\r\n\r\n"


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory, _shared: Server) -> Iterator[Worlds]:
    made = Worlds(tmp_path_factory, _shared)
    yield made
    made.close()


@pytest.fixture
def world(worlds: Worlds) -> World:
    return worlds.take()


def broken(machine: Machine, **options: Any) -> SyncRun:
    """One run over the broken line: it ends, says so, and changes nothing here."""
    return ends(machine, machine.engine(**options))


# --- the request ---------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5, 0.9, 0.999])
def test_cut_in_the_request(world: World, share: float) -> None:
    """From nothing at all over half a head to all but the last byte."""
    signed = world.work()
    size: list[int] = []
    world.line.plan = [
        Fault(cut=lambda request: size.append(len(request)) or int(len(request) * share))
    ]

    broken(world.one)

    assert size
    world.check(signed)


def test_cut_before_the_request(world: World) -> None:
    signed = world.work()
    world.line.down = True
    broken(world.one)
    world.line.down = False
    world.check(signed)


@pytest.mark.parametrize("times", [1, 3])
def test_reply_lost(world: World, times: int) -> None:
    """The server has it and nobody here knows; each try brings the same lines again."""
    signed = world.work()
    world.line.plan = [Fault(drop_reply=True)] * times
    for _ in range(times):
        broken(world.one)

    assert all(world.server.read(f"Patient/{person.id}").ok for person in signed)
    world.check(signed)


# --- the reply -----------------------------------------------------------------------------------


def lengthened(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """A box on the way that gives another body and says so in the head: no length tells."""

    def spoil(reply: bytes) -> bytes:
        head, _, body = reply.partition(HEAD_END)
        body = change(body)
        lines = [one for one in head.split(b"\r\n") if not one.lower().startswith(b"content-len")]
        return b"\r\n".join([*lines, b"Content-Length: %d" % len(body)]) + HEAD_END + body

    return spoil


def after_head(part: float) -> Callable[[bytes], bytes]:
    """The reply up to this part of its body."""

    def spoil(reply: bytes) -> bytes:
        start = reply.index(HEAD_END) + 4
        return reply[: start + int((len(reply) - start) * part)]

    return spoil


REPLIES = {
    "status-line": Fault(cut_reply=7),
    "headers": Fault(cut_reply=90),
    "end-of-headers": Fault(spoil=lambda reply: reply[: reply.index(HEAD_END) + 2]),
    "no-body": Fault(spoil=after_head(0)),
    "first-byte": Fault(spoil=lambda reply: reply[: reply.index(HEAD_END) + 5]),
    "half-body": Fault(spoil=after_head(0.5)),
    "last-byte": Fault(cut_reply=-1),
    "half-body-said-to-be-whole": Fault(spoil=lengthened(lambda body: body[: len(body) // 2])),
    "last-byte-said-to-be-whole": Fault(spoil=lengthened(lambda body: body[:-1])),
    "nothing-said-to-be-whole": Fault(spoil=lengthened(lambda _body: b"")),
    "a-byte-too-many": Fault(spoil=lengthened(lambda body: body + b"\0")),
    "a-flipped-bit": Fault(
        spoil=lengthened(lambda body: body[:-30] + bytes([body[-30] ^ 4]) + body[-29:])
    ),
}


@pytest.mark.parametrize("fault", REPLIES.values(), ids=REPLIES.keys())
def test_reply_truncated_or_damaged(world: World, fault: Fault) -> None:
    signed = world.work()
    world.line.plan = [fault]

    broken(world.one)

    assert world.one.shown(signed[0]) is None
    world.check(signed)


# --- twice, late, in another order ---------------------------------------------------------------


def test_delivered_twice(world: World) -> None:
    signed = world.work(3)
    world.line.plan = [Fault(twice=True)] * 3

    run = world.one.sync()

    assert (run.sent, run.received, run.verified) == (3, 3, True)
    world.check(signed)


def test_an_old_request_arrives_after_a_newer_one(world: World) -> None:
    """The first version of a person comes in when the second is long there."""
    one, other = world.machines
    person = world.person(one)
    world.line.plan = [Fault(held=True)]
    broken(world.one)
    newer = one.amend(person, phone="0900000077")
    assert one.sync().verified
    assert other.sync().verified
    older = other.amend(newer, note="Nhà ở cuối làng.")
    other.sync()

    late = world.line.deliver()

    assert late.startswith(b"HTTP/1.1 200")
    world.check([older])
    assert [len(machine.graph(person)) for machine in world.machines] == [3, 3]


def test_the_answer_to_an_older_request_is_not_believed(world: World) -> None:
    one = world.one
    first = world.person(one)
    old: list[bytes] = []
    world.line.plan = [Fault(spoil=lambda reply: old.append(reply) or reply)]
    one.sync()
    second = world.person(one)
    world.line.plan = [Fault(spoil=lambda _reply: old[0])]

    broken(world.one)

    world.check([first, second])


# --- slow and dead -------------------------------------------------------------------------------


def test_slow_is_not_dead(world: World) -> None:
    """Byte by byte, longer in all than the longest silence that is borne; that is long enough for a
    slow server to begin to answer."""
    stall = 2.0
    signed = world.work(3)
    long: list[int] = []
    world.line.plan = [Fault(trickle=0.002, spoil=lambda reply: long.append(len(reply)) or reply)]

    run = world.one.sync(stall=stall)

    assert long[0] * 0.002 > stall

    assert (run.outcome, run.received, world.line.requests) == (
        "complete",
        3,
        ["POST /fhir/$exchange"],
    )
    world.check(signed)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(silent=True),
        Fault(cut_reply=60, then_silent=True),
        Fault(cut_reply=-9, then_silent=True),
    ],
    ids=["at-once", "in-the-headers", "before-the-end"],
)
def test_a_line_that_falls_silent_is_given_up(world: World, fault: Fault) -> None:
    signed = world.work()
    world.line.plan = [fault]

    run = broken(world.one, stall=0.3)

    assert "không trả lời kịp" in run.detail
    world.check(signed)


def test_half_open(world: World) -> None:
    """The connection stands, the other end is gone: nobody reads, nobody closes."""
    signed = world.work()
    with socket.create_server(("127.0.0.1", 0), backlog=8) as nobody:
        there = Server(world.server.folder, nobody.getsockname()[1], world.line.token)

        run = broken(world.one, to=there, stall=0.3)

    assert "không trả lời kịp" in run.detail
    world.check(signed)


def test_no_such_name(world: World) -> None:
    class Nowhere:
        url = "https://may-chu-tinh.invalid/fhir"
        token = world.one.to.token

    signed = world.work()

    run = broken(world.one, to=Nowhere())

    assert "Không kết nối được" in run.detail
    world.check(signed)

"""Every status that a server, or a box before it, may answer an exchange with, and what follows.

Nothing is lost, nothing is taken for acknowledged; the right party waits, asks again or is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from station_emr.domain.sync import LinkState, LinkTrouble
from station_emr.sync.exchange_wire import unpack
from tests.sync.closing import World, Worlds, ends
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine
from tests.sync.faults import PORTAL, Fault, canned

HEAD_END = b"\r\n\r\n"
OUTCOME = '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"%s"}]}'
AFTER = {"Retry-After": "7"}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory, _shared: Server) -> Iterator[Worlds]:
    made = Worlds(tmp_path_factory, _shared)
    yield made
    made.close()


@pytest.fixture
def world(worlds: Worlds) -> World:
    return worlds.take()


WAITS = {
    "portal": PORTAL,
    "redirect": canned("302 Found", headers={"Location": "http://wifi.example/"}),
    "511": canned("511 Network Authentication Required", "<html/>", "text/html"),
    "400-by-a-box": canned("400 Bad Request", "<html/>", "text/html", AFTER),
    "408": canned("408 Request Timeout", "", headers=AFTER),
    "409": canned("409 Conflict", OUTCOME % "conflict", headers=AFTER),
    "409-lock": canned("409 Conflict", OUTCOME % "lock-error", headers=AFTER),
    "412": canned("412 Precondition Failed", OUTCOME % "conflict", headers=AFTER),
    "425": canned("425 Too Early", "", headers=AFTER),
    "429": canned("429 Too Many Requests", OUTCOME % "throttled", headers=AFTER),
    "500": canned("500 Internal Server Error", OUTCOME % "exception", headers=AFTER),
    "500-html": canned("500 Oops", "<html/>", "text/html", AFTER),
    "502": canned("502 Bad Gateway", "<html/>", "text/html", AFTER),
    "503": canned("503 Service Unavailable", OUTCOME % "transient", headers=AFTER),
    "504": canned("504 Gateway Timeout", "", headers=AFTER),
    "507": canned("507 Insufficient Storage", "", headers=AFTER),
}
NOT_THE_SERVER = {"portal", "redirect", "511"}


@pytest.mark.parametrize("name", WAITS)
def test_come_back_later(world: World, name: str) -> None:
    """The run ends, the lines wait, and the pause that was asked for is kept."""
    signed = world.work()
    world.line.plan = [WAITS[name]]
    engine = world.one.engine()

    ends(world.one, engine)

    assert len(world.line.requests) == 1
    assert engine.retry_after == (None if name in NOT_THE_SERVER else 7.0)
    assert engine.trouble is (LinkTrouble.PORTAL if name in NOT_THE_SERVER else LinkTrouble.BUSY)
    world.check(signed)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_not_let_in(world: World, status: str) -> None:
    signed = world.work()
    world.line.plan = [canned(status, OUTCOME % "login")]

    engine = world.one.engine()

    run = ends(world.one, engine, "refused", LinkState.REFUSED)

    assert "ghi danh lại" in run.detail
    assert engine.trouble is LinkTrouble.REFUSED
    world.check(signed)


@pytest.mark.parametrize("status", ["404 Not Found", "405 Method Not Allowed", "410 Gone"])
def test_the_exchange_is_gone(world: World, status: str) -> None:
    """An older server was put back: it is asked what it can do, and goes the plain way; when it
    learns the exchange again, nothing is there twice.
    """
    signed = world.work(3)
    world.line.plan = [canned(status, OUTCOME % "not-found")]
    engine = world.one.engine()
    ends(world.one, engine, "refused", LinkState.REFUSED)
    world.line.requests.clear()
    world.line.plan = [Fault(spoil=without_exchange)]

    run = engine.run_once()

    assert (run.outcome, run.sent) == ("complete", 3)
    assert world.line.requests[0] == "GET /fhir/metadata"
    assert "POST /fhir/$exchange" not in world.line.requests
    with world.one.store.write() as work:  # a day later the statement is read anew
        work.settings.put("sync.server_facts", "")
    assert [run.sent for run in map(Machine.sync, (world.one, world.other, world.one))] == [0] * 3
    changed = [world.one.amend(one, phone="0900000031") for one in signed[3:]]
    world.check([*signed[:3], *changed])


def without_exchange(reply: bytes) -> bytes:
    head, _, body = reply.partition(HEAD_END)
    packed = b"content-encoding: gzip" in head.lower()
    statement = json.loads(unpack(body, "gzip" if packed else ""))
    statement["rest"][0]["operation"] = []
    body = json.dumps(statement).encode()
    kept = [
        line
        for line in head.split(b"\r\n")
        if not line.lower().startswith((b"content-length", b"content-encoding"))
    ]
    return b"\r\n".join([*kept, b"Content-Length: %d" % len(body)]) + HEAD_END + body


# --- a page that is refused as a whole -----------------------------------------------------------


def holding(line_of: Callable[[bytes], bool], answer: Fault) -> Callable[[bytes], bytes | None]:
    """A server that cannot bear one certain line, whatever stands beside it."""

    def choose(request: bytes) -> bytes | None:
        head, _, body = request.partition(HEAD_END)
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.decode().partition(":") for line in head.split(b"\r\n")[1:])
        }
        plain = unpack(
            body,
            headers.get("content-encoding", ""),
            int(headers.get("x-exchange-dictionary", "0")),
        )
        return answer.canned if any(map(line_of, plain.split(b"\n")[1:])) else None

    return choose


LASTING = {
    "400": canned("400 Bad Request", OUTCOME % "invalid"),
    "413": canned("413 Content Too Large", "<html/>", "text/html"),
    "422": canned("422 Unprocessable Content", OUTCOME % "invariant"),
}


@pytest.mark.parametrize("name", LASTING)
def test_one_line_for_which_pages_are_refused_is_found(world: World, name: str) -> None:
    signed = world.work(9)
    bad = signed[-4]
    world.line.always = holding(lambda line: bad.id.encode() in line, LASTING[name])
    engine = world.one.engine()

    run = engine.run_once()

    assert (run.outcome, run.sent, run.quarantined) == ("partial", 8, 1)
    assert list(world.one.quarantined()) == [bad.id]
    assert "không nhận người bệnh" in world.one.quarantined()[bad.id]
    assert len(world.line.requests) <= 12
    world.line.always = None
    again = world.one.sync(program="station-emr 0.9.9")  # offered again after an update
    assert again.sent == 1
    world.check(signed)


def test_one_line_that_trips_the_server_is_found_over_runs(world: World) -> None:
    """Each run that meets the fault ends; half as many lines go next, and the others get through."""
    signed = world.work(9)
    bad = signed[-4]
    fault = canned("500 Internal Server Error", OUTCOME % "exception")
    world.line.always = holding(lambda line: bad.id.encode() in line, fault)
    engine = world.one.engine()

    runs = [engine.run_once() for _ in range(8)]

    assert sum(run.sent for run in runs) == 8
    assert all(run.quarantined == 0 for run in runs)
    assert [record_id for _, record_id in world.one.waiting()] == [bad.id]
    world.line.always = None
    world.check(signed)


@pytest.mark.parametrize("name", LASTING)
def test_a_server_that_takes_nothing_accuses_nobody(world: World, name: str) -> None:
    signed = world.work(3)
    world.line.always = lambda _request: LASTING[name].canned
    engine = world.one.engine()

    for _ in range(2):
        ends(world.one, engine, "refused", LinkState.REFUSED)

    assert len(world.line.requests) <= 8
    world.line.always = None
    world.check(signed)


def test_failing_entries_in_a_200(world: World) -> None:
    """The answer refuses one line, forgets another and takes the rest: each gets its own due."""
    signed = world.work(3)
    bad, forgotten, _ = signed[3:]

    def spoil(reply: bytes) -> bytes:
        return plain_reply(
            reply,
            lambda header: header | {"taken": [[2, 2]], "refused": [refusal(0, "poison")]},
        )

    world.line.plan = [Fault(cut=lambda _request: 0)]
    ends(world.one, world.one.engine())
    world.line.plan = [Fault(spoil=spoil)]
    run = world.one.sync()

    assert (run.outcome, run.sent, run.quarantined, run.verified) == ("partial", 1, 1, False)
    assert [record_id for _, record_id in world.one.waiting()] == [forgotten.id]
    # It was told of one that the province will not have; but counts and sums show that it has it.
    assert bad.id not in world.one.quarantined()
    world.one.sync(program="station-emr 0.9.8")
    world.check(signed)


def test_busy_entries_in_a_200(world: World) -> None:
    signed = world.work(3)
    world.line.plan = [
        Fault(
            spoil=lambda reply: plain_reply(
                reply,
                lambda header: (
                    header
                    | {"taken": [], "refused": [refusal(place, "busy") for place in range(3)]}
                ),
            )
        )
    ]

    run = world.one.sync()

    assert (run.outcome, run.sent, run.quarantined) == ("partial", 0, 0)
    assert len(world.one.waiting()) == 3
    world.check(signed)


def refusal(place: int, kind: str) -> dict[str, Any]:
    issue = {"severity": "error", "code": "invalid", "expression": ["Bundle.entry[0].resource"]}
    return {"at": place, "kind": kind, "issues": [issue]}


def plain_reply(reply: bytes, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """The same answer with another header, unpacked."""
    head, _, body = reply.partition(HEAD_END)
    lines = head.split(b"\r\n")
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.decode().partition(":") for line in lines[1:])
    }
    plain = unpack(
        body, headers.get("content-encoding", ""), int(headers.get("x-exchange-dictionary", "0"))
    )
    first, _, rest = plain.partition(b"\n")
    plain = json.dumps(change(json.loads(first))).encode() + (b"\n" + rest if rest else b"")
    kept = [
        line
        for line in lines
        if not line.lower().startswith((b"content-length", b"content-encoding", b"x-exchange"))
    ]
    return b"\r\n".join([*kept, b"Content-Length: %d" % len(plain)]) + HEAD_END + plain

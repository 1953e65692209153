"""What must be true after every fault, however it went: see :func:`closing_check`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station_emr.domain.encounter import Encounter, Stage
from station_emr.domain.sync import LinkState, SyncRun
from station_emr.sync.engine import SyncEngine
from station_emr.sync.exchange_engine import CURSOR
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine, second_device, store_of
from tests.sync.faults import FaultyLine

_TYPES = {"Prescription": "MedicationRequest", "Referral": "ServiceRequest"}


class World:
    """Two PCs of one facility that have met the server, one of them over a line that can break.

    Tests share it: the record grows, and each test proves its own part of it and the number of all.
    """

    def __init__(self, folder: Path, server: Server) -> None:
        self.server = server
        self._folder = folder
        self.line = FaultyLine(server.port, server.token)
        self.one = new_machine(folder, self.line, "one")
        self.other = new_machine(folder, second_device(server), "other")
        self.whole = True
        self._next = 0

    @property
    def machines(self) -> tuple[Machine, Machine]:
        return self.one, self.other

    def path(self, machine: Machine) -> Path:
        return self._folder / ("one.db" if machine is self.one else "other.db")

    def person(self, machine: Machine) -> Any:
        """Somebody new, signed at ``machine``."""
        self._next += 1
        return machine.another(self._next)

    def work(self, each: int = 1) -> list[Any]:
        """A page each way: what the other one has sent is to fetch, the rest is to send."""
        theirs = [self.person(self.other) for _ in range(each)]
        self.other.sync()
        return theirs + [self.person(self.one) for _ in range(each)]

    def check(self, signed: Sequence[Any]) -> None:
        closing_check(self.server, self.machines, signed, people=self._next)
        self.whole = True


class Worlds:
    """Hands out the world of a module; a new one after a test that failed in it."""

    def __init__(self, folders: pytest.TempPathFactory, server: Server) -> None:
        self._folders = folders
        self._server = server
        self._open = ExitStack()
        self._world: World | None = None

    def take(self) -> World:
        if self._world is None or not self._world.whole:
            self._world = World(self._folders.mktemp("world"), self._server.for_another_facility())
            self._open.enter_context(self._world.line)
            for machine in self._world.machines:
                self._open.callback(close, machine)
                assert machine.sync().outcome == "complete"
        self._world.whole = False
        self._world.line.plan.clear()
        self._world.line.requests.clear()
        return self._world

    def close(self) -> None:
        self._open.close()


def close(machine: Machine) -> None:
    machine.store.close()  # the one it has by then


def settle(*machines: Machine) -> dict[Machine, SyncRun]:
    """Until nobody has anything to say any more; the last run of each."""
    last: dict[Machine, SyncRun] = {}
    news = list(machines)
    for _ in range(8 * len(machines)):
        if not news:
            return last
        machine = news.pop(0)
        last[machine] = run = machine.sync()
        if run.sent:
            news += [one for one in machines if one is not machine and one not in news]
        if not run.verified:
            news.append(machine)
    raise AssertionError(f"it does not come to rest: {list(last.values())}")


def closing_check(
    server: Server, machines: Sequence[Machine], signed: Sequence[Any], *, people: int
) -> None:
    """Everything that a person signed is on the server and on every PC exactly once, no outbox
    holds anything, and each end has counted the same.

    ``signed`` are the newest versions, as a person wrote them; ``people`` is how many charts the
    facility has. ``machines`` speak to ``server`` over a line that is whole again.
    """
    runs = settle(*machines)
    for machine, run in runs.items():
        assert (run.outcome, run.verified, run.detail) == ("complete", True, "")
        assert (machine.waiting(), machine.quarantined()) == ([], {})
        with machine.store.read() as work:
            assert (work.operations.parked(), work.operations.wanted(1)) == (0, ())
            assert work.operations.unreadables(9) == ()
    first, *others = machines
    for record in signed:
        graph = first.graph(record)
        for machine in machines:
            assert said(machine.shown(record)) == said(record)
            assert machine.graph(record) == graph
        name = type(record).__name__
        key = f"{_TYPES.get(name, name)}/{record.id}{'-l1' if name == 'Prescription' else ''}"
        assert server.read(key).json()["meta"]["versionId"] == str(contents(first, record))
    assert server.count("Patient") == people
    for machine in others:
        assert machine.tally() == first.tally()
        assert machine.setting(CURSOR) == first.setting(CURSOR)


def ends(
    machine: Machine,
    engine: SyncEngine,
    outcome: str = "offline",
    link: LinkState = LinkState.OFFLINE,
) -> SyncRun:
    """One run that comes to nothing: it ends, says so, and changes nothing here."""
    before, waiting = machine.setting(CURSOR), machine.waiting()

    run = engine.run_once()

    assert (run.outcome, run.sent, run.received, run.verified) == (outcome, 0, 0, False)
    assert run.detail
    assert engine.link() is link
    assert (machine.setting(CURSOR), machine.waiting()) == (before, waiting)
    assert machine.quarantined() == {}
    return run


def contents(machine: Machine, record: Any) -> int:
    """How many different things the versions of a record say."""
    with machine.store.read() as work:
        store = store_of(work, record)
        versions = [
            said(store.at_version(record.id, node.version)) for node in store.lineage(record.id)
        ]
    return sum(one not in versions[:place] for place, one in enumerate(versions))


def said(record: Any) -> Any:
    """A record without its place in one machine's queue."""
    return replace(record, stage=Stage.FINISHED) if isinstance(record, Encounter) else record

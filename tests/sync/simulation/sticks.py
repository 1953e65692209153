"""A stick that somebody carries between a station and the province, days late, twice or never."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provincial_server.courier.units import CourierRefused as RefusedThere
from station_emr.services.courier import PROVINCE_KEY, CourierRefused
from station_emr.services.enrolment import DEVICE_ID, KEY_ID
from station_emr.sync.courier import CourierDesk, CourierMeans
from tests.sync.courier_keys import TestSigner, age_pair

from .machine import Killed, Machine
from .province import ServerDied

if TYPE_CHECKING:
    from .world import World


@cache
def device_key() -> _Key:
    """One for all the machines of a run: whose file it is, the device says."""
    return _Key()


class _Key(TestSigner):
    key_id = "khoa-mau"

    def __init__(self) -> None:
        super().__init__()
        self.secret, self.public = age_pair()


class _Keys:
    def find(self, key_id: str) -> Any:
        del key_id
        return device_key()

    def candidate(self, in_use: str) -> Any:
        del in_use
        return device_key()


class Sticks:
    """Every file that was ever written: nobody erases them, so any may come again."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._folder = folder
        folder.mkdir()
        self._sent: list[tuple[Machine, Path]] = []
        self._replies: list[tuple[Machine, Path]] = []

    def write(self, machine: Machine) -> None:
        path = self._folder / f"gui-{len(self._sent)}.semr"
        try:
            self._enrolled(machine)
            self._desk(machine).export(str(path), machine.clock.now())
        except Killed:
            machine.kill()  # with half a file, or none
        if path.exists():
            self._sent.append((machine, path))

    def carry(self, dies: str) -> None:
        """To the province, which may die at it; what it wrote by then is carried back."""
        if not self._sent:
            return
        machine, path = self._any(self._sent)
        reply = self._folder / f"tra-loi-{len(self._replies)}.semr"
        try:
            brought = self._world.province.take_stick(path, reply, dies)
            self._world.happened["operations by stick"] += brought
        except RefusedThere:
            self._world.happened["stick refused there"] += 1
        except ServerDied:
            return
        else:
            self._replies.append((machine, reply))

    def bring_back(self) -> Machine | None:
        """The machine that a reply was put into, the latest one more often than not."""
        if not self._replies:
            return None
        machine, reply = self._any(self._replies)
        try:
            report = self._desk(machine).import_reply(str(reply), machine.clock.now())
            self._world.happened["operations back by stick"] += report.applied
        except Killed:
            machine.kill()
        except CourierRefused as refused:
            self._world.happened[f"reply refused: {refused.code}"] += 1
        return machine

    def _any(self, files: list[tuple[Machine, Path]]) -> tuple[Machine, Path]:
        chance = self._world.chance
        return files[-1] if chance.random() < 0.6 else chance.choice(files)

    def _enrolled(self, machine: Machine) -> None:
        """What enrolment and the province's key file leave behind; a restored or copied database
        has those of another day or machine.
        """
        wanted = {
            DEVICE_ID: machine.caller.device_id,
            KEY_ID: device_key().key_id,
            PROVINCE_KEY: self._world.province.key_text(),
        }
        with machine.store.write() as work:
            for name, value in wanted.items():
                if work.settings.get(name) != value:
                    work.settings.put(name, value)

    def _desk(self, machine: Machine) -> CourierDesk:
        key = device_key()
        means = CourierMeans(
            sealer=machine.sealer,
            applier=machine.applier,
            signers=_Keys(),
            identity=key.secret,
            public=key.public,
            clock=machine.clock,
        )
        return CourierDesk(machine.store, means)

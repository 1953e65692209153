"""Two to four PCs of one station and the province on virtual time, with everything that goes wrong.

One seed is one story: people write, lines fail, processes die, backups are put back, folders are
copied, clocks jump. Then the faults end, everybody syncs until nothing moves, and `checks` compares.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from provincial_server.faults import FhirFault
from station_emr.domain.encounter import Stage
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.record import RecordKind, RecordStatus
from tests.interop import fhir_records as sample

from .checks import agree, nothing_passed_over, nothing_vanished
from .machine import FILE, Killed, Machine
from .province import POISON, Province

PATIENT, ENCOUNTER, LINK = RecordKind.PATIENT, RecordKind.ENCOUNTER, RecordKind.LINK
FIELDS = {
    PATIENT: ("phone", "note", "workplace", "national_id", "occupation_name"),
    ENCOUNTER: ("reason", "advice", "treatment"),
}
FAULTS = (
    "lost", "answer lost", "late", "twice", "cut", "old answer", "busy", "server before",
    "server after", "killed before", "killed after",
)  # fmt: skip
EVENTS = {
    "sync": 34, "register": 8, "edit": 16, "visit": 10, "amend": 7, "void": 2, "poison": 1,
    "join": 2, "part": 1, "settle": 4, "kill": 3, "die at a commit": 4, "clock": 2, "upgrade": 1,
    "backup": 3, "restore": 2, "copy": 1, "server backup": 2, "server restore": 2, "late": 4,
    "server restart": 1, "index": 2,
}  # fmt: skip
_ROUNDS = 14


@dataclass(frozen=True)
class Mark:
    """A value that nobody else wrote: where a person put it."""

    kind: RecordKind
    record_id: str
    path: str
    value: str


class World:
    """``templates`` holds an empty database of each side; ``folder`` is this story's own."""

    def __init__(self, seed: int, templates: Path, folder: Path) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.folder = folder
        self.time = datetime(2026, 11, 20, 7, 0, tzinfo=sample.VN)
        self.faulty = True
        self.fault_rate = self.chance.choice((0.0, 0.1, 0.3, 0.5))
        self.late: list[tuple[Any, bytes]] = []
        self.old_answers: list[bytes] = []
        self.marks: set[Mark] = set()
        self.printed: list[str] = []
        self.records: dict[RecordKind, set[str]] = {PATIENT: set(), ENCOUNTER: set(), LINK: set()}
        self.happened: Counter[str] = Counter()
        self._numbers = 0
        self._backups: dict[str, Path] = {}
        self._province_copy: Path | None = None
        shutil.copyfile(templates / "province.db", folder / "province.db")
        self.province = Province(folder / "province.db", self.milliseconds)
        self.templates = templates
        self.machines: list[Machine] = []
        for _ in range(self.chance.choice((2, 2, 3, 4))):
            self._new_machine(templates / FILE)

    # --- what the others ask ---------------------------------------------------------------------

    def now(self) -> datetime:
        return self.time

    def milliseconds(self) -> int:
        return int(self.time.timestamp() * 1000)

    def draw_fault(self) -> str:
        if not self.faulty or self.chance.random() >= self.fault_rate:
            return ""
        fault = self.chance.choice(FAULTS)
        self.happened[fault] += 1
        return fault

    def close(self) -> None:
        for machine in self.machines:
            machine.close()
        self.province.close()

    # --- the story -------------------------------------------------------------------------------

    def play(self, steps: int) -> None:
        names, weights = list(EVENTS), list(EVENTS.values())
        for _ in range(steps):
            self.time += timedelta(seconds=self.chance.choice((5, 60, 1800, 40_000)))
            event = self.chance.choices(names, weights)[0]
            getattr(self, f"_{event.replace(' ', '_')}")(self.chance.choice(self.machines))
            self.happened[event] += 1
        self._come_to_rest()
        agree(self)

    def _come_to_rest(self) -> None:
        """The line is good, people decide what was refused, and everybody syncs until nothing has
        changed at the province since each of them compared; then once more moves nothing.
        """
        self.faulty = False
        while self.late:
            self._late(self.machines[0])
        last: dict[str, Any] = {}
        sure: dict[str, Any] = {}
        for turn in range(_ROUNDS * len(self.machines)):
            now = self.province.state()
            at_rest = all(sure.get(machine.name) == now for machine in self.machines)
            machine = (
                self.chance.choice(self.machines)
                if at_rest
                else self.machines[turn % len(self.machines)]
            )
            if sure.get(machine.name) == now and not at_rest:
                continue
            machine.store.dies_in = None
            self._mend(machine)
            run = last[machine.name] = self._synced(machine)
            if at_rest and run and run.verified and not (run.sent or run.received):
                return
            settled = run and run.verified and not machine.waiting()
            sure[machine.name] = self.province.state() if settled else None
            self.time += timedelta(minutes=40)
        told = [
            (m.name, r and r.outcome, r and r.detail, m.waiting())
            for m in self.machines
            for r in [last.get(m.name)]
        ]
        raise AssertionError(f"no rest after {_ROUNDS} rounds: {told}")

    def _synced(self, machine: Machine) -> Any:
        run = machine.sync()
        nothing_passed_over(self, machine)
        return run

    # --- people ----------------------------------------------------------------------------------

    def _value(self, path: str) -> str:
        self._numbers += 1
        number = self.seed % 1000 * 10_000 + self._numbers
        return {
            "phone": f"09{number:08d}",
            "national_id": f"064{number:09d}",
        }.get(path, f"giá trị mẫu {number}")

    def _put(self, record: Any, kind: RecordKind, paths: list[str]) -> tuple[Any, list[Mark]]:
        values = {path: self._value(path) for path in paths}
        marks = [Mark(kind, record.id, path, value) for path, value in values.items()]
        return replace(record, **values), marks

    def _written(self, machine: Machine, kind: RecordKind, record_id: str, step: Any) -> bool:
        """Whether the commit happened; a machine that died at it tells by what its disk holds."""
        marks: list[Mark] = []
        numbers: list[str] = []

        def change(work: Any, before: Any) -> Any:
            after, closed, made, printed = step(work, before)
            if getattr(after, "treatment", "") != POISON.decode():
                marks.extend(made)  # a version that is refused stays where it was written
            numbers.extend(printed)
            return after, closed

        status = (
            RecordStatus.SIGNED if machine.newest(kind, record_id) is None else RecordStatus.AMENDED
        )
        try:
            done = machine.write(kind, record_id, change, status) is not None
        except Killed:
            after = machine.store.dies_after
            machine.kill()
            done = after
        if done:
            self.marks.update(marks)
            self.records[kind].add(record_id)
            self.printed += numbers
        return done

    def _register(self, machine: Machine) -> None:
        record_id = machine.clock.new_id()

        def step(work: Any, _before: Any) -> Any:
            number = machine.series_number(work)
            plain = replace(
                sample.PATIENT, id=record_id, coverages=(), old_national_id="", chart_number=number
            )
            after, marks = self._put(plain, PATIENT, ["phone", "note", "national_id"])
            return after, (), marks, [number]

        self._written(machine, PATIENT, record_id, step)

    def _some(self, machine: Machine, kind: RecordKind) -> str | None:
        here = self._here(machine, kind)
        return self.chance.choice(here) if here else None

    def _here(self, machine: Machine, kind: RecordKind) -> list[str]:
        return sorted(self.records[kind] & machine.here(kind))

    def _change(self, machine: Machine, kind: RecordKind) -> None:
        record_id = self._some(machine, kind)
        if record_id is None:
            return
        paths = self.chance.sample(FIELDS[kind], self.chance.choice((1, 1, 2)))

        def step(_work: Any, before: Any) -> Any:
            after, marks = self._put(before, kind, paths)
            return after, paths, marks, ()

        self._written(machine, kind, record_id, step)

    def _edit(self, machine: Machine) -> None:
        self._change(machine, PATIENT)

    def _amend(self, machine: Machine) -> None:
        self._change(machine, ENCOUNTER)

    def _visit(self, machine: Machine) -> None:
        self._sign_visit(machine, "")

    def _sign_visit(self, machine: Machine, text: str) -> None:
        patient_id = self._some(machine, PATIENT)
        if patient_id is None:
            return
        record_id = machine.clock.new_id()

        def step(_work: Any, _before: Any) -> Any:
            # where a visit stands in the queue is each machine's own
            plain = replace(
                sample.ENCOUNTER, id=record_id, patient_id=patient_id, stage=Stage.FINISHED
            )
            after, marks = self._put(plain, ENCOUNTER, ["reason", "advice"])
            if text:
                after = replace(after, treatment=text)
            return after, (), marks, ()

        self._written(machine, ENCOUNTER, record_id, step)

    def _poison(self, machine: Machine) -> None:
        self._sign_visit(machine, POISON.decode())

    def _mend(self, machine: Machine) -> None:
        """Whoever is told that the province does not take a visit corrects it."""
        with machine.store.read() as work:
            refused = {(item.kind, item.record_id) for item in work.outbox.quarantined()}
        for kind, record_id in refused:
            found = machine.newest(kind, record_id)
            if kind is ENCOUNTER and found and POISON.decode() in found[0].treatment:

                def step(_work: Any, before: Any) -> Any:
                    return replace(before, treatment="đã sửa"), ("treatment",), (), ()

                self._written(machine, kind, record_id, step)

    def _void(self, machine: Machine) -> None:
        record_id = self._some(machine, ENCOUNTER)
        found = machine.newest(ENCOUNTER, record_id) if record_id else None
        if record_id is None or found is None or POISON.decode() in found[0].treatment:
            return  # a voided visit cannot be mended any more, so what is refused stays refused
        try:
            machine.write(ENCOUNTER, record_id, lambda _w, b: (b, ()), RecordStatus.VOIDED)
        except Killed:
            machine.kill()

    def _settle(self, machine: Machine) -> None:
        """Somebody looks at a conflict and says that what is shown is right."""
        with machine.store.read() as work:
            open_ones = [one for one in work.operations.conflicts() if one[0] in FIELDS]
        if not open_ones:
            return
        kind, record_id = self.chance.choice(sorted(open_ones))
        found = machine.newest(kind, record_id)
        if found is None:
            return
        self._written(machine, kind, record_id, lambda _w, before: (before, found[2], (), ()))

    def _join(self, machine: Machine) -> None:
        here = self._here(machine, PATIENT)
        if len(here) < 2:
            return
        one, other = self.chance.sample(here, 2)
        link = PatientLink(id=machine.clock.new_id(), survivor_id=one, duplicate_id=other)
        self._written(machine, LINK, link.id, lambda _w, _b: (link, (), (), ()))

    def _part(self, machine: Machine) -> None:
        link_id = self._some(machine, LINK)
        if link_id is None:
            return
        try:
            machine.write(LINK, link_id, lambda _w, b: (b, ()), RecordStatus.VOIDED)
        except Killed:
            machine.kill()

    # --- machines --------------------------------------------------------------------------------

    def _sync(self, machine: Machine) -> None:
        self._synced(machine)

    def _kill(self, machine: Machine) -> None:
        machine.kill()

    def _die_at_a_commit(self, machine: Machine) -> None:
        machine.store.dies_in = self.chance.randint(1, 6)
        machine.store.dies_after = self.chance.random() < 0.5

    def _clock(self, machine: Machine) -> None:
        machine.clock.error = self.chance.choice(
            (timedelta(), timedelta(days=1100), timedelta(days=-1100), timedelta(minutes=7))
        )

    def _upgrade(self, machine: Machine) -> None:
        machine.program = f"station-emr 0.1.{self.chance.randint(1, 9)}"
        machine.kill()

    def _backup(self, machine: Machine) -> None:
        machine.store.dies_in = None
        target = self.folder / f"{machine.name}.backup"
        machine.backup(target)
        self._backups[machine.name] = target

    def _restore(self, machine: Machine) -> None:
        backup = self._backups.get(machine.name)
        if backup is None:
            return
        machine.store.dies_in = None
        machine.restore(backup)
        self._forget_what_is_gone()

    def _copy(self, machine: Machine) -> None:
        """Somebody carries the whole folder to another PC; both go on."""
        if len(self.machines) >= 5:
            return
        machine.kill()
        self._new_machine(machine.folder / FILE, witness=machine.folder)

    def _new_machine(self, database: Path, witness: Path | None = None) -> None:
        name = f"PC {len(self.machines) + 1}"
        folder = self.folder / name.replace(" ", "")
        if witness is None:
            folder.mkdir()
            shutil.copyfile(database, folder / FILE)
        else:
            shutil.copytree(witness, folder)
        machine = Machine(self, folder, name, self.province.enrol(f"{name} {self.seed}"))
        self.machines.append(machine)
        if witness is None:  # each PC of a station is set up with a series of its own
            with machine.store.write() as work:
                profile = replace(
                    work.settings.station(),
                    series="ABCDEF"[len(self.machines) - 1],
                    device_name=name,
                )
                work.settings.save_station(profile, self.time)

    # --- the province ----------------------------------------------------------------------------

    def _server_restart(self, _machine: Machine) -> None:
        self.province.restart()

    def _index(self, _machine: Machine) -> None:
        self.province.index()

    def _server_backup(self, _machine: Machine) -> None:
        self._province_copy = self.folder / "province.backup"
        self.province.backup(self._province_copy)

    def _server_restore(self, _machine: Machine) -> None:
        if self._province_copy is None:
            return
        self.province.restore(self._province_copy, announced=self.chance.random() < 0.5)
        for machine in self.machines:
            machine.sure_epoch = ""  # until it has compared
        self._enrol_again()
        self._forget_what_is_gone()

    def _enrol_again(self) -> None:
        """Machines that came after the backup are enrolled again by the operator."""
        for machine in self.machines:
            machine.caller = self.province.enrol(f"{machine.name} {self.seed}")

    def _late(self, _machine: Machine) -> None:
        """A request that everybody had given up arrives after all."""
        if not self.late:
            return
        caller, plain = self.late.pop(self.chance.randrange(len(self.late)))
        try:
            self.old_answers.append(self.province.answer(caller, plain))
        except FhirFault:
            self.happened["late and refused"] += 1
        except Exception as error:
            if "FOREIGN KEY" not in str(error):  # its device is gone with the restored database
                raise

    def _forget_what_is_gone(self) -> None:
        """Only what no disk holds any more may be missing at the end."""
        nothing_vanished(self, forget=True)

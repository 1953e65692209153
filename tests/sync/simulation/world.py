"""Two to four PCs of one station and the province on virtual time, with everything that goes wrong.

One seed is one story: people write, lines fail, processes die, backups are put back, folders are
copied, clocks jump. Then the faults end, everybody syncs until nothing moves, and `checks` compares.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from provincial_server.faults import FhirFault
from provincial_server.referrals.answering import AnswerRefused, feedback_id
from provincial_server.referrals.tables import ANSWERED, REJECTED
from station_emr.domain.record import RecordKind
from tests.interop import fhir_records as sample

from .checks import agree, nothing_passed_over, nothing_vanished
from .machine import FILE, Killed, Machine
from .people import ENCOUNTER, FIELDS, PATIENT, Mark
from .province import CODE, Province, ServerDied
from .refusals import Refusals
from .relaying import meet
from .sticks import Sticks, device_key

FAULTS = (
    "lost", "answer lost", "late", "twice", "cut", "old answer", "busy", "server before",
    "server after", "killed before", "killed after",
)  # fmt: skip
EVENTS = {
    "sync": 26, "register": 8, "edit": 14, "visit": 9, "amend": 5, "void": 2, "poison": 3,
    "mend": 3, "try again": 1, "too late": 3, "server upgrade": 1, "relay": 6,
    "paper": 9, "amend paper": 5, "void paper": 1, "reissue": 1, "hand": 4, "answer": 3,
    "notice": 3, "consent": 3, "take back": 2, "request": 2, "leak": 1, "follow up": 5,
    "rights": 5, "rights clash": 1, "staff": 2, "letterhead": 1,
    "join": 2, "part": 1, "settle": 2, "decide": 2, "undo": 2, "clash": 3, "kill": 3, "die at a commit": 4, "clock": 2, "upgrade": 1,
    "backup": 3, "restore": 2, "copy": 1, "server backup": 2, "server restore": 2, "late": 4,
    "server restart": 1, "index": 2, "plain": 4, "stick": 4, "carry": 2, "reply": 2,
}  # fmt: skip
_ROUNDS = 14


class World(Refusals):
    """``templates`` holds an empty database of each side; ``folder`` is this story's own. ``more``
    says of which events this story has more than others.
    """

    def __init__(
        self,
        seed: int,
        templates: Path,
        folder: Path,
        more: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        super().__init__(seed)
        self._events = {**EVENTS, **more}
        self.folder = folder
        self.time = datetime(2026, 11, 20, 7, 0, tzinfo=sample.VN)
        self.faulty = True
        self.fault_rate = self.chance.choice((0.0, 0.1, 0.3, 0.5))
        self.late: list[tuple[Any, bytes]] = []
        self.old_answers: list[bytes] = []
        self._backups: dict[str, Path] = {}
        self._province_copy: Path | None = None
        shutil.copyfile(templates / "province.db", folder / "province.db")
        self.province = Province(folder / "province.db", self.milliseconds)
        self.sticks = Sticks(self, folder / "sticks")
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
        names, weights = list(self._events), list(self._events.values())
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
        if self.chance.random() < 0.5:
            self.province.upgrade()
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

    # --- people who meet ---------------------------------------------------------------------------

    def _clash(self, machine: Machine) -> None:
        """Two people change one field before they hear of each other; both send, one may decide."""
        other = self.chance.choice([one for one in self.machines if one is not machine])
        both = self._of_both(machine, other)
        if not both:
            self._synced(machine)
            self._synced(other)
            both = self._of_both(machine, other)
            if not both:
                return
        kind, record_id = self.chance.choice(both)
        path = self.chance.choice(FIELDS[kind])
        for one in (machine, other):
            self._put_into(one, kind, record_id, [path])
        for one in (machine, other):
            self._synced(one)
        if self.chance.random() < 0.7:
            self._decide(other if self._undecided(other) else machine)

    def _of_both(self, one: Machine, other: Machine) -> list[tuple[RecordKind, str]]:
        return [
            (kind, record_id)
            for kind in FIELDS
            for record_id in sorted(set(self._here(one, kind)) & set(self._here(other, kind)))
        ]

    def _too_late(self, machine: Machine) -> None:
        """A record is refused and corrected, and the refused version is accepted after all: some of
        what brings that about, in any order.
        """
        self._synced(machine)
        if self._spoil(machine, self.chance.choice((PATIENT, ENCOUNTER))) is None:
            return
        other = self.chance.choice([one for one in self.machines if one is not machine])
        turns = [
            lambda: self._mend(machine),
            lambda: self._synced(machine),
            lambda: self._relay_between(machine, other),
            lambda: self._synced(other),
            self.province.upgrade,
            lambda: self._come_twice(machine),
            lambda: self._try_again(machine),
            lambda: self._change_any(other),
        ]
        if self.chance.random() < 0.7:
            self._synced(machine)  # it is told at once
        for turn in self.chance.sample(turns, self.chance.randint(3, len(turns))):
            turn()

    def _come_twice(self, machine: Machine) -> None:
        """What it sent last is still on its way once more."""
        if machine.last_sent:
            self.late.append((machine.caller, machine.last_sent))
            if self.chance.random() < 0.5:
                self._late(machine)

    def _change_any(self, machine: Machine) -> None:
        self._change(machine, self.chance.choice((PATIENT, ENCOUNTER)))

    def _relay(self, machine: Machine) -> None:
        other = self.chance.choice([one for one in self.machines if one is not machine])
        self._relay_between(machine, other)

    def _relay_between(self, machine: Machine, other: Machine) -> None:
        try:
            meet(machine, other)
        except Killed:  # which of them died is not told: both start again
            machine.kill()
            other.kill()

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
        machine = Machine(self, folder, name, self.province.enrol(name, device_key().public_pem))
        self.machines.append(machine)
        if witness is None:  # each PC of a station is set up with a series of its own
            with machine.store.write() as work:
                profile = replace(
                    work.settings.station(),
                    series="ABCDEF"[len(self.machines) - 1],
                    device_name=name,
                )
                work.settings.save_station(profile, self.time)

    # --- sticks ----------------------------------------------------------------------------------

    def _stick(self, machine: Machine) -> None:
        """Mostly it makes its journey at once; what it brought may come once more, much later."""
        self.sticks.write(machine)
        if self.chance.random() < 0.6:
            self._carry(machine)
            if self.chance.random() < 0.6:
                self._reply(machine)

    def _carry(self, _machine: Machine) -> None:
        self.sticks.carry(self.chance.choice(("", "", "", "before", "after")))

    def _reply(self, _machine: Machine) -> None:
        machine = self.sticks.bring_back()
        if machine is not None:
            nothing_passed_over(self, machine)

    # --- the province ----------------------------------------------------------------------------

    def _server_restart(self, _machine: Machine) -> None:
        self.province.restart()

    def _server_upgrade(self, _machine: Machine) -> None:
        self.province.upgrade()

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
            machine.caller = self.province.enrol(machine.name, device_key().public_pem)

    def _plain(self, _machine: Machine) -> None:
        """Another system, which knows nothing of operations, changes a patient at the province."""
        patients = sorted(self.records[PATIENT])
        if not patients:
            return
        caller = self.province.enrol("Bệnh viện Mẫu", device_key().public_pem)
        patient_id, phone = self.chance.choice(patients), self._value("phone")
        dies = self.chance.choice(("", "", "", "before", "after"))
        try:
            self.province.put_phone(caller, patient_id, phone, dies)
        except FhirFault:
            return  # it has not come there yet
        except ServerDied:
            if not any(phone.encode() in line for line in self.province.lines()):
                return
        self.marks.add(Mark(PATIENT, patient_id, "phone", phone))
        self.happened["plain and taken"] += 1

    def _answer(self, machine: Machine) -> None:
        """The hospital answers a letter, or corrects its answer; the first letter is written for it."""
        if not self.records[RecordKind.REFERRAL]:
            self._papers(machine, [RecordKind.REFERRAL])
            self._synced(machine)
        letters = sorted(self.records[RecordKind.REFERRAL])
        if not letters:
            return
        letter_id = self.chance.choice(letters)
        path, status = self.chance.choice(
            (("reason", REJECTED), ("advice", ANSWERED), ("advice", ANSWERED))
        )
        text = self._value(path)
        dies = self.chance.choice(("", "", "", "before", "after"))
        try:
            self.province.reply(letter_id, status, text, dies)
        except AnswerRefused:
            return  # it has not come there yet, was voided, or was answered otherwise
        except ServerDied:
            if not any(text.encode() in line for line in self.province.lines()):
                return
        answer_id = feedback_id(CODE, letter_id)
        self.records[RecordKind.FEEDBACK].add(answer_id)
        self.marks.add(Mark(RecordKind.FEEDBACK, answer_id, path, text))
        self.happened["answered"] += 1

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

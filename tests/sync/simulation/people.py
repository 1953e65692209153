"""What the people of a station do at their machines, each with values that nobody else writes."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from station_emr.domain.encounter import Stage
from station_emr.domain.errors import UserError
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.user import Actor
from station_emr.services.desk_views import Choice
from station_emr.services.papers import close_papers
from tests.interop import fhir_records as sample
from tests.interop import privacy_records as privacy

from .machine import Killed, Machine
from .province import is_refused_word

PATIENT, ENCOUNTER, LINK = RecordKind.PATIENT, RecordKind.ENCOUNTER, RecordKind.LINK
REQUEST, BREACH = RecordKind.REQUEST, RecordKind.BREACH
PAPERS = {
    RecordKind.PRESCRIPTION: sample.PRESCRIPTION,
    RecordKind.REFERRAL: sample.REFERRAL,
    RecordKind.APPOINTMENT: sample.APPOINTMENT,
}
FIELDS = {
    PATIENT: ("phone", "note", "workplace", "national_id", "occupation_name"),
    ENCOUNTER: ("reason", "advice", "treatment"),
    RecordKind.PRESCRIPTION: ("advice",),
    RecordKind.REFERRAL: ("clinical_signs", "treatment", "plan"),
    RecordKind.APPOINTMENT: ("note",),
    REQUEST: ("purpose", "wanted"),
    BREACH: ("effects", "done"),
}
_NUMBERED = {RecordKind.REFERRAL: "referral", RecordKind.APPOINTMENT: "appointment"}
WHO = Actor(user=sample.USER, device="Máy mẫu")


@dataclass(frozen=True)
class Mark:
    """A value that nobody else wrote: where a person put it."""

    kind: RecordKind
    record_id: str
    path: str
    value: str


def _at(record: Any, path: str) -> str:
    return str(getattr(record, path, ""))


class People:
    """What they have written so far, and how they write."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.marks: set[Mark] = set()
        self.maybe: set[Mark] = set()  # in versions that the province refuses
        self.printed: list[str] = []
        self.records: dict[RecordKind, set[str]] = {kind: set() for kind in (LINK, *FIELDS)}
        self.happened: Counter[str] = Counter()
        self._numbers = 0

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
        refused: list[bool] = []

        def change(work: Any, before: Any) -> Any:
            after, closed, made, printed = step(work, before)
            marks.extend(made)
            refused[:] = [is_refused_word(_at(after, path)) for path in ("treatment", "workplace")]
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
            # A version that is refused stays where it was written, unless it is taken after all.
            (self.maybe if any(refused) else self.marks).update(marks)
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
        """Often the same one, so that people meet in it."""
        here = self._here(machine, kind)
        if not here:
            return None
        return here[0] if self.chance.random() < 0.35 else self.chance.choice(here)

    def _here(self, machine: Machine, kind: RecordKind) -> list[str]:
        return sorted(self.records[kind] & machine.here(kind))

    def _change(self, machine: Machine, kind: RecordKind) -> None:
        record_id = self._some(machine, kind)
        if record_id is None:
            return
        fields = FIELDS[kind]
        self._put_into(
            machine,
            kind,
            record_id,
            self.chance.sample(fields, min(len(fields), self.chance.choice((1, 1, 2)))),
        )

    def _put_into(
        self, machine: Machine, kind: RecordKind, record_id: str, paths: list[str]
    ) -> None:
        def step(_work: Any, before: Any) -> Any:
            after, marks = self._put(before, kind, paths)
            return after, paths, marks, ()

        self._written(machine, kind, record_id, step)

    def _edit(self, machine: Machine) -> None:
        self._change(machine, PATIENT)

    def _amend(self, machine: Machine) -> None:
        self._change(machine, ENCOUNTER)

    def _paper(self, machine: Machine) -> None:
        """A paper of a visit; two people may both write one before they hear of each other."""
        visit_id = self._some(machine, ENCOUNTER)
        found = machine.newest(ENCOUNTER, visit_id) if visit_id else None
        if found is None or found[1]:
            return  # nothing is written on a voided visit
        visit = found[0]
        kind = self.chance.choice(list(PAPERS))
        record_id = machine.clock.new_id()

        def step(work: Any, _before: Any) -> Any:
            plain = replace(
                PAPERS[kind], id=record_id, patient_id=visit.patient_id, encounter_id=visit.id
            )
            numbers = []
            if kind in _NUMBERED:
                numbers = [machine.series_number(work, _NUMBERED[kind])]
                plain = replace(plain, number=numbers[0])
            after, marks = self._put(plain, kind, [self.chance.choice(FIELDS[kind])])
            return after, (), marks, numbers

        self._written(machine, kind, record_id, step)

    def _amend_paper(self, machine: Machine) -> None:
        self._change(machine, self.chance.choice(list(PAPERS)))

    def _void_paper(self, machine: Machine) -> None:
        kind = self.chance.choice(list(PAPERS))
        record_id = self._some(machine, kind)
        if record_id is not None:
            self._voided(machine, kind, record_id)

    def _request(self, machine: Machine) -> None:
        """What a person asks of the own record."""
        patient_id = self._some(machine, PATIENT)
        if patient_id is not None:
            record_id = machine.clock.new_id()
            plain = replace(privacy.REQUEST, id=record_id, patient_id=patient_id)
            self._noted(machine, REQUEST, plain)

    def _leak(self, machine: Machine) -> None:
        self._noted(machine, BREACH, replace(privacy.BREACH, id=machine.clock.new_id()))

    def _noted(self, machine: Machine, kind: RecordKind, plain: Any) -> None:
        def step(work: Any, _before: Any) -> Any:
            number = machine.series_number(work, kind.value)
            after, marks = self._put(replace(plain, number=number), kind, [FIELDS[kind][0]])
            return after, (), marks, [number]

        self._written(machine, kind, plain.id, step)

    def _follow_up(self, machine: Machine) -> None:
        self._change(machine, self.chance.choice((REQUEST, BREACH)))

    def _visit(self, machine: Machine) -> None:
        self._sign_visit(machine, "")

    def _sign_visit(self, machine: Machine, text: str) -> str | None:
        patient_id = self._some(machine, PATIENT)
        if patient_id is None:
            return None
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

        return record_id if self._written(machine, ENCOUNTER, record_id, step) else None

    def _void(self, machine: Machine) -> None:
        record_id = self._some(machine, ENCOUNTER)
        found = machine.newest(ENCOUNTER, record_id) if record_id else None
        if record_id is None or found is None or is_refused_word(found[0].treatment):
            return  # a voided visit cannot be mended any more, so what is refused stays refused
        self._voided(machine, ENCOUNTER, record_id)

    def _voided(self, machine: Machine, kind: RecordKind, record_id: str) -> None:
        """With a visit go its papers, in the same transaction."""

        def change(work: Any, before: Any) -> Any:
            if kind is ENCOUNTER:
                close_papers(work, WHO, record_id, "Hủy theo lượt khám", machine.clock.now())
            return before, ()

        try:
            machine.write(kind, record_id, change, RecordStatus.VOIDED)
        except Killed:
            machine.kill()

    def _settle(self, machine: Machine) -> None:
        """Somebody looks at a conflict and says that what is shown is right."""
        open_ones = self._undecided(machine)
        if not open_ones:
            return
        kind, record_id = self.chance.choice(open_ones)
        found = machine.newest(kind, record_id)
        if found is None:
            return
        self._written(machine, kind, record_id, lambda _w, before: (before, found[2], (), ()))

    def _undecided(self, machine: Machine) -> list[tuple[RecordKind, str]]:
        with machine.store.read() as work:
            return sorted(one for one in work.operations.conflicts() if one[0] in FIELDS)

    def _decide(self, machine: Machine) -> None:
        """Somebody opens the conflict desk and chooses, in all the fields or in some of them."""
        open_ones = self._undecided(machine)
        if not open_ones:
            return
        kind, record_id = self.chance.choice(open_ones)
        desk = machine.conflict_desk()
        try:
            view = desk.open(WHO, kind, record_id)
            choices = {
                line.path: self.chance.choice((Choice.ONE, Choice.OTHER))
                for line in view.differences
                if self.chance.random() < 0.8
            }
            desk.decide(
                WHO,
                kind,
                record_id,
                choices,
                reason="Đã hỏi người bệnh",
                expected_version=view.version,
            )
        except Killed:
            machine.kill()
        except UserError as told:  # nothing left to choose, nothing chosen, a clock run back
            self.happened[f"not decided: {type(told).__name__}"] += 1
        else:
            self.happened["decided"] += 1
            if self.chance.random() < 0.3:
                self._undo(machine)

    def _undo(self, machine: Machine) -> None:
        desk = machine.conflict_desk()
        rows = desk.decided(WHO)
        if not rows:
            return
        row = self.chance.choice(rows)
        try:
            desk.undo(WHO, row.kind, row.record_id, reason="Chọn nhầm")
        except Killed:
            machine.kill()
        except UserError as told:
            self.happened[f"not undone: {type(told).__name__}"] += 1
        else:
            self.happened["undone"] += 1

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
        self._voided(machine, LINK, link_id)

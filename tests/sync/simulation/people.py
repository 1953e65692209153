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

from .machine import STAFF, Killed, Machine
from .province import is_refused_word

PATIENT, ENCOUNTER, LINK = RecordKind.PATIENT, RecordKind.ENCOUNTER, RecordKind.LINK
REQUEST, BREACH = RecordKind.REQUEST, RecordKind.BREACH
CERTIFICATE, BILL = RecordKind.CERTIFICATE, RecordKind.BILL
CONSENT, NOTIFICATION = RecordKind.CONSENT, RecordKind.NOTIFICATION
FIELDS = {
    PATIENT: ("phone", "note", "workplace", "national_id", "occupation_name"),
    ENCOUNTER: ("reason", "advice", "treatment"),
    RecordKind.PRESCRIPTION: ("advice",),
    RecordKind.REFERRAL: ("clinical_signs", "treatment", "plan"),
    RecordKind.APPOINTMENT: ("note",),
    CERTIFICATE: ("workplace", "treatment", "termination_cause"),
    BILL: ("items", "note", "visit_number"),
    CONSENT: ("withdrawn_by", "withdrawal_paper"),
    NOTIFICATION: ("contacts", "measures", "receipt"),
    REQUEST: ("purpose", "wanted"),
    BREACH: ("effects", "done"),
}
"""What people change in a record that they may correct; of a consent, how it was taken back."""
SPOILT_FIELD = {
    PATIENT: "workplace",
    ENCOUNTER: "treatment",
    CERTIFICATE: "treatment",
    BILL: "note",
    NOTIFICATION: "measures",
    REQUEST: "wanted",
}
"""Where a word stands that the province refuses. A person is merged field by field, a visit as it was
signed.
"""
WHO = Actor(user=sample.USER, device="Máy mẫu")
BOSS = Actor(user=STAFF[0], device="Máy mẫu")
DECIDED_ABOVE = frozenset({RecordKind.RIGHTS, RecordKind.STANDING, REQUEST, BREACH})
"""What a director decides at the desk: accounts, requests about the own record, leaks."""


@dataclass(frozen=True)
class Mark:
    """A value that nobody else wrote: where a person put it."""

    kind: RecordKind
    record_id: str
    path: str
    value: str

    def stands_in(self, record: Any) -> bool:
        """Also as a part of a row, where the field holds rows."""
        shown = getattr(record, self.path)
        return shown == self.value or (isinstance(shown, tuple) and self.value in str(shown))


def is_spoilt(kind: RecordKind, record: Any) -> bool:
    """Whether some version of the province refuses it."""
    return kind in SPOILT_FIELD and is_refused_word(getattr(record, SPOILT_FIELD[kind]))


class People:
    """What they have written so far, and how they write."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.marks: set[Mark] = set()
        self.maybe: set[Mark] = set()  # in versions that the province refuses
        self.printed: list[str] = []
        self.records: dict[RecordKind, set[str]] = {
            kind: set() for kind in RecordKind if kind is not RecordKind.FACILITY
        }
        self.happened: Counter[str] = Counter()
        self._numbers = 0

    def _value(self, path: str) -> str:
        self._numbers += 1
        number = self.seed % 1000 * 10_000 + self._numbers
        return {
            "phone": f"09{number:08d}",
            "national_id": f"064{number:09d}",
        }.get(path, f"giá trị mẫu {number:08d}")

    def _put(self, record: Any, kind: RecordKind, paths: list[str]) -> tuple[Any, list[Mark]]:
        values = {path: self._value(path) for path in paths}
        marks = [Mark(kind, record.id, path, value) for path, value in values.items()]
        changes: dict[str, Any] = dict(values)
        if "items" in values:  # one row of a bill is another now
            *others, last = record.items
            changes["items"] = (*others, replace(last, name=values["items"]))
        return replace(record, **changes), marks

    def _written(self, machine: Machine, kind: RecordKind, record_id: str, step: Any) -> bool:
        """Whether the commit happened; a machine that died at it tells by what its disk holds."""
        marks: list[Mark] = []
        numbers: list[str] = []
        refused: list[bool] = []

        def change(work: Any, before: Any) -> Any:
            after, closed, made, printed = step(work, before)
            marks.extend(made)
            refused[:] = [is_spoilt(kind, after)]
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
        self._sign_up(machine, "")

    def _sign_up(self, machine: Machine, text: str) -> str | None:
        record_id = machine.clock.new_id()

        def step(work: Any, _before: Any) -> Any:
            number = machine.series_number(work)
            plain = replace(
                sample.PATIENT, id=record_id, coverages=(), old_national_id="", chart_number=number
            )
            after, marks = self._put(plain, PATIENT, ["phone", "note", "national_id"])
            if text:
                after = replace(after, workplace=text)
            return after, (), marks, [number]

        return record_id if self._written(machine, PATIENT, record_id, step) else None

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

    def _visit(self, machine: Machine) -> None:
        self._sign_visit(machine, "")

    def _sign_visit(self, machine: Machine, text: str, record_id: str = "") -> str | None:
        patient_id = self._some(machine, PATIENT)
        if patient_id is None:
            return None
        record_id = record_id or machine.clock.new_id()

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
        if record_id is None or found is None:
            return
        with machine.store.read() as work:
            papers = [
                (CERTIFICATE, work.certificates.of_encounter(record_id)),
                (BILL, work.bills.of_encounter(record_id)),
            ]
        if not any(paper and is_spoilt(kind, paper.record) for kind, paper in papers):
            self._voided(machine, ENCOUNTER, record_id)

    def _voided(self, machine: Machine, kind: RecordKind, record_id: str) -> None:
        """With a visit go its papers, in the same transaction. What is voided cannot be mended any
        more, so what is refused would stay refused.
        """
        found = machine.newest(kind, record_id)
        if found is None or is_spoilt(kind, found[0]):
            return

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
        open_ones = [one for one in self._undecided(machine) if one[0] in FIELDS]
        if not open_ones:
            return
        kind, record_id = self.chance.choice(open_ones)
        found = machine.newest(kind, record_id)
        if found is None:
            return
        self._written(machine, kind, record_id, lambda _w, before: (before, found[2], (), ()))

    def _undecided(self, machine: Machine) -> list[tuple[RecordKind, str]]:
        with machine.store.read() as work:
            return sorted(one for one in work.operations.conflicts() if one[0] is not LINK)

    def _decide(self, machine: Machine) -> None:
        """Somebody opens the conflict desk and chooses, in all the fields or in some of them."""
        open_ones = self._undecided(machine)
        if not open_ones:
            return
        kind, record_id = self.chance.choice(open_ones)
        desk, actor = machine.conflict_desk(), BOSS if kind in DECIDED_ABOVE else WHO
        try:
            view = desk.open(actor, kind, record_id)
            choices = {
                line.path: self.chance.choice((Choice.ONE, Choice.OTHER))
                for line in view.differences
                if self.chance.random() < 0.8
            }
            desk.decide(
                actor,
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
        rows = desk.decided(BOSS)
        if not rows:
            return
        row = self.chance.choice(rows)
        try:
            actor = BOSS if row.kind in DECIDED_ABOVE else WHO
            desk.undo(actor, row.kind, row.record_id, reason="Chọn nhầm")
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

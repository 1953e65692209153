"""What the province's rules refuse, what people make of it, and what is accepted late after all.

Each program of the province refuses a word that the next one takes. A person is told and corrects; the
refused version may still be on its way, on a stick or at a colleague's PC, and come once more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from station_emr.domain.record import RecordKind

from .machine import Killed, Machine
from .people import ENCOUNTER, PATIENT, People
from .province import Province, is_refused_word, refused_word

SPOILT = refused_word(1)
FIELD = {PATIENT: "workplace", ENCOUNTER: "treatment"}
"""Where the word is written. A person is merged field by field, a visit as it was signed."""


def is_spoilt(kind: RecordKind, record: Any) -> bool:
    return kind in FIELD and is_refused_word(getattr(record, FIELD[kind]))


class Refusals(People):
    """People who write the word, and who are told of it."""

    province: Province

    def _poison(self, machine: Machine) -> None:
        self._spoil(machine, self.chance.choice((PATIENT, ENCOUNTER, ENCOUNTER)))

    def _spoil(self, machine: Machine, kind: RecordKind) -> str | None:
        """A new visit with the word, or an older record that is changed to it."""
        word = refused_word(self.province.version)
        if kind is ENCOUNTER and self.chance.random() < 0.5:
            return self._sign_visit(machine, word)
        record_id = self._some(machine, kind)
        found = machine.newest(kind, record_id) if record_id else None
        if record_id is None or found is None or found[1]:
            return None

        def step(_work: Any, before: Any) -> Any:
            after = replace(before, **{FIELD[kind]: word})
            after, marks = self._put(after, kind, ["note" if kind is PATIENT else "advice"])
            return after, (FIELD[kind], marks[0].path), marks, ()

        return record_id if self._written(machine, kind, record_id, step) else None

    def _mend(self, machine: Machine) -> None:
        """Whoever is told that the province does not take a record saves it once more, corrected
        where the word still stands in it.
        """
        with machine.store.read() as work:
            refused = {(one.kind, one.record_id) for one in work.outbox.quarantined()}
        for kind, record_id in sorted(refused):
            if kind in FIELD and machine.newest(kind, record_id):
                self._corrected(machine, kind, record_id)

    def _corrected(self, machine: Machine, kind: RecordKind, record_id: str) -> None:
        def step(_work: Any, before: Any) -> Any:
            if not is_spoilt(kind, before):
                return before, (), (), ()
            after, marks = self._put(before, kind, [FIELD[kind]])
            return after, (FIELD[kind],), marks, ()

        if self._written(machine, kind, record_id, step):
            self.happened["corrected"] += 1

    def _try_again(self, machine: Machine) -> None:
        """Somebody asks for what was refused to be offered once more."""
        try:
            with machine.store.write() as work:
                work.outbox.release_quarantined()
        except Killed:
            machine.kill()

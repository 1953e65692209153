"""What the province's rules refuse, what people make of it, and what is accepted late after all.

Each program of the province refuses a word that the next one takes. A person is told and corrects; the
refused version may still be on its way, on a stick or at a colleague's PC, and come once more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from station_emr.domain.record import RecordKind

from .directors import Directors
from .machine import Killed, Machine
from .people import BILL, CERTIFICATE, ENCOUNTER, FIELDS, PATIENT, SPOILT_FIELD, is_spoilt
from .province import Province, refused_word

SPOILT = refused_word(1)
_BESIDE = {PATIENT: "note", ENCOUNTER: "advice"}
"""What is changed together with the word, where that is not the first of the fields."""


class Refusals(Directors):
    """People who write the word, and who are told of it."""

    province: Province

    def _poison(self, machine: Machine) -> None:
        others = sorted(set(SPOILT_FIELD) - {PATIENT, ENCOUNTER})
        self._spoil(machine, self.chance.choice((PATIENT, ENCOUNTER, ENCOUNTER, *others)))

    def _spoil(self, machine: Machine, kind: RecordKind) -> str | None:
        """Somebody new, a new visit or paper with the word, or an older record that is changed to it.
        What hangs on a new one waits with it.
        """
        word = refused_word(self.province.version)
        if kind is ENCOUNTER and self.chance.random() < 0.5:
            return self._sign_visit(machine, word)
        if kind is PATIENT and self.chance.random() < 0.3:
            return self._sign_up(machine, word)
        visit_id = self._some(machine, ENCOUNTER)
        visit = machine.newest(ENCOUNTER, visit_id) if visit_id else None
        if kind in {CERTIFICATE, BILL} and visit and not visit[1]:
            return self._hand_out(machine, kind, visit[0], word)
        record_id = self._some(machine, kind)
        found = machine.newest(kind, record_id) if record_id else None
        if record_id is None or found is None or found[1]:
            return None

        def step(_work: Any, before: Any) -> Any:
            after = replace(before, **{SPOILT_FIELD[kind]: word})
            after, marks = self._put(after, kind, [_BESIDE.get(kind, FIELDS[kind][0])])
            return after, (SPOILT_FIELD[kind], marks[0].path), marks, ()

        return record_id if self._written(machine, kind, record_id, step) else None

    def _mend(self, machine: Machine) -> None:
        """Whoever is told that the province does not take a record saves it once more, corrected
        where the word still stands in it.
        """
        with machine.store.read() as work:
            refused = {(one.kind, one.record_id) for one in work.outbox.quarantined()}
        for kind, record_id in sorted(refused):
            if kind in SPOILT_FIELD and machine.newest(kind, record_id):
                self._corrected(machine, kind, record_id)

    def _corrected(self, machine: Machine, kind: RecordKind, record_id: str) -> None:
        def step(_work: Any, before: Any) -> Any:
            if not is_spoilt(kind, before):
                return before, (), (), ()
            after, marks = self._put(before, kind, [SPOILT_FIELD[kind]])
            return after, (SPOILT_FIELD[kind],), marks, ()

        if self._written(machine, kind, record_id, step):
            self.happened["corrected"] += 1

    def _try_again(self, machine: Machine) -> None:
        """Somebody asks for what was refused to be offered once more."""
        try:
            with machine.store.write() as work:
                work.outbox.release_quarantined()
        except Killed:
            machine.kill()

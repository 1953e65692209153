"""The station's file for the inspection: self-assessment, regulation, level of security, state today.

Every word about the station is read at the moment of asking. Nothing clinical and nobody's record is
in it, so an administrator may make it as well as the director.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from station_emr.domain.dossier import (
    Block,
    DossierSettings,
    OwnWord,
    Part,
    Row,
    Section,
    Standing,
)
from station_emr.domain.errors import PermissionDenied, UserError
from station_emr.domain.permissions import Action, Role
from station_emr.domain.text import clean
from station_emr.domain.user import Actor

from .dossier_assessment import CIRCULAR, GUIDANCE, rows
from .dossier_facts import gather, read_settings, write_settings
from .dossier_level import level_rows
from .dossier_ports import Door, Dossier, DossierPapers, DossierSource, Facts, LookAtBackups
from .dossier_regulation import filled, names_of, read_own, write_own
from .guards import allow
from .ports import Clock, Store, Work
from .rights import station_table
from .synchronisation import SyncControl

OWN: Final = "dossier.own"
_LONGEST_NOTE: Final = 500


class Dossiers:
    """Use cases of the director and the administrator. ``backups`` looks at the places of copies,
    which may be slow: never in the lane of the database.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        source: DossierSource,
        papers: DossierPapers,
        backups: LookAtBackups,
        sync: SyncControl,
        door: Door,
        tries: int,
    ) -> None:
        self._store = store
        self._clock = clock
        self._source = source
        self._papers = papers
        self._backups = backups
        self._sync = sync
        self._door = door
        self._tries = tries

    def show(self, actor: Actor) -> Dossier:
        """The station as it stands now, judged row by row."""
        allow(actor, Action.SETTINGS_EDIT)
        return self._made(actor)

    def papers(self, actor: Actor, parts: tuple[Part, ...] = tuple(Part)) -> dict[Part, bytes]:
        """The parts as PDF, all of the same moment; that they were made is a line of the log."""
        allow(actor, Action.SETTINGS_EDIT)
        dossier = self._made(actor)
        made = {part: self._papers.paper(part, dossier) for part in parts}
        with self._store.write() as work:
            work.audit.append(
                actor,
                "dossier.print",
                dossier.facts.at,
                detail={"parts": ", ".join(part.value for part in parts)},
            )
        return made

    def settings(self, actor: Actor) -> DossierSettings:
        allow(actor, Action.SETTINGS_EDIT)
        with self._store.read() as work:
            return read_settings(work)

    def save_settings(self, actor: Actor, settings: DossierSettings) -> None:
        """Raises UserError for what cannot be."""
        allow(actor, Action.SETTINGS_EDIT)
        fault = settings.fault()
        if fault:
            raise UserError(fault)
        with self._store.write() as work:
            write_settings(work, settings)
            detail = {
                "hours": str(settings.complete_hours),
                "decision": settings.decision_no,
                "level": settings.level_decision_no,
            }
            work.audit.append(actor, "dossier.settings", self._clock.now(), detail=detail)

    def judge(self, actor: Actor, key: str, standing: Standing, note: str = "") -> None:
        """The head's own word to a row that the program cannot see. ``OWN`` takes it back."""
        allow(actor, Action.SETTINGS_EDIT)
        if actor.role is not Role.DIRECTOR:
            raise PermissionDenied("Chỉ giám đốc trạm tự đánh giá thay cho chương trình.")
        note, now = clean(note)[:_LONGEST_NOTE], self._clock.now()
        row = next((one for one in self._rows(self._facts(now)) if one.key == key), None)
        if row is None or row.standing is not Standing.OWN:
            raise UserError(
                "Mục này do chương trình trả lời theo dữ kiện nên không tự chấm được. Chưa đổi gì."
            )
        with self._store.write() as work:
            kept = _read_own_words(work)
            kept.pop(key, None)
            if standing is not Standing.OWN:
                kept[key] = OwnWord(
                    standing=standing, note=note, by=actor.user.snapshot.printed_name, at=now
                )
            _write_own_words(work, kept)
            detail = {"row": key, "result": standing.value}
            work.audit.append(actor, "dossier.judge", now, detail=detail)

    def write_block(self, actor: Actor, key: str, text: str) -> None:
        """The station's own text of one article; empty brings the shipped one back."""
        allow(actor, Action.SETTINGS_EDIT)
        now = self._clock.now()
        facts = self._facts(now)
        with self._store.write() as work:
            write_own(work, key, text, names_of(facts, station_table(work)))
            work.audit.append(actor, "dossier.block", now, detail={"block": key})

    # -- making ----------------------------------------------------------------------------------

    def _made(self, actor: Actor) -> Dossier:
        facts = self._facts(self._clock.now())
        return Dossier(
            facts=facts,
            rows=self._rows(facts),
            blocks=self._blocks(facts),
            made_by=actor.user.snapshot.printed_name,
        )

    def _facts(self, now: datetime) -> Facts:
        return gather(
            self._store, now, self._source, self._backups, self._sync, self._door, self._tries
        )

    def _rows(self, facts: Facts) -> tuple[Row, ...]:
        with self._store.read() as work:
            own = _read_own_words(work)
        found = (
            *rows(Section.CIRCULAR, CIRCULAR, facts),
            *rows(Section.GUIDANCE, GUIDANCE, facts),
            *level_rows(facts),
        )
        return tuple(replace(one, own=own.get(one.key)) for one in found)

    def _blocks(self, facts: Facts) -> tuple[Block, ...]:
        with self._store.read() as work:
            return filled(read_own(work), names_of(facts, station_table(work)))


def _read_own_words(work: Work) -> dict[str, OwnWord]:
    try:
        kept: Any = json.loads(work.settings.get(OWN) or "{}")
        return {
            str(key): OwnWord(
                standing=Standing(one["standing"]),
                note=str(one["note"]),
                by=str(one["by"]),
                at=datetime.fromisoformat(one["at"]),
            )
            for key, one in kept.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write_own_words(work: Work, words: dict[str, OwnWord]) -> None:
    kept = {
        key: {
            "standing": one.standing.value,
            "note": one.note,
            "by": one.by,
            "at": one.at.isoformat(),
        }
        for key, one in words.items()
    }
    work.settings.put(OWN, json.dumps(kept, ensure_ascii=False, sort_keys=True))

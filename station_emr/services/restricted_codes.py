"""The list of restricted diagnoses, one range at a time, held against the station's list of codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from station_emr.domain.errors import InvalidRecord, NotFound, Problem
from station_emr.domain.permissions import Action
from station_emr.domain.sensitive import DEFAULT_RANGES, SensitiveRange, parse_ranges, ranges_text
from station_emr.domain.text import clean
from station_emr.domain.user import Actor

from .guards import allow
from .ports import Clock, Store, Work
from .restricted import RANGES, ranges_of
from .rights_records import write_rights

CHANGED: Final = "privacy.ranges"
CodeName = Callable[[str], str]
"""What the list of diagnoses calls a code; empty for a code that it does not hold."""


@dataclass(frozen=True, slots=True)
class RangeRow:
    """One range with the names of its ends."""

    range: SensitiveRange
    first_name: str
    last_name: str


class RestrictedCodes:
    """Only who may read what is behind it changes what stands behind it."""

    def __init__(self, store: Store, clock: Clock, name_of: CodeName) -> None:
        self._store = store
        self._clock = clock
        self._name_of = name_of

    def rows(self, actor: Actor) -> tuple[RangeRow, ...]:
        """The ranges as they are set, with what the list of diagnoses calls their ends."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            found = ranges_of(work)
        return tuple(
            RangeRow(one, self._name_of(one.first), self._name_of(one.last)) for one in found
        )

    def add(
        self, actor: Actor, first: str, last: str, what: str, since: date | None = None
    ) -> tuple[RangeRow, ...]:
        """One more range; without ``last`` a single code with all below it, without ``since`` from
        today. Raises InvalidRecord with every field at fault.
        """
        self._allow(actor)
        now = self._clock.now()
        added = SensitiveRange(
            first.strip().upper(),
            (last.strip() or first.strip()).upper(),
            clean(what),
            since or now.date(),
        )
        problems = self._problems(added)
        if problems:
            raise InvalidRecord(problems)
        with self._store.write() as work:
            before = ranges_of(work)
            same = (added.first, added.last)
            if any((one.first, one.last) == same for one in before):
                raise InvalidRecord((_problem("first", "Khoảng mã này đã có trong danh sách."),))
            self._keep(work, actor, (*before, added), {"added": ranges_text((added,))})
        return self.rows(actor)

    def remove(self, actor: Actor, gone: SensitiveRange) -> tuple[RangeRow, ...]:
        """What was in it alone may be read by everybody who reads visits, from now on."""
        self._allow(actor)
        with self._store.write() as work:
            before = ranges_of(work)
            if gone not in before:
                raise NotFound("Khoảng mã này không còn trong danh sách.")
            left = tuple(one for one in before if one != gone)
            if not left:
                message = "Phải còn ít nhất một khoảng mã. Chưa có gì thay đổi."
                raise InvalidRecord((_problem("first", message),))
            self._keep(work, actor, left, {"removed": ranges_text((gone,))})
        return self.rows(actor)

    def put_back(self, actor: Actor) -> tuple[RangeRow, ...]:
        """The ranges that the program came with: HIV and mental health."""
        self._allow(actor)
        with self._store.write() as work:
            self._keep(work, actor, DEFAULT_RANGES, {"added": ranges_text(DEFAULT_RANGES)})
        return self.rows(actor)

    def replace_all(self, actor: Actor, text: str) -> None:
        """One range per line, ``B20-B24; HIV; 2026-01-01``; empty goes back to the usual ones."""
        self._allow(actor)
        try:
            ranges = parse_ranges(text)
        except ValueError as error:
            message = f"Không đọc được dòng “{error}”. Mẫu: B20-B24; HIV; 2026-01-01."
            raise InvalidRecord((_problem("ranges", message),)) from None
        backwards = next((one for one in ranges if not _runs_forward(one)), None)
        if backwards is not None:
            message = f"Khoảng {backwards.first}-{backwards.last} viết ngược. Chưa có gì thay đổi."
            raise InvalidRecord((_problem("ranges", message),))
        with self._store.write() as work:
            self._keep(work, actor, ranges or DEFAULT_RANGES, {"added": ranges_text(ranges)})

    @staticmethod
    def _allow(actor: Actor) -> None:
        allow(actor, Action.SENSITIVE_VIEW)
        allow(actor, Action.SETTINGS_EDIT)

    def _keep(
        self, work: Work, actor: Actor, ranges: tuple[SensitiveRange, ...], detail: dict[str, str]
    ) -> None:
        kept = tuple(replace(one, what=one.what.replace(";", ",")) for one in ranges)
        work.settings.put(RANGES, ranges_text(kept))
        told = {name: text.replace("\n", " | ") for name, text in detail.items()}
        now = self._clock.now()
        work.audit.append(actor, CHANGED, now, detail=told)
        write_rights(work, actor, now)

    def _problems(self, added: SensitiveRange) -> tuple[Problem, ...]:
        found = []
        for field, code in (("first", added.first), ("last", added.last)):
            if not _reads(code):
                message = "Hãy chọn mã bệnh trong danh mục, ví dụ B20 hoặc Z11.4."
                found.append(_problem(field, message))
            elif not self._name_of(code):
                message = f"Danh mục mã bệnh của trạm không có mã {code}."
                found.append(_problem(field, message))
        if not found and not _runs_forward(added):
            found.append(_problem("last", "Mã cuối phải đứng sau mã đầu."))
        if not added.what:
            found.append(_problem("what", "Hãy ghi tên ngắn của nhóm, ví dụ HIV."))
        return tuple(found)


def _reads(code: str) -> bool:
    try:
        return bool(parse_ranges(code))
    except ValueError:
        return False


def _runs_forward(one: SensitiveRange) -> bool:
    """Whether its own first code is in it."""
    return one.covers(one.first)


def _problem(field: str, message: str) -> Problem:
    return Problem(field=field, code=f"{field}-refused", message=message)

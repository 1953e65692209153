"""The lines of a period: of closed months the snapshot with what differs since, of others the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from station_emr.domain.period import Period
from station_emr.domain.permissions import Action
from station_emr.domain.register import (
    Closing,
    LateCorrection,
    RegisterDefinition,
    RegisterLine,
    compare,
    without_words,
)
from station_emr.domain.sensitive import SensitiveRange, is_sensitive
from station_emr.domain.user import Actor

from .ports import Work
from .restricted import holds, ranges_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRead:
    """``closed`` is what was locked, None of an open month; ``now`` the record as it stands, None
    where nothing was written since the closing.
    """

    month: Period
    closing: Closing | None
    closed: tuple[RegisterLine, ...] | None
    now: tuple[RegisterLine, ...] | None
    unsigned: int = 0

    @property
    def lines(self) -> tuple[RegisterLine, ...]:
        """What counts: the snapshot once there is one."""
        return self.closed if self.closed is not None else self.now or ()

    def late(self, definition: RegisterDefinition | None = None) -> tuple[LateCorrection, ...]:
        """What differs since the closing, of one register or of all visits."""
        if self.closed is None or self.now is None:
            return ()
        if definition is None:
            return compare(self.month.key, self.closed, self.now)
        return compare(
            self.month.key,
            [line for line in self.closed if definition.selects(line)],
            [line for line in self.now if definition.selects(line)],
        )


def read_months(work: Work, period: Period, at: datetime) -> tuple[MonthRead, ...]:
    """Every month of the period that has begun."""
    months = [month for month in period.months if month.start <= at]
    if not months:
        return ()
    standing = standing_closings(work, period)
    return tuple(read_month(work, month, standing.get(month.key)) for month in months)


def standing_closings(work: Work, period: Period) -> dict[str, Closing]:
    """The closing that counts, by month."""
    months = period.months
    found = work.registers.closings(months[0].key, months[-1].key)
    return {one.month: one for one in found if one.stands}


def read_month(work: Work, month: Period, closing: Closing | None) -> MonthRead:
    if closing is None:
        return MonthRead(
            month=month,
            closing=None,
            closed=None,
            now=work.registers.lines(month.start, month.end),
            unsigned=work.registers.unsigned(month.start, month.end),
        )
    untouched = work.registers.marks(month.start, month.end) == closing.marks
    return MonthRead(
        month=month,
        closing=closing,
        closed=work.registers.snapshot(closing.id),
        now=None if untouched else work.registers.lines(month.start, month.end),
    )


def explained(work: Work, late: Sequence[LateCorrection]) -> tuple[LateCorrection, ...]:
    """With who wrote the newest version of each, when and why."""
    if not late:
        return ()
    told = work.registers.written([one.line.encounter_id for one in late])
    return tuple(
        replace(one, at=said.at, by=said.by, reason=said.reason)
        if (said := told.get(one.line.encounter_id))
        else one
        for one in late
    )


class Mask:
    """What of restricted visits this person may see."""

    def __init__(self, work: Work, actor: Actor, today: date) -> None:
        self._ranges: tuple[SensitiveRange, ...] = ranges_of(work)
        self._today = today
        self.open = holds(actor, Action.SENSITIVE_VIEW)
        self.count = 0

    def hides(self, *lines: RegisterLine | None) -> bool:
        """Whether one of these is a restricted visit and this person has no right to it."""
        if self.open:
            return False
        codes = [code for line in lines if line for code in (*line.codes, *line.history)]
        return is_sensitive(codes, self._ranges, self._today)

    def line(self, line: RegisterLine) -> RegisterLine:
        if not self.hides(line):
            return line
        self.count += 1
        return without_words(line)

    def late(self, one: LateCorrection) -> LateCorrection:
        if not self.hides(one.before, one.after):
            return one
        return replace(
            one,
            before=without_words(one.before) if one.before else None,
            after=without_words(one.after) if one.after else None,
            changed=(),
            reason="",
        )

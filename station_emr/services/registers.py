"""The registers of TT 23/2025/TT-BYT: reading them, locking a month, opening it again, taking them out.

Who looks at a register sees names of many people, so every look and every file is a line of the log.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol

from station_emr.domain.errors import PermissionDenied, Problem, StateError
from station_emr.domain.period import Period, PeriodKind
from station_emr.domain.permissions import Action, Role
from station_emr.domain.register import Closing, LateCorrection, RegisterDefinition
from station_emr.domain.user import Actor

from . import register_rules as rules
from .guards import allow, needs_reason, refuse
from .ports import Clock, Store, Work
from .register_ports import MonthPart, RegisterPapers, RegisterView
from .register_reading import (
    Mask,
    MonthRead,
    explained,
    read_month,
    read_months,
    standing_closings,
)
from .timekeeping import keep_time

REFUSED: Final = (
    "Sổ này có nội dung hạn chế (HIV, tâm thần), chỉ người được phân quyền mới xem. Sổ vẫn an toàn. "
    "Cần xem thì nhờ giám đốc phân quyền."
)
UNSIGNED: Final = "period:unsigned"


class PasswordCheck(Protocol):
    def check(self, username: str, password: str) -> None:
        """Raises WrongPassword or AccountLocked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthState:
    """Where a month stands. ``touched``: something was written for it since it was closed.
    ``empty``: nobody came, so nothing has to be handed in.
    """

    month: Period
    closing: Closing | None
    due: date
    unsigned: int
    touched: bool
    times: int
    empty: bool = False

    def is_late(self, today: date) -> bool:
        """Whether it should have been handed in and was never closed."""
        return self.closing is None and not self.empty and today > self.due


class Registers:
    def __init__(
        self, store: Store, clock: Clock, papers: RegisterPapers, passwords: PasswordCheck
    ) -> None:
        self._store = store
        self._clock = clock
        self._papers = papers
        self._passwords = passwords

    # -- looking ---------------------------------------------------------------------------------

    def definitions(self, actor: Actor) -> tuple[RegisterDefinition, ...]:
        """Every register of the annex, also those that this record cannot fill."""
        allow(actor, Action.REGISTER_VIEW)
        with self._store.read() as work:
            return tuple(rules.definitions(work).values())

    def show(self, actor: Actor, period: Period, code: str = rules.MAIN) -> RegisterView:
        """One register over a period. Raises NotFound for a register that there is not."""
        allow(actor, Action.REGISTER_VIEW)
        return self._view(actor, period, code)

    def months(self, actor: Actor, year: int) -> tuple[MonthState, ...]:
        """The months of a year that have begun, oldest first."""
        allow(actor, Action.REGISTER_VIEW)
        now = self._clock.now()
        whole = Period(PeriodKind.YEAR, year)
        with self._store.read() as work:
            standing = standing_closings(work, whole)
            every = work.registers.closings(whole.months[0].key, whole.months[-1].key)
            return tuple(
                _month_state(
                    work,
                    month,
                    standing.get(month.key),
                    sum(one.month == month.key for one in every),
                )
                for month in whole.months
                if month.start <= now
            )

    def late(self, actor: Actor, period: Period) -> tuple[LateCorrection, ...]:
        """What was written or amended for closed months after they were closed."""
        allow(actor, Action.REGISTER_VIEW)
        now = self._clock.now()
        with self._store.read() as work:
            mask = Mask(work, actor, now.date())
            found = [one for read in read_months(work, period, now) for one in read.late()]
            return tuple(mask.late(one) for one in explained(work, found))

    def closings(self, actor: Actor, period: Period) -> tuple[Closing, ...]:
        """Every closing of these months, also those that were opened again, oldest first."""
        allow(actor, Action.REGISTER_VIEW)
        months = period.months
        with self._store.read() as work:
            return work.registers.closings(months[0].key, months[-1].key)

    # -- closing ---------------------------------------------------------------------------------

    def close(
        self, actor: Actor, period: Period, password: str, confirmed: Collection[str] = ()
    ) -> Closing:
        """Lock a month as it stands. The director confirms it with the own password. Raises
        InvalidRecord, also for visits nobody signed until that was answered (:data:`UNSIGNED`).
        """
        allow(actor, Action.REGISTER_VIEW)
        _only_director(actor)
        now = self._clock.now()
        refuse(_month_problems(period, now))
        with self._store.read() as work:
            refuse(_unsigned_problems(work, period), confirmed)
            _not_closed(work, period)
        self._passwords.check(actor.user.username, password)
        with self._store.write() as work:
            keep_time(work, now)
            _not_closed(work, period)
            read = read_month(work, period, None)
            earlier = work.registers.closings(period.key, period.key)
            made = work.registers.close(
                Closing(
                    id=self._clock.new_id(),
                    month=period.key,
                    times=len(earlier) + 1,
                    closed_at=now,
                    closed_by=actor.user.snapshot.printed_name,
                    closed_by_id=actor.user.id,
                    lines=len(read.lines),
                    unsigned=read.unsigned,
                    content_sha256="",
                    marks=work.registers.marks(period.start, period.end),
                ),
                read.lines,
            )
            detail = {
                "month": period.key,
                "lines": str(made.lines),
                "times": str(made.times),
                "sha256": made.content_sha256,
            }
            work.audit.append(actor, "register.close", now, detail=detail)
            return made

    def reopen(self, actor: Actor, period: Period, password: str, reason: str) -> Closing:
        """Open a closed month again; what was locked stays kept. Raises StateError when it is open."""
        allow(actor, Action.REGISTER_VIEW)
        _only_director(actor)
        reason = needs_reason(reason)
        refuse(_kind_problems(period))
        self._passwords.check(actor.user.username, password)
        now = self._clock.now()
        with self._store.write() as work:
            closing = standing_closings(work, period).get(period.key)
            if closing is None:
                raise StateError(f"{period.label} chưa khóa sổ nên không có gì phải mở lại.")
            work.registers.reopen(
                closing.id, now, actor.user.snapshot.printed_name, actor.user.id, reason
            )
            detail = {"month": period.key, "times": str(closing.times), "reason": reason}
            work.audit.append(actor, "register.reopen", now, detail=detail)
            (opened,) = [
                one
                for one in work.registers.closings(period.key, period.key)
                if one.id == closing.id
            ]
            return opened

    # -- paper and files -------------------------------------------------------------------------

    def export(
        self, actor: Actor, period: Period, code: str = rules.MAIN, *, as_pdf: bool = False
    ) -> bytes:
        """A register as a PDF or an Excel file; that it left the program is a line of the log. Takes
        seconds for a year: never in the lane of the database.
        """
        allow(actor, Action.REGISTER_VIEW)
        view = self._view(actor, period, code)
        if view.refused or view.definition.missing:
            raise StateError(view.refused or view.definition.missing)
        made = self._papers.register_pdf(view) if as_pdf else self._papers.register_workbook(view)
        with self._store.write() as work:
            detail = {
                "register": view.definition.code,
                "period": period.key,
                "format": "PDF" if as_pdf else "Excel",
                "lines": str(view.count),
            }
            work.audit.append(actor, "register.export", view.at, detail=detail)
        return made

    # -- definitions of the station --------------------------------------------------------------

    def definition_file(self, actor: Actor, code: str) -> bytes:
        """The definition of a register as a file to be changed and imported again."""
        allow(actor, Action.REGISTER_VIEW)
        with self._store.read() as work:
            found = rules.definition(work, code)
            own = rules.own_texts(work).get(found.code)
        return (own or rules.shipped_texts()[found.code]).encode()

    def import_definition(self, actor: Actor, content: bytes) -> RegisterDefinition:
        """Raises InvalidRecord or NotFound, having changed nothing."""
        allow(actor, Action.SETTINGS_EDIT)
        made = rules.read_definition(content)
        with self._store.write() as work:
            rules.keep_own(work, made, content.decode("utf-8-sig"))
            work.audit.append(
                actor, "register.define", self._clock.now(), detail={"register": made.code}
            )
        return made

    def drop_definition(self, actor: Actor, code: str) -> None:
        """Back to the shipped definition."""
        allow(actor, Action.SETTINGS_EDIT)
        with self._store.write() as work:
            if rules.drop_own(work, code):
                work.audit.append(
                    actor, "register.define", self._clock.now(), detail={"register": code}
                )

    def _view(self, actor: Actor, period: Period, code: str) -> RegisterView:
        now = self._clock.now()
        with self._store.read() as work:
            definition = rules.definition(work, code)
            mask = Mask(work, actor, now.date())
            closed_to = REFUSED if definition.sensitive and not mask.open else ""
            shown = not closed_to and not definition.missing
            reads = read_months(work, period, now) if shown else ()
            parts = tuple(_part(work, read, definition, mask) for read in reads)
            return RegisterView(
                definition=definition,
                period=period,
                parts=parts,
                station=work.settings.station(),
                at=now,
                made_by=actor.user.snapshot.printed_name,
                masked=mask.count,
                refused=closed_to,
            )


def _part(work: Work, read: MonthRead, definition: RegisterDefinition, mask: Mask) -> MonthPart:
    chosen = [line for line in read.lines if definition.selects(line)]
    numbered = enumerate(chosen, 1)
    late = explained(work, read.late(definition))
    if definition.tells:  # to stand in it says what the person suffers from
        lines = tuple(pair for pair in numbered if not mask.hides(pair[1]))
        late = tuple(one for one in late if not mask.hides(one.before, one.after))
    else:
        lines = tuple((number, mask.line(line)) for number, line in numbered)
        late = tuple(mask.late(one) for one in late)
    return MonthPart(
        month=read.month, lines=lines, closing=read.closing, late=late, unsigned=read.unsigned
    )


def _month_state(work: Work, month: Period, closing: Closing | None, times: int) -> MonthState:
    marks = work.registers.marks(month.start, month.end)
    unsigned = work.registers.unsigned(month.start, month.end)
    return MonthState(
        month=month,
        closing=closing,
        due=month.submit_by(),
        unsigned=unsigned,
        touched=closing is not None and marks != closing.marks,
        times=times,
        empty=not marks and not unsigned,
    )


def _only_director(actor: Actor) -> None:
    if actor.role is not Role.DIRECTOR:
        raise PermissionDenied("Chỉ giám đốc trạm được khóa sổ hoặc mở lại sổ đã khóa.")


def _kind_problems(period: Period) -> tuple[Problem, ...]:
    if period.kind is PeriodKind.MONTH:
        return ()
    message = f"Sổ khóa theo từng tháng; {period.label.lower()} không phải một tháng."
    return (Problem(field="period", code="not-a-month", message=message),)


def _month_problems(period: Period, now: datetime) -> tuple[Problem, ...]:
    wrong = _kind_problems(period)
    if not wrong and now < period.end and Period.at(now) != period:
        message = f"{period.label} chưa đến nên chưa khóa được."
        wrong = (Problem(field="period", code="not-begun", message=message),)
    elif not wrong and now.astimezone(period.end.tzinfo).date() < period.last_day:
        message = (
            f"{period.label} chưa hết. Sổ khóa từ ngày cuối tháng ({period.last_day:%d/%m/%Y})."
        )
        wrong = (Problem(field="period", code="not-over", message=message),)
    return wrong


def _unsigned_problems(work: Work, period: Period) -> tuple[Problem, ...]:
    count = work.registers.unsigned(period.start, period.end)
    if not count:
        return ()
    message = (
        f"Còn {count} lượt khám trong {period.label.lower()} chưa ký nên không vào sổ. Ký sau khi "
        "khóa sổ thì thành bổ sung. Hãy ký trước, hoặc xác nhận để khóa."
    )
    return (Problem(field="period", code="unsigned", message=message, severity="confirm"),)


def _not_closed(work: Work, period: Period) -> None:
    closing = standing_closings(work, period).get(period.key)
    if closing is not None:
        raise StateError(
            f"{period.label} đã khóa sổ lúc {closing.closed_at:%H:%M ngày %d/%m/%Y}, "
            f"người khóa {closing.closed_by}. Sổ đã khóa giữ nguyên."
        )

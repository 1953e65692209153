"""May bytes be spent now? The day's budget and links that are paid by the megabyte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from station_emr.domain.sync import DAILY_BYTES, NOT_ON_METERED
from station_emr.services.ports import Clock, Store

from .running import BUDGET_SPENT, METERED_LINK


class LinkCost:
    """Whether the link in use is paid by what it carries. Nobody knows until somebody who can ask the
    operating system is named, so without a window every link counts as free.
    """

    def __init__(self) -> None:
        self._ask: Callable[[], bool] = lambda: False

    def ask(self, metered: Callable[[], bool]) -> None:
        """``metered`` is called from the thread of the run."""
        self._ask = metered

    def __call__(self) -> bool:
        return self._ask()


@dataclass(frozen=True, slots=True)
class Allowance:
    """``metered`` asks the operating system whether the link in use is paid by what it carries."""

    store: Store
    clock: Clock
    metered: Callable[[], bool]

    def forms_must_rest(self, spent: int) -> bool:
        """Printed forms rest before records do: a quarter of the day's bytes is kept for these."""
        with self.store.read() as work:
            budget = budget_of(work.settings.get(DAILY_BYTES))
        return bool(self.reason_to_rest(spent + budget // 4))

    def reason_to_rest(self, spent: int) -> str:
        """A sentence when only urgent letters may go; empty otherwise. ``spent`` are the bytes of
        the run under way, which are not in the books yet.
        """
        with self.store.read() as work:
            budget = budget_of(work.settings.get(DAILY_BYTES))
            rests_on_metered = work.settings.get(NOT_ON_METERED) == "1"
            up, down = work.outbox.traffic_on(self.clock.now().date()) if budget else (0, 0)
        if budget and up + down + spent >= budget:
            return BUDGET_SPENT
        return METERED_LINK if rests_on_metered and self.metered() else ""


def budget_of(text: str | None) -> int:
    """The setting as a number; 0 is no limit, and so is what is no number."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() else 0

"""Until when a claim is sent, corrected, or mended, in working days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from station_emr.domain.gateway import GatewayMessage, MessageState
from station_emr.domain.working_days import DaysOff, add_working_days, working_days_left

from .gateway_data import rules_on


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The calendar of a list, as it stands today."""

    today: date
    off: DaysOff

    def due(
        self,
        arrived: date,
        accepted: GatewayMessage | None,
        newest: GatewayMessage | None,
        *,
        correction: bool,
    ) -> tuple[date, int]:
        """The last day, and how many working days are left. ``accepted`` is what the gateway took
        first, ``newest`` what was made last.
        """
        rules = rules_on(arrived)
        if correction and accepted is not None and accepted.answered_at is not None:
            last = add_working_days(accepted.answered_at.date(), rules.correction_days, self.off)
        else:
            last = add_working_days(arrived, rules.record_days, self.off)
        refused = _refused_on(newest)
        if refused is not None:
            last = min(last, add_working_days(refused, rules.fix_days, self.off))
        return last, working_days_left(self.today, last, self.off)


def _refused_on(record: GatewayMessage | None) -> date | None:
    if record is None or record.state is not MessageState.REFUSED or record.answered_at is None:
        return None
    return record.answered_at.date()

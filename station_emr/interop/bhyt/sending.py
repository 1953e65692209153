"""Which tables a visit owes, how its days are counted: data by the day from which it holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from station_emr.services.resources import resource_path


@dataclass(frozen=True, slots=True)
class SendingRules:
    """Sets hold codes of MA_LOAI_KCB, except for discharges (MA_LOAI_RV) and objects
    (MA_DOITUONG_KCB).
    """

    valid_from: date
    progress: frozenset[str]
    discharge_paper: frozenset[str]
    record_summary: frozenset[str]
    referral_discharges: frozenset[str]
    days_none: frozenset[str]
    days_between: frozenset[str]
    days_of_medicine: frozenset[str]
    days_of_service: frozenset[str]
    ends_with_medicine: frozenset[str]
    uninsured_objects: frozenset[str]
    child_years: int  # below: the parents stand on the discharge paper


@cache
def _all() -> tuple[SendingRules, ...]:
    kept = json.loads(resource_path("bhyt", "sending.json").read_text(encoding="utf-8"))
    return tuple(sorted((_rules(one) for one in kept["rules"]), key=lambda one: one.valid_from))


def rules_on(day: date) -> SendingRules:
    """The rules of a visit that ended on ``day``."""
    begun = [one for one in _all() if one.valid_from <= day]
    return begun[-1] if begun else _all()[0]


def _rules(kept: dict[str, Any]) -> SendingRules:
    sets = {name: frozenset(value) for name, value in kept.items() if isinstance(value, list)}
    return SendingRules(
        valid_from=date.fromisoformat(kept["valid_from"]), child_years=kept["child_years"], **sets
    )

"""The rules of bills in force on a day: the shipped file, and what the station has set over it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from station_emr.domain.billing_rules import BillingRules, read_rules, rules_on
from station_emr.domain.money import money_text

from .ports import Work
from .resources import resource_path

BASE_SALARY: Final = "billing.base_salary"


@cache
def shipped_rules() -> tuple[BillingRules, ...]:
    kept = json.loads(resource_path("billing", "rules.json").read_text(encoding="utf-8"))
    return read_rules(kept["rules"])


def rules_for(work: Work, day: date) -> BillingRules:
    """What counts for a visit of this day."""
    rules = rules_on(day, shipped_rules())
    standing = [one for one in base_salaries(work) if rules.valid_from <= one[0] <= day]
    return replace(rules, base_salary=standing[-1][1]) if standing else rules


def base_salaries(work: Work) -> tuple[tuple[date, Decimal], ...]:
    """The base salaries (lương cơ sở) that the station has entered, oldest first."""
    kept = _parsed(work.settings.get(BASE_SALARY))
    return tuple(sorted((date.fromisoformat(day), Decimal(text)) for day, text in kept.items()))


def keep_base_salary(work: Work, since: date, amount: Decimal) -> None:
    kept = _parsed(work.settings.get(BASE_SALARY))
    kept[since.isoformat()] = f"{amount:f}"
    work.settings.put(BASE_SALARY, json.dumps(kept, sort_keys=True))


def _parsed(text: str | None) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return (
        {str(day): str(amount) for day, amount in found.items()} if isinstance(found, dict) else {}
    )


def salary_text(amount: Decimal) -> str:
    return f"{money_text(amount)} đồng/tháng"

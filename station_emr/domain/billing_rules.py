"""What decisions set for bills, as data with the day from which it counts: groups, ratios, levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from .money import HUNDRED, ZERO, share, times
from .patient import Coverage

CARD_LENGTH: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRules:
    """One state of the rules. Groups are MA_NHOM codes, objects MA_DOITUONG_KCB codes."""

    valid_from: date
    exam_ratios: tuple[int, ...]
    exam_groups: frozenset[str]
    drug_groups: frozenset[str]
    service_groups: frozenset[str]
    material_groups: frozenset[str]
    performed_groups: frozenset[str]  # who did it and when must be told
    tender_groups: frozenset[str]  # TT_THAU must be told
    base_salary: Decimal  # lương cơ sở, đồng per month
    small_share: Decimal  # a visit below so many percent of it is paid in full
    card_levels: Mapping[str, Decimal]  # third character of the card → percent
    letter_levels: Mapping[
        str, Decimal
    ]  # first two letters of the card, before its third character
    object_levels: Mapping[str, Decimal]  # object → percent, whatever the card says
    object_shares: Mapping[str, Decimal]  # object → percent of the card's level
    collect_objects: frozenset[str]  # drugs of an upper level handed out here
    collect_care_kinds: frozenset[str]
    uninsured_objects: frozenset[str]
    default_level: Decimal = HUNDRED  # care at a commune station

    def exam_ratio(self, place: int) -> int:
        """The service ratio of the examination with this place in the visit, counted from 0."""
        return self.exam_ratios[min(place, len(self.exam_ratios) - 1)]

    @property
    def small_amount(self) -> Decimal:
        return share(self.base_salary, self.small_share, HUNDRED)

    def card_level(self, number: str) -> Decimal | None:
        """What the card itself says; None for a 10-digit number, which does not tell. Letters whose
        level was raised while old cards still print the former one come first.
        """
        if len(number) != CARD_LENGTH:
            return None
        if number[:2] in self.letter_levels:
            return self.letter_levels[number[:2]]
        return self.card_levels.get(number[2])

    def benefit(
        self,
        coverage: Coverage | None,
        *,
        visit_object: str,
        care_kind: str,
        in_scope: Decimal,
        day: date,
    ) -> Decimal:
        """MUC_HUONG of a visit: ``in_scope`` is what the fund shares in, before the split.

        Drugs collected for an upper level follow the card unless the whole is small or the card is
        free of co-payment; other care at a commune station is paid in full unless the object says
        otherwise.
        """
        if coverage is None or visit_object in self.uninsured_objects:
            return ZERO
        if self._collects(visit_object, care_kind):
            if in_scope < self.small_amount or _free_of_copay(coverage, day):
                return HUNDRED
            level = self.card_level(coverage.number)
            return self.lowest_level if level is None else level
        if visit_object in self.object_levels:
            return self.object_levels[visit_object]
        if visit_object in self.object_shares:
            level = self.card_level(coverage.number) or self.lowest_level
            return _plain(times(level, self.object_shares[visit_object]) / HUNDRED)
        return self.default_level

    @property
    def lowest_level(self) -> Decimal:
        """For a card that does not tell its level: nothing is claimed that may not be due."""
        return min(self.card_levels.values(), default=HUNDRED)

    def _collects(self, visit_object: str, care_kind: str) -> bool:
        return visit_object in self.collect_objects or care_kind in self.collect_care_kinds


def rules_on(day: date, known: Iterable[BillingRules]) -> BillingRules:
    """The newest rules in force on ``day``; the oldest for a day before all of them.

    Raises ValueError when there are none at all.
    """
    in_order = sorted(known, key=lambda one: one.valid_from)
    if not in_order:
        raise ValueError("no billing rules")
    standing = [one for one in in_order if one.valid_from <= day]
    return standing[-1] if standing else in_order[0]


def read_rules(rows: Iterable[Mapping[str, Any]]) -> tuple[BillingRules, ...]:
    """Rules from their file: every row names only what changes from its day on.

    Raises KeyError, TypeError or ValueError for a file that is not one.
    """
    state: dict[str, Any] = {}
    found = []
    for row in sorted(rows, key=lambda one: str(one["valid_from"])):
        state = {**state, **row}
        found.append(_one(state))
    return tuple(found)


def _one(state: Mapping[str, Any]) -> BillingRules:
    def codes(key: str) -> frozenset[str]:
        return frozenset(str(code) for code in state[key])

    def levels(key: str) -> Mapping[str, Decimal]:
        return MappingProxyType(
            {str(code): Decimal(str(level)) for code, level in state[key].items()}
        )

    return BillingRules(
        valid_from=date.fromisoformat(str(state["valid_from"])),
        exam_ratios=tuple(int(ratio) for ratio in state["exam_ratios"]),
        exam_groups=codes("exam_groups"),
        drug_groups=codes("drug_groups"),
        service_groups=codes("service_groups"),
        material_groups=codes("material_groups"),
        performed_groups=codes("performed_groups"),
        tender_groups=codes("tender_groups"),
        base_salary=Decimal(str(state["base_salary"])),
        small_share=Decimal(str(state["small_share"])),
        card_levels=levels("card_levels"),
        letter_levels=levels("letter_levels"),
        object_levels=levels("object_levels"),
        object_shares=levels("object_shares"),
        collect_objects=codes("collect_objects"),
        collect_care_kinds=codes("collect_care_kinds"),
        uninsured_objects=codes("uninsured_objects"),
        default_level=Decimal(str(state["default_level"])),
    )


def _free_of_copay(coverage: Coverage, day: date) -> bool:
    return coverage.copay_exempt_on is not None and coverage.copay_exempt_on <= day


def _plain(number: Decimal) -> Decimal:
    """47.50 as 47.5, 40 as 40: never in powers of ten."""
    normal = number.normalize()
    return normal.quantize(Decimal(1)) if normal == normal.to_integral_value() else normal

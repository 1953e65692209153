"""Claims that go together, or left earlier: the same encounter must not stand in two of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from station_emr.domain.claim import SUMMARY, ClaimFile

from .rule import Hit, Rule, rule_named

_ALIKE = (
    "MA_THE_BHYT",
    "HO_TEN",
    "NGAY_VAO",
    "NGAY_RA",
    "MA_BENH_CHINH",
    "MA_CSKCB",
    "NAM_QT",
    "THANG_QT",
)
_TOTALS = ("T_TONGCHI_BV", "T_BNTT", "T_BNCCT", "T_BHTT")


def between(
    claims: Sequence[ClaimFile], earlier: Sequence[ClaimFile] = ()
) -> list[list[tuple[Rule, Hit]]]:
    """What each claim repeats of one before it. ``earlier`` are files that left already: with the
    same link code a claim replaces such a file and repeats nothing.
    """
    found: list[list[tuple[Rule, Hit]]] = [[] for _ in claims]
    keys: set[str] = set()
    alike: dict[tuple[str, ...], list[ClaimFile]] = {}
    for claim in earlier:
        alike.setdefault(_whole(claim), []).append(claim)
    for place, claim in enumerate(claims):
        row = claim.summary
        if not row:
            continue
        key = claim.link_code
        same_key = _in_force("batch-ma-lk", claim)
        if same_key is not None and key and key in keys:
            found[place].append((same_key, Hit(SUMMARY, 0, "MA_LK", key)))
            continue
        keys.add(key)
        whole = _whole(claim)
        twin = _in_force("gdh-61", claim)
        for other in alike.get(whole, ()) if twin is not None else ():
            if other.link_code == key:
                continue
            if twin is not None and _same_money(claim, other, Decimal(twin.params["tolerance"])):
                found[place].append((twin, Hit(SUMMARY, 0, "MA_LK", key, other.link_code)))
                break
        alike.setdefault(whole, []).append(claim)
    return found


def _whole(claim: ClaimFile) -> tuple[str, ...]:
    return tuple(claim.summary.get(name, "") for name in _ALIKE)


def _in_force(name: str, claim: ClaimFile) -> Rule | None:
    rule = rule_named(name)
    return rule if rule is not None and rule.holds(claim.made_on, claim.version) else None


def _same_money(one: ClaimFile, two: ClaimFile, tolerance: Decimal) -> bool:
    return all(abs(_amount(one, name) - _amount(two, name)) <= tolerance for name in _TOTALS)


def _amount(claim: ClaimFile, name: str) -> Decimal:
    try:
        return Decimal(claim.summary.get(name, "") or "0")
    except InvalidOperation:
        return Decimal(0)

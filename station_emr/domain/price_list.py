"""The station's approved lists: what may be charged, at which price, under which codes.

The rows are catalogue rows with dates, so that a bill of last year keeps the prices of last year.
A drug or material can stand in its list several times (another registration, another tender), so
the row's own code is longer than the code on the bill.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final

from .billing import BillItem, ItemKind
from .billing_items import IN_SCOPE, OUT_OF_SCOPE
from .catalog import CatalogKind, CatalogRow
from .drug_names import drug_key
from .money import ZERO
from .prescription import PrescriptionLine
from .text import fold

LISTS: Final = MappingProxyType(
    {
        ItemKind.SERVICE: CatalogKind.APPROVED_SERVICE,
        ItemKind.DRUG: CatalogKind.APPROVED_DRUG,
        ItemKind.MATERIAL: CatalogKind.APPROVED_MATERIAL,
    }
)
_KINDS: Final = {catalog: kind for kind, catalog in LISTS.items()}
DEFAULT_GROUPS: Final = MappingProxyType(
    {ItemKind.SERVICE: "18", ItemKind.DRUG: "4", ItemKind.MATERIAL: "10"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedItem:
    """One row of an approved list. ``answers`` are codes of the program's own lists (a procedure,
    a rapid test, a drug) that this row is charged for; ``example`` marks prices nobody approved.
    """

    kind: ItemKind
    row: str
    code: str
    name: str
    unit: str
    group: str
    price: Decimal
    insured_price: Decimal
    insured_ratio: int = 100
    scope: str = IN_SCOPE
    tender: str = ""
    registration: str = ""
    strength: str = ""
    form: str = ""
    route_code: str = ""
    inn: str = ""
    device: str = ""
    answers: tuple[str, ...] = ()
    example: bool = False


def approved_of(row: CatalogRow) -> ApprovedItem:
    """The typed view of a row of an approved list. Raises KeyError for another list's row."""
    kind = _KINDS[row.kind]

    def word(key: str) -> str:
        return str(row.attributes.get(key) or "")

    price = _amount(word("unit_price"))
    insured = price if kind is ItemKind.DRUG else _amount(word("insured_price"), price)
    scope = word("scope") or IN_SCOPE
    ratio = int(_amount(word("insured_ratio"), Decimal(100)))
    return ApprovedItem(
        kind=kind,
        row=row.code,
        code=word("item_code") or row.code,
        name=row.name,
        unit=word("unit") or ("lần" if kind is ItemKind.SERVICE else ""),
        group=word("group") or DEFAULT_GROUPS[kind],
        price=price,
        insured_price=insured,
        insured_ratio=0 if scope == OUT_OF_SCOPE else ratio,
        scope=scope,
        tender=word("tender"),
        registration=word("registration"),
        strength=word("strength"),
        form=word("form"),
        route_code=word("route_code"),
        inn=word("inn"),
        device=word("device"),
        answers=tuple(one.strip() for one in word("answers").split(";") if one.strip()),
        example=bool(row.attributes.get("example")),
    )


def item_from(approved: ApprovedItem, quantity: Decimal = Decimal(1)) -> BillItem:
    """A row of a bill with what the list says; benefit, times and people are the visit's."""
    return BillItem(
        kind=approved.kind,
        listed=approved.row,
        code=approved.code,
        name=approved.name,
        unit=approved.unit,
        group=approved.group,
        quantity=quantity,
        price=approved.price,
        insured_price=approved.insured_price,
        insured_ratio=approved.insured_ratio,
        scope=approved.scope,
        tender=approved.tender,
        registration=approved.registration,
        strength=approved.strength,
        form=approved.form,
        route_code=approved.route_code,
        device=approved.device,
    )


def outside_insurance(item: BillItem) -> BillItem:
    """The same row for somebody whose visit no card pays."""
    return replace(item, scope=OUT_OF_SCOPE, insured_ratio=0, benefit=ZERO, card="")


def answering(code: str, listed: Iterable[ApprovedItem]) -> ApprovedItem | None:
    """The row that a procedure or test of the program's own list is charged by."""
    return next((one for one in listed if code in one.answers or code == one.code), None)


def drug_choices(
    line: PrescriptionLine, listed: Iterable[ApprovedItem]
) -> tuple[ApprovedItem, ...]:
    """Approved drugs that a prescribed line may be charged by, the surest first.

    Named for this very drug; then the same active-ingredient code and strength; then the same
    ingredient by name and the same strength.
    """
    strength = fold(line.strength)
    ranked = []
    for one in listed:
        same_strength = fold(one.strength) == strength
        if line.drug_code and line.drug_code in one.answers:
            rank = 0
        elif line.bhyt_code and line.bhyt_code == one.code and same_strength:
            rank = 1 if one.route_code == line.route_code else 2
        elif one.inn and drug_key(one.inn) == drug_key(line.inn) and same_strength:
            rank = 3
        else:
            continue
        ranked.append((rank, one))
    return tuple(one for _rank, one in sorted(ranked, key=lambda pair: pair[0]))


def _amount(text: str, default: Decimal = ZERO) -> Decimal:
    try:
        return Decimal(text) if text else default
    except InvalidOperation:
        return default

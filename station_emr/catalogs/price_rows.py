"""Rows of the station's approved lists (forms of TT 12/2026/TT-BTC, or the station's own tables).

Which column says what is in ``resources/billing/heads.json``: column titles differ between
forms and years, and a station may add its own there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Final

from station_emr.domain.billing import ItemKind
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.money import decimals, parse_money
from station_emr.domain.price_list import DEFAULT_GROUPS, LISTS
from station_emr.services.resources import resource_path

APPROVED: Final = {catalog: kind for kind, catalog in LISTS.items()}
_MONEY: Final = ("unit_price", "insured_price")
_MOST_DECIMALS: Final = 3
_SCOPES: Final = ("1", "2", "3")


@cache
def heads(kind: CatalogKind) -> Mapping[str, tuple[str, ...]]:
    """Folded column titles of each field, the likeliest first."""
    file = resource_path("billing", "heads.json")
    told = json.loads(file.read_text(encoding="utf-8"))[kind.value]
    return {field: tuple(titles) for field, titles in told.items()}


def price_code(kind: CatalogKind, cells: Mapping[str, str]) -> str:
    """What tells one row from the next: a drug may stand there once for each registration and
    tender, a service once for each price group.
    """
    parts = [cells.get("code", "")]
    if APPROVED[kind] is not ItemKind.SERVICE:
        parts += [cells.get("registration", ""), cells.get("tender", "")]
    return "#".join(part for part in parts if part) if parts[0] else ""


def price_attributes(kind: CatalogKind, cells: Mapping[str, str]) -> dict[str, str]:
    """Checked and written plainly. Raises ValueError with the reason in Vietnamese."""
    found = {key: text for key, text in cells.items() if text and key not in {"code", "name"}}
    for key in _MONEY:
        if key in found:
            found[key] = _price(found[key])
    if "unit_price" not in found:
        raise ValueError("thiếu đơn giá")
    ratio = found.get("insured_ratio", "").removesuffix("%").strip()
    if ratio:
        if not ratio.isdigit() or int(ratio) > 100:
            raise ValueError(f"tỷ lệ bảo hiểm “{ratio}” phải từ 0 đến 100")
        found["insured_ratio"] = ratio
    if found.get("scope", "1") not in _SCOPES:
        raise ValueError(f"phạm vi “{found['scope']}” phải là 1, 2 hoặc 3")
    if price_code(kind, cells) != cells["code"]:
        found["item_code"] = cells["code"]
    found.setdefault("group", DEFAULT_GROUPS[APPROVED[kind]])
    found["group"] = found["group"].lstrip("0") or found["group"]
    return found


def _price(text: str) -> str:
    try:
        price = parse_money(text)
    except ValueError:
        raise ValueError(f"đơn giá “{text}” không phải là số tiền") from None
    if price < 0 or decimals(price) > _MOST_DECIMALS:
        raise ValueError(f"đơn giá “{text}” phải không âm và nhiều nhất 3 số lẻ")
    return f"{price:f}"

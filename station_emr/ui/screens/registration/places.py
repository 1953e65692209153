"""Communes by their new and old names, and the address line of a card split into its parts.

Since 1/7/2025 there are two levels (commune, province); cards printed earlier name communes and
districts that no longer exist, and people go on saying the old names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from station_emr.domain.catalog import CatalogHit, CatalogKind, CatalogRow
from station_emr.domain.text import clean, fold
from station_emr.services.i18n import _
from station_emr.ui.kit import ChipSpec, Severity, Suggestion, match_spans

from .state import Coded

Search = Callable[[CatalogKind, str, int], tuple[CatalogHit, ...]]
Find = Callable[[CatalogKind, str], CatalogRow | None]

_NEW_ROWS: Final = 8
_OLD_ROWS: Final = 6
_LOOK: Final = 20
_KINDS: Final = (
    "xa ",
    "phuong ",
    "thi tran ",
    "dac khu ",
    "quan ",
    "huyen ",
    "thi xa ",
    "tinh ",
    "thanh pho ",
    "tp ",
)


def place_of(row: CatalogRow) -> Coded:
    """A commune of today with its province."""
    return Coded(
        code=row.code,
        name=row.name,
        parent_code=str(row.attributes.get("province") or ""),
        parent_name=str(row.attributes.get("province_name") or ""),
    )


def suggest_communes(text: str, search: Search, find: Find) -> list[Suggestion]:
    """Communes of today first, then those that an old name leads to."""
    found: list[Suggestion] = []
    for hit in search(CatalogKind.COMMUNE, text, _NEW_ROWS):
        place = place_of(hit.row)
        found.append(
            Suggestion(
                title=place.name,
                detail=place.parent_name,
                payload=place,
                matches=match_spans(place.name, text),
            )
        )
    for hit in search(CatalogKind.COMMUNE_MAP, text, _OLD_ROWS):
        today = _today_of(hit.row, find)
        if today is None or fold(hit.row.name) == fold(today.name):
            continue
        old = ", ".join(
            part
            for part in (hit.row.name, str(hit.row.attributes.get("old_district") or ""))
            if part
        )
        divided = hit.row.attributes.get("part") != "whole"
        found.append(
            Suggestion(
                title=today.name,
                detail=_("{province} · trước là {old}").format(province=today.parent_name, old=old),
                payload=today,
                chip=ChipSpec(_("chia tách"), Severity.WARNING, icon="") if divided else None,
                matches=match_spans(today.name, text),
            )
        )
    return found


def _today_of(row: CatalogRow, find: Find) -> Coded | None:
    new = find(CatalogKind.COMMUNE, str(row.attributes.get("new_code") or ""))
    return place_of(new) if new is not None else None


def split_address(text: str, search: Search, find: Find, home: Coded) -> tuple[str, Coded]:
    """``Làng Ơp, Xã Ia Pa, Gia Lai`` → the hamlet and the commune of today.

    Only a commune that is certain is taken; otherwise the whole line stays as the card has it and
    the commune is left to the nurse. ``home`` is the station's own commune.
    """
    parts = [clean(part) for part in text.split(",") if clean(part)]
    # Three levels before two: a district often bears the name of a commune of today.
    for place in (len(parts) - 3, len(parts) - 2):
        if place < 0:
            continue
        name, above = parts[place], parts[place + 1 :]
        found = _meanings(name, above, search, find)
        if not found and _is(home, name, above):
            found = {home.code: home}
        if len(found) == 1:
            return ", ".join(parts[:place]), next(iter(found.values()))
        if found:
            break  # known, but divided among several: only the person can tell
    return clean(text), Coded()


def _is(home: Coded, name: str, above: list[str]) -> bool:
    """Whether a card names the station's own commune, which a list may not have yet."""
    return (
        len(above) == 1
        and bool(home.name)
        and _bare(home.name) == _bare(name)
        and _bare(home.parent_name) == _bare(above[0])
    )


def _meanings(name: str, above: list[str], search: Search, find: Find) -> dict[str, Coded]:
    """The communes of today that this name can mean under the parts after it."""
    province, districts = _bare(above[-1]), {_bare(part) for part in above[:-1]}
    if not districts and _may_be_district(name, province, search):
        return {}
    found: dict[str, Coded] = {}
    for hit in search(CatalogKind.COMMUNE, name, _LOOK):
        place = place_of(hit.row)
        if _bare(place.name) == _bare(name) and _bare(place.parent_name) == province:
            found[place.code] = place
    if found and not districts:
        return found
    old: dict[str, Coded] = {}
    words = " ".join(map(_bare, (name, *above)))
    for hit in search(CatalogKind.COMMUNE_MAP, words, _LOOK):
        row = hit.row
        district = _bare(str(row.attributes.get("old_district") or ""))
        fits = (
            _bare(row.name) == _bare(name)
            and _bare(str(row.attributes.get("old_province") or "")) == province
            and (not districts or district in districts)
        )
        if fits and (today := _today_of(row, find)) is not None:
            old[today.code] = today
    return old


def _may_be_district(name: str, province: str, search: Search) -> bool:
    """A bare name that was a district: the card has three levels, and this is not the commune."""
    bare = _bare(name)
    if bare != fold(name):
        return False  # it says itself what it is: ``Xã Ia Băng``
    return any(
        _bare(str(hit.row.attributes.get("old_district") or "")) == bare
        for hit in search(CatalogKind.COMMUNE_MAP, f"{bare} {province}", _LOOK)
    )


def _bare(name: str) -> str:
    """A name without its kind: ``Thị trấn Phú Thiện`` and ``Phú Thiện`` are one."""
    folded = fold(name)
    return next((folded.removeprefix(kind) for kind in _KINDS if folded.startswith(kind)), folded)

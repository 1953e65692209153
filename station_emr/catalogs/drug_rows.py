"""Turn a line of a drug list into a drug the allergy and duplicate checks can trust.

An official list names active ingredients in Vietnamese spelling and knows no families. Both come
from the drugs the station already has: whoever imports "Amoxicilin" gets the ingredient
``amoxicillin`` and the family ``penicillin`` that the starter list records for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from station_emr.domain.catalog import CatalogRow, DrugControl, drug_of
from station_emr.domain.text import fold

_UNITS = ("viên", "gói", "ống", "lọ", "chai", "tuýp", "bút tiêm", "túi", "bình", "vỉ", "miếng")
_BRACKETS = re.compile(r"\([^)]*\)|\[[^]]*\]")
_SEPARATORS = re.compile(r"\s*[+;/&]\s*|,\s+")


@dataclass(frozen=True, slots=True)
class Pharmacology:
    """What is known about active ingredients, by their folded name."""

    ingredients: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    control: Mapping[str, DrugControl] = field(default_factory=dict)


def pharmacology(rows: Iterable[CatalogRow]) -> Pharmacology:
    """Learn names from every drug of the station, families from those of one ingredient."""
    ingredients: dict[str, str] = {}
    groups: dict[str, tuple[str, ...]] = {}
    control: dict[str, DrugControl] = {}
    for row in rows:
        drug = drug_of(row)
        names = _split(drug.inn)
        if len(names) == len(drug.ingredients):
            for name, ingredient in zip(names, drug.ingredients, strict=True):
                ingredients.setdefault(name, ingredient)
        for ingredient in drug.ingredients:
            ingredients.setdefault(_plain(ingredient), ingredient)
        if len(drug.ingredients) != 1:
            continue
        (ingredient,) = drug.ingredients
        if drug.groups:
            groups.setdefault(ingredient, drug.groups)
        if drug.control is not DrugControl.ORDINARY:
            control.setdefault(ingredient, drug.control)
    return Pharmacology(ingredients, groups, control)


def drug_attributes(cells: Mapping[str, str], known: Pharmacology) -> dict[str, str]:
    """The attributes of a drug row from the cells of a file, empty ones left out."""
    inn = cells.get("inn", "") or cells.get("brand", "")
    ingredients = [known.ingredients.get(name, name) for name in _split(inn)]
    groups = sorted({group for name in ingredients for group in known.groups.get(name, ())})
    strictest = {known.control.get(name, DrugControl.ORDINARY) for name in ingredients}
    control = next(c for c in DrugControl if c in strictest or c is DrugControl.ORDINARY)
    route_code, route = _route(cells)
    found = {
        "inn": inn,
        "brand": cells.get("brand", "") if cells.get("inn") else "",
        "strength": cells.get("strength", ""),
        "form": cells.get("form", ""),
        "unit": cells.get("unit", "").lower() or _unit(cells.get("package", "")),
        "route_code": route_code,
        "route": route,
        "bhyt_code": cells.get("bhyt_code", ""),
        "ingredients": ";".join(dict.fromkeys(ingredients)),
        "groups": ";".join(groups),
        "control": control.value,
    }
    stated = ("ingredients", "groups", "control", "toxic", "max_daily", "common", "keywords")
    found |= {key: cells[key] for key in stated if cells.get(key)}
    return {key: text for key, text in found.items() if text}


def drug_name(cells: Mapping[str, str]) -> str:
    """What the list shows: INN, trade name in brackets when it differs, strength."""
    inn, brand = cells.get("inn", ""), cells.get("brand", "")
    if cells.get("name"):
        return cells["name"]
    name = f"{inn} ({brand})" if inn and brand and fold(inn) != fold(brand) else inn or brand
    return f"{name} {cells.get('strength', '')}".strip()


def drug_code(cells: Mapping[str, str]) -> str:
    """The registration number; without one, a stable code from what tells drugs apart."""
    if cells.get("code"):
        return cells["code"].upper() if cells["code"][:1].isupper() else cells["code"]
    parts = [cells.get(key, "") for key in ("bhyt_code", "brand", "strength")]
    parts.append(_route(cells)[0])
    return "-".join(fold(part).replace(" ", "-") for part in parts if part)


def _split(inn: str) -> list[str]:
    """The folded names in ``Amoxicilin + Acid clavulanic (dưới dạng …)``."""
    parts = _SEPARATORS.split(_BRACKETS.sub(" ", inn).strip())
    return [name for name in map(_plain, parts) if name]


def _plain(name: str) -> str:
    return fold(name.removesuffix("*"))


def _unit(package: str) -> str:
    """The unit that is dispensed: the innermost one, which packings name last before a comma."""
    first = re.split(r"[.;,]", package.lower(), maxsplit=1)[0]
    named = [(first.rfind(unit), unit) for unit in _UNITS if unit in first and unit != "vỉ"]
    return max(named)[1] if named else ""


def _route(cells: Mapping[str, str]) -> tuple[str, str]:
    """Some lists put the code into the column of the name; Excel drops the last zero of 2.10."""
    code, name = cells.get("route_code", ""), cells.get("route", "")
    if not code and re.fullmatch(r"\d\.\d{1,2}", name):
        code, name = name, ""
    if re.fullmatch(r"\d\.\d", code):
        code += "0"
    return code, name[:1].upper() + name[1:]

"""Which elements a file of a visit has, as data with a date: names can be mended without a program."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from station_emr.services.resources import resource_path

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class LayoutField:
    """``value`` is a name of :mod:`.values`; ``official`` says that the law's text names it."""

    name: str
    value: str
    official: bool = False


@dataclass(frozen=True, slots=True)
class LayoutGroup:
    """``source`` decides how many rows there are; with ``row`` each is an element of its own."""

    name: str
    source: str
    fields: tuple[LayoutField, ...]
    row: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    root: str
    valid_from: date
    groups: tuple[LayoutGroup, ...]


def read_layout(name: str) -> Layout:
    """The layout that ships as ``resources/hoso/NAME.json``."""
    return parse_layout(resource_path("hoso", f"{name}.json"))


def parse_layout(path: Path) -> Layout:
    """Raises ValueError, naming what is wrong, for a file that is no layout."""
    try:
        held = json.loads(path.read_text("utf-8"))
        return Layout(
            root=_name(held["root"]),
            valid_from=date.fromisoformat(held["valid_from"]),
            groups=tuple(_group(one) for one in held["groups"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: {error}") from None


def _group(held: dict[str, Any]) -> LayoutGroup:
    fields = tuple(
        LayoutField(_name(one["name"]), str(one["value"]), bool(one.get("official")))
        for one in held["fields"]
    )
    names = [one.name for one in fields]
    if len(set(names)) != len(names):
        raise ValueError(f"{held['name']}: một tên đứng hai lần")
    row = held.get("row", "")
    return LayoutGroup(_name(held["name"]), str(held["of"]), fields, _name(row) if row else "")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} không làm tên phần tử được")
    return text

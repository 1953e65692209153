"""docs/compliance.md and docs/threat-model.md name only modules and tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = ("docs/compliance.md", "docs/threat-model.md")
_QUOTED: Final = re.compile(r"`((?:tests|station_emr|provincial_server)/[^`\s]+)`")
_COMMAND: Final = re.compile(r"`station-emr ([a-z][a-z-]*)")


@cache
def defined_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def missing(text: str) -> list[str]:
    """Modules and tests that the text names and nobody wrote."""
    found = []
    for named in _QUOTED.findall(text):
        file, _, name = named.partition("::")
        path = ROOT / file
        if not path.exists() or (name and name not in defined_in(path)):
            found.append(named)
    return found


def rows(text: str) -> list[list[str]]:
    """The cells of every row of every table, without heads and rules."""
    lines = text.splitlines()
    found = []
    for place, line in enumerate(lines):
        following = lines[place + 1] if place + 1 < len(lines) else ""
        is_head = following.startswith("|---")
        if line.startswith("|") and not line.startswith("|---") and not is_head:
            found.append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_named_test_exists(page) -> None:
    assert missing((ROOT / page).read_text(encoding="utf-8")) == []


def test_a_name_that_is_none_is_seen() -> None:
    """The check itself can fail."""
    assert missing("`tests/arch/test_compliance.py::test_no_such`")
    assert missing("`station_emr/no_such.py`")
    assert not missing("`tests/arch/test_compliance.py::test_a_name_that_is_none_is_seen`")


def test_every_requirement_names_a_test_or_says_why_not() -> None:
    table = rows((ROOT / PAGES[0]).read_text(encoding="utf-8"))
    assert len(table) > 60
    bare = [
        row for row in table if len(row) != 4 or not ("`tests/" in row[3] or "no test:" in row[3])
    ]
    assert bare == []


def test_every_text_of_law_has_its_table() -> None:
    text = (ROOT / PAGES[0]).read_text(encoding="utf-8")
    for law in (
        "TT 13/2025",
        "CV 365",
        "Luật KCB",
        "TT 33/2025",
        "TCVN 14423:2026",
        "Luật 91/2025",
        "NĐ 356/2025",
        "NĐ 102/2025",
        "NĐ 137/2024",
        "NĐ 23/2025",
        "Luật GDĐT",
    ):
        assert law in text, law
    firsts = [row[0] for row in rows(text)]
    for number in range(1, 16):
        assert any(re.match(rf"S{number}\b", first) for first in firsts), number
    assert {str(number) for number in range(1, 11)} <= set(firsts)


@pytest.mark.parametrize("page", PAGES)
def test_every_named_command_exists(page) -> None:
    from station_emr.cli.main import build_parser

    choices = set()
    for action in build_parser()._actions:
        choices |= set(getattr(action, "choices", None) or ())
    named = set(_COMMAND.findall((ROOT / page).read_text(encoding="utf-8")))
    assert named - choices == set()

"""The table of attacks in docs/threat-model.md: each fails against the program and succeeds where its guard is gone."""

from __future__ import annotations

import re
from typing import Final

from tests.arch.test_compliance import ROOT, defined_in, missing, rows

SECTION: Final = "## Attacks shown both ways"
_TEST: Final = re.compile(r"`(tests/[^`:]+::test_\w+)`")
_INSTEAD: Final = ("not shown: ", "the same test, ")
ASKED_FOR: Final = (
    "guessing at a stolen slot",
    "exchanged between two stations",
    "rollback",
    "signed row",
    "table of users",
    "path traversal",
    "zip-slip",
    "formulas",
    "every reader of XML",
    "hostile codes",
    "search boxes",
    "bombs of PDF and fonts",
    "second user",
    "data key in the memory",
    "deleted, edited, put in, reordered, cut off",
    "games with the clock",
)


def table(page: str) -> list[list[str]]:
    return rows(page.partition(SECTION)[2].partition("\n## ")[0])


def unproven(page: str) -> list[str]:
    """Attacks of the table that one of the two sides is missing for."""
    found = []
    for row in table(page):
        attack, fails, succeeds = row
        shown = _TEST.search(succeeds) or succeeds.startswith(_INSTEAD)
        if not _TEST.search(fails) or not shown or missing(" ".join(row)):
            found.append(attack)
    return found


def page() -> str:
    return (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")


def test_every_attack_fails_and_succeeds_in_a_test_that_exists() -> None:
    assert len(table(page())) >= len(ASKED_FOR)
    assert unproven(page()) == []


def test_every_attack_that_was_asked_for_has_its_row() -> None:
    attacks = "\n".join(row[0] for row in table(page()))
    assert [one for one in ASKED_FOR if one not in attacks] == []


def test_every_weakened_build_stands_in_the_table() -> None:
    named = set(_TEST.findall(page()))
    written = {
        f"{path.relative_to(ROOT).as_posix()}::{name}"
        for path in (ROOT / "tests").rglob("test_weakened_*.py")
        for name in defined_in(path)
        if name.startswith("test_") and re.search(r"_where_|_unless_", name)
    }
    assert len(written) > 30
    assert written - named == set()


def test_a_row_without_its_other_side_is_seen() -> None:
    """The check itself can fail."""
    real = "`tests/arch/test_attacks_listed.py::test_a_row_without_its_other_side_is_seen`"
    head = f"{SECTION}\n\n| attack | fails | succeeds |\n|---|---|---|\n"
    assert unproven(f"{head}| a | {real} | |\n") == ["a"]
    assert unproven(f"{head}| b | | {real} |\n") == ["b"]
    assert unproven(f"{head}| c | {real} | `tests/arch/test_attacks_listed.py::test_no` |\n") == [
        "c"
    ]
    assert unproven(f"{head}| d | {real} | {real} |\n| e | {real} | not shown: no guard |\n") == []

"""Make the tables of docs/bhyt-checks.md from the rules in resources/bhyt/checks.json.

    python packaging/build_claim_checks_page.py

Run it after a change of the rules; a test compares.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from station_emr.interop.bhyt.checks import (  # noqa: E402  the checkout may not be installed
    GROUPS,
    Rule,
    rules,
)

PAGE: Final = ROOT / "docs" / "bhyt-checks.md"
BEGIN: Final = "<!-- rules -->"
END: Final = "<!-- end of rules -->"
_HEADS: Final = {
    "field": "Each element on its own",
    "money": "Money of a row",
    "sums": "Totals",
    "stay": "Moments and the stay",
    "cross": "Tables against one another",
    "lists": "Code lists and diagnoses",
    "approved": "The station's approved lists, and what a row must say",
    "sick_leave": "Sick leave",
    "station": "A commune station",
    "batch": "Files that go together",
}
_WORDS: Final = re.compile(r"(: )?\{[a-z_]+\}")


def tables() -> str:
    """The tables of all groups, in the order in which the rules run."""
    parts = []
    for group in GROUPS:
        own = [rule for rule in rules() if rule.group == group]
        parts.append(f"### {_HEADS[group]}\n\n| rule | weight | what it finds | source |")
        parts[-1] += "\n|---|---|---|---|\n" + "\n".join(map(_row, own)) + "\n"
    return "\n".join(parts)


def _row(rule: Rule) -> str:
    weight = rule.severity.value
    if not rule.on:
        weight += ", off"
    if rule.since is not None:
        weight += f", from {rule.since.isoformat()}"
    if rule.versions:
        weight += f", tables {', '.join(rule.versions)}"
    where = f" ({', '.join(rule.tables)})" if len(rule.tables) < 6 else ""
    title = _WORDS.sub("", rule.title).strip()
    return f"| `{rule.name}` | {weight} | {title}{where} | {rule.source} |"


def page(text: str) -> str:
    """The page with its tables made anew."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

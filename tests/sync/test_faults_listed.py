"""docs/faults.md names tests; each of them is there."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
LIST = HERE.parents[1] / "docs" / "faults.md"


def test_every_test_that_the_list_names_exists() -> None:
    named = re.findall(r"`(\w+\.py)::(\w+)`", LIST.read_text(encoding="utf-8"))
    assert len(named) > 40
    missing = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in (HERE / file).read_text(encoding="utf-8")
    ]
    assert missing == []

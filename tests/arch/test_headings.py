"""A page says a thing in one place: no heading stands twice in it."""

from collections import Counter
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_chapter_stands_twice(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    heads = Counter(line for line in lines if line.startswith("## "))
    assert [head for head, times in heads.items() if times > 1] == []

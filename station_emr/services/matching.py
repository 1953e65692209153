"""How alike two folded names are."""

from __future__ import annotations

from rapidfuzz import fuzz


class NameMatcher:
    """Words in any order, small misspellings forgiven (RapidFuzz token sort ratio)."""

    def likeness(self, one: str, other: str) -> int:
        return round(fuzz.token_sort_ratio(one, other))

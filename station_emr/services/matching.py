"""How alike two folded names are."""

from __future__ import annotations

from rapidfuzz import fuzz


class NameMatcher:
    """Words in any order or run together, small misspellings forgiven (RapidFuzz ratios)."""

    def likeness(self, one: str, other: str) -> int:
        """0 to 100. ``h nhung`` and ``hnhung`` are the same name, written by two people."""
        sorted_words = fuzz.token_sort_ratio(one, other)
        joined = fuzz.ratio(one.replace(" ", ""), other.replace(" ", ""))
        return round(max(sorted_words, joined))

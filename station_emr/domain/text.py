"""Vietnamese text: one normal form to store, one folded form to search."""

from __future__ import annotations

import re
import unicodedata

_FOLD_LETTERS = {"đ": "d", "ƀ": "b", "’": "'", "‘": "'", "ʼ": "'"}


class _Unmarked(dict[int, str]):
    """For ``translate``: what stays of each letter, worked out when it is first met."""

    def __missing__(self, letter: int) -> str:
        plain = unicodedata.normalize("NFD", _FOLD_LETTERS.get(chr(letter), chr(letter)))
        kept = self[letter] = "".join(c for c in plain if not unicodedata.combining(c))
        return kept


_UNMARKED = _Unmarked()
_SPACES = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[^0-9a-z]+")


def clean(text: str) -> str:
    """NFC, no control characters, single spaces, trimmed. Case and word order are kept."""
    kept = "".join(
        c
        for c in unicodedata.normalize("NFC", text)
        if c.isspace() or unicodedata.category(c)[0] != "C"
    )
    return _SPACES.sub(" ", kept).strip()


def clean_lines(text: str) -> str:
    """Like :func:`clean` for a text of several lines: each line cleaned, blank ends dropped."""
    return "\n".join(clean(line) for line in text.splitlines()).strip("\n")


def strip_marks(text: str) -> str:
    """Drop every diacritic, tone mark and the bar of đ; keep case folded to lower.

    >>> strip_marks("Rơ Châm H'Bĕ̆")
    "ro cham h'be"
    """
    lowered = unicodedata.normalize("NFC", text).lower()
    return unicodedata.normalize("NFC", lowered.translate(_UNMARKED))


def fold(text: str) -> str:
    """The search form: no marks, lower case, only a-z, 0-9 and single spaces.

    An apostrophe disappears inside a word, so ``H'Bĕ̆``, ``H’Be`` and ``hbe`` meet.

    >>> fold("  Đỗ  H’Nhung ")
    'do hnhung'
    """
    return _NOT_WORD.sub(" ", strip_marks(text).replace("'", "")).strip()


def fold_words(text: str) -> tuple[str, ...]:
    """The folded words of ``text``, in order."""
    return tuple(fold(text).split())

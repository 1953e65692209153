"""Search in a code list while somebody types: by code, or by Vietnamese words in any order.

Everything is decided by set operations on row numbers. The rows are numbered once in the order
in which equal answers should be shown (common first, usable before headings, short before long),
so the best answers of any set are simply its smallest numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from functools import cached_property, lru_cache
from unicodedata import normalize

from station_emr.domain.catalog import CatalogHit, CatalogKind, CatalogRow
from station_emr.domain.text import fold

_LAST = "\U0010ffff"
_THOUSANDS = re.compile(r"(?<=\d)\.(?=\d{3}(?!\d))")
_DOTTED_CODE = re.compile(r"\b([A-Za-z]\d{2})\.(?=\d)")
# Letters, digits and the marks that have no composed letter (ê̆); an apostrophe joins (H'Bĕ̆).
_WORDS = re.compile(r"(?:[^\W_]|[\u0300-\u036f]|(?<=\w)['’‘ʼ](?=\w))+")
_DIGITS = re.compile(r"(\d+)")
_NOT_CODE = re.compile(r"[\s.†*]+")
# Spellings of one word in official texts: a row that has one is found by the others too.
_SPELLINGS = (
    ("virus", "vi rut"),
    ("amidan", "amydan"),
    ("tip", "type"),
)
# Titles often open with a word that nobody types.
_OPENINGS = ("benh ", "hoi chung ", "chung ", "cac ", "tinh trang ")
# Kinds whose rows are also known under other names.
_SEARCHED_ATTRIBUTES = {
    CatalogKind.DRUG: ("inn", "brand", "strength", "ingredients", "bhyt_code", "keywords"),
    CatalogKind.ONE_YEAR_REFERRAL: ("keywords",),
    CatalogKind.APPROVED_SERVICE: ("item_code", "keywords"),
    CatalogKind.APPROVED_DRUG: ("item_code", "inn", "strength", "registration", "keywords"),
    CatalogKind.APPROVED_MATERIAL: ("item_code", "keywords"),
    CatalogKind.COMMUNE: ("province_name", "keywords"),
    CatalogKind.COMMUNE_MAP: ("old_district", "old_province", "new_name"),
}
_SHORT_PREFIX = 3
_MANY = 512

EXACT_CODE, CODE_PREFIX, WORDS = 0, 1, 2


class _Words:
    """Which rows hold a word that begins with the given letters."""

    def __init__(self) -> None:
        self._rows: dict[str, set[int]] = {}
        self._sorted: list[str] = []
        self._short: dict[str, set[int]] = {}

    def add(self, word: str, row: int) -> None:
        self._rows.setdefault(word, set()).add(row)

    def close(self) -> None:
        self._sorted = sorted(self._rows)
        for word, rows in self._rows.items():
            for length in range(1, min(len(word), _SHORT_PREFIX) + 1):
                self._short.setdefault(word[:length], set()).update(rows)

    def exact(self, word: str) -> AbstractSet[int]:
        return self._rows.get(word, set())

    def beginning(self, prefix: str) -> AbstractSet[int]:
        if len(prefix) <= _SHORT_PREFIX:
            return self._short.get(prefix, frozenset())
        first = bisect_left(self._sorted, prefix)
        last = bisect_left(self._sorted, prefix + _LAST)
        return set[int]().union(*(self._rows[word] for word in self._sorted[first:last]))


class _Texts:
    """The words of a list, and how its titles open."""

    def __init__(self, rows: Sequence[CatalogRow]) -> None:
        self.folded = _Words()
        self.marked = _Words()
        titles: list[tuple[str, int]] = []
        for number, row in enumerate(rows):
            title = folded(row.name)
            titles.extend((opening, number) for opening in _openings(title))
            text = " ".join([row.name, *_other_names(row)])
            plain = folded(text)
            names = {*plain.split(), *_other_spellings(plain), code_key(row.code).lower()}
            for word in names:
                self.folded.add(word, number)
            for word in set(marked_words(text)):
                self.marked.add(word, number)
        self.folded.close()
        self.marked.close()
        titles.sort()
        self.titles = [title for title, _ in titles]
        self.title_rows = [number for _, number in titles]


class CatalogIndex:
    """A list held in memory, ready to answer every key stroke."""

    def __init__(self, rows: Iterable[CatalogRow]) -> None:
        self._rows = sorted(rows, key=_order)
        codes = sorted((code_key(row.code), number) for number, row in enumerate(self._rows))
        self._codes = [code for code, _ in codes]
        self._code_rows = [number for _, number in codes]

    @cached_property
    def _texts(self) -> _Texts:
        """Made when words are first typed: nine tenths of the work, and codes do without."""
        return _Texts(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, code: str, day: date) -> CatalogRow | None:
        """The row of exactly this code that is in force on ``day``."""
        for number in self._with_code(code_key(code)):
            if self._rows[number].in_force(day):
                return self._rows[number]
        return None

    def search(self, text: str, limit: int = 20, day: date | None = None) -> tuple[CatalogHit, ...]:
        """The best answers to what has been typed so far; an empty text has none."""
        hits: list[CatalogHit] = []
        seen: set[int] = set()

        def take(numbers: Iterable[int], rank: int) -> bool:
            for number in numbers:
                if number in seen:
                    continue
                seen.add(number)
                row = self._rows[number]
                if day is None or row.in_force(day):
                    hits.append(CatalogHit(row=row, rank=rank))
                    if len(hits) == limit:
                        return True
            return False

        if limit <= 0:
            return ()
        key = code_key(text)
        if key and take(self._with_code(key), EXACT_CODE):
            return tuple(hits)
        # Letters alone are words: "para" must not list drugs in the order of their codes.
        if any(c.isdigit() for c in key) and take(self._code_prefix(key), CODE_PREFIX):
            return tuple(hits)
        for rank, numbers in enumerate(self._by_words(text), start=WORDS):
            if take(self._ascending(numbers), rank):
                break
        return tuple(hits)

    def rows(self, day: date | None = None) -> tuple[CatalogRow, ...]:
        """The whole list in the order people count: 1.2 before 1.11."""
        ordered = sorted(self._rows, key=lambda row: (_counting(row.code), row.valid_from))
        return tuple(row for row in ordered if day is None or row.in_force(day))

    def _with_code(self, key: str) -> list[int]:
        first = bisect_left(self._codes, key)
        last = bisect_left(self._codes, key + "\0")
        return self._code_rows[first:last]

    def _code_prefix(self, key: str) -> list[int]:
        first = bisect_left(self._codes, key)
        last = bisect_left(self._codes, key + _LAST)
        return self._code_rows[first:last]

    def _ascending(self, numbers: AbstractSet[int]) -> Iterable[int]:
        """Smallest first. A big set is not sorted for the few answers that are wanted."""
        if len(numbers) < _MANY:
            return sorted(numbers)
        return (number for number in range(len(self._rows)) if number in numbers)

    def _by_words(self, text: str) -> Iterator[AbstractSet[int]]:
        """Sets of matching rows, the best first; a set may repeat rows of those before it."""
        plain = folded(text)
        words = plain.split()
        if not words:
            return
        texts = self._texts
        parts = sorted((texts.folded.beginning(word) for word in words), key=len)
        found = parts[0]
        for part in parts[1:]:
            found = found & part
        if not found:
            return
        first = bisect_left(texts.titles, plain)
        last = bisect_left(texts.titles, plain + _LAST)
        opening = found & set(texts.title_rows[first:last])
        exact = found
        for word in words:
            exact = exact & texts.folded.exact(word)
        with_marks = marked_words(text)
        if with_marks:
            marked = found
            for word in with_marks:
                marked = marked & texts.marked.beginning(word)
            yield marked & opening
            yield marked & exact
            yield marked
        yield opening
        yield exact
        yield found


def _counting(code: str) -> list[tuple[int, str]]:
    return [(int(part), part) if part.isdecimal() else (-1, part) for part in _DIGITS.split(code)]


def code_key(text: str) -> str:
    """A code as people type it: no dot, no mark, any case (``j06.9`` = ``J069``)."""
    return _NOT_CODE.sub("", text).upper()


def folded(text: str) -> str:
    """The search form of a text; a dotted code stays one word."""
    joined = _THOUSANDS.sub("", _DOTTED_CODE.sub(r"\1", text))
    words = (_fold_word(word) for word in _WORDS.findall(normalize("NFC", joined).lower()))
    return " ".join(word for word in words if word)


def _other_spellings(plain: str) -> list[str]:
    found = f" {plain} "
    return [
        word
        for forms in _SPELLINGS
        if any(f" {form} " in found for form in forms)
        for form in forms
        for word in form.split()
    ]


def marked_words(text: str) -> list[str]:
    """The words typed with a mark or a đ, as typed: they tell the right answers first."""
    return [word for word in _WORDS.findall(normalize("NFC", text).lower()) if not word.isascii()]


@lru_cache(maxsize=1 << 15)
def _fold_word(word: str) -> str:
    return fold(word)


def _openings(title: str) -> list[str]:
    return [title, *(title[len(word) :] for word in _OPENINGS if title.startswith(word))]


def _other_names(row: CatalogRow) -> list[str]:
    keys = _SEARCHED_ATTRIBUTES.get(row.kind, ("keywords",))
    return [str(row.attributes[key]) for key in keys if row.attributes.get(key)]


def _order(row: CatalogRow) -> tuple[bool, bool, bool, int, str, date]:
    flag = row.attributes.get
    return (
        not flag("common"),
        bool(flag("not_main")),
        bool(flag("more_specific_exists")),
        len(row.name),
        row.code,
        row.valid_from,
    )

"""Patient search: a few candidates from the index, ranked here, rows ready for the screen.

The index holds folded words, the same words with their marks, the part after an apostrophe
(``H'Be`` is found as "hbe" and "be"), every number and its last four digits, and the birth year.
People seen lately are looked through first, because a word such as "nguyen" fits half the commune
and the index gives its matches in no useful order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from station_emr.domain.identity import BirthDate
from station_emr.domain.patient import Patient
from station_emr.domain.record import Sex
from station_emr.domain.text import clean, fold, fold_words
from station_emr.services.views import PatientRow

from .models import PatientHead

CANDIDATES: Final = 200
RECENT: Final = 300
MAX_WORDS: Final = 8

ROW_COLUMNS: Final = (
    PatientHead.id,
    PatientHead.full_name,
    PatientHead.birth,
    PatientHead.sex,
    PatientHead.address_line,
    PatientHead.commune_name,
    PatientHead.phone,
    PatientHead.national_id,
    PatientHead.insurance_number,
    PatientHead.chart_number,
    PatientHead.last_visit_on,
)

_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
_APOSTROPHES: Final = re.compile("['’‘ʼ]")
_INSURANCE: Final = re.compile(r"[a-z]{2}[1-5][0-9]{12}")


def marked(word: str) -> str:
    """A word in lower case with its marks, in one normal form."""
    return unicodedata.normalize("NFC", _APOSTROPHES.sub("", word).lower())


def numbers_of(patient: Patient) -> tuple[str, ...]:
    """Every number the person may show, folded; a 15-character card also by its BHXH number."""
    found: dict[str, None] = {}
    for number in (
        patient.national_id,
        patient.old_national_id,
        patient.chart_number,
        patient.phone,
        *(coverage.number for coverage in patient.coverages),
    ):
        folded = fold(number).replace(" ", "")
        if folded:
            found[folded] = None
            if _INSURANCE.fullmatch(folded):
                found[folded[-10:]] = None
    return tuple(found)


def search_words(patient: Patient) -> str:
    """What the index keeps of a person."""
    words: dict[str, None] = {}
    for word in clean(patient.full_name).split():
        words.update(dict.fromkeys(fold_words(word)))
        words.update(dict.fromkeys(fold_words(_APOSTROPHES.sub(" ", word))))
        words[marked(word)] = None
    for number in numbers_of(patient):
        words[number] = None
        words[number[-4:]] = None
    words.update(dict.fromkeys(fold_words(patient.chart_number)))
    words[f"y{patient.birth.year}"] = None
    return " ".join(words)


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed: folded words, and the same words with marks where marks were typed."""

    folded: tuple[str, ...]
    exact: tuple[str, ...]
    numeric: bool

    @property
    def has_marks(self) -> bool:
        return self.folded != self.exact

    def match(self, *, with_marks: bool) -> str:
        words = self.exact if with_marks else self.folded
        return " AND ".join(_term(word, named=len(words) > 1) for word in words)


def _term(word: str, *, named: bool) -> str:
    quoted = '"' + word.replace('"', "") + '"'
    if named and _YEAR.fullmatch(word):
        return f'({quoted}* OR "y{word}")'
    return f"{quoted}*"


def _is_word(text: str) -> bool:
    return all(char.isalnum() or unicodedata.combining(char) for char in text)


def parse(typed: str) -> Query | None:
    """None when nothing searchable was typed."""
    folded: list[str] = []
    exact: list[str] = []
    for word in clean(typed).split():
        with_marks = marked(word)
        pieces = fold_words(word)
        if any(piece.isdigit() for piece in pieces):
            pieces = ("".join(pieces),)  # a number typed with dots is one number
        folded.extend(pieces)
        exact.extend((with_marks,) if len(pieces) == 1 and _is_word(with_marks) else pieces)
    if not folded:
        return None
    joined = "".join(folded)
    if joined.isdigit() or re.fullmatch(r"[a-z]{2} [1-5]( [0-9]+)*", " ".join(folded)):
        folded, exact = [joined], [joined]
    if len(exact) != len(folded):
        exact = folded
    return Query(
        tuple(folded[:MAX_WORDS]),
        tuple(exact[:MAX_WORDS]),
        numeric=any(word.isdigit() for word in folded),
    )


_SHOWN = (
    "p.id, p.full_name, p.birth, p.sex, p.address_line, p.commune_name, p.phone, p.national_id, "
    "p.insurance_number, p.chart_number, p.last_visit_on"
)
_CHARTS = f"SELECT p.row_id, {_SHOWN} FROM patient AS p WHERE p.row_id IN"  # noqa: S608  # fixed
_PEOPLE = (
    f"SELECT h.row_id, {_SHOWN} FROM patient AS h "  # noqa: S608  # fixed texts only
    "LEFT JOIN patient_identity AS i ON i.patient_id = h.id "
    "JOIN patient AS p ON p.id = coalesce(i.survivor_id, h.id) WHERE h.row_id IN"
)
_MATCHES = (
    "SELECT p.row_id, p.folded_name, p.last_visit_on FROM patient_search "
    "CROSS JOIN patient AS p ON p.row_id = patient_search.rowid "
    "WHERE patient_search MATCH ? LIMIT ?"
)
_LATELY = (
    "SELECT row_id, folded_name, last_visit_on FROM patient "
    "WHERE last_visit_on IS NOT NULL ORDER BY last_visit_on DESC LIMIT ?"
)


def search_patients(connection: Connection, typed: str, limit: int) -> tuple[PatientRow, ...]:
    """The best ``limit`` people for what was typed."""
    query = parse(typed)
    if query is None or limit < 1:
        return ()
    found: dict[int, tuple[Any, ...]] = {}
    exact: set[int] = set()
    if query.has_marks:
        rows = _matches(connection, query.match(with_marks=True))
        exact.update(row[0] for row in rows)
        found.update((row[0], row) for row in rows)
    if len(found) < limit:
        rows = _matches(connection, query.match(with_marks=False))
        found.update((row[0], row) for row in rows)
        if len(rows) == CANDIDATES and not query.numeric:
            found.update((row[0], row) for row in _lately(connection, query.folded))
    return shown_rows(connection, _rank(found.values(), exact, query), limit)


def _matches(connection: Connection, match: str) -> list[Any]:
    return list(connection.exec_driver_sql(_MATCHES, (match, CANDIDATES)))


def _lately(connection: Connection, words: tuple[str, ...]) -> list[Any]:
    rows = connection.exec_driver_sql(_LATELY, (RECENT,))
    needles = [f" {word}" for word in words]
    return [row for row in rows if all(needle in f" {row[1]}" for needle in needles)]


def _rank(rows: Iterable[Any], exact: set[int], query: Query) -> list[int]:
    phrase = " ".join(query.folded)
    wanted = set(query.folded)

    def key(row: Any) -> tuple[bool, int, int]:
        row_id, name, _ = row
        return (row_id not in exact, _place(name, phrase), -len(wanted.intersection(name.split())))

    # Two stable sorts: the last visit, newest first, decides among equals.
    lately = sorted(rows, key=lambda row: row[2] or "", reverse=True)
    return [row[0] for row in sorted(lately, key=key)]


def _place(name: str, phrase: str) -> int:
    """Whole name, then from its start, then as the given name, then in this order, then any."""
    if name == phrase:
        return 0
    if name.startswith(phrase):
        return 1
    if name.endswith(f" {phrase}"):
        return 2
    return 3 if f" {phrase}" in name else 4


def shown_rows(
    connection: Connection, row_ids: Sequence[int], limit: int | None
) -> tuple[PatientRow, ...]:
    """The charts that lists show for these hits, each once, in the order of the hits."""
    wanted = len(row_ids) if limit is None else limit
    joined = connection.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM patient_identity)").scalar()
    people = _PEOPLE if joined else _CHARTS
    shown: dict[str, PatientRow] = {}
    for start in range(0, len(row_ids), max(wanted, 1)):
        some = row_ids[start : start + wanted]
        marks = ",".join("?" * len(some))
        rows = connection.exec_driver_sql(f"{people} ({marks})", tuple(some))
        by_hit = {row[0]: row[1:] for row in rows}
        for hit in some:
            row = by_hit[hit]
            if row[0] not in shown:
                shown[row[0]] = patient_row(row)
        if len(shown) >= wanted:
            break
    return tuple(shown.values())[:wanted]


def patient_row(row: Any) -> PatientRow:
    """A row of ``ROW_COLUMNS`` as the screen wants it."""
    (
        patient_id,
        full_name,
        birth,
        sex,
        address_line,
        commune_name,
        phone,
        national_id,
        insurance_number,
        chart_number,
        last_visit_on,
    ) = row
    return PatientRow(
        id=patient_id,
        full_name=full_name,
        birth=BirthDate.from_iso(birth),
        sex=Sex(sex),
        address_line=address_line,
        commune_name=commune_name,
        phone=phone,
        national_id=national_id,
        insurance_number=insurance_number,
        chart_number=chart_number,
        last_visit_on=date.fromisoformat(last_visit_on) if last_visit_on else None,
    )

"""Codes that a scanner reads and words typed into a search box, twice: they are words for the program, and more
than that where exactly their guard is gone.
"""

from __future__ import annotations

import unicodedata
import zlib
from dataclasses import fields

import cbor2
import pytest
from PySide6.QtWidgets import QLabel
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from station_emr.db import search
from station_emr.db.models import PatientHead, PatientNumber
from station_emr.db.repositories.patients import PatientRepository
from station_emr.db.search import Query, shown_rows
from station_emr.domain import scan
from station_emr.domain.errors import StationError
from station_emr.domain.scan import CitizenCardScan, ForeignScan, parse_scan
from station_emr.security import letter_code, letters
from station_emr.security.letters import LetterCheck, encode_letter, verify_letter
from station_emr.ui.kit.layout import label
from tests.security.test_attacks_inputs import _CARD, SYNTAX
from tests.security.test_letters import CONTENT, KEY, OTHER_KEY, TRUSTED
from tests.services.conftest import lists, station, template

__all__ = ["lists", "station", "template"]

# Codes -----------------------------------------------------------------------------------------

HIDDEN = ["\u202e", "\x00", "\u2066", "\x1b", "\ufeff"]


def hidden_letters(letter: str) -> bool:
    """Whether a name comes from a card with letters that nobody sees."""
    found = parse_scan(_CARD.format(name=f"Nguyễn{letter} Văn Mẫu"))
    name = found.full_name if isinstance(found, CitizenCardScan) else ""
    return any(unicodedata.category(one)[0] == "C" for one in name)


@pytest.mark.parametrize("letter", HIDDEN, ids=ascii)
def test_hidden_letters_of_a_code_stay_where_texts_are_not_cleaned(letter, monkeypatch) -> None:
    assert not hidden_letters(letter)
    monkeypatch.setattr(scan, "clean", lambda text: text)
    assert hidden_letters(letter)


def taken_of_a_long_code() -> int:
    """How many letters of an endless code come out of reading it."""
    found = parse_scan(_CARD.format(name="Nguyễn Văn Mẫu") + "|x" * 10_000)
    if isinstance(found, ForeignScan):
        return 0
    return sum(len(str(getattr(found, one.name))) for one in fields(found))


def test_a_code_without_an_end_is_taken_whole_where_it_is_not_cut(monkeypatch) -> None:
    assert taken_of_a_long_code() < 20_000
    monkeypatch.setattr(scan, "_LONGEST", 10**9)
    assert taken_of_a_long_code() > 40_000


def bomb_in_a_letter() -> int:
    """How much a letter of a forger, whose signature fits, unfolds to."""
    texts = cbor2.dumps({1: "A-1", 2: "X", 6: "X", 19: "X", 7: "1990", 16: "A" * 5_000_000})
    squeeze = zlib.compressobj(
        9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, letter_code._DICTIONARY
    )
    packed = squeeze.compress(texts) + squeeze.flush()
    try:
        return len(letter_code._inflate(packed))
    except letter_code.Unreadable:
        return 0


def test_a_letter_unfolds_to_megabytes_where_nothing_bounds_it(monkeypatch) -> None:
    assert bomb_in_a_letter() == 0
    monkeypatch.setattr(letter_code, "_MAX_INFLATED", 10**9)
    assert bomb_in_a_letter() > 5_000_000


def forged_letter_is_believed() -> bool:
    """A letter that names a known station, signed by somebody else."""
    return verify_letter(encode_letter(CONTENT, OTHER_KEY), TRUSTED).check is LetterCheck.VALID


def changed_letter_is_believed() -> bool:
    """A true letter whose signed bytes were changed afterwards."""
    signed = bytearray(letters._envelope(encode_letter(CONTENT, KEY)) or b"")
    signed[-1] ^= 1
    text = f"{letters.LETTER_PREFIX}{letters.base45.encode(bytes(signed))}."
    return verify_letter(text, TRUSTED).check is LetterCheck.VALID


def test_a_forged_letter_is_believed_where_stations_go_by_their_code(monkeypatch) -> None:
    assert not forged_letter_is_believed()
    by_code = {one.facility_code: one for one in TRUSTED.values()}
    real = letters._judge

    def judged(content, _key, trusted):
        return real(content, by_code[content.from_code].public_key, trusted)

    monkeypatch.setattr(letters, "_judge", judged)
    assert forged_letter_is_believed()


def test_a_changed_letter_is_believed_where_its_signature_is_not_asked(monkeypatch) -> None:
    assert not changed_letter_is_believed()

    class Anything:
        def verify(self, _signature: bytes, _content: bytes) -> None:
            return

    class Careless:
        @staticmethod
        def from_public_bytes(_key: bytes) -> Anything:
            return Anything()

    monkeypatch.setattr(letters, "Ed25519PublicKey", Careless)
    assert changed_letter_is_believed()


def drawn_as_markup() -> bool:
    """Whether a name from a code decides how the window looks, or which file it shows."""
    plain = label("Mẫu").sizeHint().height()
    return label("<h1>Mẫu</h1><h1>Mẫu</h1>").sizeHint().height() > 2 * plain


def test_markup_in_a_code_is_drawn_where_labels_are_not_plain(qapp, monkeypatch) -> None:
    assert not drawn_as_markup()
    monkeypatch.setattr(QLabel, "setTextFormat", lambda _self, _format: None)
    assert drawn_as_markup()


# Search ----------------------------------------------------------------------------------------

EVERYBODY = "khongcoai OR y*"


def words_as_typed(weak: pytest.MonkeyPatch) -> None:
    """A build that takes words apart at spaces and leaves their signs."""

    def parse(typed: str) -> Query:
        return Query(tuple(typed.split()), tuple(typed.split()), numeric=False)

    weak.setattr(search, "parse", parse)


def terms_as_typed(weak: pytest.MonkeyPatch) -> None:
    """A build that does not quote them."""
    weak.setattr(Query, "match", lambda self, with_marks: " ".join(self.folded))


def test_words_of_the_search_language_find_everybody_where_they_are_not_quoted(
    station, monkeypatch
) -> None:
    people = {station.register().id, station.register(full_name="Kpă Thử").id}

    def found(typed: str) -> set[str]:
        rows = station.services.patients.search(station.doctor, typed, 20)
        return {row.id for row in rows}

    assert found(EVERYBODY) == set()
    for guard in (words_as_typed, terms_as_typed):  # either is enough by itself
        with pytest.MonkeyPatch.context() as weak:
            guard(weak)
            assert found(EVERYBODY) == set()
    words_as_typed(monkeypatch)
    terms_as_typed(monkeypatch)
    assert found(EVERYBODY) == people


def test_half_a_query_breaks_the_search_where_it_goes_in_as_it_is(station, monkeypatch) -> None:
    doctor = station.doctor

    def broken(typed: str) -> bool:
        try:
            station.services.patients.search(doctor, typed, 20)
        except (DBAPIError, StationError):
            return True
        return False

    assert not [typed for typed in SYNTAX if broken(typed)]
    words_as_typed(monkeypatch)
    terms_as_typed(monkeypatch)
    assert [typed for typed in SYNTAX if broken(typed)]


def test_a_wildcard_finds_every_number_where_numbers_are_compared_by_pattern(
    station, monkeypatch
) -> None:
    person = station.register(national_id="001090000001")

    def found(typed: str) -> set[str]:
        return {row.id for row in station.services.patients.by_number(station.doctor, typed)}

    assert found("001090000001") == {person.id}
    assert found("%") == found("00109000000_") == set()

    def by_pattern(self, number: str):
        query = select(PatientHead.row_id).join(
            PatientNumber, PatientNumber.patient_row == PatientHead.row_id
        )
        rows = self._connection.execute(query.where(PatientNumber.number.like(number))).scalars()
        return shown_rows(self._connection, list(set(rows)), None)

    monkeypatch.setattr(PatientRepository, "by_number", by_pattern)
    assert found("%") == found("00109000000_") == {person.id}

"""Drug names as people write them, brought to one form so that an allergy is recognised.

Cards and notebooks hold ``Amoxicillin``, ``amoxicilin`` and ``penicilin G``; the catalogue holds
one spelling. A missed allergy is the dangerous mistake here, so the comparison is generous: the
worst it can do is ask the prescriber for a reason.
"""

from __future__ import annotations

import re

from .text import fold

_DOUBLED = re.compile(r"([a-z])\1")
_SPELLINGS = (("ph", "f"), ("th", "t"), ("y", "i"), ("ae", "e"), ("oe", "e"))
_SYNONYMS = {
    "acetaminofen": "paracetamol",
    "aspirin": "acid acetilsalicilic",
    "adrenalin": "epinefrin",
    "sulfamid": "sulfonamid",
    "sulfa": "sulfonamid",
}
_LEAST_LETTERS = 3


def drug_key(text: str) -> str:
    """The comparable form of a drug name, ingredient or family.

    >>> drug_key("Amoxicillin"), drug_key("amoxicilin"), drug_key("Cephalexine")
    ('amoxicilin', 'amoxicilin', 'cefalexin')
    """
    return " ".join(_word(word) for word in fold(text).split())


def _word(word: str) -> str:
    for written, plain in _SPELLINGS:
        word = word.replace(written, plain)
    word = _DOUBLED.sub(r"\1", word)
    if len(word) > _LEAST_LETTERS:
        word = word.removesuffix("e")
    return _SYNONYMS.get(word, word)


def same_drug(one: str, other: str) -> bool:
    """Whether one name holds the other as whole words: ``Penicilin G`` and ``penicillin``."""
    first, second = drug_key(one), drug_key(other)
    if min(len(first), len(second)) < _LEAST_LETTERS:
        return False
    return f" {second} " in f" {first} " or f" {first} " in f" {second} "

"""What is compared of a Patient: names without marks, numbers without spaces, the village."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_NATIONAL = ("/sid/cccd", "/sid/national_id")
_OLD_NATIONAL = ("/sid/cmnd", "/sid/citizen_id")
_INSURANCE = ("/sid/bhyt", "/sid/insurance_number")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_PLACE_WORDS = frozenset(
    {"thon", "lang", "buon", "ban", "to", "dan", "pho", "xa", "phuong", "thi", "tran", "khoi", "ap"}
)
_PERSON_DIGITS = 10
"""The last digits of an insurance card are the person's; those before them change with the scheme."""


@dataclass(frozen=True)
class Facts:
    """One chart of one station, as far as it is compared."""

    facility_code: str
    patient_id: str
    name: str
    birth: str
    sex: str
    national_id: str
    old_national_id: str
    cards: tuple[str, ...]
    village: str
    commune: str

    @property
    def numbers(self) -> frozenset[str]:
        """Identity numbers of either kind: an old one is often typed where the new one belongs."""
        return frozenset(filter(None, (self.national_id, self.old_national_id)))

    @property
    def person_numbers(self) -> frozenset[str]:
        return frozenset(found for card in self.cards if (found := person_number(card)))

    @property
    def has_full_birth(self) -> bool:
        return len(self.birth) == 10


def read_facts(facility_code: str, patient_id: str, patient: Mapping[str, Any]) -> Facts | None:
    """None for a chart that was entered in error, or has no name."""
    names = patient.get("name") or [{}]
    name = " ".join(str(names[0].get("text") or _parts(names[0])).split())
    if patient.get("active") is False or not name:
        return None
    addresses = patient.get("address") or [{}]
    lines = addresses[0].get("line") or [""]
    return Facts(
        facility_code=facility_code,
        patient_id=patient_id,
        name=name[:300],
        birth=str(patient.get("birthDate", ""))[:10],
        sex=str(patient.get("gender", ""))[:10],
        national_id=next(_numbers(patient, _NATIONAL), ""),
        old_national_id=next(_numbers(patient, _OLD_NATIONAL), ""),
        cards=tuple(sorted(set(_numbers(patient, _INSURANCE))))[:10],
        village=str(lines[0] or "")[:300],
        commune=str(addresses[0].get("city") or "")[:200],
    )


def _parts(name: Mapping[str, Any]) -> str:
    """Family name first, as people here say it."""
    return " ".join([str(name.get("family", "")), *map(str, name.get("given", []))])


def _numbers(patient: Mapping[str, Any], systems: tuple[str, ...]) -> Iterator[str]:
    for item in patient.get("identifier", []):
        if str(item.get("system", "")).endswith(systems):
            number = clean_number(str(item.get("value", "")))
            if number:
                yield number


def clean_number(text: str) -> str:
    """Capitals and digits alone; empty for what is too short or too long to be a number."""
    found = re.sub(r"[^0-9A-Z]", "", text.upper())
    return found if 6 <= len(found) <= 20 else ""


def person_number(card: str) -> str:
    """The person's own number inside a card's: the same when the card changes."""
    digits = card[-_PERSON_DIGITS:]
    return digits if len(digits) == _PERSON_DIGITS and digits.isdigit() else ""


def fold(text: str) -> str:
    """`Rơ Châm H'Blan` → `ro cham hblan`."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    return " ".join(_NOT_WORD.sub(" ", letters.replace("'", "").replace("’", "")).split())


def marks(text: str) -> str:
    """The marks of the letters alone: they tell Hùng from Hưng, wherever the tone is put."""
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d\u0335"))
    return "".join(sorted(one for one in plain if unicodedata.combining(one)))


def fold_place(text: str) -> str:
    """A village by its own name: `Làng Ia Mẫu` and `Thôn Ia Mẫu` are one place."""
    words = fold(text).split()
    return " ".join(word for word in words if word not in _PLACE_WORDS) or " ".join(words)


def keys_of(facts: Facts) -> frozenset[str]:
    """Under these the chart can be found by one that is like it."""
    words = fold(facts.name).split()
    given = words[-1] if words else ""
    year = facts.birth[:4]
    found = {f"n:{number}" for number in facts.numbers}
    found |= {f"c:{number}" for number in facts.person_numbers}
    if words and year:
        found.add(f"a:{''.join(sorted(words))}:{year}"[:400])
    if facts.has_full_birth:
        if given:
            found.add(f"g:{given}:{facts.birth}:{facts.sex}")
        if facts.village:
            found.add(f"v:{fold_place(facts.village)}:{facts.birth}:{facts.sex}"[:400])
    return frozenset(found)

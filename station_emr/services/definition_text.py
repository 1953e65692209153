"""Definitions of registers and reports as JSON files that a station may write: read strictly, and what
is wrong is said in words with the place where it stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final, TypeVar

from station_emr.domain.errors import InvalidRecord, Problem
from station_emr.domain.icd_range import IcdRange
from station_emr.domain.record import Sex
from station_emr.domain.report import NOTHING, Filter
from station_emr.domain.text import clean

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
LONGEST_TITLE: Final = 200
MOST_BYTES: Final = 200_000
_OLDEST: Final = 150
_DEEP: Final = RecursionError  # braces within braces, thousands of times


class Definition:
    """One JSON object being read. ``where`` is its place in the file, for messages."""

    def __init__(self, held: object, where: str) -> None:
        if not isinstance(held, dict):
            raise wrong(where, "phải là một nhóm { … }")
        self._held: dict[str, Any] = held
        self.where = where

    def only(self, known: Collection[str]) -> None:
        """Refuses a name that nothing reads: mostly a misspelled one."""
        for name in self._held:
            if name not in known:
                raise wrong(self.where, f"không có mục “{name}”. Các mục có: {', '.join(known)}")

    def has(self, name: str) -> bool:
        return self._held.get(name) is not None

    def text(self, name: str, *, needed: bool = False) -> str:
        found = self._held.get(name, "")
        if not isinstance(found, str) or len(found) > LONGEST_TITLE * 3:
            raise self.bad(name, "phải là chữ, không quá dài")
        if needed and not clean(found):
            raise self.bad(name, "còn trống")
        return clean(found)

    def flag(self, name: str, default: bool | None) -> bool | None:
        found = self._held.get(name, default)
        if found is not None and not isinstance(found, bool):
            raise self.bad(name, "phải là true hoặc false")
        return found

    def whole(self, name: str, low: int, high: int) -> int | None:
        found = self._held.get(name)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int) or not low <= found <= high:
            raise self.bad(name, f"phải là số nguyên từ {low} đến {high}")
        return found

    def share(self, name: str) -> float:
        found = self._held.get(name, 10)
        if isinstance(found, bool) or not isinstance(found, int | float) or not 1 <= found <= 100:
            raise self.bad(name, "phải là số từ 1 đến 100")
        return float(found)

    def day(self, name: str) -> date | None:
        found = self._held.get(name)
        if found is None:
            return None
        try:
            return date.fromisoformat(str(found))
        except ValueError:
            raise self.bad(name, "phải là ngày dạng 2026-01-31") from None

    def one_of(self, name: str, kinds: type[E]) -> E | None:
        found = self._held.get(name)
        if found is None:
            return None
        if found not in tuple(kinds):
            raise self.bad(name, f"phải là một trong: {', '.join(kinds)}")
        return kinds(found)

    def texts(self, name: str) -> tuple[str, ...]:
        found = self._held.get(name, [])
        if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
            raise self.bad(name, "phải là danh sách các chữ trong ngoặc kép")
        return tuple(found)

    def ranges(self, name: str) -> tuple[IcdRange, ...]:
        made = []
        for one in self.texts(name):
            try:
                made.append(IcdRange.parse(one))
            except ValueError:
                raise self.bad(
                    name, f"“{one}” không phải khoảng mã ICD-10, ví dụ A15-A19 hoặc I10"
                ) from None
        return tuple(made)

    def many(self, name: str, read: Callable[[Definition], T], most: int) -> tuple[T, ...]:
        found = self._held.get(name, [])
        if not isinstance(found, list) or len(found) > most:
            raise self.bad(name, f"phải là danh sách, nhiều nhất {most} mục")
        return tuple(
            read(Definition(one, f"{self.where}, {name} thứ {place}"))
            for place, one in enumerate(found, 1)
        )

    def part(self, name: str) -> Definition | None:
        found = self._held.get(name)
        return None if found is None else Definition(found, f"{self.where}, {name}")

    def bad(self, name: str, why: str) -> InvalidRecord:
        return wrong(f"{self.where}, mục “{name}”", why)


def wrong(where: str, why: str) -> InvalidRecord:
    message = f"{where}: {why}. Chưa nhập gì; hãy sửa tệp rồi nhập lại."
    return InvalidRecord((Problem(field="file", code="definition-wrong", message=message),))


def parsed(content: bytes | str) -> Definition:
    """The object of a file. Raises InvalidRecord with the line where reading stopped."""
    if len(content) > MOST_BYTES:
        raise wrong("Tệp", f"lớn hơn {MOST_BYTES // 1000} KB nên không phải tệp mẫu")
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        return Definition(json.loads(text), "Tệp mẫu")
    except UnicodeDecodeError:
        raise wrong("Tệp", "không phải chữ Unicode (UTF-8)") from None
    except json.JSONDecodeError as error:
        raise wrong(f"Dòng {error.lineno}, cột {error.colno}", "không đúng dạng JSON") from None
    except _DEEP:
        raise wrong("Tệp", "các nhóm lồng nhau quá sâu") from None


_FILTER: Final = (
    "icd",
    "chapters",
    "main_only",
    "sex",
    "age_from",
    "age_to",
    "insured",
    "referred",
    "referral_reasons",
    "results",
    "procedure",
    "test",
    "procedures",
    "drugs",
    "care_kinds",
)


def read_filter(held: Definition, chapters: Mapping[str, object]) -> Filter:
    """The ``filter`` of a row, a column or a whole report."""
    one = held.part("filter")
    if one is None:
        return NOTHING
    one.only(_FILTER)
    named = one.texts("chapters")
    for number in named:
        if number not in chapters:
            raise one.bad("chapters", f"không có chương “{number}”; ghi số La Mã từ I đến XXII")
    age_from, age_to = one.whole("age_from", 0, _OLDEST), one.whole("age_to", 0, _OLDEST)
    if age_from is not None and age_to is not None and age_to < age_from:
        raise one.bad("age_to", "nhỏ hơn “age_from”")
    main_only = one.flag("main_only", default=True)
    return Filter(
        icd=one.ranges("icd"),
        chapters=named,
        main_only=main_only is not False,
        sex=one.one_of("sex", Sex),
        age_from=age_from,
        age_to=age_to,
        insured=one.flag("insured", None),
        referred=one.flag("referred", None),
        referral_reasons=one.texts("referral_reasons"),
        results=one.texts("results"),
        procedure=one.flag("procedure", None),
        test=one.flag("test", None),
        procedures=one.texts("procedures"),
        drugs=one.texts("drugs"),
        care_kinds=one.texts("care_kinds"),
    )

"""Addresses, result codes and deadlines of the gateways: data with dates, read from the resources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

from station_emr.domain.gateway import CardUse, FieldFault, Gateway, MessageKind
from station_emr.domain.working_days import DaysOff

from .resources import resource_path

OFFICIAL: Final = "official"
UNNAMED_RESULT: Final = "Cổng trả mã {code} mà chương trình không biết."


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    key: str
    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardResult:
    """One code of the card look-up, in words, and what the desk does."""

    code: str
    use: CardUse
    words: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Working days: ``record_days`` to complete and sign, ``correction_days`` to correct what was
    taken, ``fix_days`` to mend what was refused. ``month_closes_on`` is a day of the next month.
    """

    record_days: int
    correction_days: int
    fix_days: int
    month_closes_on: int
    most_in_a_turn: int


@cache
def _read(name: str) -> Any:
    return json.loads(resource_path("gateways", f"{name}.json").read_text(encoding="utf-8"))


def hosts(gateway: Gateway) -> tuple[Host, ...]:
    """The addresses that are known, the official one first."""
    return tuple(Host(**one) for one in _read("endpoints")[gateway.value]["hosts"])


def base_url(gateway: Gateway, choice: str) -> str:
    """``choice`` is the key of a known host, or an address of its own."""
    known = {host.key: host.url for host in hosts(gateway)}
    return known.get(choice or OFFICIAL, choice).rstrip("/")


def path(gateway: Gateway, name: str) -> str:
    return str(_read("endpoints")[gateway.value][name])


def send_path(kind: MessageKind, standard: str) -> str:
    """Where a check-in or a record of these tables is sent. Raises KeyError for unknown ones."""
    for one in _read("endpoints")["bhxh"]["standards"]:
        if one["standard"] == standard:
            return str(one[kind.value])
    raise KeyError(standard)


def standard_dates() -> tuple[tuple[str, date], ...]:
    """Tables and the day from which they count, oldest first."""
    found = _read("endpoints")["bhxh"]["standards"]
    return tuple((one["standard"], date.fromisoformat(one["from"])) for one in found)


def result_words(code: str) -> str:
    """What a result code of sending means; empty for success."""
    found = _read("endpoints")["bhxh"]["results"]
    return str(found.get(code, UNNAMED_RESULT.format(code=code)))


def passes(code: str) -> bool:
    """Whether a result code names a passing trouble of the gateway, so that sending again helps."""
    return code in _read("endpoints")["bhxh"]["passing"]


def rules_on(day: date) -> Rules:
    rows = _read("endpoints")["rules"]
    valid = [row for row in rows if date.fromisoformat(row["from"]) <= day] or rows[:1]
    return Rules(**{name: value for name, value in valid[-1].items() if name != "from"})


def card_results() -> tuple[CardResult, ...]:
    return tuple(
        CardResult(
            code=one["code"], use=CardUse(one["use"]), words=one["words"], remedy=one["remedy"]
        )
        for one in _read("card-results")["results"]
    )


def card_result(code: str) -> CardResult:
    """What a code means; an unknown one says that it is unknown and settles nothing."""
    for one in card_results():
        if one.code == code:
            return one
    return CardResult(
        code=code,
        use=CardUse.LATER,
        words=UNNAMED_RESULT.format(code=code),
        remedy="Cứ tiếp đón và xem thẻ giấy; hãy báo bộ phận hỗ trợ phần mềm.",
    )


def days_off(more: Iterable[date] = ()) -> DaysOff:
    """The days off that come back every year, those of the file, and the station's own."""
    found = _read("days-off")
    yearly = frozenset((int(text[:2]), int(text[3:])) for text in found["yearly"])
    single = {date.fromisoformat(text) for text in found["single"]}
    return DaysOff(yearly=yearly, single=frozenset(single | set(more)))


def prescription_fault(element: str, code: str, message: str) -> FieldFault:
    """A refused element of the e-prescription as a field of ours. ``thong_tin_don_thuoc.1.so_luong``
    and ``thong_tin_don_thuoc[1].so_luong`` are read alike.
    """
    parts = element.replace("[", ".").replace("]", "").split(".")
    numbers = [part for part in parts if part.isdigit()]
    names = [part for part in parts if part and not part.isdigit()]
    known: Mapping[str, Any] = {
        one["element"]: one for one in _read("prescription-faults")["fields"]
    }
    for name in reversed(names):
        if name in known:
            found = known[name]
            field = str(found["field"])
            if numbers and field.startswith("lines"):
                field = field.replace("lines", f"lines.{numbers[0]}", 1)
            return FieldFault(
                element=element,
                code=code,
                message=message or str(found["words"]),
                field=field,
                remedy=str(found["remedy"]),
            )
    return FieldFault(element=element, code=code, message=message)

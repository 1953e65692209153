"""What was judged once is known by its bytes: in its own place only, and only so much of it."""

from __future__ import annotations

from typing import Any

import pytest

from provincial_server import wire
from provincial_server.exchange import parts
from provincial_server.exchange.fast_judge import judge_quickly
from provincial_server.exchange.judge import Judged
from provincial_server.exchange.parts import Part
from provincial_server.settings import Limits
from tests.server.exchange_client import envelope
from tests.server.samples import encounter, observation

_RECORD = "0197a000-0000-7000-8000-000000000001"
_LIMITS = Limits()


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    Part._forget()
    Part._forget()


def _line(**found: Any) -> bytes:
    finding = observation(f"{_RECORD}-v1", "p", _RECORD) | found
    finding = {name: value for name, value in finding.items() if value is not None}
    return wire.canonical(envelope("encounter", _RECORD, encounter(_RECORD, "p"), finding)).encode()


def _judged(**found: Any) -> Judged | None:
    return judge_quickly(_line(**found), _LIMITS)


def _remembered() -> int:
    return sum(len(one.lately) + len(one.before) for one in Part._all)


def _decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The parts that are judged from now on."""
    seen: list[bytes] = []
    honest = Part._judged

    def watch(self: Part, text: bytes) -> Any:
        seen.append(text)
        return honest(self, text)

    monkeypatch.setattr(Part, "_judged", watch)
    return seen


def test_the_second_time_is_as_the_first_but_quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    first = judge_quickly(line := _line(), _LIMITS)
    seen = _decoded(monkeypatch)
    assert judge_quickly(line, _LIMITS) == first
    assert first is not None
    assert [(one.resource_type, one.resource_id) for one in first.parents] == [("Patient", "p")]
    assert seen == []


def test_what_is_good_in_one_place_is_judged_anew_in_another() -> None:
    said = "hai  khoảng trống"
    assert _judged(valueQuantity=None, valueString=said)
    assert _judged(language=said) is None
    assert _judged(valueQuantity=None, valueString=said)
    person = {"reference": "Patient/p"}
    assert _judged(subject=person)
    assert _judged(encounter=person) is None


def test_what_was_refused_is_refused_again() -> None:
    for _ in range(2):
        assert _judged(valueQuantity={"value": "37.5"}) is None
        assert _judged(note=[{"text": " "}]) is None


def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_MOST", 40)
    for number in range(300):
        assert _judged(valueQuantity=None, valueString=f"Lời ghi thứ {number}")
        assert _remembered() <= 2 * 40
    seen = _decoded(monkeypatch)
    assert _judged(valueQuantity=None, valueString="Lời ghi thứ 299")
    assert seen == []  # what comes often stays
    assert _judged(valueQuantity=None, valueString="Lời ghi thứ 0")
    assert seen == ['"Lời ghi thứ 0"'.encode()]


def test_a_long_text_is_judged_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = _decoded(monkeypatch)
    said = "Mẫu " * 200
    for _ in range(2):
        assert _judged(valueQuantity=None, valueString=said)
    assert seen.count(f'"{said}"'.encode()) == 2

"""A body that is read quickly says what it says when it is read slowly, faults included."""

from __future__ import annotations

import random
from typing import Any

import pytest

from provincial_server import wire
from provincial_server.faults import FhirFault

_SCALARS = [
    *('"a"', '"a b"', '"é"', '"\\u00e9"', '"\\ud83d\\ude00"', '"\\ud800"', '"x\\/y"', '"\\n"'),
    *('"\t"', '"\x7f"', '"\\u2028"', '"\\u0008"', '""', "true", "false", "null"),
    *("0", "-0", "01", "1.", "1", "1.50", "1e5", "1E400", "-1.0E-7", "0.0000001", "-0.0", "0E+3"),
    *("18446744073709551616", "9" * 40, "9" * 41, "-" + "9" * 40, "1." + "1" * 38, "1." + "1" * 39),
    *("NaN", "Infinity", "-Infinity"),
]
_NAMES = ['"a"', '"b"', '"c d"', '"cd"', '"\\u0061"', '"é"']
_SPACES = ["", "", " ", "\n", "\t ", "\r\n"]
_DEPTH = 4
_BODIES = 6000


def _written(chance: random.Random, depth: int = 0) -> str:
    kind = chance.random()
    if depth > _DEPTH or kind < 0.3:
        return chance.choice(_SCALARS)
    before, after = chance.choice(_SPACES), chance.choice(_SPACES)
    items = [_written(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind < 0.6:
        return f"[{f'{before},{after}'.join(items)}]"
    members = [f"{chance.choice(_NAMES)}{before}:{after}{item}" for item in items]
    return f"{{{before}{','.join(members)}{after}}}"


def _read(body: bytes) -> Any:
    """With the type of each number, and the digits in which it was written."""
    try:
        return repr(wire.parse(body, depth=_DEPTH))
    except FhirFault as fault:
        return fault.status, fault.issues


def test_both_ways_of_reading_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(20261123)
    bodies = []
    for _ in range(_BODIES):
        body = _written(chance).encode()
        if chance.random() < 0.05:
            body = body[: chance.randrange(len(body) + 1)] + chance.choice([b"", b"\xff"])
        bodies.append(body if chance.random() > 0.02 else b"\xef\xbb\xbf" + body)
    quick = sum(wire._quickly(body) is not None for body in bodies)
    found = [_read(body) for body in bodies]
    monkeypatch.setattr(wire, "_quickly", lambda _body: None)
    assert found == [_read(body) for body in bodies]
    assert quick > _BODIES // 5


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a" : 1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":1,"\\u0061":1}',
        b'{"a b":1,"a b":1}',
        b"[" + b"9" * 41 + b"]",
        b"[" + b"[" * 40 + b"]" * 40 + b"]",
        b'["\\ud800"]',
    ],
)
def test_what_is_refused_is_refused_by_the_quick_way_too(body: bytes) -> None:
    with pytest.raises(FhirFault):
        wire.parse(body, depth=32)


def test_the_usual_body_is_read_quickly_with_the_digits_it_was_written_in() -> None:
    body = '{"a": [1.50, 37, -0.5, true, null], "tên": "Nguyễn Thị Mẫu \\n"}'.encode()
    value = wire._quickly(body)
    assert repr(value["a"]) == "[Decimal('1.50'), 37, Decimal('-0.5'), True, None]"
    assert value["tên"] == "Nguyễn Thị Mẫu \n"

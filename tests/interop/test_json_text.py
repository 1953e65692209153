"""The text of a unit: compact, sorted, every digit kept, and nothing that is no JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from station_emr.interop.fhir.json_text import read_json, write_json


def test_text_is_compact_sorted_and_keeps_digits() -> None:
    text = write_json({"b": Decimal("36.50"), "a": ["Đỗ", 1, True]})

    assert text == '{"a":["Đỗ",1,true],"b":36.50}'.encode()
    assert str(read_json(text)["b"]) == "36.50"


@pytest.mark.parametrize(
    "value", ["\ud800", {"a": Decimal("NaN")}, [Decimal("Infinity")], object(), {1: {2: object()}}]
)
def test_what_json_cannot_carry_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        write_json(value)


def test_a_word_that_looks_like_no_number_is_text() -> None:
    assert read_json(write_json(["NaN", "Infinity"])) == ["NaN", "Infinity"]


@pytest.mark.parametrize(
    "text", [b'"\\ud800"', b'"\xff"', b"{", b"", b"NaN", b"{} {}", b"[" * 100_000]
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError) as refused:
        read_json(text)

    assert str(refused.value) == "no JSON"

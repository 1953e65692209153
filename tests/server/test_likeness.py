"""What is like something that was judged before has the same verdict, and its own ids."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from provincial_server import wire
from provincial_server.exchange.fast_judge import judge_quickly
from provincial_server.exchange.judge import Judged, judge
from provincial_server.exchange.likeness import _OTHERS, _OWN
from provincial_server.exchange.parts import Part
from provincial_server.settings import Limits
from provincial_server.structure import RESOURCES, TYPES
from tests.server.exchange_client import envelope
from tests.server.samples import encounter, observation

_LIMITS = Limits()
_RECORD = "0197a000-0000-7000-8000-000000000001"
_ANOTHER = "0197a000-0000-7000-8000-0000000000ff"
_PERSON = "0197a000-0000-7000-8000-00000000000a"


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    Part._forget()
    Part._forget()


def _finding(record: str, person: str = _PERSON, **found: Any) -> dict[str, Any]:
    finding = observation(f"{record}-v1", person, record)
    finding |= {"effectiveDateTime": "2026-11-20T08:00:00+07:00", **found}
    quantity = {**finding["valueQuantity"], "value": Decimal("37.5")}
    return {**finding, "valueQuantity": found.get("valueQuantity", quantity)}


def _line(finding: dict[str, Any], record: str = _RECORD, person: str = _PERSON) -> bytes:
    return wire.canonical(
        envelope("encounter", record, encounter(record, person), finding)
    ).encode()


def _agree(line: bytes) -> Judged | None:
    """What the fast judge says; it passes nothing that the slow one refuses."""
    quick = judge_quickly(line, _LIMITS)
    if quick is not None:
        slow = judge(line, _LIMITS)
        assert isinstance(slow, Judged)
        assert quick.keys == slow.keys
        assert {(one.resource_type, one.resource_id) for one in quick.parents} == {
            (one.resource_type, one.resource_id) for one in slow.parents
        }
    return quick


def test_another_visit_is_known_and_has_its_own_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _agree(_line(_finding(_RECORD)))
    seen: list[bytes] = []
    honest = Part.look

    def watch(self: Part, text: bytes) -> Any:
        seen.append(text)
        return honest(self, text)

    monkeypatch.setattr(Part, "look", watch)
    other = _finding(_ANOTHER, "p2", effectiveDateTime="2026-12-31T23:59:59.25+07:00")
    other["valueQuantity"] = {**other["valueQuantity"], "value": Decimal("136.42")}
    found = _agree(_line(other, _ANOTHER, "p2"))
    assert found is not None
    assert found.keys == (("Encounter", _ANOTHER), ("Observation", f"{_ANOTHER}-v1"))
    assert [(one.resource_type, one.resource_id) for one in found.parents] == [("Patient", "p2")]
    assert not [text for text in seen if b"Observation" in text]


_QUANTITY = observation("x", "p", "e")["valueQuantity"]


@pytest.mark.parametrize(
    ("found", "fits"),
    [
        *(
            ({"valueQuantity": {**_QUANTITY, "value": value}}, fits)
            for value, fits in (
                (Decimal(36), True),
                (Decimal("36.50"), True),
                (Decimal("123456.1234"), True),
                (Decimal(0), True),
                (Decimal("-1.5"), True),
                (Decimal("9" * 35), False),
                (Decimal("1E-40"), False),
                ("36", False),
                (True, False),
                ([36], False),
                ({"value": 36}, False),
            )
        ),
        *(
            ({"effectiveDateTime": value}, fits)
            for value, fits in (
                ("2026-11-30T23:59:59+07:00", True),
                ("2026-11-20", True),
                ("2026-11-31T08:00:00+07:00", False),
                ("2026-11-20T24:00:00+07:00", False),
                ("2026-11-20T08:00:00", False),
                ("2026-11-20T08:00:00+07:00 ", False),
                ("2026-11-20T08:00:00+15:00", False),
            )
        ),
        ({"status": "2026-11-20T08:00:00+07:00"}, False),
        ({"effectiveDateTime": None, "issued": "2026-11-20T08:00:00+07:00"}, True),
        ({"subject": {"reference": f"Practitioner/{_PERSON}"}}, False),
        ({"subject": {"reference": f"Patient/{_PERSON}/_history/1"}}, True),
        ({"subject": {"reference": f"Patient/{_PERSON} "}}, False),
        ({"subject": {"reference": "Patient/p9"}}, True),
        ({"encounter": {"reference": f"Patient/{_PERSON}"}}, False),
        ({"encounter": {"reference": f"Encounter/{_ANOTHER}"}}, True),
        ({"id": f"{_ANOTHER}-v1"}, False),
        ({"id": f"{_RECORD}v1"}, False),
        ({"id": _RECORD}, True),
        ({"note": [{"text": '"value":7,"reference":"Patient/p7"'}]}, True),
    ],
)
def test_what_is_known_lets_nothing_else_pass(found: dict[str, Any], fits: bool) -> None:
    assert _agree(_line(_finding(_RECORD)))
    changed = _finding(_RECORD, **found)
    line = _line({name: value for name, value in changed.items() if value is not None})
    for _ in range(2):
        assert (_agree(line) is not None) is fits


@pytest.mark.parametrize("word", [_OWN, *_OTHERS.values()])
def test_whoever_writes_the_words_themselves_is_judged_slowly(word: bytes) -> None:
    text = word.decode()
    assert _agree(_line(_finding(_RECORD)))
    assert judge_quickly(_line(_finding(_RECORD, id=f"{text}-v1")), _LIMITS) is None
    for element, kind in (("subject", "Patient"), ("encounter", "Encounter")):
        line = _line(_finding(_RECORD, **{element: {"reference": f"{kind}/{text}"}}))
        assert judge_quickly(line, _LIMITS) is None
        assert isinstance(judge(line, _LIMITS), Judged)
    noted = _line(_finding(_RECORD, note=[{"text": text}]))
    assert judge_quickly(noted, _LIMITS) is None


def test_the_record_itself_is_never_its_own_parent() -> None:
    """A line may point at another visit than its own, and at several persons."""
    finding = _finding(_RECORD, encounter={"reference": f"Encounter/{_ANOTHER}"})
    finding["focus"] = [{"reference": "Patient/p1"}, {"reference": "Patient/p2"}]
    found = _agree(_line(finding))
    assert found is not None
    assert {(one.resource_type, one.resource_id) for one in found.parents} == {
        ("Encounter", _ANOTHER),
        ("Patient", _PERSON),
        ("Patient", "p1"),
        ("Patient", "p2"),
    }


def test_every_number_called_value_is_a_decimal() -> None:
    """So one stands for another; a count or a rank would not."""
    numbers = {"integer", "positiveInt", "unsignedInt", "decimal", "integer64"}
    tables = [*TYPES.values(), *RESOURCES.values()]
    kinds = {table["value"].kind for table in tables if "value" in table}
    assert kinds & numbers == {"decimal"}

"""The fast judge never passes what the slow one refuses, and knows what the stations send."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provincial_server import wire
from provincial_server.exchange.fast_judge import judge_quickly
from provincial_server.exchange.judge import Judged, judge
from provincial_server.records import KINDS, record_of
from provincial_server.settings import Limits
from tests.server.exchange_client import envelope
from tests.server.rich_samples import RICH
from tests.server.samples import encounter, observation

_LIMITS = Limits()
_WIRE = Path(__file__).parent / "wire_0_1"
_ODD: list[Any] = [
    *(
        "",
        " ",
        "\u00a0",
        "a b",
        " a",
        "a ",
        "\n",
        "\x07",
        "\x7f",
        "½",
        "a  b",
        "x" * 301,
        "x" * 4001,
    ),
    *("2026-02-29", "2024-02-29", "2026-13-01", "2026-11-20T08:00:00", "2026-11-20T24:00:00Z"),
    *("0999-01-01", "2026", "2026-1", "24:00:00", "08:00:00", "YWJj", "YWJ", "#a", "Patient/"),
    *("Patient/x", "Encounter/x/_history/1", "Nobody/1", "Patient/ x", "urn:uuid:1", "\ud7ff"),
    *(0, 1, -1, 2**31, 2**40, True, False, None, [], {}, [None], [[]], [{}], {"id": "a"}),
    *(Decimal("1.0"), Decimal("1.50"), Decimal("1E+400"), Decimal("1E-40"), Decimal("9" * 35)),
    *({"reference": "Patient/x"}, {"display": "Mẫu"}, {"type": "Patient"}, {"extension": []}),
    *({"url": "http://x"}, {"coding": [{"code": "entered-in-error"}]}, {"text": "Mẫu"}),
]
_KEYS = [
    *("id", "extension", "_status", "value", "valueString", "valueBoolean", "valueQuantity"),
    *("reference", "display", "identifier", "code", "status", "text", "meta", "contained", "x"),
    *("deceasedBoolean", "deceasedDateTime", "clinicalStatus", "verificationStatus", "url"),
    *("dataAbsentReason", "period", "start", "resourceType", "coding", "system", "language"),
]


def units() -> list[dict[str, Any]]:
    """Lines as the first release's records would give them, and one of every type."""
    found = []
    for step in sorted(_WIRE.glob("*.json")):
        for row in json.loads(step.read_text(encoding="utf-8"), parse_float=Decimal):
            if row["method"] != "POST":
                continue
            sent = json.loads(row["body"], parse_float=Decimal)
            resources = [item["resource"] for item in sent["entry"]]
            record = record_of(resources[0]["id"])
            found.append(envelope(KINDS[resources[0]["resourceType"]], record, *resources))
    record = "0197a000-0000-7000-8000-000000000001"
    for resource in json.loads(json.dumps(RICH), parse_float=Decimal):
        kind = KINDS.get(resource["resourceType"])
        if kind:
            resource["id"] = record
            found.append(envelope(kind, record, resource, base=["ab" * 16, "cd" * 16]))
        else:
            resource["id"] = f"{record}-x"
            found.append(envelope("encounter", record, encounter(record, "p"), resource))
    return found


_UNITS = units()
_TYPES = len(RICH)


def sealed(content: Any) -> bytes:
    return wire.canonical(content).encode()


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with a key or an index into it."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield value, key
        if isinstance(item, dict | list):
            yield from places(item)


def agree(line: bytes) -> bool:
    """Whether the fast judge passed it; then the slow one must say the same."""
    quick = judge_quickly(line, _LIMITS)
    if quick is None:
        return False
    slow = judge(line, _LIMITS)
    assert isinstance(slow, Judged), [issue.diagnostics for issue in slow]
    for name in ("kind", "record_id", "base", "incarnation", "number", "keys"):
        assert getattr(quick, name) == getattr(slow, name)
    pairs = [
        {(parent.resource_type, parent.resource_id) for parent in found.parents}
        for found in (quick, slow)
    ]
    assert pairs[0] == pairs[1]
    return True


def test_what_stations_send_is_judged_quickly() -> None:
    """All but a 29 February, which a pattern cannot tell from 29 February of another year."""
    sent = [sealed(unit) for unit in _UNITS[:-_TYPES]]
    assert len(sent) > 15
    assert all(isinstance(judge(line, _LIMITS), Judged) for line in sent[:15])
    assert [agree(line) for line in sent[:15]] == [b"-02-29" not in line for line in sent[:15]]


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 3))
def test_nothing_slips_past_the_slow_judge(seed: int, changes: int) -> None:
    chance = random.Random(seed)
    content = copy.deepcopy(chance.choice(_UNITS))
    for _ in range(changes):
        spots = list(places(content))
        holder, key = chance.choice(spots)
        what = chance.random()
        if what < 0.5:
            holder[key] = copy.deepcopy(chance.choice(_ODD))
        elif what < 0.6:
            del holder[key]
        elif what < 0.85 and isinstance(holder, dict):
            holder[chance.choice(_KEYS)] = copy.deepcopy(
                chance.choice([*_ODD, *(item[where] for item, where in spots[:200])])
            )
        else:
            other, where = chance.choice(spots)
            holder[key] = copy.deepcopy(other[where])
    agree(sealed(content))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_changed_bytes_do_not_slip_past_either(seed: int) -> None:
    chance = random.Random(seed)
    line = bytearray(sealed(chance.choice(_UNITS)))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(line))
        piece = chance.choice(
            [b'"', b",", b"{}", b" ", b"\\u0041", b"1", b"e5", b"0", b"\xff", b""]
        )
        line[at : at + chance.randint(0, 2)] = piece
    agree(bytes(line))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"status":"final"', b'"status":"final","status":"final"'),
        (b'"status":"final"', b'"status":"fin\\u0061l"'),
        (b'"status":"final"', b'"status": "final"'),
        (b'"value":37.5', b'"value":3.75e1'),
        (b'"value":37.5', b'"value":"37.5"'),
        (b'"unit"', b'"comparator":"<","unit"'),
    ],
)
def test_only_the_canonical_form_goes_the_fast_way(old: bytes, new: bytes) -> None:
    record = "0197a000-0000-7000-8000-000000000001"
    visit = encounter(record, "p")
    line = sealed(
        json.loads(
            json.dumps(
                envelope("encounter", record, visit, observation(f"{record}-v1", "p", record))
            ),
            parse_float=Decimal,
        )
    )
    assert agree(line)
    assert old in line
    changed = line.replace(old, new)
    assert judge_quickly(changed, _LIMITS) is None


_CONDITION = "http://terminology.hl7.org/CodeSystem/condition"
_ENTERED_IN_ERROR = {"coding": [{"code": "entered-in-error", "system": f"{_CONDITION}-ver-status"}]}
_ACTIVE = {"coding": [{"code": "active", "system": f"{_CONDITION}-clinical"}]}
_ROLE = {"url": "role", "valueString": "x"}
_SUBJECT = {"subject": {"reference": "Patient/p"}}


@pytest.mark.parametrize(
    ("resource", "fits"),
    [
        ({"resourceType": "Condition", **_SUBJECT}, True),
        ({"resourceType": "Condition", "verificationStatus": _ENTERED_IN_ERROR, **_SUBJECT}, True),
        (
            {
                "resourceType": "Condition",
                "verificationStatus": _ENTERED_IN_ERROR,
                "clinicalStatus": _ACTIVE,
                **_SUBJECT,
            },
            False,
        ),
        ({**observation("x", "p", "e"), "dataAbsentReason": {"text": "Mẫu"}}, False),
        ({**observation("x", "p", "e"), "valueString": "Mẫu"}, False),
        ({**observation("x", "p", "e"), "issued": "2026-11-20"}, False),
        ({**observation("x", "p", "e"), "effectiveDateTime": "2026-02-29"}, False),
        ({**observation("x", "p", "e"), "effectiveDateTime": "2026-02"}, True),
        ({**observation("x", "p", "e"), "note": [{"text": " "}]}, False),
        ({**observation("x", "p", "e"), "subject": {"reference": "Practitioner/x"}}, False),
        ({**observation("x", "p", "e"), "performer": [{"display": "Mẫu"}]}, True),
        ({**observation("x", "p", "e"), "identifier": [{"value": "x" * 201}]}, False),
        ({**observation("x", "p", "e"), "extension": [{"valueString": "x"}]}, False),
        (
            {
                **observation("x", "p", "e"),
                "extension": [{"url": "u", "valueString": "x", "valueCode": "y"}],
            },
            False,
        ),
        ({**observation("x", "p", "e"), "extension": [{"url": "role"}]}, False),
        (
            {
                **observation("x", "p", "e"),
                "extension": [{"url": "role", "valueString": "x", "valueCode": "y"}],
            },
            False,
        ),
        (
            {
                **observation("x", "p", "e"),
                "extension": [{"url": "by", "extension": [_ROLE], "valueCode": "y"}],
            },
            False,
        ),
        ({**observation("x", "p", "e"), "extension": [{"url": "by", "extension": [_ROLE]}]}, True),
        ({**observation("x", "p", "e"), "extension": [{"url": "unheard of"}]}, False),
    ],
)
def test_both_judges_agree_on_what_the_standard_says(resource: dict[str, Any], fits: bool) -> None:
    record = "0197a000-0000-7000-8000-000000000001"
    part = json.loads(json.dumps(resource | {"id": f"{record}-x"}), parse_float=Decimal)
    line = sealed(envelope("encounter", record, encounter(record, "p"), part))
    assert agree(line) is fits
    assert isinstance(judge(line, _LIMITS), Judged) is fits


def _has_a_point(number: Decimal) -> bool:
    """Others are read as whole numbers."""
    return not str(number).lstrip("-").isdigit()


@settings(max_examples=100, deadline=None)
@given(
    value=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**39), 10**39)
        | st.decimals(allow_nan=False, allow_infinity=False).filter(_has_a_point)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_the_canonical_form_is_the_one_that_stored_hashes_were_made_of(value: Any) -> None:
    """The first release wrote it with the standard library; equal content must stay equal text."""
    assert wire.canonical(value) == _first_canonical(value)
    again = wire.reread(wire.canonical(value).encode())
    assert wire.canonical(again) == wire.canonical(value)


def _first_canonical(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list):
        return f"[{','.join(map(_first_canonical, value))}]"
    if isinstance(value, dict):
        pairs = (f"{encode_basestring(k)}:{_first_canonical(value[k])}" for k in sorted(value))
        return f"{{{','.join(pairs)}}}"
    return str(value)

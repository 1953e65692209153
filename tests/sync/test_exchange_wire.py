"""Lines and messages as bytes: exact where both ends must agree, strict about everything else."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from provincial_server.exchange import packing as server_packing
from provincial_server.exchange import protocol as server_protocol
from provincial_server.exchange import short_lines as server_short
from provincial_server.exchange.judge import Judged, judge
from provincial_server.settings import Limits
from station_emr.domain.operation import Envelope, Tally
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.interop.fhir.units import build_unit
from station_emr.sync.dictionaries import dictionary
from station_emr.sync.exchange_peer import ExchangeReply, ExchangeRequest, Refusal, RefusalKind
from station_emr.sync.exchange_wire import (
    GZIP,
    PLAIN,
    Garbled,
    Packing,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
    pack,
    ranges,
    unpack,
)
from station_emr.sync.operation_line import Unopenable, op_id, open_line, seal
from station_emr.sync.pacing import CAP, FLOOR, Pacing
from station_emr.sync.short_lines import NotShort, lengthen, shorten
from tests.interop import fhir_records as sample

AT = datetime(2026, 11, 20, 8, 15, 0, 250_000, timezone(timedelta(hours=7)))
ENVELOPE = Envelope(
    kind=RecordKind.PATIENT,
    record_id=sample.PATIENT_ID,
    status=RecordStatus.AMENDED,
    base=("b" * 32, "a" * 32),
    at=AT,
    author_id=sample.USER_ID,
    author_name="Nguyễn Văn Mẫu",
    incarnation="0123456789abcdef",
    number=12,
    reason="Sửa tên",
)
UNIT = build_unit(RecordKind.PATIENT, sample.PATIENT, RecordStatus.AMENDED)
EPOCH = "e" * 32


def test_a_line_is_what_the_page_says() -> None:
    line = seal(
        Envelope(
            kind=RecordKind.PATIENT,
            record_id="x",
            status=RecordStatus.SIGNED,
            base=(),
            at=AT,
            author_id="u",
            author_name="Mẫu",
            incarnation="0123456789abcdef",
            number=1,
        ),
        [{"resourceType": "Patient", "id": "x", "b": Decimal("37.50"), "a": [1, True]}],
    )

    assert line.decode() == (
        '{"at":"2026-11-20T08:15:00.250000+07:00","by":{"id":"u","name":"Mẫu"},"id":"x",'
        '"inc":"0123456789abcdef","kind":"patient","n":1,'
        '"resources":[{"a":[1,true],"b":37.50,"id":"x","resourceType":"Patient"}],'
        '"status":"signed"}'
    )
    assert op_id(line) == hashlib.sha256(line).hexdigest()[:32]


def test_sealing_and_opening_are_inverse_and_the_server_takes_the_line() -> None:
    line = seal(ENVELOPE, UNIT)
    envelope, resources = open_line(line)

    assert envelope.base == ("a" * 32, "b" * 32)
    assert seal(envelope, resources) == line
    assert isinstance(judge(line, Limits()), Judged)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        seal(ENVELOPE, UNIT)[:-1],
        seal(ENVELOPE, UNIT).replace(b'"n":12', b'"n":-1'),
        seal(ENVELOPE, UNIT).replace(b'"amended"', b'"draft"'),
        seal(ENVELOPE, UNIT).replace(b"+07:00", b"", 1),
        seal(ENVELOPE, UNIT).replace(b'"n":12', b'"n":12,"skew":1e999999999'),
        seal(ENVELOPE, [{"resourceType": "Patient", "x": 1}]).replace(b":1}", b":1e99999999}"),
        seal(ENVELOPE, ()),
        seal(ENVELOPE, UNIT) + b"\n{}",
        seal(ENVELOPE, UNIT).replace(b"b" * 32, b"B" * 32),
    ],
)
def test_no_line_is_too_strange_to_be_refused(line: bytes) -> None:
    with pytest.raises(Unopenable):
        open_line(line)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=3)))
def test_a_damaged_line_never_breaks_the_program(damage: bytes | tuple[int, bytes]) -> None:
    line = damage if isinstance(damage, bytes) else seal(ENVELOPE, UNIT)
    if isinstance(damage, tuple):
        place = damage[0] % len(line)
        line = line[:place] + damage[1] + line[place + len(damage[1]) :]
    with suppress(Unopenable):
        open_line(line)


REQUEST = ExchangeRequest(
    incarnation="0123456789abcdef",
    number=7,
    epoch=EPOCH,
    cursor=3,
    room=65536,
    want=("c" * 32,),
    buckets=(1, 255),
    state={"waiting": 2},
    lines=(seal(ENVELOPE, UNIT), b'{"kind":"tomorrow"}'),
)
REPLY = ExchangeReply(
    epoch=EPOCH,
    taken=frozenset({0, 1, 2, 4}),
    refused=(Refusal(at=3, kind=RefusalKind.POISON, issues=({"code": "value"},)),),
    cursor=9,
    more=False,
    lines=(seal(ENVELOPE, UNIT),),
    tally=Tally(5, 2**64 - 1),
    buckets=tuple(Tally(n, n * 3) for n in range(256)),
    listed={7: ("07" + "0" * 30,)},
    stale=True,
    pause=3.0,
)


@pytest.mark.parametrize("packing", [Packing(), Packing("zstd", 0), GZIP, PLAIN])
def test_messages_survive_the_way(packing: Packing) -> None:
    for plain in (encode_request(REQUEST, "r1"), encode_reply(REPLY, "r1")):
        body = pack(plain, packing)
        encoding = body.headers.get("Content-Encoding", "")
        number = int(body.headers.get("X-Exchange-Dictionary", "0"))
        assert unpack(body.content, encoding, number) == plain
        came = server_packing.Packing(encoding, number)
        assert server_packing.unpack(body.content, came, 1_000_000) == plain
    assert decode_request(encode_request(REQUEST, "r1")) == (REQUEST, "r1")
    assert decode_reply(encode_reply(REPLY, "r1"), "r1", 5) == REPLY


@pytest.mark.parametrize("packing", [Packing(), Packing("zstd", 0), GZIP])
def test_no_part_of_a_body_passes_for_the_whole(packing: Packing) -> None:
    plain = encode_reply(REPLY, "r1")
    body = pack(plain, packing)
    encoding, number = body.headers["Content-Encoding"], packing.dictionary
    for end in range(len(body.content)):
        with pytest.raises(Garbled):
            unpack(body.content[:end], encoding, number)
    with pytest.raises(Garbled):
        unpack(body.content + b"x", encoding, number)
    with pytest.raises(Garbled):
        unpack(body.content, encoding, number, largest=len(plain) - 1)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = b"0" * 200_000_000
    for body, encoding in (
        (zstandard.ZstdCompressor(level=1).compress(bomb), "zstd"),
        (zstandard.ZstdCompressor(level=1, write_content_size=False).compress(bomb), "zstd"),
        (pack(bomb, GZIP).content, "gzip"),
    ):
        with pytest.raises(Garbled):
            unpack(body, encoding, largest=1_000_000)


@pytest.mark.parametrize(
    "change",
    [
        {"rid": "other"},
        {"size": 1},
        {"v": 2},
        {"epoch": ""},
        {"cursor": -1},
        {"taken": [[0, 10**12]]},
        {"taken": [[-1, 0]]},
        {"taken": [[0, 4]]},
        {"refused": [{"at": 9, "kind": "poison"}]},
        {"buckets": [[0, 0]]},
        {"listed": {"256": []}},
        {"listed": {"7": ["zz" * 16]}},
        {"listed": {"8": ["07" + "0" * 30]}},
        {"count": "five"},
    ],
)
def test_an_answer_out_of_order_does_not_count(change: dict[str, object]) -> None:
    first, _, rest = encode_reply(REPLY, "r1").partition(b"\n")
    header = {**msgspec.json.decode(first), **change}
    with pytest.raises(Garbled):
        decode_reply(msgspec.json.encode(header) + b"\n" + rest, "r1", 5)


def test_an_answer_cut_where_a_line_ends_does_not_count() -> None:
    plain = encode_reply(replace(REPLY, lines=REPLY.lines * 3), "r1")

    assert len(decode_reply(plain, "r1", 5).lines) == 3
    with pytest.raises(Garbled):
        decode_reply(plain[: plain.rindex(b"\n")], "r1", 5)


def test_a_kind_of_refusal_of_tomorrow_leaves_the_line_waiting() -> None:
    plain = encode_reply(REPLY, "r1").replace(b'"poison"', b'"tomorrow"')

    assert decode_reply(plain, "r1", 5).refused[0].kind is RefusalKind.BUSY


def test_html_is_no_message() -> None:
    for page in (b"<html></html>", b"", b"\n", b"[]", b"{}"):
        with pytest.raises(Garbled):
            decode_reply(page, "r1", 0)


@given(st.frozensets(st.integers(0, 60)))
def test_ranges_hold_exactly_their_places(places: frozenset[int]) -> None:
    spans = ranges(places)

    assert {n for first, last in spans for n in range(first, last + 1)} == places
    assert len(spans) <= len(places)


def test_both_ends_ship_the_same_dictionary() -> None:
    theirs, ours = server_packing.dictionary(1), dictionary(1)

    assert theirs is not None
    assert ours is not None
    assert theirs.as_bytes() == ours.as_bytes()
    assert dictionary(99) is None


@given(
    st.lists(
        st.tuples(st.integers(0, 10**7), st.integers(0, 10**6), st.floats(0, 1000)), max_size=20
    )
)
def test_a_page_stays_between_floor_and_cap(asked: list[tuple[int, int, float]]) -> None:
    pacing = Pacing()
    for plain, wire, seconds in asked:
        pacing = pacing.after(plain, wire, seconds).after_applying(plain, seconds)
        assert FLOOR <= pacing.lines_up <= CAP
        assert FLOOR <= pacing.room <= CAP
        pacing = pacing.after_failure()
        assert FLOOR <= pacing.lines_up <= CAP


def test_a_slow_line_gets_small_pages_and_recovers() -> None:
    slow = Pacing().after(plain=960_000, wire=48_000, seconds=30.0)
    assert slow.lines_up < Pacing().lines_up
    assert slow.level == 19

    quick = slow
    for _ in range(5):
        quick = quick.after(plain=quick.up * 22, wire=quick.up, seconds=0.02)
    assert quick.lines_up > 1_000_000
    assert quick.up <= 64 * 1024  # what a cut makes go twice
    assert quick.level < 19


@pytest.mark.parametrize("short", [True, False])
def test_short_messages_hold_the_same_lines(short: bool) -> None:
    plain = encode_request(REQUEST, "r1", short=short)
    answer = encode_reply(REPLY, "r1", short=short)

    assert decode_request(plain) == (REQUEST, "r1")
    assert decode_reply(answer, "r1", 5) == REPLY
    assert server_protocol.read_request(plain)[1] == list(REQUEST.lines)
    if short:
        assert len(plain) < 0.95 * len(encode_request(REQUEST, "r1"))


_IDS = [sample.PATIENT_ID, sample.ENCOUNTER_ID, "2026-11-20T08:15:00+07:00"]
_PIECES = st.sampled_from(
    [
        *_IDS,
        *(f"{n:08x}-0000-7000-8000-000000000000" for n in range(40)),
        '"',
        "/",
        "-d1",
        "7",
        "",
        "2026-11-20T08:15:00.25-03:30",
        "2026-11-20T08:15:0",
        "\x01",
        "\x1f",
        "ạ",
        "0",
        "\t",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=120).map("".join).map(str.encode))
def test_short_lines_become_the_same_bytes_again(line: bytes) -> None:
    short = shorten(line)

    assert lengthen(short, 1_000_000) == line
    assert server_short.lengthen(short, 1_000_000) == line
    assert server_short.shorten(line) == short


def test_a_short_line_that_stands_for_nothing_is_refused() -> None:
    first = f'"{sample.PATIENT_ID}"'.encode()
    for short in (b"\x01", first + b"\x02", b'"x\x08"'):
        with pytest.raises(NotShort):
            lengthen(short, 1000)
    with pytest.raises(NotShort):
        lengthen(first + b"\x01" * 1000, 5000)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_short_line_or_refused(short: bytes) -> None:
    with suppress(NotShort):
        lengthen(short, 1000)

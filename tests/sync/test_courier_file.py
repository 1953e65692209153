"""The container alone: what goes in comes out, and any other byte is refused with a sentence."""

from __future__ import annotations

import errno
import json
import random
import struct
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest
import zstandard

from provincial_server.courier import file as their_file
from station_emr.domain.errors import DiskFull, EnvironmentFailure
from station_emr.services.courier import CourierRefused
from station_emr.sync import courier_file, courier_writing
from station_emr.sync.courier_file import HEAD, TAIL, UNITS, Preamble, open_file
from station_emr.sync.courier_writing import write_file
from tests.sync.courier_keys import TestSigner, age_pair

SECRET, PUBLIC = age_pair()
SIGNER = TestSigner()
PREAMBLE = Preamble(
    kind=UNITS,
    facility="DEMO1",
    device="may-mau-1",
    created="2026-03-02T09:00:00+07:00",
    number=7,
    recipient=PUBLIC,
    reply_to=PUBLIC,
)
LINES = [f'{{"n":{n},"ten":"Người Mẫu Ẩn Danh {n}"}}'.encode() for n in range(40)]


def written(folder: Path, lines=LINES, preamble=PREAMBLE, signer=SIGNER) -> Path:
    path = folder / "mau.semr"
    write_file(path, preamble, lines, signer)
    return path


def read_all(path: Path, secret: str = SECRET) -> list[bytes]:
    found: list[bytes] = []
    open_file(path).read(secret, found.append)
    return found


def refusal(path: Path, secret: str = SECRET) -> CourierRefused:
    with pytest.raises(CourierRefused) as caught:
        read_all(path, secret)
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return written(tmp_path_factory.mktemp("whole")).read_bytes()


def test_lines_come_back_as_they_went(tmp_path: Path) -> None:
    path = written(tmp_path)
    opened = open_file(path)
    assert opened.preamble == PREAMBLE
    assert opened.signer_key == SIGNER.public_der
    assert read_all(path) == LINES
    assert [one.name for one in tmp_path.iterdir()] == ["mau.semr"]


def test_a_long_line_and_a_big_file(tmp_path: Path) -> None:
    noise = random.Random(5)
    lines = [noise.randbytes(900_000).replace(b"\n", b" ") for _ in range(3)]
    lines += [b"", b"x"]
    assert read_all(written(tmp_path, lines)) == lines


def test_nothing_of_a_person_stands_in_clear(whole: bytes) -> None:
    assert "Người".encode() not in whole
    assert b"Danh" not in whole
    length = HEAD.unpack(whole[: HEAD.size])[2]
    clear = json.loads(whole[HEAD.size : HEAD.size + length])
    assert set(clear) == {
        "answers",
        "created",
        "device",
        "facility",
        "key",
        "kind",
        "number",
        "recipient",
        "reply_to",
    }


def _places(whole: bytes) -> list[int]:
    """Every class of byte: head, preamble, age header, body, length, signature, end mark."""
    length = HEAD.unpack(whole[: HEAD.size])[2]
    body = HEAD.size + length
    tail = len(whole) - TAIL.size
    chosen = random.Random(1)
    places = [*range(HEAD.size)]
    places += chosen.sample(range(HEAD.size, body), 14)
    places += [body, body + 30, body + 60, body + 120, tail - 1, tail - 17]
    places += chosen.sample(range(body, tail), 12)
    places += [tail, tail + 5, tail + 7, tail + 8, tail + 55, tail + 56, tail + 103]
    return [*places, *range(tail + 104, len(whole))]


def test_a_changed_byte_is_refused_wherever_it_is(tmp_path: Path, whole: bytes) -> None:
    places = _places(whole)
    assert len(places) >= 60
    for place in places:
        for bit in (1, 128):
            changed = bytearray(whole)
            changed[place] ^= bit
            path = tmp_path / "changed.semr"
            path.write_bytes(changed)
            with pytest.raises(CourierRefused):
                open_file(path)


def test_a_file_cut_short_is_refused(tmp_path: Path, whole: bytes) -> None:
    lengths = {0, 1, 7, 8, 9, 13, 14, 15, 100, len(whole) - 1, len(whole) - 8, len(whole) - 9}
    lengths |= {len(whole) * n // 30 for n in range(30)}
    for length in lengths:
        path = tmp_path / "cut.semr"
        path.write_bytes(whole[:length])
        assert refusal(path).code in {"cut", "not-ours"}
    path.write_bytes(whole + b"\0")
    assert refusal(path).code == "cut"
    path.write_bytes(whole + whole[-TAIL.size :])
    assert refusal(path).code == "cut"


def test_it_says_why(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "one.semr"
    path.write_bytes(b"PK\x03\x04 some other file of the stick")
    assert refusal(path).code == "not-ours"
    path.write_bytes(whole.replace(b"\r\n", b"\n"))
    assert refusal(path).code == "not-ours"
    path.write_bytes(whole[:8] + struct.pack(">H", 2) + whole[10:])
    assert refusal(path).code == "newer"
    path.write_bytes(whole)
    assert refusal(path, age_pair()[0]).code == "wrong-key"
    with pytest.raises(EnvironmentFailure):
        open_file(tmp_path / "absent.semr")


def test_a_signature_of_another_key_is_another_sender(tmp_path: Path, whole: bytes) -> None:
    """Somebody who signs a file anew can only sign it as himself."""
    mine = written(tmp_path, signer=TestSigner())
    assert open_file(mine).signer != courier_file.fingerprint(SIGNER.public_der)
    swapped = mine.read_bytes()[: -TAIL.size] + whole[-TAIL.size :]
    mine.write_bytes(swapped)
    assert refusal(mine).code in {"cut", "changed"}


def test_a_stick_that_shows_other_bytes_the_second_time(tmp_path: Path, whole: bytes) -> None:
    path = written(tmp_path)
    opened = open_file(path)
    path.write_bytes(written(tmp_path / "..", lines=[b"other"]).read_bytes())
    with pytest.raises(CourierRefused) as caught:
        opened.read(SECRET, lambda _line: None)
    assert caught.value.code in {"changed", "cut"}


@pytest.mark.parametrize("facility", ["\x1b[2J\x1b[H", "DEMO1\nTin", "DEMO1\u202e1"])
def test_a_preamble_says_nothing_to_a_terminal(tmp_path: Path, facility: str) -> None:
    """It is quoted in the sentence of a refusal, before anybody knows who wrote it."""
    hostile = replace(PREAMBLE, facility=facility)
    assert refusal(written(tmp_path, preamble=hostile)).code == "changed"


def test_a_stick_that_shows_another_preamble_first(tmp_path: Path) -> None:
    """What is believed must be what was hashed."""
    path = written(tmp_path)
    with path.open("rb") as file:
        first = _ChangesOnce(file, at=HEAD.size, old=b'"answers":0', new=b'"answers":9')
        with pytest.raises(CourierRefused) as caught:
            courier_file._check(path, first)
    assert caught.value.code == "changed"


class _ChangesOnce:
    """A file whose piece at ``at`` reads differently the first time."""

    def __init__(self, file: IO[bytes], at: int, old: bytes, new: bytes) -> None:
        self._file, self._at, self._old, self._new = file, at, old, new

    def seek(self, *place: int) -> int:
        return self._file.seek(*place)

    def read(self, size: int) -> bytes:
        here = self._file.tell()
        data = self._file.read(size)
        return data.replace(self._old, self._new) if here == self._at else data


def test_an_unfolding_bomb_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_file, "LINE_LIMIT", 1_000_000)
    path = written(tmp_path, [b"0" * 200_000_000])
    assert path.stat().st_size < 100_000
    assert refusal(path).code == "unreadable"


@pytest.mark.parametrize("reader", [courier_file, their_file], ids=["station", "province"])
def test_a_file_without_an_end_is_stopped(
    reader: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, lines=[b"%d" % number for number in range(1_001)])
    taken: list[bytes] = []
    monkeypatch.setattr(reader, "LINES_LIMIT", 1_000)
    with pytest.raises(Exception, match=r"hơn 1\.000 dòng") as refusal:
        reader.open_file(path).read(SECRET, taken.append)
    assert (getattr(refusal.value, "code", ""), len(taken)) == ("too-many", 1_000)
    monkeypatch.setattr(reader, "LINES_LIMIT", 1_001)
    reader.open_file(path).read(SECRET, lambda _line: None)


@pytest.mark.parametrize("spoilt", ["cut", "twice", "noise", "no last line end"])
def test_packing_that_does_not_end_where_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    packed = zstandard.ZstdCompressor().compress(b"one\ntwo\n")
    monkeypatch.setattr(courier_file, "_Sealed", _Unsealed)
    pieces = {
        "cut": packed[:-2],
        "twice": packed + packed,
        "noise": b"\x00" * 50,
        "no last line end": zstandard.ZstdCompressor().compress(b"one\ntwo"),
    }
    monkeypatch.setattr(
        courier_writing._Packed, "_compressed", staticmethod(lambda _lines: iter([pieces[spoilt]]))
    )
    assert refusal(written(tmp_path)).code == "unreadable"


class _Unsealed:
    """Takes any line: these cases are about the packing."""

    proven = True

    def __init__(self, _seal: bytes, receive: object) -> None:
        self._receive = receive

    def __call__(self, line: bytes) -> None:
        self._receive(line)


def test_what_the_receiver_raises_comes_out_unchanged(tmp_path: Path) -> None:
    path = written(tmp_path)

    def stop(_line: bytes) -> None:
        raise DiskFull("Đầy.")

    with pytest.raises(DiskFull, match="Đầy"):
        open_file(path).read(SECRET, stop)


def test_what_the_lines_raise_leaves_the_older_file(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = path.read_bytes()

    def failing():
        yield b"one"
        raise LookupError("the record is gone")

    with pytest.raises(LookupError, match="gone"):
        write_file(path, PREAMBLE, failing(), SIGNER)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["mau.semr"]


@pytest.mark.parametrize("moment", ["write", "fsync", "rename"])
def test_a_full_stick_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    full = OSError(errno.ENOSPC, "no space")

    def refuse(*_args: object) -> None:
        raise full

    if moment == "write":
        real = courier_writing._Hashing

        class Filling(real):
            def write(self, piece: bytes) -> int:
                if self.size:
                    self.failure = full
                    raise full
                return super().write(piece)

        monkeypatch.setattr(courier_writing, "_Hashing", Filling)
    elif moment == "fsync":
        monkeypatch.setattr(courier_writing.os, "fsync", refuse)
    else:
        monkeypatch.setattr(courier_writing.Path, "replace", refuse)
    with pytest.raises(DiskFull, match="USB"):
        write_file(tmp_path / "mau.semr", PREAMBLE, LINES, SIGNER)
    assert list(tmp_path.iterdir()) == []


def test_too_little_room_is_told_before_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        courier_writing.shutil, "disk_usage", lambda _path: SimpleNamespace(free=1000)
    )
    with pytest.raises(DiskFull):
        write_file(tmp_path / "mau.semr", PREAMBLE, LINES, SIGNER)


def test_a_stick_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailure, match="USB"):
        write_file(tmp_path / "gone" / "mau.semr", PREAMBLE, LINES, SIGNER)


def test_a_key_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="age key"):
        write_file(tmp_path / "a.semr", replace(PREAMBLE, recipient="age1no"), LINES, SIGNER)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ours", "theirs"), [("courier_file", "file"), ("courier_writing", "writing")]
)
def test_both_ends_hold_the_same_format(ours: str, theirs: str) -> None:
    """The station and the province share no code; the container must not drift apart."""
    root = Path(courier_file.__file__).parents[2]
    texts = [
        (root / "station_emr" / "sync" / f"{ours}.py").read_text(encoding="utf-8"),
        (root / "provincial_server" / "courier" / f"{theirs}.py").read_text(encoding="utf-8"),
    ]
    one, other = ([line for line in text.splitlines() if "from " not in line] for text in texts)
    assert one == other


def test_a_file_of_the_first_format_stays_readable() -> None:
    """Written once with version 1 of the format; the key is the test's own."""
    kept = Path(__file__).with_name("courier_v1.semr")
    secret = Path(__file__).with_name("courier_v1.key").read_text(encoding="ascii").strip()
    opened = open_file(kept)
    assert opened.preamble.facility == "DEMO1"
    assert read_all(kept, secret) == LINES

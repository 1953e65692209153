"""What a station brings by hand is judged like what it sends, and the answer fits the file."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from provincial_server import auth
from provincial_server.courier import writing
from provincial_server.courier.faults import CourierRefused, DiskFull
from provincial_server.courier.file import END, HEAD, SIGNED_AS, SNAPSHOT, TAIL, open_file
from provincial_server.courier.keys import courier_keys
from provincial_server.courier.snapshot import write_snapshot
from provincial_server.courier.units import CourierDesk
from provincial_server.database import Database
from provincial_server.exchange import feed
from provincial_server.settings import Settings
from tests.databases import database_url, open_database
from tests.provincial_command import main
from tests.server.conftest import RunningServer
from tests.server.courier_files import Reply, Stick
from tests.server.exchange_client import Machine, op_id, person, record_id, visit
from tests.sync.courier_keys import TestSigner, age_pair


@pytest.fixture
def database(server: RunningServer) -> Database:
    return server.database


@pytest.fixture
def stick(server: RunningServer, database: Database, tmp_path: Path) -> Stick:
    return Stick(database, tmp_path, server.station().facility)


@pytest.fixture
def desk(database: Database) -> CourierDesk:
    return CourierDesk(Settings("sqlite://"), database)


def hand_over(desk: CourierDesk, stick: Stick, path: Path, **keys: Any) -> Reply:
    reply = path.with_suffix(".reply.semr")
    desk.import_units(path, reply, **keys)
    return stick.read(reply)


def count(database: Database, stick: Stick) -> int:
    with database.read() as session:
        return feed.whole_tally(feed.read_tallies(session, stick.facility))[0]


def some_people(amount: int) -> list[bytes]:
    return [person(record_id()) for _ in range(amount)]


def test_a_file_is_taken_and_answered(desk: CourierDesk, stick: Stick, database: Database) -> None:
    someone = record_id()
    lines = [person(someone), visit(record_id(), someone)]
    reply = hand_over(desk, stick, stick.write(lines))
    assert reply.taken == {op_id(line) for line in lines}
    assert reply.refused == {}
    assert reply.lines == []  # nothing is echoed to the incarnation that wrote it
    assert reply.pages[-1]["count"] == 2
    assert reply.header["since"] == 0
    assert reply.header["stale"] is False
    assert count(database, stick) == 2


def test_the_verdicts_are_those_of_the_line(
    desk: CourierDesk, stick: Stick, database: Database
) -> None:
    orphan = visit(record_id(), record_id())
    broken = b'{"kind":"patient"}'
    dependant = person(record_id(), base=["0" * 32])
    good = person(record_id())
    reply = hand_over(desk, stick, stick.write([orphan, broken, dependant, good]))
    assert reply.taken == {op_id(good)}
    assert reply.refused == {
        op_id(orphan): "parent",
        op_id(broken): "poison",
        op_id(dependant): "base",
    }
    assert count(database, stick) == 1


def test_many_lines_go_in_portions(
    desk: CourierDesk, stick: Stick, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provincial_server.courier.units._BATCH_LINES", 3)
    monkeypatch.setattr("provincial_server.courier.units._IDS_A_LINE", 4)
    lines = some_people(11)
    reply = hand_over(desk, stick, stick.write(lines))
    assert reply.taken == {op_id(line) for line in lines}
    assert reply.header["verdicts"] == 3


def test_the_same_file_twice_and_an_older_one_after_it(
    desk: CourierDesk, stick: Stick, database: Database
) -> None:
    lines = some_people(3)
    first = stick.write(lines[:2], n=2)
    second = stick.write(lines, n=3)
    assert len(hand_over(desk, stick, second).taken) == 3
    for path in (second, first, first):
        again = hand_over(desk, stick, path)
        assert again.taken
        assert again.header["stale"] is False
    assert count(database, stick) == 3


def test_a_later_file_first_and_then_an_older_file(
    desk: CourierDesk, server: RunningServer, database: Database, tmp_path: Path
) -> None:
    """A file that was overtaken by the line is no sign of a restored database."""
    stick = Stick(database, tmp_path, server.station().facility)
    lines = some_people(3)
    old = stick.write(lines[:2], n=2)
    desk.import_units(stick.write(lines, n=50), tmp_path / "r.semr")
    reply = hand_over(desk, stick, old)
    assert reply.header["stale"] is False
    assert reply.taken == {op_id(line) for line in lines[:2]}


def test_the_reply_brings_what_others_wrote(
    desk: CourierDesk, server: RunningServer, stick: Stick, database: Database
) -> None:
    colleague = Machine(server.station(stick.facility, "Máy 2"))
    theirs = some_people(5)
    colleague.exchange(*theirs)
    reply = hand_over(desk, stick, stick.write(some_people(1)))
    assert reply.lines == theirs
    assert reply.header["epoch"] == database.epoch
    end = reply.pages[-1]
    assert end["more"] is False
    again = hand_over(desk, stick, stick.write([], cursor=end["cursor"], epoch=database.epoch))
    assert again.lines == []
    assert again.header["since"] == end["cursor"]


def test_the_reply_brings_only_what_fits(
    desk: CourierDesk, server: RunningServer, stick: Stick, database: Database
) -> None:
    theirs = some_people(6)
    Machine(server.station(stick.facility, "Máy 2")).exchange(*theirs)
    got: list[bytes] = []
    cursor = 0
    for _ in range(20):
        reply = hand_over(
            desk,
            stick,
            stick.write([], cursor=cursor, epoch=database.epoch if cursor else ""),
            room=2 * len(theirs[0]),
        )
        got += reply.lines
        cursor = reply.pages[-1]["cursor"]
        if not reply.pages[-1]["more"]:
            break
    assert got == theirs


def refused(desk: CourierDesk, path: Path) -> str:
    reply = path.with_suffix(".reply.semr")
    with pytest.raises(CourierRefused) as caught:
        desk.import_units(path, reply)
    assert not reply.exists()
    assert str(caught.value).endswith(".")
    return caught.value.code


def test_files_that_change_nothing(
    desk: CourierDesk, server: RunningServer, stick: Stick, database: Database, tmp_path: Path
) -> None:
    lines = some_people(1)
    elsewhere = server.station().facility
    stranger = replace(stick, signer=TestSigner())
    other = {"facility": elsewhere}
    unknown = {"device": "khong-co"}
    wrong = {"recipient": age_pair()[1]}
    kind = {"kind": SNAPSHOT}
    assert refused(desk, stick.write(lines, preamble=other)) == "unknown-sender"
    assert refused(desk, stick.write(lines, preamble={"facility": "XX999"})) == "other-facility"
    assert refused(desk, stick.write(lines, preamble=unknown)) == "unknown-sender"
    assert refused(desk, stranger.write(lines)) == "unknown-sender"
    assert refused(desk, stick.write(lines, preamble=wrong)) == "wrong-key"
    assert refused(desk, stick.write(lines, preamble=kind)) == "wrong-kind"
    assert refused(desk, stick.write(lines, preamble={"reply_to": "age1"})) == "unreadable"
    assert refused(desk, stick.write(lines, header={"v": 9})) == "unreadable"
    assert refused(desk, stick.write(lines, header={"inc": "x"})) == "unreadable"
    path = stick.write(lines)
    path.write_bytes(path.read_bytes()[:-500])
    assert refused(desk, path) == "cut"
    with database.write() as session:
        assert auth.revoke_device(session, stick.device, 1)
    assert refused(desk, stick.write(lines)) == "revoked"
    assert count(database, stick) == 0


def test_nobody_puts_his_name_on_what_another_encrypted(
    desk: CourierDesk, stick: Stick, database: Database, tmp_path: Path
) -> None:
    """Else a stolen stick could be read: by bringing its cipher to the province as one's own file,
    and fetching the lines as those of one's own facility.
    """
    stolen = stick.write(some_people(3)).read_bytes()
    thief = Stick(database, tmp_path, "DEMOTHIEF")
    own = thief.write([]).read_bytes()
    mixed = signed(clear(own) + stolen[len(clear(stolen)) : -TAIL.size], thief.signer)
    path = tmp_path / "mixed.semr"
    path.write_bytes(mixed)
    assert open_file(path).signer_key == thief.signer.public_der
    assert refused(desk, path) == "changed"
    assert count(database, thief) == 0


def clear(file: bytes) -> bytes:
    """Head and preamble."""
    return file[: HEAD.size + HEAD.unpack(file[: HEAD.size])[2]]


def signed(unsigned: bytes, signer: TestSigner) -> bytes:
    """The file with an end of its own, as anybody can make it."""
    length = struct.pack(">Q", len(unsigned))
    digest = hashlib.sha384(unsigned + length).digest()
    return unsigned + TAIL.pack(len(unsigned), signer.sign_message(SIGNED_AS + digest), END)


def test_a_device_of_the_first_release_cannot_sign(
    desk: CourierDesk, server: RunningServer, stick: Stick, database: Database
) -> None:
    with database.write() as session:
        keyless = auth.enrol_device(session, stick.facility, "Máy cũ", 0).device_id
    assert refused(desk, replace(stick, device=keyless).write([])) == "unknown-sender"


def test_a_restored_database_that_reuses_numbers_is_told(desk: CourierDesk, stick: Stick) -> None:
    desk.import_units(
        stick.write([person(record_id(), inc=stick.incarnation, n=5)]), stick.folder / "r.semr"
    )
    reply = hand_over(desk, stick, stick.write([person(record_id(), inc=stick.incarnation, n=5)]))
    assert reply.header["stale"] is True
    assert len(reply.taken) == 1


def test_a_full_stick_leaves_no_reply_and_loses_nothing(
    desk: CourierDesk, stick: Stick, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stick.write(some_people(2))
    with monkeypatch.context() as full:
        full.setattr(writing.shutil, "disk_usage", lambda _path: type("Room", (), {"free": 0}))
        with pytest.raises(DiskFull):
            desk.import_units(path, stick.folder / "r.semr")
    assert not (stick.folder / "r.semr").exists()
    assert len(hand_over(desk, stick, path).taken) == 2
    assert count(database, stick) == 2


def test_a_snapshot_holds_everything_in_an_order_that_applies(
    desk: CourierDesk, server: RunningServer, stick: Stick, database: Database, tmp_path: Path
) -> None:
    someone = record_id()
    first = person(someone)
    lines = [first, visit(record_id(), someone), person(someone, base=[op_id(first)])]
    desk.import_units(stick.write(lines), tmp_path / "r.semr")
    path = tmp_path / "snapshot.semr"
    amount, size = write_snapshot(
        Settings("sqlite://"), database, stick.facility, stick.pair[1], path
    )
    assert (amount, size) == (3, path.stat().st_size)
    courier = open_file(path)
    assert (courier.preamble.kind, courier.preamble.device) == (SNAPSHOT, "")
    got: list[bytes] = []
    courier.read(stick.pair[0], got.append)
    header = json.loads(got.pop(0))
    assert got == lines
    assert (header["lines"], header["count"], header["cursor"]) == (3, 3, 3)
    assert header["sum"] == sum(int(op_id(line)[16:], 16) for line in lines) % (1 << 64)
    assert header["epoch"] == database.epoch


def test_the_keys_stay_the_same(server: RunningServer, database: Database) -> None:
    said = requests.get(f"{server.root}/courier-key", timeout=30).json()
    with database.write() as session:
        assert said == courier_keys(session).public()
    assert requests.get(f"{server.root}/courier-key", timeout=30).json() == said
    assert "AGE-SECRET" not in json.dumps(said)


def test_the_operator_at_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database_url(tmp_path / "province.db")
    database = open_database(tmp_path / "province.db")
    stick = Stick(database, tmp_path, "DEMO1")
    path = stick.write(some_people(2))
    shared = ["--database", url]
    assert main(["courier", "import", str(path), "--reply", str(tmp_path / "r.semr"), *shared]) == 0
    assert "nhận 2, không nhận 0" in capsys.readouterr().out
    assert len(stick.read(tmp_path / "r.semr").taken) == 2
    assert main(["courier", "key", "--out", str(tmp_path / "key.json"), *shared]) == 0
    key = json.loads((tmp_path / "key.json").read_text(encoding="ascii"))
    assert key["fingerprint"] in capsys.readouterr().out.replace(" ", "")
    out = tmp_path / "s.semr"
    asked = ["snapshot", "--facility", "DEMO1", "--out", str(out), *shared]
    assert main([*asked, "--for-key", stick.pair[1]]) == 0
    assert "2 mục" in capsys.readouterr().out
    out.unlink()
    assert main([*asked, "--for-key", "age1khong-phai"]) == 1
    assert "khóa nhận tệp" in capsys.readouterr().err
    assert not out.exists()
    (tmp_path / "r.semr").write_bytes(b"not a courier file")
    assert main(["courier", "import", str(tmp_path / "r.semr"), "--reply", str(out), *shared]) == 1
    assert "không phải tệp chuyển tay" in capsys.readouterr().err
    database.close()

"""Lines stay as they came, and what the province holds of them is counted without error."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import zstandard

from station_emr.db import lines
from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import NotFound
from station_emr.domain.operation import Origin, Tally, bucket, weight
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.services.sync_ports import KeptOperation

from .records import LATER, NOW, TODAY, encounter, patient, prescription, record_id, sign

LINE = '{"kind":"patient","name":"Rơ Châm H\'Bĕ̆"}'.encode()


def op(number: int) -> str:
    return f"{number:032x}"


def kept(op_id: str, *, kind="patient", of=1, version=0, line=LINE, held=False) -> KeptOperation:
    return KeptOperation(
        op_id=op_id, kind=kind, record_id=record_id(of), version=version, line=line, held=held
    )


def test_a_line_comes_back_byte_for_byte(store: EncryptedStore) -> None:
    raw = bytes(range(256)) * 300  # not even text
    with store.write() as work:
        work.operations.keep(kept(op(1)))
        work.operations.keep(kept(op(2), line=raw))
        work.operations.keep(kept(op(3), line=b""))
    with store.read() as work:
        assert work.operations.line(op(1)) == LINE
        assert work.operations.line(op(2)) == raw
        assert work.operations.line(op(3)) == b""
        assert work.operations.line(op(4)) is None
        assert work.operations.knows([op(n) for n in range(1200)]) == {op(1), op(2), op(3)}


def test_keeping_twice_only_adds_what_was_learned(store: EncryptedStore) -> None:
    with store.write() as work:
        work.operations.keep(kept(op(1)))
        work.operations.unreadable(op(1), "chưa hiểu")
        assert work.operations.unreadables(9) == ((op(1), "patient", "chưa hiểu"),)
        work.operations.keep(kept(op(1), held=True, line=b"another"))
        assert work.operations.is_held(op(1))
        assert work.operations.version_of(op(1)) == 0
        sign(work.patients, patient())
        work.operations.keep(kept(op(1), version=1))
    with store.read() as work:
        assert work.operations.line(op(1)) == LINE
        assert work.operations.is_held(op(1))
        assert work.operations.unreadables(9) == ()
        assert work.operations.version_of(op(1)) == 1
        assert work.operations.version_of(op(9)) is None
        assert work.operations.op_id_of(RecordKind.PATIENT, record_id(1), 1) == op(1)
        assert work.operations.op_id_of(RecordKind.PATIENT, record_id(1), 2) == ""
        assert work.operations.op_id_of(RecordKind.PATIENT, record_id(1), 0) == ""
        assert work.patients.lineage(record_id(1))[0].op_id == op(1)
        with pytest.raises(NotFound):
            work.operations.node(RecordKind.PATIENT, record_id(1), 2)


def undone(store: EncryptedStore, op_ids) -> None:
    with store.write() as work:
        work.operations.set_held(op_ids, held=False)
        raise KeyError


def scratch(op_ids) -> tuple[Tally, ...]:
    """The table of buckets by its definition."""
    table = [(0, 0)] * 256
    for op_id in op_ids:
        count, total = table[int(op_id[:2], 16)]
        table[int(op_id[:2], 16)] = (count + 1, (total + int(op_id[16:], 16)) % 2**64)
    return tuple(Tally(*pair) for pair in table)


@pytest.mark.parametrize("seed", range(4))
def test_count_and_sum_follow_whatever_happens(store: EncryptedStore, seed: int) -> None:
    chance = random.Random(seed)
    known: dict[str, bool] = {}
    for _ in range(4):
        with store.write() as work:
            log = work.operations
            for _ in range(60):
                held = chance.random() < 0.5
                # Few buckets and heavy ids, so that the halves of the sum overflow.
                fresh = f"{chance.choice((0, 1, 254, 255)):02x}{chance.getrandbits(120):030x}"
                if chance.random() < 0.3:
                    fresh = fresh[:16] + "f" * chance.choice((8, 16)) + fresh[:8]
                    fresh = fresh[:32]
                match chance.randrange(4):
                    case 0 | 1:
                        log.keep(kept(fresh, held=held))
                        known[fresh] = held
                    case 2 if known:
                        some = chance.sample(sorted(known), min(len(known), 5))
                        log.set_held([*some, fresh], held=held)
                        known.update(dict.fromkeys(some, held))
                    case 3 if known:
                        again = chance.choice(sorted(known))
                        log.keep(kept(again, held=held))
                        known[again] |= held
        if chance.random() < 0.5:
            with pytest.raises(KeyError):
                undone(store, known)
    held_ids = [op_id for op_id, held in known.items() if held]
    with store.read() as work:
        assert work.operations.buckets() == scratch(held_ids)
        assert work.operations.tally() == Tally(
            len(held_ids), sum(weight(op_id) for op_id in held_ids) % 2**64
        )
        for number in (0, 7, 255):
            assert work.operations.listed(number) == tuple(
                sorted(op_id for op_id in held_ids if bucket(op_id) == number)
            )


def test_nothing_held_is_an_empty_sum(store: EncryptedStore) -> None:
    with store.read() as work:
        assert work.operations.tally() == Tally(0, 0)
        assert work.operations.buckets() == (Tally(),) * 256


def test_holding_a_record_is_the_provinces_word(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient(1))
        sign(work.patients, patient(2))
        work.operations.keep(kept(op(1), version=1))
        work.operations.keep(kept(op(2), of=3, held=True))
        assert not work.operations.holds_record(RecordKind.PATIENT, record_id(1))
        assert work.operations.holds_record(RecordKind.PATIENT, record_id(3))
        work.operations.set_held([op(1)])
        assert work.operations.holds_record(RecordKind.PATIENT, record_id(1))
        assert not work.operations.holds_record(RecordKind.ENCOUNTER, record_id(1))
    with store.write() as work:  # over plain FHIR there are no lines
        item = next(one for one in work.outbox.waiting(9) if one.record_id == record_id(2))
        assert not work.operations.holds_record(RecordKind.PATIENT, record_id(2))
        work.outbox.acknowledge(item, {}, LATER)
        assert work.operations.holds_record(RecordKind.PATIENT, record_id(2))


def test_what_the_server_lost_is_not_confirmed_any_more(store: EncryptedStore) -> None:
    with store.write() as work:
        sign(work.patients, patient())
        work.operations.keep(kept(op(1), version=1))
    with store.write() as work:
        work.outbox.acknowledge_numbers(work.outbox.operations(9, TODAY), LATER)
        assert work.operations.holds_record(RecordKind.PATIENT, record_id(1))
        work.operations.set_held([op(1)], held=False)
        assert not work.operations.holds_record(RecordKind.PATIENT, record_id(1))


def test_wants_are_remembered_until_they_arrive(store: EncryptedStore) -> None:
    with store.write() as work:
        work.operations.keep(kept(op(1)))
        work.operations.want([op(3), op(1), op(2), op(3), op(4)])
        work.operations.want([op(3)])
    with store.write() as work:
        assert work.operations.wanted(9) == (op(2), op(3), op(4))
        assert work.operations.wanted(1) == (op(2),)
        work.operations.keep(kept(op(2)))
        work.operations.unwant([op(3)])
    with store.read() as work:
        assert work.operations.wanted(9) == (op(4),)


def test_a_parked_line_leaves_when_the_last_it_needs_arrives(store: EncryptedStore) -> None:
    person = f"patient/{record_id(9)}"
    with store.write() as work:
        for number in (1, 2, 3):
            work.operations.keep(kept(op(number), line=b"%d" % number))
        work.operations.park(op(2), [op(7), person])
        work.operations.park(op(1), [person])
        work.operations.park(op(3), [op(8)])
        work.operations.park(op(1), [person])
        assert work.operations.parked() == 3
    with store.write() as work:
        assert work.operations.released_by(person) == (b"1",)
        assert work.operations.released_by(person) == ()
        assert work.operations.released_by(op(7)) == (b"2",)
        assert work.operations.parked() == 1


def test_all_lines_come_after_what_they_need(store: EncryptedStore) -> None:
    with store.write() as work:
        log = work.operations
        # Arrived early and applied late; kinds and settings that write no version come last.
        log.keep(kept(op(50), kind="encounter", of=101, line=b"visit"))
        log.keep(kept(op(60), kind="immunisation", of=7, line=b"unknown"))
        work.patients.add_replica(
            patient(),
            RecordStatus.SIGNED,
            author=("x", "X"),
            at=NOW,
            parents=(),
            origin=Origin.REPLICA,
        )
        log.keep(kept(op(70), version=1, line=b"person", held=True))
        sign(work.encounters, encounter())
        sign(work.prescriptions, prescription())
        # Sealed in another order than written.
        log.keep(kept(op(10), kind="prescription", of=201, version=1, line=b"paper"))
        log.keep(kept(op(50), kind="encounter", of=101, version=1, line=b"visit"))
        sign(work.patients, patient(2))  # never sealed
    with store.read() as work:
        whole = work.operations.all_lines("", 99)
        assert [line for _, line in whole] == [b"person", b"visit", b"paper", b"unknown"]
        for size in (1, 2, 3):
            told, after = [], ""
            while page := work.operations.all_lines(after, size):
                assert len(page) <= size
                told += page
                after = page[-1][0]
            assert tuple(told) == whole
        with pytest.raises(LookupError):
            work.operations.all_lines(op(99), 1)


def test_lines_of_every_dictionary_stay_readable(tmp_path: Path) -> None:
    def trained(seed: int) -> bytes:
        chance = random.Random(seed)
        words = ["".join(chance.choices("abcdefgh", k=6)) for _ in range(200)]
        samples = [" ".join(chance.choices(words, k=40)).encode() for _ in range(300)]
        return zstandard.train_dictionary(2048, samples).as_bytes()

    bare = lines.Packing(tmp_path / "nothing")
    line = b"the same line, packed three ways " * 3
    packed = [bare.pack(line)]
    (tmp_path / "notes.txt").write_text("no dictionary")
    for number in (2, 10):
        (tmp_path / f"dictionary-{number}.zdict").write_bytes(trained(number))
        packed.append(lines.Packing(tmp_path).pack(line))

    ids = [zstandard.get_frame_parameters(one).dict_id for one in packed]
    assert ids[0] == 0
    assert len(set(ids)) == 3
    newest = lines.Packing(tmp_path)
    assert [newest.unpack(one) for one in packed] == [line] * 3
    assert zstandard.get_frame_parameters(newest.pack(line)).dict_id == ids[2]
    (tmp_path / "dictionary-2.zdict").unlink()
    with pytest.raises(LookupError, match="is missing"):
        lines.Packing(tmp_path).unpack(packed[1])

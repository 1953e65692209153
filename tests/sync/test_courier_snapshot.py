"""A new PC: filled from a file, killed in the middle, and equal to the first one at the end."""

from __future__ import annotations

import json
import signal
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Role
from station_emr.domain.sync import SyncRun, UnitState
from station_emr.services.courier import PROVINCE_KEY, CourierRefused
from station_emr.services.rebuild import Rebuild, RebuildProgress
from station_emr.sync import snapshot
from tests.children.child import Nursery
from tests.sync.conftest import Server
from tests.sync.courier_machines import DIRECTOR, CourierMachine, Make, Province, make, province

__all__ = ["make", "province"]


@pytest.fixture
def first(make: Make) -> CourierMachine:
    """A PC with a day's work that the province holds."""
    one = make()
    one.work_a_day()
    for number in range(1, 15):
        one.patient(number)
    assert one.round_trip().verified
    return one


def fresh(make: Make, first: CourierMachine) -> CourierMachine:
    """A PC that was set up today: it has its own station record, and nothing else."""
    return make(first.facility, enrolled=False)


def test_from_a_file_of_the_province(make: Make, first: CourierMachine, province: Province) -> None:
    new = fresh(make, first)
    path = province.snapshot(first.facility, new.pair.public)
    facts = new.rebuild().inspect(DIRECTOR, str(path))
    assert (facts.by_province, facts.trusted, facts.facility) == (True, True, first.facility)
    seen: list[RebuildProgress] = []
    report = new.rebuild().from_file(DIRECTOR, str(path), progress=seen.append)
    assert (report.finished, report.verified) == (True, True)
    assert report.operations == report.total == len(first.everything())
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert (seen[0].done, seen[-1].done) == (0, report.total)
    assert len(seen) > 3
    assert new.everything() == first.everything()
    assert new.newest() == first.newest()
    assert new.tally() == first.tally()
    # The ordinary way goes on from there.
    assert new.setting("sync.cursor") == str(report.total)
    new.enrol()
    first.patient(99)
    first.round_trip()
    back = new.round_trip()
    assert back.operations == 1
    assert first.newest() == new.newest()


def test_colleagues_come_as_inactive_accounts(
    make: Make, first: CourierMachine, province: Province
) -> None:
    new = fresh(make, first)
    new.rebuild().from_file(DIRECTOR, str(province.snapshot(first.facility, new.pair.public)))
    with new.store.read() as work:
        assert [user.active for user in work.users.all()] == [False]


def test_from_a_colleagues_pc(make: Make, first: CourierMachine) -> None:
    """What the province does not hold yet waits in the new PC too: the other may be the stolen one."""
    person = first.patient(50)
    new = fresh(make, first)
    report = first.courier.export_snapshot(DIRECTOR, str(first.folder), new.pair.public)
    assert report.waiting == 1
    shown = first.courier.own_key(DIRECTOR).fingerprint
    rebuild = new.rebuild()
    facts = rebuild.inspect(DIRECTOR, report.path)
    assert (facts.by_province, facts.trusted, facts.fingerprint) == (False, False, shown)
    for given, told in (("", "Chưa biết tệp này do ai lập"), ("0" * 32, "không giống dấu vân tay")):
        with pytest.raises(CourierRefused, match=told) as caught:
            rebuild.from_file(DIRECTOR, report.path, signer=given)
        assert caught.value.code == "unknown-sender"
    assert new.everything() == {}
    done = rebuild.from_file(DIRECTOR, report.path, signer=shown)
    assert (done.finished, done.verified) == (True, True)
    assert new.everything() == first.everything()
    assert new.newest() == first.newest()
    assert new.tally() == first.tally()
    assert person.id in {record for _, record in new.waiting()}
    new.enrol()
    for machine in (new, first, new):
        machine.round_trip()
    assert new.everything() == first.everything()
    assert first.round_trip().verified


def test_with_a_conflict_inside(make: Make, first: CourierMachine, province: Province) -> None:
    second = make(first.facility)
    second.round_trip()
    person = first.patient(60)
    first.round_trip()
    second.round_trip()
    first.amend(person, full_name="Người Mẫu Tên Một")
    second.amend(person, full_name="Người Mẫu Tên Hai")
    for machine in (first, second, first, second):
        machine.round_trip()
    new = fresh(make, first)
    path = province.snapshot(first.facility, new.pair.public)
    assert new.rebuild().from_file(DIRECTOR, str(path)).verified
    assert new.conflicts() == first.conflicts() != []
    assert new.newest() == first.newest()


def test_a_cancel_keeps_what_was_done(
    make: Make, first: CourierMachine, province: Province
) -> None:
    new = fresh(make, first)
    path = str(province.snapshot(first.facility, new.pair.public))
    answers = iter([False, False, True])
    report = new.rebuild().from_file(DIRECTOR, path, cancelled=lambda: next(answers))
    assert (report.finished, report.verified, report.operations) == (False, False, 14)
    assert len(new.everything()) == 14
    assert new.setting("sync.cursor") is None  # not finished: the province is asked for all of it
    seen: list[int] = []
    again = new.rebuild().from_file(DIRECTOR, path, progress=lambda one: seen.append(one.done))
    assert seen[0] == 14
    assert again.verified
    assert new.everything() == first.everything()
    # A third time does nothing.
    assert new.rebuild().from_file(DIRECTOR, path).verified
    assert new.everything() == first.everything()


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from station_emr.db.store import EncryptedStore
    from station_emr.interop.fhir.carry import carry_over
    from station_emr.interop.fhir.read_units import read_unit
    from station_emr.interop.fhir.units import build_unit
    from station_emr.services.clock import SystemClock
    from station_emr.services.replication import apply_operation
    from station_emr.sync.applying import Applier
    from station_emr.sync.sealing import Sealer, StoredIncarnation
    from station_emr.sync.snapshot import SnapshotReader

    database, key, snapshot, secret, lines = sys.argv[1:]
    clock = SystemClock()
    sealer = Sealer(build_unit, carry_over, StoredIncarnation(clock.random))
    seen = 0

    def read(resources):
        global seen
        seen += 1
        if seen > int(lines):
            os.kill(os.getpid(), signal.SIGKILL)
        return read_unit(resources)

    store = EncryptedStore.open(Path(database), bytes.fromhex(key))
    applier = Applier(read, apply_operation, sealer, clock.now)
    SnapshotReader(store, applier, secret, step=4).apply(
        snapshot, "", lambda _progress: None, lambda: False
    )
    """
)


@pytest.fixture(scope="module")
def children() -> Iterator[Nursery]:
    """Processes that kill themselves."""
    made = Nursery(
        "station_emr.db.store",
        "station_emr.interop.fhir.read_units",
        "station_emr.sync.applying",
        "station_emr.sync.snapshot",
    )
    yield made
    made.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_in_the_middle_and_done_again(
    make: Make, first: CourierMachine, province: Province, children: Nursery, tmp_path: Path
) -> None:
    new = fresh(make, first)
    path = str(province.snapshot(first.facility, new.pair.public))
    key = new.store._key.hex()
    total = len(first.everything())
    new.store.close()
    for lines in (6, 7):  # of each attempt, in the middle of a step
        given = (str(new.store.path), key, path, new.pair.secret, str(lines))
        with children.start(tmp_path, KILLED, *given) as child:
            assert child.wait() == -signal.SIGKILL, child.errors
    seen: list[int] = []
    report = new.rebuild().from_file(DIRECTOR, path, progress=lambda one: seen.append(one.done))
    assert seen[0] == 8  # two whole steps of four
    assert (report.finished, report.verified, report.total) == (True, True, total)
    assert new.everything() == first.everything()
    assert new.newest() == first.newest()


def test_files_that_change_nothing(
    make: Make, first: CourierMachine, province: Province, tmp_path: Path
) -> None:
    new, elsewhere = fresh(make, first), make()
    other = province.snapshot(elsewhere.facility, new.pair.public)
    mine = province.snapshot(first.facility, new.pair.public)
    for_another = province.snapshot(first.facility, first.pair.public)
    bad = tmp_path / "bad.semr"
    data = bytearray(mine.read_bytes())
    data[len(data) // 2] ^= 1
    bad.write_bytes(data)
    for path, code in (
        (other, "other-facility"),
        (for_another, "wrong-key"),
        (bad, "changed"),
        (first.write(), "wrong-kind"),
    ):
        with pytest.raises(CourierRefused) as caught:
            new.rebuild().from_file(DIRECTOR, str(path))
        assert caught.value.code == code
    own = new.setting(PROVINCE_KEY)
    new.put(PROVINCE_KEY, "")
    with pytest.raises(CourierRefused) as caught:
        new.rebuild().from_file(DIRECTOR, str(mine))
    assert caught.value.code == "unknown-sender"
    assert new.everything() == {}
    assert new.setting("sync.cursor") is None
    new.put(PROVINCE_KEY, own or "")
    assert new.rebuild().from_file(DIRECTOR, str(mine)).verified


def test_a_key_that_is_none(first: CourierMachine) -> None:
    with pytest.raises(CourierRefused) as caught:
        first.courier.export_snapshot(DIRECTOR, str(first.folder), "khóa")
    assert caught.value.code == "wrong-key"
    assert not list(first.folder.glob("ho-so-*"))


def test_a_line_that_cannot_be_applied_is_set_aside(
    make: Make, first: CourierMachine, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = fresh(make, first)
    path = str(province.snapshot(first.facility, new.pair.public))
    spoilt = next(name for kind, name in _records(first) if kind == "encounter")
    real, together = new.applier._apply, new.applier._apply_firsts

    def apply(work, operation, now, *, held=True):
        if operation.envelope.record_id == spoilt:
            raise LookupError("a fault of ours")
        return real(work, operation, now, held=held)

    def apply_together(work, operations, *, held):
        changed = together(work, operations, held=held)
        if any(operation.envelope.record_id == spoilt for operation in operations):
            raise LookupError("a fault of ours")
        return changed

    monkeypatch.setattr(new.applier, "_apply", apply)
    monkeypatch.setattr(new.applier, "_apply_firsts", apply_together)
    report = new.rebuild().from_file(DIRECTOR, path)
    assert report.finished
    assert report.unreadable >= 1
    assert new.everything().keys() == first.everything().keys()
    with new.store.read() as work:
        assert work.encounters.find(spoilt) is None
        assert work.outbox.count(UnitState.QUARANTINED) == 0


def _records(machine: CourierMachine) -> list[tuple[str, str]]:
    said = [json.loads(line) for line in machine.everything().values()]
    return [(line["kind"], line["id"]) for line in said]


@pytest.fixture
def online(tmp_path: Path, _shared: Server) -> Iterator[Province]:
    made = Province(tmp_path, _shared)
    yield made
    made.close()


def test_from_the_province_over_the_line(tmp_path: Path, online: Province) -> None:
    facility = online.facility()
    machines = [CourierMachine(tmp_path, online, facility) for _ in range(2)]
    one, new = machines
    try:
        one.work_a_day()
        for number in range(1, 6):
            one.patient(number)
        assert one.sync().verified
        seen: list[int] = []
        report = new.rebuild().from_province(DIRECTOR, progress=lambda p: seen.append(p.done))
        assert (report.finished, report.verified) == (True, True)
        assert seen[-1] == report.operations == new.tally().count
        assert one.newest() == new.newest()
        # A snapshot after that brings nothing new and moves nothing back.
        path = online.snapshot(facility, new.pair.public)
        assert new.rebuild().from_file(DIRECTOR, str(path)).verified
        assert new.sync().verified
    finally:
        for machine in machines:
            machine.store.close()


def test_a_line_that_breaks_is_told(make: Make, first: CourierMachine) -> None:
    class Away:
        def run_once(self) -> SyncRun:
            now = first.clock.now()
            return SyncRun(started_at=now, ended_at=now, outcome="offline", detail="")

    rebuild = Rebuild(first.store, first.clock, None, Away())  # type: ignore[arg-type]
    report = rebuild.from_province(DIRECTOR)
    assert not report.finished
    assert "làm tiếp" in report.detail


def test_who_may(first: CourierMachine) -> None:
    nurse = replace(DIRECTOR, user=replace(DIRECTOR.user, role=Role.NURSE))
    for refused in (
        lambda: first.rebuild().inspect(nurse, "x"),
        lambda: first.rebuild().from_file(nurse, "x"),
        lambda: first.rebuild().from_province(nurse),
    ):
        with pytest.raises(PermissionDenied):
            refused()


def test_who_signs_nothing_vouches_for_no_colleagues_file(
    make: Make, first: CourierMachine, province: Province
) -> None:
    """Anybody can write a file of made-up documents and read out its fingerprint; the province's own
    file needs nobody's word.
    """
    new = fresh(make, first)
    report = first.courier.export_snapshot(DIRECTOR, str(first.folder), new.pair.public)
    shown = first.courier.own_key(DIRECTOR).fingerprint
    administrator = replace(DIRECTOR, user=replace(DIRECTOR.user, role=Role.ADMINISTRATOR))
    with pytest.raises(PermissionDenied):
        new.rebuild().from_file(administrator, report.path, signer=shown)
    assert new.everything() == {}
    path = str(province.snapshot(first.facility, new.pair.public))
    assert new.rebuild().from_file(administrator, path).verified
    assert new.rebuild().from_file(DIRECTOR, report.path, signer=shown).finished
    with new.store.read() as work:
        assert shown.replace(" ", "") in work.audit.rows(1)[0].detail.replace(" ", "")


def test_a_file_that_says_more_than_it_holds(
    make: Make, first: CourierMachine, province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of the writer: what came is kept, but the cursor is not believed."""
    new = fresh(make, first)
    path = str(province.snapshot(first.facility, new.pair.public))
    real = snapshot.decode_note

    def more(line, shape):
        found = real(line, shape)
        if shape is snapshot._Header:
            found.count += 1
        return found

    monkeypatch.setattr(snapshot, "decode_note", more)
    with pytest.raises(CourierRefused) as caught:
        new.rebuild().from_file(DIRECTOR, path)
    assert caught.value.code == "unreadable"
    assert new.setting("sync.cursor") is None

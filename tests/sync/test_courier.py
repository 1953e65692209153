"""A station that sends by stick: nothing is acknowledged by writing, all of it by the answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from station_emr.domain.errors import DiskFull, EnvironmentFailure
from station_emr.domain.operation import Tally
from station_emr.domain.patient import Patient
from station_emr.domain.record import RecordStatus
from station_emr.domain.sync import UnitState
from station_emr.interop.fhir.units import build_unit
from station_emr.services.courier import LAST_EXPORT, PROVINCE_KEY, CourierRefused
from station_emr.sync import courier_writing
from station_emr.sync.verdicts import BUILT_ON_REFUSED
from tests.interop import fhir_records as sample
from tests.sync.courier_machines import DIRECTOR, CourierMachine, Make, Province, make, province

__all__ = ["make", "province"]


def state(machine: CourierMachine) -> tuple[object, ...]:
    """All that a refused file must leave as it was."""
    return (
        machine.everything().keys(),
        machine.tally(),
        machine.waiting(),
        machine.quarantined(),
        machine.setting("sync.cursor"),
        machine.setting("sync.epoch"),
    )


def test_a_day_goes_out_and_is_acknowledged(make: Make) -> None:
    one = make()
    one.work_a_day()
    before = state(one)
    report = one.courier.export(DIRECTOR, str(one.folder))
    assert report.operations == report.waiting > 5
    assert report.size == Path(report.path).stat().st_size
    assert one.waiting() == list(before[2])  # nothing leaves by being written
    assert one.tally() == Tally()
    reply, done = one.province.answer(report.path)
    assert (done.refused, done.stale) == ([], False)
    back = one.courier.import_reply(DIRECTOR, str(reply))
    assert back.acknowledged == report.operations
    assert (back.refused, back.waiting, back.more) == (0, 0, False)
    assert back.verified
    assert back.created.utcoffset() == one.clock.now().utcoffset()  # the province writes UTC
    assert one.waiting() == []
    assert one.tally().count == report.operations
    assert one.courier.last() != (None, None)


def test_a_later_file_supersedes_a_lost_one(make: Make) -> None:
    one = make()
    first = one.patient(1)
    lost = one.courier.export(DIRECTOR, str(one.folder))
    one.patient(2)
    one.amend(first, full_name="Người Mẫu Đã Sửa")
    second = one.courier.export(DIRECTOR, str(one.folder / "hai.semr"))
    assert second.operations == lost.operations + 2
    assert second.number == lost.number + 1
    reply, _ = one.province.answer(second.path)
    assert one.courier.import_reply(DIRECTOR, str(reply)).waiting == 0
    # The lost stick turns up after all.
    reply, done = one.province.answer(lost.path)
    assert len(done.taken) == lost.operations
    again = one.courier.import_reply(DIRECTOR, str(reply))
    assert (again.acknowledged, again.waiting) == (0, 0)
    assert one.round_trip().verified


def test_everything_twice(make: Make) -> None:
    one = make()
    one.work_a_day()
    sent = one.write()
    replies = [one.province.answer(sent)[0] for _ in range(2)]
    for reply in (*replies, *replies):
        one.courier.import_reply(DIRECTOR, str(reply))
    assert one.waiting() == []
    assert one.quarantined() == {}
    assert one.round_trip().verified


def test_what_was_written_meanwhile_stays(make: Make) -> None:
    one = make()
    record = one.patient(1)
    sent = one.write()
    one.amend(record, full_name="Người Mẫu Sửa Sau")
    reply, _ = one.province.answer(sent)
    back = one.courier.import_reply(DIRECTOR, str(reply))
    assert back.acknowledged >= 1
    assert back.waiting == 1
    assert [item for _, item in one.waiting()] == [record.id]
    assert one.round_trip().verified


def test_two_machines_of_a_station_hold_the_same(make: Make, province: Province) -> None:
    one = make()
    two = make(one.facility)
    one.work_a_day()
    for number in range(1, 6):
        two.patient(number)
    for machine in (one, two, one, two):
        machine.round_trip()
    assert one.everything() == two.everything()
    assert one.newest() == two.newest()
    assert one.tally() == two.tally() != Tally()
    assert one.round_trip().verified
    assert two.round_trip().verified


def test_two_people_change_one_person_by_stick(make: Make) -> None:
    one = make()
    two = make(one.facility)
    person = one.patient(1)
    one.round_trip()
    two.round_trip()
    one.amend(person, full_name="Người Mẫu Tên Một")
    two.amend(person, full_name="Người Mẫu Tên Hai")
    for machine in (one, two, one, two, one):
        machine.round_trip()
    assert one.conflicts() == two.conflicts() != []
    assert one.everything() == two.everything()
    assert one.newest() == two.newest()


def test_crossed_files_change_nothing(make: Make, province: Province) -> None:
    one = make()
    two = make(one.facility)
    elsewhere = make()
    for machine in (one, two, elsewhere):
        machine.patient(1)
    replies = [province.answer(machine.write())[0] for machine in (one, two, elsewhere)]
    for machine, reply, code in (
        (one, replies[1], "other-device"),
        (two, replies[0], "other-device"),
        (one, replies[2], "other-facility"),
        (elsewhere, replies[0], "other-facility"),
    ):
        assert refused(machine, reply) == code
    assert one.courier.import_reply(DIRECTOR, str(replies[0])).waiting == 0
    assert two.courier.import_reply(DIRECTOR, str(replies[1])).waiting == 0


def refused(machine: CourierMachine, path: Path) -> str:
    before = state(machine)
    with pytest.raises(CourierRefused) as caught:
        machine.courier.import_reply(DIRECTOR, str(path))
    assert state(machine) == before
    assert str(caught.value).endswith(".")
    return caught.value.code


def test_replies_that_change_nothing(make: Make, tmp_path: Path) -> None:
    one = make()
    one.patient(1)
    sent = one.write()
    reply, _ = one.province.answer(sent)
    whole = reply.read_bytes()
    assert refused(one, sent) == "wrong-kind"
    bad = tmp_path / "bad.semr"
    for length in (0, 5, 20, len(whole) // 2, len(whole) - 1):
        bad.write_bytes(whole[:length])
        assert refused(one, bad) in {"cut", "not-ours"}
    for place in range(14, len(whole) - 120, max(1, len(whole) // 25)):
        changed = bytearray(whole)
        changed[place] ^= 4
        bad.write_bytes(changed)
        assert refused(one, bad) == "changed"
    assert one.courier.import_reply(DIRECTOR, str(reply)).waiting == 0


def test_a_reply_of_another_province(
    make: Make, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    one = make()
    one.patient(1)
    other = Province(tmp_path_factory.mktemp("elsewhere"))
    own_key = one.setting(PROVINCE_KEY)
    with other.database.write() as session:
        from provincial_server import auth
        from provincial_server.store import Device

        auth.add_facility(session, one.facility, "Trạm giả", 0)
        made = auth.enrol_device(
            session,
            one.facility,
            "Máy",
            0,
            public_key=one.keys.candidate("").public_pem,
        )
        session.get_one(Device, made.device_id).id = one.device
    one.put(PROVINCE_KEY, other.key_text())
    reply, _ = other.answer(one.write())
    one.put(PROVINCE_KEY, own_key or "")
    assert refused(one, reply) == "unknown-sender"
    other.close()


def test_a_machine_that_cannot_send_yet(make: Make, tmp_path: Path) -> None:
    one = make(enrolled=False)
    one.patient(1)
    before = state(one)
    for _ in range(2):
        with pytest.raises(CourierRefused) as caught:
            one.courier.export(DIRECTOR, str(tmp_path / "a.semr"))
        assert caught.value.code == "not-ready"
        one.put(PROVINCE_KEY, "")
    assert state(one) == before
    assert not (tmp_path / "a.semr").exists()


def test_a_full_stick(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = make()
    one.patient(1)
    before = state(one)
    with monkeypatch.context() as full:
        full.setattr(
            courier_writing.shutil, "disk_usage", lambda _path: type("Room", (), {"free": 0})
        )
        with pytest.raises(DiskFull):
            one.courier.export(DIRECTOR, str(one.folder))
    assert not list(one.folder.glob("*.semr*"))
    assert before[2] == one.waiting()
    assert one.setting(LAST_EXPORT) is None
    with pytest.raises(EnvironmentFailure):
        one.courier.import_reply(DIRECTOR, str(one.folder / "khong-co.semr"))


def test_a_wrong_clock_decides_nothing(make: Make) -> None:
    one = make()
    one.patient(1)
    real = one.clock.now()
    sent = []
    for days in (-9000, 5000):
        one.clock.now = lambda days=days: real + timedelta(days=days)  # type: ignore[method-assign]
        sent.append(one.write())
    replies = [one.province.answer(path)[0] for path in reversed(sent)]
    for reply in replies:
        report = one.courier.import_reply(DIRECTOR, str(reply))
    assert report.waiting == 0
    assert report.verified


def test_what_the_province_refuses(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version and what was written on it before anybody knew: a person has to save once more."""
    one = make()
    good, bad = one.patient(1), one.patient(2)
    _spoil(one, monkeypatch, bad)
    one.amend(bad, phone="0900000002")
    back = one.round_trip()
    assert back.refused == 2
    assert set(one.quarantined()) == {bad.id}
    assert one.quarantined()[bad.id].startswith(BUILT_ON_REFUSED)
    assert good.id not in {item for _, item in one.waiting()}
    assert one.round_trip().refused == 0  # nothing of it goes a second time
    one.amend(bad, full_name="Người Mẫu Đã Sửa")  # saved once more: it leaves by itself
    again = one.round_trip()
    assert again.waiting == 0
    assert one.count(UnitState.QUARANTINED) == 0
    assert again.verified


def _spoil(machine: CourierMachine, monkeypatch: pytest.MonkeyPatch, spoilt: Patient) -> None:
    """Lines of exactly this version are such that the province refuses them."""

    def build(kind, record, status, earlier=()):
        unit = build_unit(kind, record, status, earlier)
        if record == spoilt:
            return ({**unit[0], "multipleBirthInteger": "hai"}, *unit[1:])
        return unit

    sealer = replace(machine.sealer, build=build, carry=lambda _before, resources: resources)
    means = machine.desk._means
    monkeypatch.setattr(machine.desk, "_means", replace(means, sealer=sealer))


def test_a_province_restored_from_yesterday(make: Make, province: Province) -> None:
    """A station that lives by stick alone learns of it from the answer, and offers all again."""
    one = make()
    one.work_a_day()
    old = province.answer(one.write())[0]
    one.courier.import_reply(DIRECTOR, str(old))
    held = one.tally().count
    with province.database.write() as session:
        province.database.new_epoch(session)
    first = one.round_trip()
    assert first.waiting == held
    assert one.round_trip().verified
    assert one.tally().count == held
    assert refused(one, old) == "outdated"


def test_a_cursor_never_jumps_nor_goes_back(make: Make) -> None:
    one = make()
    two = make(one.facility)
    for number in range(1, 4):
        two.patient(number)
        two.round_trip()
        old = one.province.answer(one.write())[0]
        one.courier.import_reply(DIRECTOR, str(old))
        if number == 2:
            older = old
    place = one.setting("sync.cursor")
    assert int(place or "0") >= 4
    one.courier.import_reply(DIRECTOR, str(older))
    assert one.setting("sync.cursor") == place
    # Put back to a copy of an earlier day: what lies between is not in this answer.
    two.patient(4)
    two.round_trip()
    sent = one.write()
    reply = one.province.answer(sent)[0]
    one.put("sync.cursor", "1")
    one.courier.import_reply(DIRECTOR, str(reply))
    assert one.setting("sync.cursor") == "1"
    # Another life of the database: the answer left out what the one before had written.
    one.put("sync.cursor", place or "")
    one.put("sync.incarnation", "00000000000000aa")
    one.courier.import_reply(DIRECTOR, str(reply))
    assert one.setting("sync.cursor") == place
    assert one.round_trip().verified
    assert one.everything() == two.everything() | one.everything()


def test_a_voided_record_travels_too(make: Make) -> None:
    one = make()
    two = make(one.facility)
    person = one.patient(1)
    one.round_trip()
    with one.store.write() as work:
        work.patients.add_version(
            person,
            RecordStatus.VOIDED,
            author=sample.DOCTOR,
            at=one.clock.now(),
            reason="Đăng ký nhầm",
            expected_version=1,
        )
    one.round_trip()
    two.round_trip()
    with two.store.read() as work:
        assert work.patients.get(person.id).status is RecordStatus.VOIDED

"""What people ask of their own record, and leaks: written on one PC, due and answered on another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Role
from station_emr.domain.privacy_request import PrivacyRequest, RequestKind, RequestState
from station_emr.domain.record import RecordKind
from station_emr.domain.user import Actor, User
from station_emr.printing.privacy_papers import PdfPrivacyPapers
from station_emr.services.conflicts import Conflicts
from station_emr.services.desk_views import Choice
from station_emr.services.privacy_requests import Privacy, RequestRow
from tests.interop import fhir_records as sample
from tests.sync import test_relay
from tests.sync.conftest import Server
from tests.sync.courier_machines import DIRECTOR as REBUILDER
from tests.sync.courier_machines import CourierMachine, Province
from tests.sync.exchange_machines import Machine, new_machine, second_device

Make = Callable[..., Machine]
DIRECTOR = Actor(
    user=User(
        id=sample.made_id(41), username="giamdoc", full_name="Giám Đốc Mẫu", role=Role.DIRECTOR
    ),
    device="Máy mẫu",
)
PHARMACIST = replace(DIRECTOR, user=replace(DIRECTOR.user, role=Role.PHARMACIST))


class Rules:
    """No form of its own has anything against a decision."""

    def judge(self, *_given: Any) -> None: ...


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Machine] = []

    def machine(to: Any) -> Machine:
        number = len(made) + 1
        one = new_machine(tmp_path, to, f"station{number}")
        made.append(one)
        with one.store.write() as work:
            profile = replace(sample.STATION, device_name=f"Máy {number}", series=f"A{number}")
            work.settings.save_station(profile, sample.AT)
        return one

    yield machine
    for one in made:
        one.store.close()


def privacy(machine: Machine) -> Privacy:
    return Privacy(machine.store, machine.clock, PdfPrivacyPapers(), lambda _code: "")


def desk(machine: Machine) -> Conflicts:
    return Conflicts(machine.store, machine.clock, None, Rules())  # type: ignore[arg-type]


def take_in(machine: Machine, person: str = sample.PATIENT_ID, **changes: Any) -> PrivacyRequest:
    asked = privacy(machine).requests
    blank = replace(asked.blank(DIRECTOR, person), asker_paper="MẪU-1", kind=RequestKind.COPY)
    return asked.receive(DIRECTOR, replace(blank, **changes))


def the_request(machine: Machine) -> RequestRow:
    (row,) = privacy(machine).requests.rows(DIRECTOR)
    return row


def two(make: Make, running: Server) -> tuple[Machine, Machine]:
    """Two PCs that know one person."""
    one = make(running)
    one.sign(sample.PATIENT)
    assert one.sync().verified
    other = make(second_device(running))
    assert other.sync().verified
    return one, other


def meet(*machines: Machine) -> None:
    for machine in (*machines, *machines):
        assert machine.sync().verified


def test_a_request_is_due_and_answered_on_another_pc(make: Make, running: Server) -> None:
    one, other = two(make, running)
    made = take_in(one)
    meet(one, other)

    row = the_request(other)
    assert row.request == made
    assert (row.written.machine, row.written.elsewhere) == ("Máy 1", True)
    assert row.request.next_due == made.reply_due
    assert not the_request(one).written.elsewhere
    assert row.request.is_late(made.reply_due + timedelta(days=1))

    answered = privacy(other).requests.reply(DIRECTOR, made.id, "Sẽ giao bản sao")
    meet(other, one)
    row = the_request(one)
    assert row.request == answered
    assert (row.request.state, row.request.next_due) == (RequestState.ANSWERED, made.due)
    assert row.written.machine == "Máy 2"
    with one.store.read() as work:
        assert work.requests.at_version(made.id, 1) == made
        told = [row.detail for row in work.audit.rows(9) if row.action == "sync.received"]
    assert "request: 1" in told


def test_the_province_holds_it_for_devices_of_the_station_alone(
    make: Make, running: Server
) -> None:
    one, _ = two(make, running)
    made = take_in(one, wanted="Một điều riêng tư")
    assert one.sync().verified

    basic = running.read(f"Basic/{made.id}").json()
    assert basic["code"]["coding"][0]["code"] == "request"
    assert basic["subject"] == {"reference": f"Patient/{sample.PATIENT_ID}"}
    stranger = running.for_another_facility()
    answer = requests.get(
        f"{running.url}/Basic/{made.id}",
        headers={"Authorization": f"Bearer {stranger.token}"},
        timeout=60,
    )
    assert answer.status_code == 404
    assert "riêng tư" not in answer.text


def test_the_clock_of_a_leak_runs_on_every_pc(make: Make, running: Server) -> None:
    one, other = two(make, running)
    leaks = privacy(one).breaches
    told = replace(leaks.blank(DIRECTOR), what="Mất ổ nhớ", who="20 người", done="Đã đổi khóa")
    made = leaks.record(DIRECTOR, told)
    meet(one, other)

    (row,) = privacy(other).breaches.rows(DIRECTOR)
    assert (row.breach, row.written.machine) == (made, "Máy 1")
    assert row.breach.hours_left(made.noticed_at + timedelta(hours=70)) == 2
    sent = privacy(other).breaches.reported(DIRECTOR, made.id, "Cơ quan mẫu")
    privacy(one).breaches.record(DIRECTOR, replace(made, who="25 người"))
    meet(one, other)
    for machine in (one, other):
        (row,) = privacy(machine).breaches.rows(DIRECTOR)
        assert (row.breach.who, row.breach.reported_to) == ("25 người", "Cơ quan mẫu")
        assert (row.breach.noticed_at, row.breach.reported_at) == (
            made.noticed_at,
            sent.reported_at,
        )
        assert machine.conflicts() == []


def test_two_answers_are_both_kept_until_somebody_decides(make: Make, running: Server) -> None:
    one, other = two(make, running)
    made = take_in(one)
    meet(one, other)
    privacy(one).requests.close(DIRECTOR, made.id, "Đã giao bản sao")
    privacy(other).requests.close(DIRECTOR, made.id, "Không đủ giấy tờ", refused=True)
    meet(one, other)

    assert one.conflicts() == other.conflicts() == [(RecordKind.REQUEST, made.id)]
    assert the_request(one).request == the_request(other).request
    with pytest.raises(PermissionDenied):
        desk(other).open(PHARMACIST, RecordKind.REQUEST, made.id)
    assert desk(other).rows(PHARMACIST) == ()
    view = desk(other).open(DIRECTOR, RecordKind.REQUEST, made.id)
    (field,) = view.differences
    assert field.label == "Trả lời người yêu cầu"
    both = field.one + field.other
    assert "Đã giao bản sao" in both
    assert "Không đủ giấy tờ" in both
    assert {view.one.device, view.other.device} == {"Máy 1", "Máy 2"}
    refusal = Choice.ONE if "Không đủ" in field.one else Choice.OTHER
    desk(other).decide(
        DIRECTOR,
        RecordKind.REQUEST,
        made.id,
        {field.path: refusal},
        expected_version=view.version,
    )
    meet(other, one)
    assert one.conflicts() == other.conflicts() == []
    for machine in (one, other):
        request = the_request(machine).request
        assert (request.state, request.answer) == (RequestState.REFUSED, "Không đủ giấy tờ")


def test_an_end_counts_before_a_first_answer(make: Make, running: Server) -> None:
    one, other = two(make, running)
    found = []
    for closer, replier in ((one, other), (other, one)):
        made = take_in(one)
        meet(one, other)
        ended = privacy(closer).requests.close(DIRECTOR, made.id, "Đã giao bản sao")
        privacy(replier).requests.reply(DIRECTOR, made.id, "Sẽ giao bản sao")
        meet(one, other)
        found.append(ended)
    for machine in (one, other):
        rows = {row.request.id: row.request for row in privacy(machine).requests.rows(DIRECTOR)}
        for ended in found:
            shown = rows[ended.id]
            assert (shown.answer, shown.closed_at) == ("Đã giao bản sao", ended.closed_at)
            assert shown.next_due is None
            assert (RecordKind.REQUEST, ended.id) in machine.conflicts()


def test_a_pc_that_reaches_another_pc_alone_answers_as_well(make: Make, running: Server) -> None:
    relay, _ = two(make, running)
    far = make(second_device(running))
    made = take_in(relay)
    leaks = privacy(relay).breaches
    leak = leaks.record(
        DIRECTOR, replace(leaks.blank(DIRECTOR), what="Mất máy", who="Chưa rõ", done="Đổi khóa")
    )
    assert relay.sync().verified
    test_relay.meet(far, test_relay.OtherPc(relay))
    assert the_request(far).request == made
    assert [row.breach for row in privacy(far).breaches.rows(DIRECTOR)] == [leak]

    closed = privacy(far).requests.close(DIRECTOR, made.id, "Đã giao")
    test_relay.meet(far, test_relay.OtherPc(relay))
    assert the_request(relay).request == closed
    assert relay.sync().verified
    third = make(second_device(running))
    assert third.sync().verified
    assert the_request(third).request == closed
    assert the_request(third).written.machine == "Máy 3"


def test_a_consent_ended_by_two_is_decided_without_a_signature(make: Make, running: Server) -> None:
    one, other = two(make, running)
    consents = privacy(one).consents
    blank = replace(consents.blank(DIRECTOR, sample.PATIENT_ID), purpose="contact-phone")
    given = consents.give(DIRECTOR, replace(blank, paper_number="ĐY-1"))
    consent_id = given.id_of(RecordKind.CONSENT)
    meet(one, other)
    for machine, by in ((one, "Người bệnh"), (other, "Mẹ")):
        privacy(machine).consents.withdraw(DIRECTOR, consent_id, by, "Đổi ý")
    meet(one, other)
    view = desk(other).open(DIRECTOR, RecordKind.CONSENT, consent_id)
    desk(other).decide(
        DIRECTOR,
        RecordKind.CONSENT,
        consent_id,
        {field.path: Choice.ONE for field in view.differences},
        expected_version=view.version,
    )
    meet(other, one)
    assert one.conflicts() == other.conflicts() == []


def test_both_survive_the_theft_of_the_pc(tmp_path: Path) -> None:
    province = Province(tmp_path)
    facility = province.facility()
    machines = [CourierMachine(tmp_path, province, facility)]
    try:
        stolen = machines[0]
        stolen.work_a_day()
        asked = take_in(stolen)
        leaks = privacy(stolen).breaches
        told = replace(leaks.blank(DIRECTOR), what="Mất máy", who="Chưa rõ", done="Đã đổi khóa")
        leak = leaks.record(DIRECTOR, told)
        assert stolen.round_trip().verified

        new = CourierMachine(tmp_path, province, facility, enrolled=False)
        machines.append(new)
        path = province.snapshot(facility, new.pair.public)
        assert new.rebuild().from_file(REBUILDER, str(path)).verified
        assert the_request(new).request == asked
        assert [row.breach for row in privacy(new).breaches.rows(DIRECTOR)] == [leak]
        closed = privacy(new).requests.close(DIRECTOR, asked.id, "Đã giao")
        assert the_request(new).request == closed
    finally:
        for machine in machines:
            machine.store.close()
        province.close()

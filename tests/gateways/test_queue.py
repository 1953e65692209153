"""The queue to the gateways: once each, every step written down, nothing unknown sent again."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from station_emr.demo.gateways_serving import Fault
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.errors import InvalidRecord, PermissionDenied, StateError, UserError
from station_emr.domain.gateway import Gateway, MessageKind, MessageState
from station_emr.domain.patient import Address
from station_emr.domain.permissions import Role
from station_emr.services.gateway_sending import ABANDONED
from tests.services.visit_samples import prescription, sign, visit

RX, CHECK_IN, RECORD = MessageKind.PRESCRIPTION, MessageKind.CHECK_IN, MessageKind.RECORD


def state(desk, kind, record_id):
    return desk.message(kind, record_id).state


def test_nothing_leaves_a_station_that_filled_in_nothing(desk):
    desk.turn_on(insurance_on=False, prescriptions_on=False)
    paper = desk.prescribed()
    turn = desk.send()
    assert (turn.prepared, turn.tried, desk.rx.asked) == (0, 0, [])
    assert desk.message(RX, paper) is None


def test_what_was_signed_before_it_was_switched_on_stays(desk):
    desk.turn_on(prescriptions_on=False)
    old = desk.prescribed()
    desk.turn_on()
    new = desk.prescribed()
    desk.send()
    assert desk.message(RX, old) is None
    assert state(desk, RX, new) is MessageState.ACCEPTED


def test_a_signed_prescription_goes_by_itself_and_once(desk):
    paper = desk.prescribed()
    desk.send()
    desk.send()

    message = desk.message(RX, paper)
    assert message.state is MessageState.ACCEPTED
    assert message.receipt == desk.rx.taken[0].receipt
    assert len(desk.rx.taken) == 1
    sent = json.loads(desk.rx.taken[0].content)
    assert (sent["ma_don_thuoc"], sent["loai_don_thuoc"]) == (message.name, "c")
    assert sent["gioi_tinh"] in (2, 3)
    assert desk.gateways.content(desk.station.doctor, message.id) == desk.rx.taken[0].content
    assert {"gateway.sent", "gateway.view"} <= set(desk.audit())


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.REDIRECT])
def test_after_a_recorded_failure_it_goes_again_in_its_time(desk, fault):
    paper = desk.prescribed()
    desk.rx.fail(fault)
    desk.rx.retry_after = 600
    desk.send()

    waiting = desk.message(RX, paper)
    assert waiting.state is MessageState.SIGNED
    wait = (waiting.next_try_at - waiting.answered_at).total_seconds()
    assert wait > 0
    assert (wait >= 600) is (fault is Fault.BUSY)  # as it asked by Retry-After
    assert waiting.reason
    assert desk.send().tried == 0  # not before its time
    desk.later(hours=1)
    desk.send()
    assert state(desk, RX, paper) is MessageState.ACCEPTED
    assert desk.message(RX, paper).attempts == 2


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.SLOW])
def test_what_may_have_arrived_is_unknown_and_never_sent_again_by_itself(hasty_desk, fault):
    desk = hasty_desk
    paper = desk.prescribed()
    desk.rx.fail(fault)
    turn = desk.send()

    assert turn.unknown == 1
    assert state(desk, RX, paper) is MessageState.UNKNOWN
    for _ in range(3):
        desk.later(days=1)
        desk.send()
    assert state(desk, RX, paper) is MessageState.UNKNOWN
    assert len(desk.rx.taken) == 1


def test_a_person_settles_what_is_unknown(desk):
    paper, other, third = desk.prescribed(), desk.prescribed(), desk.prescribed()
    desk.rx.fail(Fault.CUT, Fault.CUT, Fault.CUT)
    for _ in range(3):
        desk.send()
    doctor = desk.station.doctor
    found = {row.message.record_id: row.message.id for row in desk.gateways.to_decide(doctor)}
    assert set(found) == {paper, other, third}

    with pytest.raises(InvalidRecord):
        desk.gateways.confirm_arrived(doctor, found[paper], " ")
    desk.gateways.confirm_arrived(doctor, found[paper], "Thấy trên trang của hệ thống")
    desk.gateways.give_up(doctor, found[third], "Đã kê đơn khác")
    desk.gateways.resend(doctor, found[other])
    desk.send()

    assert state(desk, RX, paper) is MessageState.ACCEPTED
    assert state(desk, RX, third) is MessageState.WITHDRAWN
    refused = desk.message(RX, other)  # it had arrived: the system says so, and nothing is doubled
    assert refused.state is MessageState.REFUSED
    assert [fault.code for fault in refused.faults] == ["E03"]
    assert len(desk.rx.taken) == 3
    with pytest.raises(UserError, match="kê đơn"):
        desk.gateways.resend(doctor, refused.id)
    with pytest.raises(StateError):
        desk.gateways.resend(doctor, found[paper])


def test_only_who_settles_accounts_decides(desk):
    desk.prescribed()
    desk.rx.fail(Fault.CUT)
    desk.send()
    message = desk.gateways.to_decide(desk.station.doctor)[0].message
    with pytest.raises(PermissionDenied):
        desk.gateways.resend(desk.station.actor(Role.INSPECTOR), message.id)


def test_a_program_that_died_while_sending_leaves_it_unknown(desk):
    paper = desk.prescribed()
    desk.rx.down = True
    desk.send()  # queued, and behind a portal
    message = desk.message(RX, paper)
    assert message.state is MessageState.SIGNED
    with desk.station.store.write() as work:
        assert work.gateways.begin(message.id, desk.station.clock.now())
    desk.rx.down = False

    desk.later(hours=1)
    desk.send()

    left = desk.message(RX, paper)
    assert (left.state, left.reason) == (MessageState.UNKNOWN, ABANDONED)
    assert desk.rx.taken == []


def test_a_prescriber_without_an_account_is_told_and_nothing_is_tried(desk):
    desk.turn_on(prescribers={})
    paper = desk.prescribed()
    desk.send()
    waiting = desk.message(RX, paper)
    assert (waiting.state, waiting.attempts) == (MessageState.SIGNED, 0)
    assert "mã liên thông" in waiting.reason


def test_a_prescription_that_would_be_refused_does_not_leave(desk):
    station = desk.station
    encounter = visit(station, station.register(address=Address()))
    sign(station, encounter, prescription=prescription(station, encounter))
    desk.send()
    with station.store.read() as work:
        paper = work.prescriptions.of_encounter(encounter.id).record
    message = desk.message(RX, paper.id)
    assert message.state is MessageState.DRAFT
    assert [fault.field for fault in message.faults] == ["address"]
    assert desk.rx.asked == []


def test_a_check_in_goes_after_the_first_cost(desk):
    visit_id = desk.billed()
    desk.send()
    message = desk.message(CHECK_IN, visit_id)
    assert message.state is MessageState.ACCEPTED, message.reason
    assert message.standard == "1931"
    assert b"CHI_TIEU_TRANG_THAI_KCB" in desk.bhyt.taken[0].content
    desk.send()
    assert len(desk.bhyt.taken) == 1


def test_somebody_who_is_kept_is_checked_in_again(desk):
    visit_id = desk.billed()
    desk.send()
    first = desk.message(CHECK_IN, visit_id)
    station = desk.station
    desk.later(minutes=30)
    with station.store.read() as work:
        stored = work.encounters.get(visit_id)
    kept = replace(
        stored.record,
        admitted_at=station.clock.now(),
        admission_reason="Theo dõi",
        care_kind="06",
    )
    desk.later(minutes=1)
    station.services.encounters.amend(station.doctor, kept, stored.version, "Lưu theo dõi")
    desk.send()

    second = desk.message(CHECK_IN, visit_id)
    assert second.id != first.id
    assert second.state is MessageState.ACCEPTED, second.reason
    assert b"<NGAY_VAO_NOI_TRU>2026" in desk.bhyt.taken[-1].content
    desk.send()
    assert len(desk.bhyt.taken) == 2


def test_a_receipt_of_another_file_proves_nothing(desk):
    desk.billed()
    desk.send()
    second = desk.billed()
    desk.bhyt.fail(Fault.DUPLICATE)
    desk.send()
    message = desk.message(CHECK_IN, second)
    assert message.state is MessageState.UNKNOWN
    assert "mã giao dịch đã dùng" in message.reason


def test_outages_are_kept_and_end_with_the_first_answer(desk):
    desk.bhyt.down = True
    visit_id = desk.billed()
    desk.send()
    began = desk.gateways.outages(desk.station.nurse)[0]
    assert (began.gateway, began.ended, began.tries) == (Gateway.INSURANCE, None, 1)
    desk.later(hours=2)
    desk.send()
    desk.bhyt.down = False
    desk.later(hours=2)
    desk.send()
    (outage,) = desk.gateways.outages(desk.station.nurse)
    assert outage.tries == 2
    assert outage.ended is not None
    assert (outage.ended - outage.started).total_seconds() >= 4 * 3600
    assert state(desk, CHECK_IN, visit_id) is MessageState.ACCEPTED
    paper = desk.gateways.outage_paper(desk.station.nurse)
    assert paper.startswith(b"%PDF-")
    standing = {one.gateway: one for one in desk.gateways.standing(desk.station.nurse)}
    assert standing[Gateway.INSURANCE].away_since is None


def test_what_a_clock_that_was_ahead_put_off_goes_once_the_clock_is_right(desk):
    """No gateway is believed for longer than a day, so nobody meant a time that is years away."""
    paper = desk.prescribed()
    desk.rx.fail(Fault.BUSY)
    desk.send()
    desk.rx.fail(Fault.BUSY)
    desk.later(days=1500)
    desk.send()
    message = desk.message(RX, paper)
    assert (message.state, message.attempts) == (MessageState.SIGNED, 2)
    desk.later(days=-1500)
    desk.send()
    assert state(desk, RX, paper) is MessageState.ACCEPTED


def test_one_gateway_away_does_not_hold_the_other(desk):
    desk.bhyt.down = True
    visit_id, paper = desk.billed(), desk.prescribed()
    turn = desk.send()
    assert turn.away == {Gateway.INSURANCE}
    assert state(desk, RX, paper) is MessageState.ACCEPTED
    assert state(desk, CHECK_IN, visit_id) is MessageState.SIGNED


def test_a_changed_byte_in_the_store_is_impossible(desk):
    paper = desk.prescribed()
    desk.send()
    message = desk.message(RX, paper)
    for sql in (
        "UPDATE gateway_message SET content = x'00'",
        "UPDATE gateway_message SET state = 'signed'",
        "DELETE FROM gateway_message",
        "UPDATE gateway_attempt SET outcome = 'accepted'",
    ):
        with pytest.raises(IntegrityError), desk.station.store.write() as work:
            work._connection.execute(text(sql))
    assert desk.message(RX, paper) == message


def test_the_file_of_a_restricted_visit_is_closed(desk):
    station = desk.station
    encounter = visit(station, station.register())
    hidden = Diagnosis(icd_code="F20.0", title="Tâm thần phân liệt", role=DiagnosisRole.MAIN)
    encounter = replace(encounter, diagnoses=(hidden,))
    paper = replace(prescription(station, encounter), diagnoses=(hidden,))
    sign(station, encounter, prescription=paper)
    desk.rx.fail(Fault.REFUSED)
    desk.send()
    nurse = station.nurse
    (row,) = desk.gateways.to_decide(nurse)
    assert row.hidden
    assert (row.message.reason, row.message.faults) == ("", ())
    with pytest.raises(PermissionDenied):
        desk.gateways.content(nurse, row.message.id)
    assert desk.gateways.content(station.doctor, row.message.id)


def amended(desk, paper_id):
    station = desk.station
    with station.store.read() as work:
        stored = work.prescriptions.get(paper_id)
    other = replace(stored.record, advice="Uống sau ăn")
    station.services.prescriptions.amend(station.doctor, other, stored.version, "Ghi thiếu")


def test_an_amended_prescription_goes_as_a_new_one(desk):
    paper = desk.prescribed()
    desk.send()
    first = desk.message(RX, paper)
    amended(desk, paper)
    desk.send()

    second = desk.message(RX, paper)
    assert (second.state, second.replaces) == (MessageState.ACCEPTED, first.id)
    assert second.name != first.name
    sent = [json.loads(one.content)["ma_don_thuoc"] for one in desk.rx.taken]
    assert sent == [first.name, second.name]


def test_what_was_amended_or_voided_before_it_left_does_not_leave(desk):
    paper, other = desk.prescribed(), desk.prescribed()
    desk.rx.down = True
    desk.send()
    first = desk.message(RX, paper)
    amended(desk, paper)
    station = desk.station
    station.services.prescriptions.void(station.doctor, other, "Kê nhầm")
    desk.rx.down = False
    desk.later(hours=1)
    desk.send()

    assert len(desk.rx.taken) == 1
    with station.store.read() as work:
        assert work.gateways.get(first.id).state is MessageState.WITHDRAWN
    found = desk.message(RX, other)
    assert found is None or found.state is MessageState.WITHDRAWN

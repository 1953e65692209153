"""The claims of a day: where each stands, one PIN for all, corrections with their deadline."""

import hashlib
from dataclasses import replace
from datetime import date

import pytest

from station_emr.demo.gateways_serving import Fault
from station_emr.domain.claim import Finding, Severity
from station_emr.domain.errors import PermissionDenied, UserError
from station_emr.domain.gateway import ClaimState, Gateway, MessageKind, MessageState
from station_emr.domain.permissions import Role
from station_emr.domain.sign_fault import SigningFailure
from station_emr.domain.sync import DAILY_BYTES
from station_emr.services.secret import Secret
from tests.gateways.desk import treated

DAY = date(2026, 11, 20)
RECORD = MessageKind.RECORD


class NothingWrong:
    """No named rule has anything against a claim; those have tests of their own."""

    def findings_of(self, claim):
        return ()

    def before_sending(self, claims):
        return tuple(() for _claim in claims)


@pytest.fixture
def ready(desk, tmp_path):
    """A desk with a key, whose claims nothing is held against."""
    desk.use_key(tmp_path)
    desk.gateways.day._checks = NothingWrong()
    desk.gateways.day._claims._checks = NothingWrong()
    desk.gateways.day._files.schema_findings = lambda _claim: ()
    return desk


def line(desk, visit):
    (found,) = [
        one
        for one in desk.gateways.day.lines(desk.station.doctor, DAY, DAY)
        if one.encounter_id == visit
    ]
    return found


def test_a_visit_without_a_bill_is_not_complete(desk):
    visit = treated(desk.station).id
    found = line(desk, visit)
    assert found.state is ClaimState.INCOMPLETE
    assert "bảng kê" in found.first_words
    assert (found.due_on, found.days_left) == (date(2026, 12, 1), 7)


def test_somebody_without_a_card_is_not_in_the_list(desk):
    treated(desk.station, card=None)
    assert desk.gateways.day.lines(desk.station.doctor, DAY, DAY) == ()


def test_what_a_rule_refuses_is_faulty_and_never_leaves(desk, tmp_path):
    desk.use_key(tmp_path)
    visit = desk.billed()
    found = line(desk, visit)
    assert found.state is ClaimState.FAULTY
    assert any(finding.blocks for finding in found.findings)

    made = desk.sign_day(visit)

    assert made.queued == ()
    assert [one.encounter_id for one in made.held_back] == [visit]
    assert desk.message(RECORD, visit) is None


def test_one_pin_signs_the_day_and_each_goes_once(ready):
    visits = [ready.billed(), ready.billed()]
    assert {line(ready, visit).state for visit in visits} == {ClaimState.READY}

    made = ready.sign_day(*visits)
    assert len(made.queued) == 2
    assert {line(ready, visit).state for visit in visits} == {ClaimState.SIGNED}
    ready.send()

    records = [one for one in ready.bhyt.taken if one.kind == "130"]
    assert len(records) == 2
    for visit in visits:
        found = line(ready, visit)
        assert found.state is ClaimState.ACCEPTED
        assert found.record.receipt in {one.receipt for one in records}
        assert found.due_on is None
    sent = {hashlib.sha256(one.content).hexdigest() for one in records}
    assert sent == {ready.message(RECORD, visit).sha256 for visit in visits}
    assert all(b"SignatureValue>" in one.content for one in records)


def test_where_the_station_signs_check_ins_they_wait_for_the_pin(ready):
    ready.turn_on(sign_check_in=True)
    visit = ready.billed()
    ready.send()
    assert ready.message(MessageKind.CHECK_IN, visit).state is MessageState.DRAFT
    assert ready.bhyt.taken == []

    made = ready.sign_day()
    ready.send()

    assert made.queued == ()
    assert len(made.check_ins) == 1
    assert ready.message(MessageKind.CHECK_IN, visit).state is MessageState.ACCEPTED
    assert b"SignatureValue>" in ready.bhyt.taken[0].content


def test_a_check_in_that_would_be_refused_waits_until_it_is_mended(ready):
    files = ready.gateways.day._files
    against = Finding(
        rule="schema", severity=Severity.BLOCKING, message="Thiếu.", remedy="Hãy ghi."
    )
    files.schema_findings = lambda _claim: (against,)
    ready.turn_on(sign_check_in=True)
    visit = ready.billed()
    ready.send()
    held = ready.message(MessageKind.CHECK_IN, visit)
    assert (held.state, held.reason) == (MessageState.DRAFT, "Thiếu. Hãy ghi.")
    assert ready.sign_day().check_ins == ()

    files.schema_findings = lambda _claim: ()
    ready.send()
    assert ready.message(MessageKind.CHECK_IN, visit).replaces == held.id
    assert len(ready.sign_day().check_ins) == 1
    ready.send()
    assert ready.message(MessageKind.CHECK_IN, visit).state is MessageState.ACCEPTED


def test_a_wrong_pin_leaves_everything_as_it_was(ready):
    visit = ready.billed()
    secret = Secret("sai")
    with pytest.raises(SigningFailure):
        ready.gateways.day.sign(ready.station.doctor, secret, [visit])
    assert not secret
    assert line(ready, visit).state is ClaimState.READY


def test_a_change_after_the_gateway_took_it_is_a_correction_with_seven_days(ready):
    visit = ready.billed()
    ready.sign_day(visit)
    ready.later(days=3)  # the line was away until Monday
    ready.send()
    first = ready.message(RECORD, visit)
    ready.later(days=1)
    billing = ready.station.services.billing
    with ready.station.store.read() as work:
        bill = work.bills.of_encounter(visit)
    billing.amend(
        ready.station.nurse,
        replace(bill.record, items=bill.record.items[:1]),
        bill.version,
        "Ghi nhầm",
        ["items:prescription-left-out"],
    )

    found = line(ready, visit)
    assert found.correction
    assert found.due_on == date(2026, 12, 2)  # seven working days after it was taken
    assert found.days_left == 6
    assert found.may_sign

    ready.sign_day(visit)
    ready.send()
    again = ready.message(RECORD, visit)
    assert (again.state, again.replaces) == (MessageState.ACCEPTED, first.id)
    assert again.sha256 != first.sha256
    assert not line(ready, visit).correction


def test_a_file_that_waits_gives_way_to_a_newer_one(ready):
    visit = ready.billed()
    ready.sign_day(visit)
    first = ready.message(RECORD, visit)
    ready.sign_day(visit)
    ready.send()
    assert len([one for one in ready.bhyt.taken if one.kind == "130"]) == 1
    with ready.station.store.read() as work:
        assert work.gateways.get(first.id).state is MessageState.WITHDRAWN


def test_what_may_have_arrived_is_not_signed_over(ready):
    visit = ready.billed()
    ready.send()  # the check-in
    ready.sign_day(visit)
    ready.bhyt.fail(Fault.CUT)
    ready.send()
    assert line(ready, visit).state is ClaimState.UNKNOWN
    with pytest.raises(UserError, match="chưa rõ"):
        ready.sign_day(visit)


def test_a_refusal_is_shown_and_mended_by_a_new_file(ready):
    visit = ready.billed()
    ready.send()
    ready.sign_day(visit)
    ready.bhyt.refusal = ("61", "Trùng hồ sơ")
    ready.bhyt.fail(Fault.REFUSED)
    ready.send()
    found = line(ready, visit)
    assert found.state is ClaimState.REFUSED
    assert "Trùng hồ sơ" in found.first_words
    assert found.due_on == date(2026, 11, 24)  # two working days to mend a refusal
    assert found.may_sign
    ready.sign_day(visit)
    ready.send()
    assert line(ready, visit).state is ClaimState.ACCEPTED


def test_a_spent_day_holds_records_and_not_the_urgent_rest(ready):
    visit = ready.billed()
    with ready.station.store.write() as work:
        work.settings.put(DAILY_BYTES, "1")
        work.outbox.add_traffic(ready.station.clock.now().date(), 10, 0)
    ready.sign_day(visit)
    turn = ready.send()

    assert line(ready, visit).state is ClaimState.SIGNED
    assert "dung lượng" in turn.rests[Gateway.INSURANCE]
    assert ready.message(MessageKind.CHECK_IN, visit).state is MessageState.ACCEPTED
    with ready.station.store.read() as work:
        up, down = work.outbox.traffic_on(ready.station.clock.now().date())
    assert up > 1000  # what the check-in carried is in the books
    assert down > 0


def test_time_runs_out_in_working_days(desk):
    visit = treated(desk.station).id
    desk.later(days=12)
    found = line(desk, visit)
    assert found.late
    assert found.days_left == -1


def test_who_may(ready):
    visit = ready.billed()
    with pytest.raises(PermissionDenied):
        ready.gateways.day.sign(ready.station.actor(Role.INSPECTOR), Secret("x"), [visit])
    with pytest.raises(PermissionDenied):
        ready.gateways.day.lines(ready.station.actor(Role.ADMINISTRATOR), DAY, DAY)

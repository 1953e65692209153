"""The line to the insurance's gateway against its imitation, with everything that can go wrong."""

import hashlib
import socket
from dataclasses import replace

import pytest

from station_emr.demo.gateways_serving import Fault
from station_emr.domain.gateway import CardQuestion, MessageKind, Outcome

RECORD = b"<GIAMDINHHS><MACSKCB>DEMO1</MACSKCB></GIAMDINHHS>"
CHECK_IN = b"<CHI_TIEU_TRANG_THAI_KCB/>"
CARD = CardQuestion(card="GD4520000000001", full_name="Nguyễn Văn Mẫu", birth="03/05/1992")


def test_a_record_is_taken_byte_for_byte_and_the_receipt_comes_back(lines, account, bhxh):
    answer = lines.insurance(account).send(MessageKind.RECORD, "3176", RECORD)

    assert answer.outcome is Outcome.ACCEPTED
    assert (answer.code, answer.receipt) == ("200", "DEMO100000001")
    assert answer.received_at == "20261120080000"
    assert bhxh.taken[0].content == RECORD
    asked = bhxh.asked[-1]
    assert asked.path == "/api/qd130/guiHoSoXmlQD3176"
    assert asked.headers["passwordhash"] == hashlib.md5(b"mat khau").hexdigest().upper()
    assert b"loaiHoSo=130" in asked.body
    assert b"maTinh=DE&" in asked.body


@pytest.mark.parametrize(
    ("standard", "where"),
    [("130", "Qd130"), ("4750", "Qd4750"), ("3176", "Qd3176"), ("1931", "Qd3176")],
)
def test_a_check_in_goes_where_its_tables_belong(lines, account, bhxh, standard, where):
    answer = lines.insurance(account).send(MessageKind.CHECK_IN, standard, CHECK_IN)

    assert answer.outcome is Outcome.ACCEPTED
    assert bhxh.asked[-1].path == f"/api/qd130/checkInKcb{where}"
    assert b"loaiHoSo=0&" in bhxh.asked[-1].body


def test_one_token_serves_until_it_ends(lines, account, bhxh, clock):
    line = lines.insurance(account)
    line.send(MessageKind.RECORD, "3176", RECORD)
    lines.insurance(account).send(MessageKind.RECORD, "3176", RECORD)
    assert bhxh.tokens_given == 1

    clock.forward(minutes=60)
    assert line.send(MessageKind.RECORD, "3176", RECORD).outcome is Outcome.ACCEPTED
    assert bhxh.tokens_given == 2


def test_a_401_renews_the_token_once_and_sends_once(lines, account, bhxh):
    line = lines.insurance(account)
    bhxh.fail(Fault.EXPIRED)
    assert line.send(MessageKind.RECORD, "3176", RECORD).outcome is Outcome.ACCEPTED
    assert (bhxh.tokens_given, len(bhxh.taken)) == (2, 1)

    bhxh.fail(Fault.EXPIRED, Fault.EXPIRED)
    answer = line.send(MessageKind.RECORD, "3176", RECORD)
    assert answer.outcome is Outcome.NOT_TAKEN
    assert (bhxh.tokens_given, len(bhxh.taken)) == (3, 1)


@pytest.mark.parametrize(
    "fault", [Fault.CUT, Fault.SLOW, Fault.TRUNCATED, Fault.HUGE, Fault.NONSENSE, Fault.NO_RECEIPT]
)
def test_taken_without_an_answer_of_use_is_unknown(hasty_lines, account, bhxh, fault):
    bhxh.fail(fault)

    answer = hasty_lines.insurance(account).send(MessageKind.RECORD, "3176", RECORD)

    assert len(bhxh.taken) == 1
    assert answer.outcome is Outcome.UNKNOWN
    assert "tra trên trang của cổng" in answer.reason


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.HTML, Outcome.UNKNOWN),  # the log-in works, so this page came from the gateway
        (Fault.ERROR, Outcome.UNKNOWN),
        (Fault.CUT_EARLY, Outcome.UNKNOWN),  # nobody can see from here that nothing was taken
        (Fault.REDIRECT, Outcome.AWAY),
        (Fault.FAILED, Outcome.NOT_TAKEN),
        (Fault.BUSY, Outcome.NOT_TAKEN),
        (Fault.REFUSED, Outcome.REFUSED),
    ],
)
def test_what_is_certain_is_said_and_no_more(lines, account, bhxh, fault, outcome):
    bhxh.fail(fault)
    answer = lines.insurance(account).send(MessageKind.RECORD, "3176", RECORD)

    assert bhxh.taken == []
    assert answer.outcome is outcome
    assert answer.reason


def test_a_busy_gateway_says_for_how_long(lines, account, bhxh):
    bhxh.fail(Fault.BUSY)
    answer = lines.insurance(account).send(MessageKind.RECORD, "3176", RECORD)
    assert answer.retry_after == 7.0


def test_a_refusal_carries_the_gateways_words(lines, account, bhxh):
    bhxh.refusal = ("61", "Trùng hồ sơ")
    bhxh.fail(Fault.REFUSED)
    answer = lines.insurance(account).send(MessageKind.RECORD, "3176", RECORD)
    assert (answer.code, "Trùng hồ sơ" in answer.reason) == ("61", True)


def test_a_captive_portal_is_no_gateway(lines, account, bhxh):
    line = lines.insurance(account)
    assert line.send(MessageKind.RECORD, "3176", RECORD).outcome is Outcome.ACCEPTED
    bhxh.down = True

    answer = line.send(MessageKind.RECORD, "3176", RECORD)

    assert answer.outcome is Outcome.AWAY
    assert "Wi-Fi" in answer.reason
    assert line.look_up(CARD)[0].outcome is Outcome.AWAY


def test_nobody_listens(lines, account):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    answer = lines.insurance(replace(account, base_url=address)).send(
        MessageKind.RECORD, "3176", RECORD
    )
    assert answer.outcome is Outcome.AWAY


def test_nothing_goes_in_the_clear_to_another_machine(lines, account):
    elsewhere = replace(account, base_url="http://cong.example")
    answer = lines.insurance(elsewhere).send(MessageKind.RECORD, "3176", RECORD)
    assert answer.outcome is Outcome.AWAY
    assert "Địa chỉ" in answer.reason


def test_a_wrong_password_is_not_tried_again_until_a_person_asks(lines, account, bhxh):
    line = lines.insurance(replace(account, password="sai"))
    first = line.send(MessageKind.RECORD, "3176", RECORD)
    tries = len(bhxh.asked)
    again = line.send(MessageKind.RECORD, "3176", RECORD)

    assert first.outcome is again.outcome is Outcome.NOT_TAKEN
    assert first.code == "401"
    assert len(bhxh.asked) == tries
    lines.forgive()
    line.send(MessageKind.RECORD, "3176", RECORD)
    assert len(bhxh.asked) == tries + 1


def test_a_card_is_looked_up_with_the_clerk_and_the_birth_date(lines, account, bhxh):
    answer, facts = lines.insurance(account).look_up(CARD)

    assert (answer.outcome, answer.code) == (Outcome.ACCEPTED, "000")
    assert facts["gtTheDen"] == "31/12/2026"
    assert b"03/05/1992" in bhxh.asked[-1].body
    assert b"000000000001" in bhxh.asked[-1].body


def test_the_other_form_of_the_birth_date_is_tried_when_the_gateway_wants_it(lines, account, bhxh):
    bhxh.dates_without_strokes = True
    answer, _facts = lines.insurance(account).look_up(CARD)

    assert answer.code == "000"
    assert b"03051992" in bhxh.asked[-1].body


def test_no_password_and_no_token_in_what_is_shown_of_the_line(lines, account):
    line = lines.insurance(account)
    line.test()
    assert "mat khau" not in repr(account) + repr(line._token)

"""Cards at the desk: every code has words, nothing waits, what failed is kept as evidence."""

from datetime import date

import pytest

from station_emr.demo.gateways_serving import Fault
from station_emr.domain.birth import BirthDate
from station_emr.domain.errors import PermissionDenied, UserError
from station_emr.domain.gateway import CardUse, Gateway, MessageKind, Outcome
from station_emr.domain.patient import Coverage
from station_emr.domain.permissions import Role
from station_emr.services.gateway_data import card_result, card_results
from tests.printing.pdf import text as pdf_words

# By hand from the table of CV 1923: which verdict each code is.
VERDICTS = {
    CardUse.YES: {"000", "004"},
    CardUse.BY_PAPER: {"001", "002"},
    CardUse.NEW_CARD: {"003"},
    CardUse.NO: {"010", "050", "051", "052", "053", "110", "120", "121", "122", "123", "124"},
    CardUse.SETTINGS: {"054", "055"},
    CardUse.CORRECT: {"060", "061", "070"},
    CardUse.LATER: {"100", "101", "401", "500"},
    CardUse.TEMPORARY: {"130"},
    CardUse.REQUEST: {"205"},
}


def person(desk, number="GD4520000000001", **changes):
    card = Coverage(number=number, valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 31))
    return desk.station.register(coverages=(card,), **changes)


def test_every_code_of_the_table_has_its_verdict_and_words():
    found: dict[CardUse, set[str]] = {}
    for one in card_results():
        found.setdefault(one.use, set()).add(one.code)
        assert one.words
        assert one.remedy or one.use is CardUse.YES
    assert found == VERDICTS


def test_a_code_that_nobody_knows_settles_nothing():
    unknown = card_result("999")
    assert unknown.use is CardUse.LATER
    assert "999" in unknown.words


def test_an_answer_is_kept_with_its_age(desk):
    nurse, cards = desk.station.nurse, desk.gateways.cards
    someone = person(desk)
    assert cards.known(nurse, someone.id).answer is None

    answer = cards.look_up(nurse, someone.id)
    desk.later(hours=3)
    known = cards.known(nurse, someone.id)

    assert answer.use is CardUse.YES
    assert known.answer == answer
    now = desk.station.clock.now()
    assert 3 * 3600 <= known.age(now).total_seconds() < 3 * 3600 + 5
    assert not known.stale(now)
    desk.later(days=1)
    assert known.stale(desk.station.clock.now())
    assert "card.look_up" in desk.audit()


def test_what_the_portal_says_of_a_card_is_told(desk):
    someone = person(desk)
    for number, use in (
        ("GD4520000000003", CardUse.NEW_CARD),
        ("GD4520000000010", CardUse.NO),
        ("GD4520000000060", CardUse.CORRECT),
    ):
        answer = desk.gateways.cards.look_up(desk.station.nurse, someone.id, number)
        assert answer.use is use
        assert answer.answered
        if use is CardUse.NEW_CARD:
            assert answer.facts["maTheMoi"] == "GD4520000000099"


@pytest.mark.parametrize("fault", [Fault.HTML, Fault.CUT])
def test_reception_goes_on_and_the_last_answer_stays(desk, fault):
    nurse, cards = desk.station.nurse, desk.gateways.cards
    someone = person(desk)
    first = cards.look_up(nurse, someone.id)
    desk.bhyt.fail(fault)
    desk.later(minutes=5)

    missed = cards.look_up(nurse, someone.id)

    assert missed.use is CardUse.LATER
    assert "Cứ tiếp đón" in missed.remedy
    known = cards.known(nurse, someone.id)
    assert (known.answer, known.tried) == (first, missed)
    newest = desk.gateways.attempts(nurse, 1)[0]
    assert (newest.gateway, newest.kind) == (Gateway.INSURANCE, MessageKind.CARD)
    assert newest.outcome is Outcome.AWAY
    assert desk.gateways.outages(nurse)[0].ended is None


@pytest.mark.parametrize("days", [-9000, 2000])
def test_the_newest_answer_is_the_one_asked_for_last_whatever_the_clock_said(desk, days):
    nurse, cards = desk.station.nurse, desk.gateways.cards
    someone = person(desk)
    first = cards.look_up(nurse, someone.id)
    desk.later(days=days)
    second = cards.look_up(nurse, someone.id)
    assert cards.known(nurse, someone.id).answer == second
    desk.later(days=-days)  # the clock is put right: whose age nobody knows is asked again
    known = cards.known(nurse, someone.id)
    assert known.answer == second
    assert known.stale(desk.station.clock.now())
    assert cards.history(nurse, someone.id) == (second, first)


def test_a_dead_clock_moves_no_outage_and_the_paper_says_what_was_left_out(desk):
    nurse, cards = desk.station.nurse, desk.gateways.cards
    someone = person(desk)
    cards.look_up(nurse, someone.id)
    desk.bhyt.down = True
    desk.later(hours=1)
    cards.look_up(nurse, someone.id)
    desk.later(days=-9000)
    cards.look_up(nurse, someone.id)
    desk.later(days=9000)
    desk.later(hours=1)
    desk.bhyt.down = False
    cards.look_up(nurse, someone.id)

    (outage,) = desk.gateways.outages(nurse)

    assert (outage.tries, outage.at_least) == (2, False)
    assert 3600 <= (outage.ended - outage.started).total_seconds() < 3600 + 60
    said = " ".join(pdf_words(desk.gateways.outage_paper(nurse)).split())
    assert "1 lần thử ghi lúc đồng hồ máy sai" in said


def test_a_clerk_who_is_not_registered_is_a_matter_of_the_settings(desk):
    desk.turn_on(clerk_id="000000000009", clerk_name="Người Khác")
    someone = person(desk)
    answer = desk.gateways.cards.look_up(desk.station.nurse, someone.id)
    assert (answer.code, answer.use) == ("054", CardUse.SETTINGS)
    assert desk.gateways.cards.known(desk.station.nurse, someone.id).answer is None


def test_somebody_new_is_asked_about_and_nothing_is_kept_of_them(desk):
    nurse = desk.station.nurse
    found = desk.gateways.cards.look_up_typed(
        nurse, "GD4520000000077", "Trần Thị Mẫu", BirthDate(1990)
    )
    assert found.use is CardUse.YES
    assert found.patient_id == ""
    assert desk.gateways.attempts(nurse, 1)[0].kind is MessageKind.CARD


def test_without_a_connection_or_a_card_nothing_is_asked(desk):
    nurse = desk.station.nurse
    with pytest.raises(UserError, match="chưa có thẻ"):
        desk.gateways.cards.look_up(nurse, desk.station.register(coverages=()).id)
    desk.turn_on(insurance_on=False)
    with pytest.raises(UserError, match="Chưa bật"):
        desk.gateways.cards.look_up(nurse, person(desk).id)
    assert desk.bhyt.asked == []


def test_who_may(desk):
    someone = person(desk)
    with pytest.raises(PermissionDenied):
        desk.gateways.cards.look_up(desk.station.actor(Role.INSPECTOR), someone.id)
    with pytest.raises(PermissionDenied):
        desk.gateways.cards.known(desk.station.actor(Role.ADMINISTRATOR), someone.id)


def test_what_could_not_be_looked_up_is_asked_again_when_the_portal_is_back(desk):
    nurse, cards = desk.station.nurse, desk.gateways.cards
    one, other = person(desk), person(desk, "GD4520000000010")
    desk.bhyt.down = True
    cards.look_up(nurse, one.id)
    cards.look_up(nurse, other.id)
    desk.later(minutes=20)
    desk.send()  # still away: asked about one, and left alone
    asked = len(desk.gateways.attempts(nurse, 10))
    assert asked == 3
    desk.send()
    assert len(desk.gateways.attempts(nurse, 10)) == 4  # the other; each rests for ten minutes
    desk.send()
    assert len(desk.gateways.attempts(nurse, 10)) == 4

    desk.bhyt.down = False
    desk.later(minutes=20)
    desk.send()

    assert cards.known(nurse, one.id).answer.use is CardUse.YES
    assert cards.known(nurse, other.id).answer.use is CardUse.NO
    desk.later(minutes=20)
    before = len(desk.gateways.attempts(nurse, 20))
    desk.send()
    assert len(desk.gateways.attempts(nurse, 20)) == before

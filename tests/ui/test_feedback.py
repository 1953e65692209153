"""What a hospital answered, on the screens of the station."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from station_emr.domain.operation import Origin
from station_emr.domain.permissions import Role
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.domain.referral_feedback import FeedbackState, ReferralFeedback
from station_emr.ui.models import routes
from station_emr.ui.screens.referrals.feedback_card import answer_chip
from station_emr.ui.screens.referrals.list_page import keeps, urgent_first
from tests.services.conftest import MORNING
from tests.ui.test_referrals import ROW, Page
from tests.ui.visits import letter, signed_letter, visit

__all__ = ["letter", "signed_letter", "visit"]


@pytest.fixture
def answered(station):
    """``answered(letter_id, state)`` lays in what the province brought."""

    def lay_in(letter_id: str, state: FeedbackState, **said) -> Changes:
        referral = station.services.referrals.get(station.doctor, letter_id).record
        answer = ReferralFeedback(
            id=letter_id.replace(letter_id[-4:], "fbfb"),
            referral_id=letter_id,
            patient_id=referral.patient_id,
            state=state,
            answered_at=MORNING,
            answered_by="Trần Thị Mẫu",
            receiver_name="Bệnh viện Mẫu",
            **said,
        )
        with station.store.write() as work:
            nodes = work.feedback.lineage(answer.id)
            changed = work.feedback.add_replica(
                answer,
                RecordStatus.AMENDED if nodes else RecordStatus.SIGNED,
                author=("far", "Trần Thị Mẫu"),
                at=MORNING,
                parents=(nodes[-1].version,) if nodes else (),
                origin=Origin.REPLICA,
            )
        return Changes((changed,))

    return lay_in


def test_the_letter_shows_the_answer_and_stops_calling_it_new(
    qtbot, session_of, station, signed_letter, answered
) -> None:
    letter_id = signed_letter()
    session = session_of()
    page = Page(qtbot, session, routes.ReferralRoute(referral_id=letter_id)).open()
    assert not page.letter.feedback.isVisible()

    changes = answered(
        letter_id,
        FeedbackState.COMPLETED,
        discharged_on=date(2026, 11, 24),
        diagnosis_code="I20.0",
        diagnosis="Đã ổn định",
        advice="Đo huyết áp mỗi tuần",
    )
    session.changed.emit(changes)

    page.until(page.letter.feedback.isVisible)
    assert page.letter.states == ("Đã ký", "Đã phản hồi")
    for said in ("Bệnh viện Mẫu", "24/11/2026", "I20.0 Đã ổn định", "Đo huyết áp mỗi tuần"):
        assert said in page.letter.feedback.said
    assert page.letter.feedback.read.isVisible()
    assert station.services.referrals.unread_feedback(station.doctor) == 1

    page.press_button("referral.feedback.read")

    page.until(lambda: not page.letter.feedback.read.isVisible())
    assert station.services.referrals.unread_feedback(station.doctor) == 0
    assert page.letter.feedback.isVisible()
    with station.store.read() as work:
        assert work.audit.rows(1)[0].action == "feedback.read"


def test_a_refusal_says_why_and_a_later_answer_takes_its_place(
    qtbot, session_of, signed_letter, answered
) -> None:
    letter_id = signed_letter()
    answered(letter_id, FeedbackState.REJECTED, reason="Hết giường")
    session = session_of()
    page = Page(qtbot, session, routes.ReferralRoute(referral_id=letter_id)).open()
    page.until(page.letter.feedback.isVisible)
    assert "Lý do từ chối: Hết giường" in page.letter.feedback.said

    session.changed.emit(answered(letter_id, FeedbackState.ACCEPTED))

    page.until(lambda: "Hết giường" not in page.letter.feedback.said)
    assert page.letter.states == ("Đã ký", "Bệnh viện đã nhận")


def test_the_list_hears_of_answers_and_filters_them(
    qtbot, session_of, signed_letter, answered
) -> None:
    waits, refused = signed_letter("Người Mẫu Một"), signed_letter("Người Mẫu Hai")
    session = session_of(Role.NURSE)
    page = Page(qtbot, session)
    table = page.screen.list.table
    page.until(lambda: len(table.rows) == 2)
    assert table.isColumnHidden(9)

    session.changed.emit(answered(refused, FeedbackState.REJECTED, reason="Hết giường"))

    page.until(lambda: not table.isColumnHidden(9))
    assert page.screen.list.count.text() == "2 phiếu · 1 trả lời mới"
    page.screen.list.state.set_value("new")
    page.screen.list.state.changed.emit()
    assert [row.id for row in table.rows] == [refused]
    page.screen.list.state.set_value("all")
    page.screen.list.state.changed.emit()
    assert {row.id for row in table.rows} == {waits, refused}


def test_new_answers_come_before_older_letters() -> None:
    new = replace(ROW, id="new", answer=FeedbackState.ACCEPTED, answer_new=True)
    assert [row.id for row in urgent_first([ROW, new])] == ["new", "r1"]
    assert keeps(new, "answered", "")
    assert not keeps(ROW, "answered", "")
    assert not keeps(replace(new, answer_new=False), "new", "")


@pytest.mark.parametrize("state", FeedbackState)
def test_every_answer_has_its_words(state) -> None:
    assert answer_chip(None) is None
    chip = answer_chip(state, new=True)
    assert chip.spoken == f"Mới: {state.label}"
    assert answer_chip(state).spoken == state.label


def test_a_kind_of_change_that_is_no_answer_counts_nothing() -> None:
    assert not Changes(()).touches(RecordKind.FEEDBACK)

"""Answers of receiving hospitals: the newest stands, is new until read, and shows in the list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.db.store import EncryptedStore
from station_emr.domain.errors import StateError
from station_emr.domain.operation import Origin
from station_emr.domain.record import RecordStatus
from station_emr.domain.referral_feedback import FeedbackState, ReferralFeedback

from . import records

LETTER = records.record_id(301)
ANSWER = ReferralFeedback(
    id=records.record_id(601),
    referral_id=LETTER,
    patient_id=records.record_id(1),
    state=FeedbackState.REJECTED,
    reason="Hết giường",
)


@pytest.fixture
def store(store: EncryptedStore) -> EncryptedStore:
    with store.write() as work:
        records.sign(work.patients, records.patient())
        records.sign(work.encounters, records.encounter())
        records.sign(work.referrals, records.referral())
    return store


def arrive(store: EncryptedStore, answer: ReferralFeedback, *, parents=(), voided=False) -> None:
    with store.write() as work:
        work.feedback.add_replica(
            answer,
            RecordStatus.VOIDED if voided else RecordStatus.SIGNED,
            author=("far", "Người nhận mẫu"),
            at=records.LATER,
            parents=parents,
            origin=Origin.REPLICA,
        )


def row(store: EncryptedStore):
    with store.read() as work:
        found = work.referrals.row(LETTER)
        assert work.referrals.rows(9) == (found,)
        return found


def test_a_letter_without_an_answer_has_none(store) -> None:
    assert row(store).answer is None
    with store.read() as work:
        assert work.feedback.of_referral(LETTER) is None
        assert work.feedback.unread() == 0


def test_an_answer_is_new_until_it_is_read_and_again_with_each_version(store) -> None:
    arrive(store, ANSWER)
    shown = row(store)
    assert (shown.answer, shown.answer_reason) == (FeedbackState.REJECTED, "Hết giường")
    assert shown.answer_new
    with store.write() as work:
        assert work.feedback.mark_read(LETTER)
        assert not work.feedback.mark_read(LETTER)
        assert work.feedback.unread() == 0
    assert not row(store).answer_new

    later = replace(ANSWER, state=FeedbackState.ACCEPTED, reason="")
    arrive(store, later, parents=(1,))

    assert (row(store).answer, row(store).answer_new) == (FeedbackState.ACCEPTED, True)
    with store.read() as work:
        assert work.feedback.unread() == 1
        answer = work.feedback.of_referral(LETTER)
        assert answer is not None
        assert answer.record == later


def test_of_two_answers_the_one_that_stands_counts(store) -> None:
    arrive(store, ANSWER)
    other = replace(ANSWER, id=records.record_id(602), state=FeedbackState.ACCEPTED)
    arrive(store, other)
    assert row(store).answer is FeedbackState.ACCEPTED
    arrive(store, other, parents=(1,), voided=True)
    assert row(store).answer is FeedbackState.REJECTED
    with store.read() as work:
        found = work.feedback.of_referral(LETTER)
        assert found is not None
        assert found.record == ANSWER


def test_an_answer_without_its_letter_is_refused(store) -> None:
    with pytest.raises(Exception, match="does not fit"):
        arrive(store, replace(ANSWER, referral_id=records.record_id(399)))
    assert row(store).answer is None


def test_nothing_that_arrived_is_queued_again(store) -> None:
    with store.read() as work:
        before = len(work.outbox.waiting(99))
    arrive(store, ANSWER)
    with store.read() as work:
        assert len(work.outbox.waiting(99)) == before


def test_an_answer_is_never_changed_in_place(store) -> None:
    arrive(store, ANSWER)
    with pytest.raises(StateError), store.write() as work:
        work.feedback.save_draft(ANSWER, records.LATER)

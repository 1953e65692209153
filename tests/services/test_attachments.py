"""A signed letter's printed form is queued with it, follows amendments and goes with a voiding."""

from __future__ import annotations

import pytest

from station_emr.domain.record import RecordKind
from station_emr.printing.documents import PdfDocuments
from station_emr.services.attachments import FormMaker
from station_emr.services.sync_ports import AttachmentState
from tests.services.visit_samples import appointment, prescription, referral, sign, visit


@pytest.fixture
def signed(station):
    """A visit that was signed with every paper; gives the letter."""
    encounter = visit(station, station.register())
    letter = referral(station, encounter)
    sign(
        station,
        encounter,
        referral=letter,
        prescription=prescription(station, encounter),
        appointment=appointment(station, encounter),
    )
    return station.services.referrals.get(station.doctor, letter.id).record


def due(station):
    with station.store.read() as work:
        return [
            (one.kind, one.record_id, one.version, one.state) for one in work.attachments.due(9)
        ]


def test_the_letter_alone_is_queued(station, signed):
    assert due(station) == [(RecordKind.REFERRAL, signed.id, 1, AttachmentState.EMPTY)]
    with station.store.read() as work:
        (one,) = work.attachments.due(9)
    assert signed.number in one.title
    assert signed.patient.full_name not in one.title


def test_an_amendment_takes_the_place_of_what_was_not_sent(station, signed):
    station.services.referrals.amend(station.doctor, signed, 1, "Bổ sung")
    assert [version for _, _, version, _ in due(station)] == [2]


def test_what_was_sent_stays_sent(station, signed):
    with station.store.write() as work:
        (one,) = work.attachments.due(9)
        work.attachments.fill(one.id, b"%PDF", "ab")
        work.attachments.done(one.id)
    station.services.referrals.amend(station.doctor, signed, 1, "Bổ sung")
    station.services.referrals.void(station.doctor, signed.id, "Nhầm người")
    assert due(station) == []
    with station.store.write() as work:
        assert work.attachments.offer_again(station.clock.now().replace(year=2000)) == 1
    assert [(version, state) for _, _, version, state in due(station)] == [
        (1, AttachmentState.EMPTY)
    ]


def test_a_voided_letter_sends_nothing(station, signed):
    with station.store.read() as work:
        (one,) = work.attachments.due(9)
    station.services.referrals.void(station.doctor, signed.id, "Nhầm người")
    assert due(station) == []
    assert FormMaker(station.store, PdfDocuments())(one) is None


def test_voiding_the_visit_drops_it_too(station, signed):
    station.services.encounters.void(station.director, signed.encounter_id, "Nhầm người")
    assert due(station) == []


def test_the_form_is_of_its_version_and_the_same_each_time(station, signed):
    with station.store.read() as work:
        (one,) = work.attachments.due(9)
    maker = FormMaker(station.store, PdfDocuments())
    first = maker(one)
    station.clock.forward(minutes=5)
    station.services.referrals.amend(station.doctor, signed, 1, "Bổ sung")
    assert maker(one) == first
    assert first.startswith(b"%PDF")

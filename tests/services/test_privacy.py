"""Consent per purpose, requests with their deadlines, leaks with their clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from station_emr.domain.birth import BirthDate
from station_emr.domain.consent import PURPOSES, ConsentForm, ConsentGiver, ConsentStanding
from station_emr.domain.errors import InvalidRecord, PermissionDenied, StateError
from station_emr.domain.permissions import Role
from station_emr.domain.privacy_request import Asker, RequestKind, RequestState, working_days_after
from station_emr.domain.record import RecordKind

from .visit_samples import sign, visit


def codes(refused: pytest.ExceptionInfo[InvalidRecord]) -> set[str]:
    return {f"{one.field}:{one.code}" for one in refused.value.problems}


def filled(station, person, **changes):
    blank = station.services.privacy.consents.blank(station.nurse, person.id)
    return replace(blank, **{"purpose": "contact-phone", "paper_number": "ĐY-1"} | changes)


def test_nothing_is_agreed_to_before_somebody_says_so(station) -> None:
    person = station.register(birth=BirthDate(1980, 2, 3))
    consents = station.services.privacy.consents

    assert consents.blank(station.nurse, person.id).purpose == ""
    assert not any(consents.allowed(station.nurse, person.id, one.code) for one in PURPOSES)
    with pytest.raises(InvalidRecord) as refused:
        consents.give(station.nurse, consents.blank(station.nurse, person.id))
    assert codes(refused) == {"purpose:required", "paper_number:required"}


def test_one_consent_is_one_purpose_and_is_queued_for_the_province(station) -> None:
    person = station.register(birth=BirthDate(1980, 2, 3))
    consents = station.services.privacy.consents
    made = consents.give(station.nurse, filled(station, person))

    assert consents.allowed(station.nurse, person.id, "contact-phone")
    assert not consents.allowed(station.nurse, person.id, "research")
    with station.store.read() as work:
        queued = {(one.kind, one.record_id) for one in work.outbox.waiting(50)}
    assert (RecordKind.CONSENT, made.id_of(RecordKind.CONSENT)) in queued


@pytest.mark.parametrize(
    ("years", "giver", "refused_code"),
    [
        (6, ConsentGiver.PATIENT, "giver:guardian"),
        (6, ConsentGiver.BOTH, "giver:guardian"),
        (7, ConsentGiver.GUARDIAN, "giver:both"),
        (17, ConsentGiver.PATIENT, "giver:both"),
    ],
)
def test_a_child_does_not_agree_alone(station, years, giver, refused_code) -> None:
    born = station.clock.now().date().year - years
    person = station.register(birth=BirthDate(born, 1, 1), national_id="")
    with pytest.raises(InvalidRecord) as refused:
        station.services.privacy.consents.give(
            station.nurse,
            filled(station, person, giver=giver, guardian_name="Mẹ", guardian_relationship="Mẹ"),
        )
    assert codes(refused) == {refused_code}


def test_what_is_taken_back_counts_at_once_and_stays_readable(station) -> None:
    person = station.register(birth=BirthDate(1980, 2, 3))
    consents = station.services.privacy.consents
    made = consents.give(station.nurse, filled(station, person)).id_of(RecordKind.CONSENT)

    consents.withdraw(station.nurse, made, "Người bệnh", "Không muốn nhận tin", "RĐY-1")

    assert not consents.allowed(station.nurse, person.id, "contact-phone")
    (row,) = consents.of_patient(station.nurse, person.id).rows
    assert row.standing is ConsentStanding.WITHDRAWN
    assert row.consent.answer_due == station.clock.now().date() + timedelta(days=15)
    with station.store.read() as work:
        assert work.consents.at_version(made, 1).withdrawn_at is None
    assert [one.consent.id for one in consents.unanswered(station.nurse)] == [made]
    consents.answer(station.director, made)
    assert consents.unanswered(station.nurse) == ()


def test_spoken_consent_needs_a_witness_and_an_old_one_runs_out(station) -> None:
    person = station.register(birth=BirthDate(1980, 2, 3))
    consents = station.services.privacy.consents
    with pytest.raises(InvalidRecord) as refused:
        consents.give(station.nurse, filled(station, person, form=ConsentForm.SPOKEN))
    assert codes(refused) == {"witness:required"}
    today = station.clock.now().date()
    consents.give(station.nurse, filled(station, person, valid_until=today))
    assert consents.allowed(station.nurse, person.id, "contact-phone")
    station.clock.forward(hours=24)
    assert not consents.allowed(station.nurse, person.id, "contact-phone")


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2026, 11, 20), date(2026, 11, 24)),  # a Friday
        (date(2026, 11, 21), date(2026, 11, 24)),
        (date(2026, 11, 23), date(2026, 11, 25)),
    ],
)
def test_weekends_are_no_working_days(day, due) -> None:
    assert working_days_after(day, 2) == due


def test_a_request_runs_through_its_deadlines(station) -> None:
    person = station.register()
    requests = station.services.privacy.requests
    blank = requests.blank(station.nurse, person.id)
    made = requests.receive(
        station.nurse, replace(blank, asker_paper="MẪU", kind=RequestKind.DELETE, wanted="Số cũ")
    )

    assert made.number == "YC-A1.26-0001"
    day = made.received_at.date()
    assert (made.next_due, made.due) == (working_days_after(day, 2), day + timedelta(days=20))
    station.clock.forward(hours=24 * 5)
    assert requests.rows(station.nurse)[0].late
    answered = requests.reply(station.director, made.id, "Đã nhận, đang xem xét")
    assert (answered.state, answered.next_due) == (RequestState.ANSWERED, made.due)
    assert not requests.rows(station.nurse)[0].late
    done = requests.close(station.director, made.id, "Không xóa được hồ sơ", refused=True)
    assert done.next_due is None
    with pytest.raises(StateError):
        requests.reply(station.director, made.id, "Mở lại")


def test_a_representative_who_may_only_get_the_summary_gets_no_copy(station) -> None:
    person = station.register()
    requests = station.services.privacy.requests
    blank = requests.blank(station.nurse, person.id)
    asked = replace(blank, asker=Asker.REPRESENTATIVE_A, asker_paper="MẪU", kind=RequestKind.COPY)
    with pytest.raises(InvalidRecord) as refused:
        requests.receive(station.nurse, asked)
    assert codes(refused) == {"kind:summary-only", "proof:required"}
    requests.receive(station.nurse, replace(asked, kind=RequestKind.SUMMARY, proof="Giấy mẫu"))


def test_the_summary_is_filled_from_the_record_and_noted(station) -> None:
    person = station.register()
    encounter = visit(station, person)
    sign(station, encounter)
    requests = station.services.privacy.requests
    blank = requests.blank(station.doctor, person.id)
    made = requests.receive(station.doctor, replace(blank, asker_paper="MẪU"))

    pdf = requests.summary(station.doctor, made.id)

    assert pdf.startswith(b"%PDF")
    with station.store.read() as work:
        line = next(row for row in work.audit.rows(9) if row.action == "privacy_request.summary")
    assert (line.patient_id, line.purpose) == (person.id, "request")
    assert requests.form(station.nurse, person.id).startswith(b"%PDF")


def test_a_leak_has_72_hours_and_its_clock_cannot_be_set_back(station) -> None:
    breaches = station.services.privacy.breaches
    blank = breaches.blank(station.director)
    with pytest.raises(InvalidRecord) as refused:
        breaches.record(station.director, blank)
    assert codes(refused) == {"what:required", "who:required", "done:required"}
    made = breaches.record(
        station.director, replace(blank, what="Mất máy", who="Khoảng 20 người", done="Đổi khóa")
    )
    assert (made.number, made.due - made.noticed_at) == ("SC-A1.26-0001", timedelta(hours=72))
    station.clock.forward(hours=80)
    later = breaches.record(station.director, replace(made, noticed_at=station.clock.now()))
    assert later.noticed_at == made.noticed_at
    assert later.hours_left(station.clock.now()) < 0
    assert breaches.report(station.director, made.id).startswith(b"%PDF")
    assert breaches.reported(station.director, made.id, "Công an tỉnh").reported_to


def test_an_administrator_handles_no_request_and_reads_no_consent(station) -> None:
    person = station.register()
    admin = station.actor(Role.ADMINISTRATOR)
    for refused in (
        lambda: station.services.privacy.requests.rows(admin),
        lambda: station.services.privacy.consents.of_patient(admin, person.id),
        lambda: station.services.privacy.breaches.rows(admin),
    ):
        with pytest.raises(PermissionDenied):
            refused()

"""Two machines wrote about one request or one leak: what the rule decides and what it leaves open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

from station_emr.domain.field_labels import LABELS
from station_emr.domain.merge import merge, paths
from station_emr.domain.privacy_request import RequestState
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.value_text import describe
from tests.interop import privacy_records as sample

OPEN = replace(
    sample.REQUEST,
    state=RequestState.RECEIVED,
    answered_at=None,
    answer="",
    handled_by="",
    closed_at=None,
)
ANSWERED = replace(
    OPEN,
    state=RequestState.ANSWERED,
    answered_at=sample.REQUEST.answered_at,
    answer="Sẽ giao",
    handled_by="ĐD. Mẫu",
)
DONE = sample.REQUEST
SIGNED, AMENDED = RecordStatus.SIGNED, RecordStatus.AMENDED


def merged(kind, base, one, other):
    found = merge(kind, base, one, other, AMENDED, AMENDED)
    return found.record, found.open_fields


def test_what_one_machine_alone_changed_is_taken() -> None:
    called = replace(OPEN, asker_phone="0911111111")
    for one, other in permutations((called, ANSWERED)):
        record, undecided = merged(RecordKind.REQUEST, OPEN, one, other)
        assert (record, undecided) == (replace(ANSWERED, asker_phone="0911111111"), ())


def test_an_end_outweighs_an_answer_and_an_answer_an_open_one_and_both_stay_open() -> None:
    for one, other in permutations((ANSWERED, DONE)):
        assert merged(RecordKind.REQUEST, OPEN, one, other) == (DONE, ("given_answer",))
        assert merged(RecordKind.REQUEST, ANSWERED, ANSWERED, DONE) == (DONE, ())
    refused = replace(DONE, state=RequestState.REFUSED, answer="Thiếu giấy tờ")
    for one, other in permutations((DONE, refused)):
        record, undecided = merged(RecordKind.REQUEST, OPEN, one, other)
        assert (record, undecided) == (one, ("given_answer",))  # the smaller operation's


def test_an_answer_never_gets_the_date_of_another() -> None:
    later = replace(DONE, closed_at=DONE.closed_at + timedelta(days=1), answer="Đã giao hết")
    record, _ = merged(RecordKind.REQUEST, OPEN, DONE, later)
    assert (record.answer, record.closed_at) in {
        (one.answer, one.closed_at) for one in (DONE, later)
    }


def test_the_clock_of_a_leak_begins_when_it_was_noticed_first() -> None:
    sooner = replace(sample.BREACH, noticed_at=sample.BREACH.noticed_at - timedelta(hours=3))
    for one, other in permutations((sample.BREACH, sooner)):
        record, undecided = merged(RecordKind.BREACH, None, one, other)
        assert (record.noticed_at, undecided) == (sooner.noticed_at, ())


def test_a_report_that_went_out_outweighs_none_and_two_are_both_kept() -> None:
    waits = replace(sample.BREACH, reported_at=None, reported_to="")
    more = replace(waits, who="25 người", recorded_by="ĐD. Mẫu")
    for one, other in permutations((sample.BREACH, more)):
        record, undecided = merged(RecordKind.BREACH, waits, one, other)
        assert (record.reported_to, record.who, undecided) == ("Cơ quan mẫu", "25 người", ())
    for one, other in permutations((sample.BREACH, waits)):  # nothing is known that both build on
        record, undecided = merged(RecordKind.BREACH, None, one, other)
        assert (record.reported_to, undecided) == ("Cơ quan mẫu", ("given_report",))
    twice = replace(sample.BREACH, reported_to="Cơ quan khác")
    record, undecided = merged(RecordKind.BREACH, waits, sample.BREACH, twice)
    assert undecided == ("given_report",)


def test_every_field_that_can_be_open_has_a_name_and_words() -> None:
    for kind in (RecordKind.REQUEST, RecordKind.BREACH):
        assert set(paths(kind)) <= set(LABELS[kind])
    said = describe(
        "given_answer",
        (DONE.state, DONE.answer, DONE.handled_by, DONE.answered_at, DONE.closed_at),
    )
    assert said == (
        "Đã xong; nội dung: Đã giao bản sao; người trả lời: BS. Mẫu; phản hồi lúc 08:15 21/11/2026; "
        "kết thúc lúc 08:15 23/11/2026"
    )
    assert describe("given_report", ("", None)) == ""

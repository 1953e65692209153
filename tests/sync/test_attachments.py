"""Printed forms go last, in pieces; a break costs a piece, and a record never waits for one."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import DAILY_BYTES, NOT_ON_METERED, LinkState
from station_emr.printing.documents import PdfDocuments
from station_emr.services.attachments import FormMaker
from station_emr.services.sync_ports import Attachment
from station_emr.sync import attachments as sending
from station_emr.sync.allowance import Allowance
from station_emr.sync.attachment_line import FormsOverHttp
from station_emr.sync.attachments import REFUSED_FORM, FormSender
from station_emr.sync.client import FhirClient
from station_emr.sync.exchange_engine import EPOCH
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine
from tests.sync.faults import PORTAL, Fault, FaultyLine, canned

PDF = random.Random(11).randbytes(40_000)  # three pieces of 16 kB


def name_of(content: bytes, record_id: str = sample.REFERRAL.id) -> str:
    return f"{record_id}-b{hashlib.sha256(content).hexdigest()[:16]}"


NAME = name_of(PDF)


class Desk:
    """A machine that signed a letter, with the part of the engine that sends forms."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.content: bytes | None = PDF
        self.made: list[str] = []
        self.metered = False
        self.seconds = 5.0  # a piece takes what it should, so pieces stay as large as they are

    def make(self, one: Attachment) -> bytes | None:
        self.made.append(one.id)
        return self.content

    def forms(self, client: FhirClient) -> FormSender:
        ticks = iter(range(10_000_000))
        return FormSender(
            self.machine.store,
            self.machine.clock,
            FormsOverHttp(client),
            self.make,
            Allowance(self.machine.store, self.machine.clock, lambda: self.metered),
            monotonic=lambda: next(ticks) * self.seconds,
        )

    def engine(self, to: Any = None) -> Any:
        return self.machine.engine(to, forms=self.forms)

    def sync(self, to: Any = None) -> Any:
        """A fresh start of the program."""
        return self.engine(to).run_once()

    def queue(self, version: int = 1, record: Any = sample.REFERRAL) -> None:
        with self.machine.store.write() as work:
            now = self.machine.clock.now()
            work.attachments.queue(RecordKind.REFERRAL, record.id, version, now)

    def counts(self) -> tuple[int, int]:
        with self.machine.store.read() as work:
            return work.attachments.counts()


@pytest.fixture
def desk(tmp_path: Path, line: FaultyLine) -> Iterator[Desk]:
    """Its records are at the province; its letter's form is due, through a line that may break."""
    machine = new_machine(tmp_path, line)
    machine.work_a_day()
    assert machine.sync().outcome == "complete"
    made = Desk(machine)
    made.queue()
    line.requests.clear()
    yield made
    machine.store.close()


def raw(server: Server, name: str = NAME) -> bytes | None:
    answer = server.read(f"Binary/{name}")
    return answer.content if answer.ok else None


def pieces(line: FaultyLine) -> int:
    return sum(request.startswith("PUT") for request in line.requests)


def test_a_form_follows_its_record(desk: Desk, running: Server, line: FaultyLine) -> None:
    run = desk.sync()
    assert (run.outcome, run.detail, run.verified) == ("complete", "", True)
    assert raw(running) == PDF
    assert desk.counts() == (0, 0)
    assert "$exchange" in line.requests[0]  # records come first, also when there is nothing to do
    assert pieces(line) == len(line.requests) - 1 == 3
    line.requests.clear()
    desk.sync()
    assert len(line.requests) == 1  # and nothing is left to ask about


def test_nothing_goes_before_its_record_is_there(
    desk: Desk, running: Server, line: FaultyLine
) -> None:
    with desk.machine.store.read() as work:
        letter = work.referrals.get(sample.REFERRAL.id).record
    desk.machine.amend(letter)
    line.plan = [canned("503 Busy", '{"resourceType":"OperationOutcome"}')]
    assert desk.sync().outcome in ("offline", "partial")
    assert pieces(line) == 0
    assert desk.sync().outcome == "complete"
    assert raw(running) == PDF
    assert [r.split("/")[-1] for r in line.requests if r.startswith("POST")][-1] == "$exchange"


FAULTS = [
    Fault(cut_request=5_000),
    Fault(drop_reply=True),
    Fault(cut_reply=-5),
    Fault(cut_reply=40),
    PORTAL,
    canned("502 Bad Gateway", "<p>", "text/html"),
]


def test_a_break_at_any_piece_costs_that_piece(
    desk: Desk, running: Server, line: FaultyLine
) -> None:
    desk.sync()
    cases = [(fault, place) for fault in FAULTS for place in range(3)]
    for number, (fault, place) in enumerate(cases):
        desk.content = content = random.Random(100 + number).randbytes(40_000)
        desk.made.clear()
        desk.queue(version=10 + number)
        line.plan = [None] * (1 + place) + [fault]
        engine = desk.engine()
        first = engine.run_once()
        assert (first.outcome, first.verified) == ("complete", True)  # the records are all there
        assert first.detail
        assert engine.link() is LinkState.OFFLINE  # so that it waits before it tries again
        line.requests.clear()
        second = desk.sync()
        assert (second.outcome, second.detail) == ("complete", "")
        assert raw(running, name_of(content)) == content
        assert desk.counts() == (0, 0)
        assert len(desk.made) == 1  # the same bytes, not made anew
        arrived = place + bool(fault.drop_reply or fault.cut_reply)
        assert pieces(line) == 3 - arrived, (fault, place)


def test_the_servers_count_is_believed_and_not_ones_own(
    desk: Desk, running: Server, line: FaultyLine
) -> None:
    line.plan = [None, None, Fault(drop_reply=True)]
    desk.sync()
    with desk.machine.store.write() as work:
        (one,) = work.attachments.due(1)
        work.attachments.progress(one.id, 39_000)  # as a copied or restored database may believe
    line.requests.clear()
    assert desk.sync().outcome == "complete"
    assert raw(running) == PDF
    assert "$received" in line.requests[1]
    assert pieces(line) == 1


def test_a_killed_program_goes_on_where_the_server_is(
    desk: Desk, running: Server, line: FaultyLine
) -> None:
    class Killed(BaseException):
        pass

    engine = desk.engine()

    def die(progress: Any) -> None:
        if pieces(line) == 2:
            raise Killed

    engine.watch(die)
    with pytest.raises(Killed):
        engine.run_once()
    line.requests.clear()
    assert desk.sync().outcome == "complete"
    assert (raw(running), pieces(line)) == (PDF, 1)


def test_a_restarted_server_goes_on(tmp_path: Path, server: Server) -> None:
    server.start()
    with FaultyLine(server.port, server.token) as line:
        machine = new_machine(tmp_path, line)
        machine.work_a_day()
        machine.sync()
        desk = Desk(machine)
        desk.queue()
        line.requests.clear()
        line.plan = [None, None, Fault(before=server.stop)]
        assert desk.sync().outcome == "complete"
        server.start()
        line.server_port = server.port
        line.requests.clear()
        assert desk.sync().outcome == "complete"
        assert raw(server) == PDF
        assert pieces(line) == 2
        machine.store.close()


def test_pieces_that_come_twice_or_late_do_no_harm(
    desk: Desk, running: Server, line: FaultyLine
) -> None:
    line.plan = [None, Fault(twice=True), Fault(held=True)]
    desk.sync()
    assert raw(running) is None
    desk.sync()
    line.deliver()
    assert raw(running) == PDF
    assert desk.counts() == (0, 0)


def test_bytes_damaged_on_the_way_are_never_shown(
    desk: Desk, running: Server, line: FaultyLine
) -> None:
    def damaged(request: bytes) -> bytes | None:
        if b"bytes 16384-" not in request:
            return None
        head, _, body = request.partition(b"\r\n\r\n")
        return line._ask(head + b"\r\n\r\n" + bytes(len(body)))

    line.always = damaged
    run = desk.sync()
    line.always = None
    assert run.detail == REFUSED_FORM
    assert raw(running) is None
    assert desk.counts()[0] == 1
    run = desk.sync()  # a later start of the program
    assert (run.detail, raw(running), desk.counts()) == ("", PDF, (0, 0))


def test_a_refused_form_stops_no_other_and_is_not_offered_at_once(
    desk: Desk, running: Server, line: FaultyLine
) -> None:
    other = sample.REFERRAL.__class__(**{**_fields(sample.REFERRAL), "id": sample.made_id(77)})
    desk.machine.sign(other)
    desk.queue(record=other)
    refused = canned("413 Too Large", '{"resourceType":"OperationOutcome"}')
    line.plan = [None, refused]
    engine = desk.engine()
    run = engine.run_once()
    assert run.detail == REFUSED_FORM
    assert raw(running) is None
    assert raw(running, name_of(PDF, other.id)) == PDF
    line.requests.clear()
    assert engine.run_once().outcome == "complete"
    assert pieces(line) == 0
    now = engine._forms._clock.now()
    engine._forms._left = {name: now - timedelta(hours=2) for name in engine._forms._left}
    engine.run_once()
    assert raw(running) == PDF


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_a_record_written_meanwhile_overtakes(
    desk: Desk, running: Server, line: FaultyLine
) -> None:
    def sign() -> None:
        desk.machine.another(5)

    line.plan = [None, Fault(after=sign)]
    run = desk.sync()
    assert (run.outcome, run.sent) == ("complete", 1)
    order = ["record" if "$exchange" in request else "form" for request in line.requests]
    # One piece was on its way; everything behind it waits for the new record.
    assert order[:3] == ["record", "form", "record"]
    assert raw(running) == PDF


def test_forms_rest_when_bytes_are_dear(desk: Desk, running: Server, line: FaultyLine) -> None:
    desk.machine.put(NOT_ON_METERED, "1")
    desk.metered = True
    assert desk.sync().outcome == "complete"
    assert pieces(line) == 0
    desk.metered = False
    with desk.machine.store.write() as work:
        up, down = work.outbox.traffic_on(desk.machine.clock.now().date())
    desk.machine.put(DAILY_BYTES, str((up + down + 30_000) * 4 // 3))
    assert desk.sync().outcome == "complete"
    assert 0 < pieces(line) < 3  # a quarter is kept for records
    assert raw(running) is None
    desk.machine.put(DAILY_BYTES, "")
    desk.sync()
    assert raw(running) == PDF


def test_pieces_shrink_on_a_bad_line_and_grow_on_a_good_one(
    desk: Desk, running: Server, line: FaultyLine
) -> None:
    desk.content = random.Random(3).randbytes(100_000)
    desk.seconds = 0.001
    engine = desk.engine()
    line.plan = [None, Fault(cut_request=100)]
    engine.run_once()
    assert engine._forms._size == sending._START // 4
    engine.run_once()
    assert engine._forms._size == 64 * 1024
    assert desk.counts() == (0, 0)


def test_a_voided_letters_form_is_dropped(desk: Desk, running: Server, line: FaultyLine) -> None:
    desk.machine.sign(sample.REFERRAL, RecordStatus.VOIDED, version=2)
    maker = FormMaker(desk.machine.store, PdfDocuments())
    with desk.machine.store.read() as work:
        (one,) = work.attachments.due(1)
    assert maker(one) is None
    desk.content = None
    assert desk.sync().outcome == "complete"
    assert (desk.counts(), pieces(line)) == ((0, 0), 0)


def test_a_province_back_from_a_backup_is_asked_again(
    desk: Desk, running: Server, line: FaultyLine
) -> None:
    desk.sync()
    desk.machine.put(EPOCH, "0" * 32)  # it was another one when the form was sent
    desk.machine.put(sending.FORMS_EPOCH, "0" * 32)
    line.requests.clear()
    assert desk.sync().outcome == "complete"
    assert desk.counts() == (0, 0)
    assert pieces(line) == 1  # it says at once that it has the whole
    assert len(desk.made) == 2


def test_a_server_without_pieces_gets_it_whole(desk: Desk, running: Server) -> None:
    engine = desk.engine()
    facts = '{"seen_at":"2026-11-01T00:00:00+07:00","url":"%s","binaries":true}'
    forms = engine._forms
    forms._line._client.facts = type(forms._line._client.facts).from_text(
        facts % forms._line._client.base, forms._line._client.base
    )
    run = sending.Run(desk.machine.clock.now(), 0, 0)
    assert forms.send(run, forms.mark()) is False
    assert (raw(running), run.forms, desk.counts()) == (PDF, 1, (0, 0))


def test_a_server_that_takes_none_is_told_of(desk: Desk, line: FaultyLine) -> None:
    engine = desk.engine()
    client = engine._forms._line._client
    assert not engine.forms_stay  # nothing is known yet
    client.facts = type(client.facts)(url=client.base, seen_at=desk.machine.clock.now())
    assert engine.forms_stay
    run = sending.Run(desk.machine.clock.now(), 0, 0)
    assert engine._forms.send(run, engine._forms.mark()) is False
    assert (line.requests, desk.counts()[0]) == ([], 1)


def test_the_real_form_is_made_the_same_each_time(desk: Desk) -> None:
    maker: Callable[[Attachment], bytes | None] = FormMaker(desk.machine.store, PdfDocuments())
    with desk.machine.store.read() as work:
        (one,) = work.attachments.due(1)
    made = maker(one)
    assert made is not None
    assert made == maker(one)
    assert made.startswith(b"%PDF")

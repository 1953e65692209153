"""Forms that the province confirmed and lost again are noticed within a day, for few bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from station_emr.sync import attachments as sending
from station_emr.sync.allowance import Allowance
from station_emr.sync.attachment_line import FormTally
from tests import databases
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server
from tests.sync.exchange_machines import new_machine
from tests.sync.faults import FaultyLine, canned
from tests.sync.test_attachments import PDF, Desk, name_of, pieces, raw

TALLY = "GET /fhir/Binary/$tally"
NAMING = "POST /fhir/Binary/$tally"


@pytest.fixture
def line(server: Server) -> Iterator[FaultyLine]:
    server.start()
    with FaultyLine(server.port, server.token) as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path, line: FaultyLine) -> Iterator[Desk]:
    """Its records are at the province, and nothing has been sent of their forms."""
    machine = new_machine(tmp_path, line)
    machine.work_a_day()
    assert machine.sync().outcome == "complete"
    yield Desk(machine)
    machine.store.close()


def another_day(desk: Desk) -> None:
    desk.machine.put(sending.FORMS_LOOKED, "2026-01-01")


def asked(line: FaultyLine) -> list[str]:
    return [one for one in line.requests if "$tally" in one]


def tally(desk: Desk) -> FormTally:
    with desk.machine.store.read() as work:
        return FormTally.from_text(work.settings.get(sending.FORMS_TALLY) or "")


def test_a_server_put_back_without_a_word_gets_its_forms_back(
    desk: Desk, server: Server, line: FaultyLine, tmp_path: Path
) -> None:
    """No machine is ahead of it: all records are in the backup, and only the forms are not."""
    database = server.folder / "province.db"
    databases.back_up(database, tmp_path / "yesterday.db")
    desk.queue()
    assert desk.sync().outcome == "complete"
    assert raw(server) == PDF
    server.stop()
    databases.put_back(database, tmp_path / "yesterday.db")
    server.start()
    assert desk.sync().verified  # count and sum agree, and speak of no form
    assert raw(server) is None
    another_day(desk)
    line.requests.clear()

    run = desk.sync()

    assert (run.outcome, run.verified) == ("complete", True)
    assert raw(server) == PDF
    assert asked(line) == [TALLY, NAMING]
    assert desk.counts() == (0, 0)
    another_day(desk)
    line.requests.clear()
    desk.sync()
    assert asked(line) == [TALLY]  # they agree again


def test_while_they_agree_it_is_one_small_question_a_day(desk: Desk, line: FaultyLine) -> None:
    desk.sync()
    assert asked(line) == []  # who has no form asks for none
    desk.queue()
    desk.sync()
    assert asked(line) == []  # they have just been confirmed
    line.requests.clear()
    desk.sync()
    assert len(line.requests) == 1
    another_day(desk)
    line.requests.clear()
    engine = desk.engine()
    run = engine.run_once()
    assert line.requests == ["POST /fhir/$exchange", TALLY]
    assert run.bytes_up + run.bytes_down <= 500
    line.requests.clear()
    desk.sync()
    assert line.requests == ["POST /fhir/$exchange"]


def test_what_somebody_else_brought_is_named_once_and_not_sent(
    desk: Desk, server: Server, line: FaultyLine
) -> None:
    """Enrolled anew the machine is another device: the server counts none of its forms as brought by
    this one, and holds them all.
    """
    desk.queue()
    desk.sync()
    desk.machine.put(sending.FORMS_TALLY, FormTally().plus("ab" * 32).to_text())
    for expected in ([TALLY, NAMING], [TALLY]):
        another_day(desk)
        line.requests.clear()
        desk.sync()
        assert asked(line) == expected
        assert pieces(line) == 0
    assert tally(desk).count == 1


def test_a_cut_or_a_busy_server_leaves_the_question_for_the_next_run(
    desk: Desk, server: Server, line: FaultyLine
) -> None:
    desk.queue()
    desk.sync()
    another_day(desk)
    line.plan = [None, canned("503 Busy", '{"resourceType":"OperationOutcome"}')]
    desk.sync()
    line.requests.clear()
    desk.sync()
    assert asked(line) == [TALLY]
    another_day(desk)
    line.plan = [None, canned("404 Not Found", '{"resourceType":"OperationOutcome"}')]
    desk.sync()
    line.requests.clear()
    desk.sync()
    assert asked(line) == []  # it was answered: not every five minutes


def test_it_rests_on_a_paid_link(desk: Desk, line: FaultyLine, monkeypatch) -> None:
    desk.queue()
    desk.sync()
    another_day(desk)
    monkeypatch.setattr(Allowance, "forms_must_rest", lambda *_: True)
    line.requests.clear()
    desk.sync()
    assert asked(line) == []


def test_only_what_is_missing_goes_again(desk: Desk, server: Server, line: FaultyLine) -> None:
    """The older of two forms was in the backup."""
    database = server.folder / "province.db"
    first, second = b"%PDF-1.4 first", b"%PDF-1.4 second"
    desk.content = first
    desk.queue()
    desk.sync()
    databases.back_up(database, server.folder / "yesterday.db")
    desk.content = second
    desk.queue(version=2)
    desk.sync()
    server.stop()
    databases.put_back(database, server.folder / "yesterday.db")
    server.start()
    another_day(desk)
    line.requests.clear()

    desk.sync()

    assert pieces(line) == 1
    assert [raw(server, name_of(one)) for one in (first, second)] == [first, second]
    assert tally(desk).count == 2
    assert sample.REFERRAL.id in name_of(first)

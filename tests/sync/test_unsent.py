"""What a run offers that nothing here waits to send (docs/sync.md, "One run over the exchange", 1)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from station_emr.sync.needed import offer_unsent
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine, second_device
from tests.sync.test_relay import parts


@pytest.fixture
def author(tmp_path: Path, running: Server) -> Iterator[Machine]:
    machine = new_machine(tmp_path, running, "author")
    machine.sync()
    yield machine
    machine.store.close()


@pytest.fixture
def hearer(tmp_path: Path, running: Server) -> Iterator[Machine]:
    machine = new_machine(tmp_path, second_device(running), "hearer")
    machine.sync()
    yield machine
    machine.store.close()


def two_versions(author: Machine) -> tuple[bytes, bytes]:
    """The lines of a person and of a correction, which the province has both."""
    author.amend(author.patient(8), phone="0900000018")
    author.sync()
    with author.store.read() as work:
        *_, first, second = (line for _, _, line in work.operations.since(0, 100))
    return first, second


def hears(hearer: Machine, *lines: bytes) -> None:
    with hearer.store.write() as work:
        parts(hearer)[1].page(work, lines, held=False)


def test_what_came_from_a_colleague_alone_is_offered_once(author: Machine, hearer: Machine) -> None:
    hears(hearer, *two_versions(author))
    assert (offer_unsent(hearer.store), hearer.count()) == (True, 1)  # one record, two versions
    assert offer_unsent(hearer.store) is False  # it waits already
    assert hearer.sync().verified


def test_what_lacks_what_it_was_written_on_is_not(author: Machine, hearer: Machine) -> None:
    """The first version is refused, say, and its author has corrected it."""
    _, second = two_versions(author)
    hears(hearer, second)
    assert offer_unsent(hearer.store) is False  # it waits for the other line
    with hearer.store.write() as work:
        work._connection.exec_driver_sql("DELETE FROM parked_operation")  # given up
    assert offer_unsent(hearer.store) is False
    assert hearer.count() == 0


def test_what_this_program_cannot_read_is_passed_on(hearer: Machine) -> None:
    hears(hearer, b'{"resourceType":"of a newer program"}')
    assert (offer_unsent(hearer.store), hearer.count()) == (True, 1)

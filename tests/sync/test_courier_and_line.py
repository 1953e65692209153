"""A station that sends by stick and over the line at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.conftest import Server
from tests.sync.courier_machines import DIRECTOR, CourierMachine, Province


@pytest.fixture
def online(tmp_path: Path, _shared: Server) -> Iterator[Province]:
    made = Province(tmp_path, _shared)
    yield made
    made.close()


@pytest.mark.parametrize("order", ["line first", "stick first", "reply after the line"])
def test_stick_and_line_together(tmp_path: Path, online: Province, order: str) -> None:
    facility = online.facility()
    one = CourierMachine(tmp_path, online, facility)
    two = CourierMachine(tmp_path, online, facility)
    try:
        one.work_a_day()
        two.patient(7)
        two.sync()
        sent = one.write()
        if order == "line first":
            one.patient(1)
            assert one.sync().outcome == "complete"
            reply, done = online.answer(sent)
            assert not done.stale
            late = one.courier.import_reply(DIRECTOR, str(reply))
            assert late.acknowledged == 0
            assert late.confirmed == len(done.taken) > 0  # also what the line had told before
        elif order == "stick first":
            one.courier.import_reply(DIRECTOR, str(online.answer(sent)[0]))
            one.patient(1)
        else:
            reply, _ = online.answer(sent)
            one.patient(1)
            assert one.sync().outcome == "complete"
            assert one.courier.import_reply(DIRECTOR, str(reply)).waiting == 0
        for machine in (one, two):
            run = machine.sync()
            assert (run.outcome, run.verified) == ("complete", True), run.detail
        assert one.everything() == two.everything()
        assert one.newest() == two.newest()
        assert one.round_trip().verified
    finally:
        one.store.close()
        two.store.close()


def test_an_answer_to_what_was_asked_before_the_province_was_restored(
    tmp_path: Path, online: Province
) -> None:
    """Its page begins behind what the new province had at that moment, not where the file stood: that
    this machine has met the new one since makes it no whole page.
    """
    facility = online.facility()
    one = CourierMachine(tmp_path, online, facility)
    two = CourierMachine(tmp_path, online, facility)
    try:
        one.work_a_day()
        one.sync()
        two.sync()
        sent = one.write()
        with online.database.write() as session:
            online.database.new_epoch(session)
        one.sync()
        two.patient(7)
        two.sync()
        place = one.setting("sync.cursor")

        one.courier.import_reply(DIRECTOR, str(online.answer(sent)[0]))

        assert one.setting("sync.cursor") == place
        assert one.sync().received == 1
        assert one.everything() == two.everything()
    finally:
        one.store.close()
        two.store.close()

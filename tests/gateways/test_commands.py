"""``station-emr gateway``: what stands, a turn, a card, the day, and what a person decides."""

from __future__ import annotations

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from station_emr.cli import gateways, main, signing
from station_emr.demo.gateways_serving import Fault
from station_emr.domain.gateway import MessageKind, MessageState
from tests.services.test_billing import CARD
from tests.signing_authority import PASSWORD

RX = MessageKind.PRESCRIPTION


@pytest.fixture
def run(desk, capsys, monkeypatch):
    """``run(*arguments)`` gives the exit status and what was printed as JSON."""

    @contextmanager
    def opened(_options):
        services = SimpleNamespace(gateways=desk.gateways)
        yield SimpleNamespace(
            services=services, actor=desk.station.director, send_to_gateways=desk.send
        )

    monkeypatch.setattr(gateways, "opened_station", opened)
    monkeypatch.setenv(signing.PIN_VARIABLE, PASSWORD)

    def made(*arguments: str):
        status = main.run(["gateway", *arguments, "--json"])
        printed = capsys.readouterr()
        return status, json.loads(printed.out)

    return made


def test_a_turn_its_unknown_end_and_a_persons_word(desk, run) -> None:
    paper = desk.prescribed()
    desk.rx.fail(Fault.CUT)
    status, turn = run("send")
    assert (status, turn["tried"], turn["unknown"]) == (1, 1, 1)

    status, found = run("status")
    assert status == 1
    (waiting,) = found["to_decide"]
    assert waiting["state"] == "unknown"
    assert {one["gateway"]: one["unknown"] for one in found["gateways"]} == {
        "bhxh": 0,
        "donthuoc": 1,
    }
    assert run("arrived", waiting["id"], "--note", "Thấy trên trang")[0] == 0
    assert desk.message(RX, paper).state is MessageState.ACCEPTED
    assert run("status")[0] == 0
    assert run("send") == (
        0,
        {"tried": 0, "accepted": 0, "refused": 0, "unknown": 0, "away": [], "rests": {}},
    )


def test_a_card_that_may_not_be_used_is_an_exit_status(desk, run) -> None:
    someone = desk.station.register(coverages=(CARD,))
    status, found = run("card", someone.id)
    assert (status, found["code"], found["use"]) == (0, "000", "yes")
    status, found = run("card", someone.id, "--card", "GD4520000000010")
    assert (status, found["use"]) == (1, "no")


def test_the_day_says_what_holds_each_visit_back(desk, run) -> None:
    visit = desk.billed()
    status, found = run("day", "2026-11-20")
    assert status == 1
    assert [one["encounter"] for one in found["visits"]] == [visit]
    assert found["visits"][0]["state"] == "faulty"
    assert found["visits"][0]["due_on"] == "2026-12-01"
    assert main.run(["gateway", "day", "hôm qua"]) == main.EXIT_USER

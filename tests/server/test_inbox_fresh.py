"""What a station has taken and nobody has read yet counts for the inbox already."""

from __future__ import annotations

import pytest

from provincial_server.exchange.indexing import Indexer, catch_up
from provincial_server.settings import system_clock
from tests.server.exchange_client import Machine, encode, envelope, record_id
from tests.server.inbox_client import Sender, Visitor, hospital, letter_resources
from tests.server.test_binaries import Form


@pytest.fixture
def sender(server, station):
    return Sender(server, Machine(station))


@pytest.fixture
def clerk(server):
    code, name = hospital(server)
    one = Visitor(server.root)
    assert one.log_in(name).status_code == 303
    one.code = code
    yield one
    one.session.close()


@pytest.fixture(autouse=True)
def unread(monkeypatch) -> None:
    """Nobody follows the log but those who read."""
    monkeypatch.setattr(Indexer, "_index", lambda *_: True)


def redirect(sender: Sender, letter: str) -> None:
    """The station sends the letter elsewhere; its line is taken, and that is all."""
    parts = letter_resources(letter, sender.patient, "BVKHAC")
    keys = {"base": [sender.last[letter]], "status": "amended", "reason": "Đổi nơi nhận"}
    line = encode(envelope("referral", letter, *parts, **keys))
    assert sender.machine.exchange(line).taken == [0]


def test_the_list_has_no_letter_that_went_elsewhere(sender, clerk):
    letter = sender.send(clerk.code)
    assert "Puih" in clerk.get("/web/inbox").text
    redirect(sender, letter)
    page = clerk.get("/web/inbox").text
    assert "Puih" not in page
    assert "chưa đọc" not in page


def test_neither_has_its_search(sender, clerk):
    letter = sender.send(clerk.code)
    redirect(sender, letter)
    assert letter not in clerk.get("/web/inbox?q=puih").text


def test_the_printed_form_is_gone_with_the_letter(sender, clerk):
    letter = sender.send(clerk.code)
    form = Form(sender.machine.station, record=letter)
    form.all()
    address = f"{sender.path(letter)}/form/{form.id}"
    assert clerk.get(address).content == form.content
    redirect(sender, letter)
    assert clerk.get(address).status_code == 404


def test_an_answer_to_a_letter_that_went_elsewhere_is_refused(sender, clerk):
    letter = sender.send(clerk.code)
    csrf, seen = (clerk.hidden(sender.path(letter), name) for name in ("csrf", "seen"))
    redirect(sender, letter)
    answered = clerk.session.post(
        f"{clerk.root}{sender.path(letter)}/accept",
        data={"csrf": csrf, "seen": seen},
        timeout=30,
        allow_redirects=False,
    )
    assert answered.status_code == 410
    assert "Puih" not in answered.text
    assert sender.answers() == []


def test_the_list_names_the_sender_as_the_province_does(sender, clerk):
    """A letter may call its station what it likes."""
    letter = record_id()
    parts = letter_resources(letter, sender.patient, clerk.code)
    named = {"url": "name", "valueString": "Bệnh viện Giả Mẫu"}
    parts[0]["extension"][1]["extension"].append({"url": "station", "extension": [named]})
    assert sender.machine.exchange(encode(envelope("referral", letter, *parts))).taken == [0]
    catch_up(sender.server.database, system_clock, sender.code)
    listed = clerk.get("/web/inbox").text
    assert f"Trạm mẫu {sender.code}" in listed
    assert "Giả Mẫu" not in listed
    assert "Bệnh viện Giả Mẫu" in clerk.get(sender.path(letter)).text

"""Metrics, access lines and readiness: numbers enough to run the server, and nobody's data."""

from __future__ import annotations

import http.client
import io
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from provincial_server import auth
from provincial_server.operation import logs
from provincial_server.operation.logs import JsonLines
from tests.server.conftest import RunningServer, Station
from tests.server.direct import running
from tests.server.exchange_client import Machine, encode, envelope, person, record_id, visit
from tests.server.samples import bundle, encounter, entry, patient

NAME, CARD = "Nguyễn Thị Kiểm Thử", "GD4640012345678"
RECORD = "0197a000-dead-7000-8000-00000000beef"
PLANTED = (NAME, "Kiểm", CARD, CARD.lower(), RECORD, "dead", quote(NAME))


def metrics(server: RunningServer) -> str:
    answer = requests.get(f"{server.root}/metrics", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return answer.text


def value(text: str, name: str) -> float:
    """Of one line, named with its labels."""
    [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[-1])


@pytest.fixture
def log() -> Iterator[Callable[[], list[str]]]:
    """The lines that the process has written since, at its most talkative."""
    stream = io.StringIO()
    names = (None, "provincial_server", "uvicorn.access")
    levels = {name: logging.getLogger(name).level for name in names}
    handler = logs.configure("debug", "json", stream)

    def lines() -> list[str]:
        return stream.getvalue().splitlines()

    yield lines
    logging.getLogger().removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def plant_everywhere(server: RunningServer, station: Station) -> None:
    """A name, a card number and an id in every place that a request has."""
    for word in (NAME, CARD, RECORD):
        odd = quote(word)
        station.get(f"Patient/{odd}")
        station.get(f"Patient?identifier={odd}&{odd}={odd}&_id={odd}")
        station.get(f"{odd}/{odd}")
        station.call("POST", odd, {word: word})
        station.put({"resourceType": "Patient", "id": RECORD, "name": [{"text": word}], word: word})
        station.send(bundle(entry(patient(RECORD, name=word, cccd=word)), kind=word))
        station.send(bundle(entry(encounter(RECORD, word))))
        requests.post(f"{server.root}/enrol", json={"code": word, "device_name": word}, timeout=30)
        requests.post(f"{server.root}/token", data={word: word}, timeout=30)
        machine = Machine(station)
        machine.raw(person(RECORD, name=word), content_encoding=odd, accept=odd)
        machine.ask(person(RECORD, name=word), person(word, name=word), visit(RECORD, word), b"{")
        machine.ask(person(RECORD, name=word, status=word, device=word))
        machine.ask(encode(envelope(word, RECORD, patient(RECORD, name=word))))
        for header in ("Authorization", "User-Agent", "X-Request-Id", "Referer", "Prefer", odd):
            host, port = server.root.removeprefix("http://").split(":")
            line = http.client.HTTPConnection(host, int(port), timeout=30)
            line.request("GET", f"/fhir/Patient/{odd}", headers={header: odd})
            line.getresponse().read()
            line.request(CARD, f"/{odd}")  # the method too is the sender's word
            line.getresponse().read()
            line.close()


def test_nothing_that_was_sent_is_in_metrics_or_logs(
    server: RunningServer, station: Station, log: Callable[[], list[str]]
) -> None:
    plant_everywhere(server, station)
    text = metrics(server)
    told = log()
    assert len(told) > 50
    everything = text + "\n".join(told)
    for word in PLANTED:
        assert word not in everything
    for private in (station.token, station.facility):
        assert private not in text


def test_an_access_line_says_who_when_what_and_how_long(
    station: Station, log: Callable[[], list[str]]
) -> None:
    def written() -> list[dict[str, Any]]:
        """What concerns this station: the last request of another test may end only now."""
        lines = [json.loads(line) for line in log()]
        return [line for line in lines if line.get("facility") == station.facility]

    station.put(patient("p1"))
    deadline = time.monotonic() + 60
    while not written() and time.monotonic() < deadline:  # it is written behind the answer
        time.sleep(0.01)
    [line] = written()
    assert line["log"] == "provincial_server.access"
    fields = "time level log method route status ms device facility"
    assert set(line) == set(fields.split())
    assert (line["method"], line["status"]) == ("PUT", 201)
    assert line["route"] == "/fhir/{resource_type}/{resource_id}"
    assert line["ms"] > 0


def test_a_fault_in_the_log_has_its_places_and_not_its_words() -> None:
    try:
        int(NAME)
    except ValueError as error:
        trace = (ValueError, error, error.__traceback__)
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "it failed", None, trace)
    line = JsonLines().format(record)
    assert NAME not in line
    assert json.loads(line)["fault"] == "ValueError"
    assert "test_metrics.py:" in json.loads(line)["at"]


def test_requests_are_counted_by_the_template_of_their_route(tmp_path: Path) -> None:
    """On a server that nobody else asks."""
    route = "/fhir/{resource_type}/{resource_id}"
    with running(tmp_path) as direct:
        token = direct.device("A")
        assert direct.call("PUT", "/fhir/Patient/p1", patient("p1"), token=token).status == 201
        for _ in range(3):
            assert direct.call("GET", "/fhir/Patient/p1", token=token).status == 200
        text = direct.call("GET", "/metrics").body.decode()
    for method, status, count in (("GET", 200, 3), ("PUT", 201, 1)):
        labels = f'method="{method}",route="{route}",status="{status}"'
        assert value(text, f"provincial_requests_total{{{labels}}}") == count
    assert value(text, f'provincial_request_seconds_count{{route="{route}"}}') == 4
    assert "p1" not in text


def test_operations_are_counted_by_kind(server: RunningServer, station: Station) -> None:
    def count(kind: str, what: str = "taken") -> float:
        name = f'provincial_operations_{what}_total{{kind="{kind}"}}'
        text = metrics(server)
        return value(text, name) if name in text else 0

    machine, one, other = Machine(station), record_id(), record_id()
    before = {
        (kind, what): count(kind, what)
        for kind, what in (("patient", "taken"), ("encounter", "taken"), ("parent", "refused"))
    }
    line = person(one)
    machine.exchange(line, visit(record_id(), one), visit(record_id(), other))
    machine.exchange(line)  # known: nothing new
    after = {key: count(*key) for key in before}
    grown = {key: after[key] - before[key] for key in before}
    assert grown == {("patient", "taken"): 1, ("encounter", "taken"): 1, ("parent", "refused"): 1}


def test_stations_are_counted_by_the_age_of_their_last_contact(tmp_path: Path) -> None:
    """On a server of its own: elsewhere stations of other tests grow older meanwhile."""
    minute = 60_000
    now = [1_763_700_000_000]
    with running(tmp_path, clock=lambda: now[0]) as direct:

        def counts() -> dict[str, float]:
            text = direct.call("GET", "/metrics").body.decode()
            ages = ("15m", "1h", "1d", "3d", "7d", "older", "never")
            found = {
                age: value(text, f'provincial_stations{{last_contact="{age}"}}') for age in ages
            }
            return {age: count for age, count in found.items() if count}

        token = direct.device("A")
        direct.device("B")
        assert counts() == {"never": 2}
        assert direct.call("GET", "/fhir/Patient", token=token).status == 200
        assert counts() == {"15m": 1, "never": 1}
        now[0] += 15 * minute
        assert counts() == {"15m": 1, "never": 1}
        now[0] += 1
        assert counts() == {"1h": 1, "never": 1}
        now[0] += 8 * 1440 * minute
        assert counts() == {"older": 1, "never": 1}
        text = direct.call("GET", "/metrics").body.decode()
    assert value(text, "provincial_database_bytes") > 50_000
    assert value(text, "provincial_index_waiting") == 0
    assert value(text, "provincial_facilities") == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"Host": "emr.example.test"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_metrics_of_a_server_behind_a_proxy_need_the_administrator(
    server: RunningServer, station: Station, headers: dict[str, str]
) -> None:
    address = f"{server.root}/metrics"
    assert requests.get(address, headers=headers, timeout=30).status_code == 401
    device = {**headers, "Authorization": f"Bearer {station.token}"}
    assert requests.get(address, headers=device, timeout=30).status_code == 401
    with server.database.write() as session:
        token = auth.new_admin_token(session)
    server.admin_token = token
    allowed = {**headers, "Authorization": f"Bearer {token}"}
    assert requests.get(address, headers=allowed, timeout=30).status_code == 200

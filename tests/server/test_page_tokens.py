"""Pages of a search by form: no condition of it ever stands in an address."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote_plus

import pytest

from provincial_server.faults import FhirFault
from provincial_server.page_tokens import PageTokens
from provincial_server.settings import Limits, Settings
from provincial_server.store import EVERY_FACILITY, ServerFact
from tests import databases
from tests.databases import open_database
from tests.server.samples import CCCD, bundle, encounter, entry, patient

DATABASES = databases.BOTH
FORM = {"Content_Type": "application/x-www-form-urlencoded"}
NAME, NUMBER = "Nguyễn Thị Mẫu", "064099100001"
DAY = 86_400_000
ODD_LETTERS = [chr(code) for code in range(33, 127) if chr(code) not in "&+%,|$\\"]


@pytest.fixture
def people(station) -> list[str]:
    names = [f"p{number}" for number in range(5)]
    entries = [entry(patient(name, name=NAME, cccd=NUMBER)) for name in names]
    visits = [entry(encounter(f"e{name}", name)) for name in names]
    assert station.send(bundle(*entries, *visits)).status_code == 200
    return names


def ask(station, resource_type: str = "Patient", **conditions: str):
    text = "&".join(f"{name}={quote(value)}" for name, value in conditions.items())
    return station.call("POST", f"{resource_type}/_search", text.encode(), **FORM)


def link(answer) -> str | None:
    assert answer.status_code == 200, answer.text
    links = {item["relation"]: item["url"] for item in answer.json()["link"]}
    return links.get("next")


def followed(station, answer) -> Iterator[tuple[str, str]]:
    """Address and id of what is found, page by page."""
    address = ""
    while True:
        for item in answer.json()["entry"]:
            yield address, item["resource"]["id"]
        following = link(answer)
        if following is None:
            return
        address, answer = following, station.get(following)


def test_the_links_of_a_form_hold_nothing_that_was_asked(station, people):
    for kind, conditions in (
        ("Patient", {"identifier": f"{CCCD}|{NUMBER}", "name": "nguyễn"}),
        ("Encounter", {"patient.identifier": f"{CCCD}|{NUMBER}", "patient.name": "nguyễn"}),
    ):
        found = list(followed(station, ask(station, kind, _count="2", **conditions)))
        assert sorted(name[-2:] for _, name in found) == people
        addresses = {address for address, _ in found} - {""}
        assert len(addresses) == 2
        for address in addresses:
            for hidden in (NUMBER, "nguy", "Nguy", "cccd", "identifier", "_cursor"):
                assert hidden not in address
                assert hidden not in unquote_plus(address)
            assert quote_plus(NAME) not in address
            assert len(address) < 500


def test_a_link_opens_for_its_own_search_alone(server, station, people):
    following = link(ask(station, name="nguyen", _count="2"))
    assert following
    token = following.partition("_page=")[2]
    assert station.get(f"{following}&_format=json").status_code == 200
    assert station.call("POST", "Patient/_search", f"_page={token}", **FORM).status_code == 200
    other = ("A" if token[20] != "A" else "B").join((token[:20], token[21:]))
    refused = [
        *(
            f"Patient?_page={odd}"
            for odd in ("", "a", "%00", "tên", other, token[:-2], f"A{token}")
        ),
        f"{following}&name=tran",
        f"{following}&_count=500",
        f"{following}&_page={token}",
        f"Encounter?_page={token}",
    ]
    answers = [station.get(address) for address in refused]
    stranger = server.station()
    answers.append(stranger.get(f"Patient?_page={token}"))
    for answer in answers:
        assert answer.status_code == 400, answer.url
        assert answer.json()["issue"][0]["expression"] == ["http._page"]
    stranger.session.close()


def test_a_search_by_address_goes_on_by_address(station, people):
    following = link(station.get("Patient?name=nguyen&_count=2"))
    assert following
    assert "name=nguyen" in following
    assert "_page" not in following


def test_all_processes_of_a_server_share_the_key_and_a_day_ends_it(tmp_path):
    database = open_database(tmp_path / "server.db")
    now = [1_000 * DAY]
    settings = Settings("", clock=lambda: now[0], limits=Limits())
    first, second = PageTokens(database, settings), PageTokens(database, settings)
    asked = [("name", "Nguyễn"), ("_pretty", "true"), ("_cursor", "7~p1")]

    def opened(sealed: str):
        return second.open("MAU1", "Patient", [tuple(sealed.split("=", 1))])

    sealed = first.seal("MAU1", "Patient", asked)
    assert sealed != first.seal("MAU1", "Patient", asked)
    now[0] += DAY
    assert sorted(opened(sealed)) == sorted(asked)
    now[0] += 1
    with pytest.raises(FhirFault) as late:
        opened(sealed)
    assert late.value.status == 400
    assert "hết hạn" in json.dumps(late.value.outcome(), ensure_ascii=False)
    with database.read(EVERY_FACILITY) as session:
        assert len(bytes.fromhex(session.get_one(ServerFact, "page_key").value)) == 32
    database.close()


def test_a_form_that_no_address_can_hold_is_refused_instead_of_cut(station, people):
    odd = "".join(secrets.choice(ODD_LETTERS) for _ in range(7500))
    form = f"identifier={CCCD}|{NUMBER},{odd}"
    whole = station.call("POST", "Patient/_search", f"{form}&_count=5".encode(), **FORM)
    assert (whole.json()["total"], link(whole)) == (5, None)
    cut = station.call("POST", "Patient/_search", f"{form}&_count=2".encode(), **FORM)
    assert cut.status_code == 413
    assert cut.json()["issue"][0]["expression"] == ["http.body"]

"""Who is at the other end is proven first: until then no record, token or assertion leaves."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from station_emr.domain.errors import NetworkFailure
from station_emr.domain.sync import LinkState, LinkTrouble
from station_emr.interop.fhir.units import build_unit
from station_emr.security.device_key import DeviceKeys
from station_emr.services.clock import SystemClock
from station_emr.sync.client import PORTAL, UNTRUSTED, FhirClient, Patience
from station_emr.sync.engine import SyncEngine
from station_emr.sync.fhir_peer import FhirPeer
from station_emr.sync.tokens import KeyTokens
from tests.interop import fhir_records as sample
from tests.sync.tls_servers import Authority, RecordingServer, page

TOKEN = "fixed-token-of-a-test"
SECRETS = (
    TOKEN.encode(),
    b"client_assertion",
    b"Bearer",
    b"Bundle",
    sample.PATIENT.full_name.encode(),
)
YEAR = timedelta(days=365)


@pytest.fixture
def province(tmp_path) -> Authority:
    return Authority(tmp_path, "province")


@pytest.fixture
def stranger(tmp_path) -> Authority:
    return Authority(tmp_path, "stranger")


@pytest.fixture(params=["fixed", "key"])
def engine(request, station, tmp_path):
    """The engine of a station with a day of work waiting; gives ``made(url, authority)``."""
    station.work_a_day()
    clients = []

    def made(url: str, authority: str = "") -> SyncEngine:
        tokens = TOKEN
        if request.param == "key":
            keys = DeviceKeys(
                tmp_path, "x", bytes(32), machine="m", random=os.urandom, vault=lambda: None
            )
            tokens = KeyTokens("device", keys.candidate(""), url.removesuffix("/fhir") + "/token")
        client = FhirClient(
            url, tokens, SystemClock(), authority=authority, patience=Patience(connect=60, stall=60)
        )
        clients.append(client)
        return SyncEngine(station.store, station.clock, build_unit, FhirPeer(client))

    yield made
    for client in clients:
        client.close()


def _left_nothing(server: RecordingServer) -> None:
    assert server.connections > 0, "the server was never asked: the test shows nothing"
    assert bytes(server.plain) == b""
    assert [secret for secret in SECRETS if secret in server.raw] == []


@pytest.mark.parametrize("fault", ["host", "self-signed", "expired", "not-yet", "stranger"])
def test_nothing_leaves_for_a_wrong_certificate(engine, province, stranger, fault) -> None:
    now = datetime.now(UTC)
    issued = {
        "host": lambda: province.issue("may-chu.example"),
        "self-signed": lambda: province.self_signed("127.0.0.1"),
        "expired": lambda: province.issue("127.0.0.1", at=now - YEAR),
        "not-yet": lambda: province.issue("127.0.0.1", at=now + YEAR),
        "stranger": lambda: stranger.issue("127.0.0.1"),
    }[fault]()
    with RecordingServer(issued) as server:
        run = engine(server.url, province.pem).run_once()

        assert (run.outcome, run.detail) == ("offline", UNTRUSTED)
        # Over https the log-in page of a Wi-Fi can only show itself as a wrong certificate.
        assert "mở trình duyệt để đăng nhập" in run.detail
        _left_nothing(server)


def test_what_ended_a_run_is_told_apart(engine, province, stranger) -> None:
    with RecordingServer(stranger.issue("127.0.0.1")) as server:
        made = engine(server.url, province.pem)
        made.run_once()
        assert (made.link(), made.trouble) == (LinkState.OFFLINE, LinkTrouble.UNTRUSTED)
    made.run_once()  # nobody listens there any more
    assert (made.link(), made.trouble) == (LinkState.OFFLINE, LinkTrouble.AWAY)
    with RecordingServer(province.issue("127.0.0.1"), lambda _request: page()) as portal:
        made = engine(portal.url, province.pem)
        made.run_once()
        assert (made.link(), made.trouble) == (LinkState.OFFLINE, LinkTrouble.PORTAL)


def test_an_authority_of_the_province_is_not_trusted_unasked(engine, province) -> None:
    with RecordingServer(province.issue("127.0.0.1")) as server:
        run = engine(server.url).run_once()

        assert (run.outcome, run.detail) == ("offline", UNTRUSTED)
        _left_nothing(server)


def test_a_man_in_the_middle_shows_another_certificate(engine, province, stranger) -> None:
    with RecordingServer(province.issue("127.0.0.1")) as honest:
        made = engine(honest.url, province.pem)
        made.run_once()
        assert honest.plain != b""  # so the authority of the province does open the line
        port = honest.port
    with RecordingServer(stranger.issue("127.0.0.1"), port=port) as between:
        run = made.run_once()

        assert (run.outcome, run.detail) == ("offline", UNTRUSTED)
        _left_nothing(between)


@pytest.mark.parametrize(
    "answer",
    [page(), page("302 Found", b"", Location="http://dang-nhap.example/"), page("511 Log in", b"")],
    ids=["page", "redirect", "511"],
)
def test_no_record_is_given_to_a_captive_portal(engine, province, answer) -> None:
    with RecordingServer(province.issue("127.0.0.1"), lambda _request: answer) as portal:
        run = engine(portal.url, province.pem).run_once()

        assert (run.outcome, run.detail) == ("offline", PORTAL)
        assert portal.plain != b""
        assert b"Bundle" not in portal.plain
        assert sample.PATIENT.full_name.encode() not in portal.plain


@pytest.mark.parametrize(
    "token_url", ["http://10.1.2.3/token", "http://127.0.0.1:9/token", "ftp://x/token", "//x", "é"]
)
def test_no_assertion_goes_to_a_token_address_in_the_clear(province, tmp_path, token_url) -> None:
    found = json.dumps({"token_endpoint": token_url}).encode()
    answer = page("200 OK", found, Content_Type="application/json")
    signed = []

    class Signer:
        def sign(self, claims):
            signed.append(claims)
            return "a.b.c"

    with RecordingServer(province.issue("127.0.0.1"), lambda _request: answer) as server:
        client = FhirClient(
            server.url, KeyTokens("device", Signer()), SystemClock(), authority=province.pem
        )
        with pytest.raises(NetworkFailure, match="chứng chỉ"):
            client.get("/metadata")
        client.close()

        assert b"client_assertion" not in server.plain

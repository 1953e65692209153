"""How often one may ask: each device and each address by itself, and never the demonstration."""

from __future__ import annotations

import pytest

from provincial_server.faults import FhirFault
from provincial_server.rates import Buckets, address_name
from provincial_server.settings import Rate, Rates
from tests.server.direct import running

SLOW = Rates(device=Rate(0.01, 3), address=Rate(0.01, 2))
FORM = [("content-type", "application/x-www-form-urlencoded")]


class Beat:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def spend(buckets: Buckets, name: str, most: int = 1000) -> int:
    for taken in range(most):
        try:
            buckets.take(name)
        except FhirFault:
            return taken
    return most


def test_a_bucket_empties_and_fills_again():
    beat = Beat()
    buckets = Buckets(Rate(per_second=2, burst=5), beat)
    assert spend(buckets, "a") == 5
    assert spend(buckets, "b") == 5
    with pytest.raises(FhirFault) as refused:
        buckets.take("a")
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "1")
    beat.now += 0.4
    assert spend(buckets, "a") == 0
    beat.now += 0.1
    assert spend(buckets, "a") == 1
    beat.now += 3600
    assert spend(buckets, "a") == 5


def test_waiting_as_long_as_the_answer_says_is_enough():
    beat = Beat()
    buckets = Buckets(Rate(per_second=0.13, burst=1), beat)
    for _ in range(20):
        assert spend(buckets, "a") == 1
        with pytest.raises(FhirFault) as refused:
            buckets.take("a")
        beat.now += float(refused.value.headers["Retry-After"])


def test_a_million_strangers_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("provincial_server.rates._MOST_BUCKETS", 10)
    buckets = Buckets(Rate(per_second=1, burst=1), Beat())
    for number in range(100):
        buckets.take(str(number))
    assert len(buckets._levels) == 10
    assert spend(buckets, "99") == 0


def test_one_sender_has_one_name():
    assert address_name("203.0.113.7") == address_name("::ffff:203.0.113.7") == "203.0.113.7"
    assert address_name("2001:db8:1:2::1") == address_name("2001:db8:1:2:ffff::9%eth0")
    assert address_name("2001:db8:1:2::1") != address_name("2001:db8:1:3::1")
    assert address_name(None) == address_name("testclient") == "-"


def test_a_morning_of_a_whole_province_passes():
    """135 stations behind one address ask for their tokens in the same minute, and each sends 120
    visits with their printed forms: fewer than 500 requests."""
    rates = Rates()
    beat = Beat()
    addresses, devices = Buckets(rates.address, beat), Buckets(rates.device, beat)
    for _ in range(3):  # a token, and two more tries
        assert spend(addresses, "province", 135) == 135
    for station in range(135):
        assert spend(devices, f"device{station}", 500) == 500


def test_a_device_that_asks_too_often_waits_and_no_other_does(tmp_path):
    with running(tmp_path, rates=SLOW, rates_on_loopback=True) as direct:
        one, two = direct.device("A"), direct.device("A")
        answers = [direct.call("GET", "/fhir/Patient", token=one) for _ in range(5)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        refused = answers[-1]
        assert refused.outcome["code"] == "throttled"
        assert 1 <= int(refused.headers["retry-after"]) <= 100
        assert "an toàn" in refused.outcome["details"]["text"]
        exchange = [("content-type", "application/vnd.station-emr.exchange")]
        assert direct.call("POST", "/fhir/$exchange", b"{}", exchange, token=one).status == 429
        assert direct.call("GET", "/fhir/Binary/$forms?record=x", token=one).status == 429
        assert direct.call("GET", "/fhir/Patient", token=two).status == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "usual"),
    [
        ("POST", "/token", FORM, 400),
        ("POST", "/enrol", [], 400),
        ("POST", "/enrol-key", [("authorization", "Bearer x")], 400),
        ("GET", "/fhir/Patient", [("authorization", "Bearer wrong")], 401),
        ("GET", "/fhir/Patient", [], 401),
        (
            "POST",
            "/fhir/$exchange",
            [("content-type", "application/vnd.station-emr.exchange")],
            401,
        ),
        ("GET", "/overview", [("authorization", "Bearer wrong")], 401),
    ],
)
def test_a_stranger_who_guesses_waits(tmp_path, method, path, headers, usual):
    with running(tmp_path, rates=SLOW, public_url="https://province.example") as direct:

        def ask(client):
            return direct.call(method, path, b"{}", headers, client=client)

        assert [ask("203.0.113.7").status for _ in range(4)] == [usual, usual, 429, 429]
        refused = ask("203.0.113.7")
        assert refused.outcome["code"] == "throttled"
        assert int(refused.headers["retry-after"]) >= 1
        assert ask("203.0.113.8").status == usual
        # A device behind the same address goes on.
        token = direct.device("A")
        known = direct.call("GET", "/fhir/Patient", token=token, client="203.0.113.7")
        assert known.status == 200


def test_the_demonstration_on_this_machine_is_not_limited(tmp_path):
    with running(tmp_path, rates=SLOW) as direct:
        token = direct.device("A")
        seen = [direct.call("GET", "/fhir/metadata", token=token).status for _ in range(5)]
        seen += [direct.call("GET", "/fhir/Patient", token=token).status for _ in range(5)]
        assert seen == [200] * 10
        for _ in range(5):
            assert direct.call("POST", "/enrol", b"{}").status == 400
        far = [
            direct.call("GET", "/fhir/Patient", token=token, client="203.0.113.7").status
            for _ in range(4)
        ]
        assert far == [200, 200, 200, 429]

"""Enrolled keys and the tokens they get: good for their device, for minutes, and once each."""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import update

from provincial_server import auth
from provincial_server.database import Database
from provincial_server.store import AccessToken, EnrolmentCode, UsedAssertion
from provincial_server.tokens import ASSERTION_TYPE

_numbers = itertools.count(1)


def _pem(key) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.fixture
def key():
    return ec.generate_private_key(ec.SECP384R1())


@dataclass
class Device:
    """An enrolled device with its key."""

    root: str
    id: str
    key: object
    facility: str

    def claims(self, **changes):
        now = int(time.time())
        found = {
            "iss": self.id,
            "sub": self.id,
            "aud": f"{self.root}/token",
            "iat": now,
            "exp": now + 240,
            "jti": f"jti-{next(_numbers)}",
        } | changes
        return {name: value for name, value in found.items() if value is not None}

    def assertion(self, *, key=None, algorithm="ES384", **changes) -> str:
        return jwt.encode(self.claims(**changes), key or self.key, algorithm=algorithm)

    def ask(self, assertion: str, **changes) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.cruds",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        } | changes
        return requests.post(f"{self.root}/token", data=form, timeout=30)

    def token(self) -> str:
        answer = self.ask(self.assertion())
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    def use(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        found = requests.get(
            f"{self.root}/fhir/Patient?_summary=count", headers=headers, timeout=30
        )
        return found.status_code


def _code(server, facility: str, hours: int = 1) -> str:
    with server.database.write() as session:
        auth.add_facility(session, facility, "Trạm mẫu", 0)
        return auth.new_enrolment_code(session, facility, int(time.time() * 1000), hours)


def _enrol(server, code: str, public_key) -> requests.Response:
    body = {"code": code, "device_name": "Máy 1", "public_key": public_key}
    return requests.post(f"{server.root}/enrol", json=body, timeout=30)


@pytest.fixture
def device(server, key) -> Device:
    facility = f"KEY{next(_numbers):04d}"
    answer = _enrol(server, _code(server, facility), _pem(key))
    assert answer.status_code == 201, answer.text
    return Device(server.root, answer.json()["device_id"], key, facility)


def test_a_device_with_a_key_gets_no_fixed_token(server, key) -> None:
    answer = _enrol(server, _code(server, "KEYFIX"), _pem(key)).json()

    assert "token" not in answer
    assert answer["token_url"] == f"{server.root}/token"


def test_a_code_without_a_key_gives_a_fixed_token_as_in_the_first_release(server) -> None:
    body = {"code": _code(server, "KEYOLD"), "device_name": "Máy 1"}
    answer = requests.post(f"{server.root}/enrol", json=body, timeout=30).json()

    assert Device(server.root, "", None, "").use(answer["token"]) == 200
    assert "token_url" not in answer


def test_a_key_may_come_as_jwk(server, key) -> None:
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    answer = _enrol(server, _code(server, "KEYJWK"), jwk)

    assert answer.status_code == 201
    made = Device(server.root, answer.json()["device_id"], key, "KEYJWK")
    assert made.use(made.token()) == 200


@pytest.mark.parametrize("kind", ["P-256", "text", "private", "number", "rsa-like"])
def test_only_the_public_half_of_a_p384_key_is_taken(server, key, kind) -> None:
    given = {
        "P-256": _pem(ec.generate_private_key(ec.SECP256R1())),
        "text": "not a key",
        "private": json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key)),
        "number": 7,
        "rsa-like": {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    }[kind]
    code = _code(server, "KEYBAD")

    assert _enrol(server, code, given).status_code == 400
    assert _enrol(server, code, _pem(key)).status_code == 201  # the code was not used up


def test_the_same_code_and_key_are_the_same_enrolment_after_a_lost_answer(server, key) -> None:
    code = _code(server, "KEYTWICE")
    first, again = (_enrol(server, code, _pem(key)) for _ in range(2))
    other = _enrol(server, code, _pem(ec.generate_private_key(ec.SECP384R1())))

    assert first.json()["device_id"] == again.json()["device_id"]
    assert other.status_code == 403


def test_an_expired_code_enrols_nobody_even_again(server, key) -> None:
    code = _code(server, "KEYLATE")
    _enrol(server, code, _pem(key))
    with server.database.write() as session:
        hashed = auth.hash_secret(code)
        session.execute(
            update(EnrolmentCode).where(EnrolmentCode.code_hash == hashed).values(expires_at=1)
        )

    assert _enrol(server, code, _pem(key)).status_code == 403


def test_an_assertion_gives_a_token_of_minutes(device) -> None:
    answer = device.ask(device.assertion())

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("bearer", 300)
    assert device.use(body["access_token"]) == 200


def test_an_assertion_is_good_once(device) -> None:
    assertion = device.assertion()

    assert device.ask(assertion).status_code == 200
    again = device.ask(assertion)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_request")


def test_the_same_jti_of_another_device_is_another(server, device) -> None:
    other_key = ec.generate_private_key(ec.SECP384R1())
    found = _enrol(server, _code(server, "KEYJTI"), _pem(other_key)).json()
    other = Device(server.root, found["device_id"], other_key, "KEYJTI")

    assert device.ask(device.assertion(jti="same")).status_code == 200
    assert other.ask(other.assertion(jti="same")).status_code == 200


def _now(seconds: int = 0) -> int:
    return int(time.time()) + seconds


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda: {"aud": "https://may-chu.example/token"}, "invalid_request"),
        (lambda: {"aud": None}, "invalid_request"),
        (lambda: {"exp": _now(-120), "iat": None}, "invalid_request"),
        (lambda: {"exp": _now(900)}, "invalid_request"),
        (lambda: {"exp": None}, "invalid_request"),
        (lambda: {"exp": "soon"}, "invalid_request"),
        (lambda: {"exp": float("inf")}, "invalid_request"),
        (lambda: {"exp": float("nan")}, "invalid_request"),
        (lambda: {"exp": 10**400}, "invalid_request"),
        (lambda: {"iat": _now(600)}, "invalid_request"),
        (lambda: {"nbf": _now(600)}, "invalid_request"),
        (lambda: {"jti": None}, "invalid_request"),
        (lambda: {"jti": ""}, "invalid_request"),
        (lambda: {"jti": "x" * 300}, "invalid_request"),
        (lambda: {"iss": "somebody"}, "invalid_client"),
        (lambda: {"sub": "nobody"}, "invalid_client"),
        (lambda: {"sub": None}, "invalid_client"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_claim_gives_nothing(device, change, error) -> None:
    answer = device.ask(device.assertion(**change()))

    assert answer.json()["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)


def test_a_little_difference_of_clocks_is_tolerated(device) -> None:
    assert device.ask(device.assertion(exp=_now(-30), iat=_now(40), nbf=_now(40))).ok


def test_only_the_devices_own_key_and_algorithm_count(device) -> None:
    stranger = ec.generate_private_key(ec.SECP384R1())
    unsigned = jwt.encode(device.claims(), None, algorithm="none")
    by_public_half = jwt.utils.base64url_encode(_pem(device.key).encode()).decode()
    symmetric = jwt.encode(device.claims(), by_public_half, algorithm="HS256")

    for assertion in (device.assertion(key=stranger), unsigned, symmetric):
        answer = device.ask(assertion)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert device.ask("not.a.jwt").status_code == 400


def test_an_assertion_nested_without_end_is_no_fault_of_the_server(device) -> None:
    deep = b"[" * 8000
    for head, claims in ((b'{"alg":"ES384"}', deep), (deep, b"{}")):
        parts = (jwt.utils.base64url_encode(part).decode() for part in (head, claims, b"x" * 96))
        assert device.ask(".".join(parts)).status_code == 400


def test_an_assertion_for_another_server_is_not_taken_under_that_servers_name(device) -> None:
    """Who got an assertion meant for himself brings it here, and says so in the Host header: a server
    that was not told its own address must not believe what the asker calls it.
    """
    assertion = device.assertion(aud="http://ke-gian.example/token")
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    host = {"Host": "ke-gian.example"}
    answer = requests.post(f"{device.root}/token", data=form, headers=host, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    "change",
    [{"grant_type": "password"}, {"client_assertion_type": "other"}, {"client_assertion": ""}],
)
def test_another_way_of_asking_is_refused(device, change) -> None:
    assert device.ask(device.assertion(), **change).status_code == 400


def test_the_form_is_read_strictly(device) -> None:
    url = f"{device.root}/token"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"", b"\xff", b"a", b"grant_type=x&grant_type=y", b"a=b&" * 50):
        assert requests.post(url, body, headers=form, timeout=30).status_code == 400
    big = b"client_assertion=" + b"x" * 20_000
    assert requests.post(url, big, headers=form, timeout=30).status_code == 413
    assert requests.post(url, json={}, timeout=30).status_code == 400


def test_a_revocation_bites_at_once(server, device) -> None:
    token = device.token()
    with server.database.write() as session:
        assert auth.revoke_device(session, device.id, 1)

    assert device.use(token) == 401
    answer = device.ask(device.assertion())
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert _enrol(server, _code(server, device.facility), _pem(device.key)).status_code == 201


def test_a_token_runs_out_and_is_forgotten(server, device) -> None:
    token = device.token()
    held = auth.hash_secret(token)
    with server.database.write() as session:
        session.execute(
            update(AccessToken).where(AccessToken.token_hash == held).values(expires_at=1)
        )
        session.execute(update(UsedAssertion).values(expires_at=1))
    assert device.use(token) == 401

    device.token()  # the next grant clears up

    with server.database.read() as session:
        assert session.get(AccessToken, held) is None
        left = session.query(UsedAssertion).filter_by(device_id=device.id).count()
    assert left == 1


def test_a_first_release_device_changes_to_a_key(server, station, key) -> None:
    old = Device(server.root, "", key, station.facility)
    url = f"{server.root}/enrol-key"
    headers = {"Authorization": f"Bearer {station.token}"}
    answer = requests.post(url, json={"public_key": _pem(key)}, headers=headers, timeout=30)
    assert answer.status_code == 200
    assert "token" not in answer.json()
    assert old.use(station.token) == 200  # until the key was used, so that a lost answer harms not

    made = Device(server.root, answer.json()["device_id"], key, station.facility)
    token = made.token()

    assert made.use(token) == 200
    assert old.use(station.token) == 401
    for used in (station.token, token):  # neither may plant another key now
        headers = {"Authorization": f"Bearer {used}"}
        again = requests.post(url, json={"public_key": _pem(key)}, headers=headers, timeout=30)
        assert again.status_code == 401


def test_smart_discovery_names_the_token_address(server) -> None:
    for path in ("/fhir/.well-known/smart-configuration", "/.well-known/smart-configuration"):
        found = requests.get(f"{server.root}{path}", timeout=30).json()
        assert found["token_endpoint"] == f"{server.root}/token"
        assert "private_key_jwt" in found["token_endpoint_auth_methods_supported"]
        assert found["token_endpoint_auth_signing_alg_values_supported"] == ["ES384"]


def test_a_database_of_the_first_release_learns_to_give_tokens(tmp_path) -> None:
    path = tmp_path / "old.db"
    with contextlib.closing(sqlite3.connect(path)) as old:
        old.executescript((Path(__file__).parent / "database_0_1.sql").read_text("utf-8"))

    database = Database(f"sqlite:///{path}")

    with database.read() as session:
        assert session.query(AccessToken).count() == 0
        assert session.query(UsedAssertion).count() == 0
    database.close()

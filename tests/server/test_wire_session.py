"""A whole session of an earlier station program is played to today's server, byte for byte.

What is made anew is listed in wire_session.py. A statement or an answer may say more than it did then;
it must not say less, or anything else. A fixture is kept by record_wire_session.py.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests import databases
from tests.server import wire_session as kept
from tests.server.wire_session import Province
from tests.server.wire_versions import SUPPORTED

DATABASES = databases.BOTH
SESSIONS = [one for one in SUPPORTED if one.session is not None]
OFFERS = {"interaction", "operation", "extension", "resource"}
"""Lists of a statement: a later one may offer more, in any order."""
NEW = {"access_token", "signature", "encrypt", "sign", "fingerprint", "sequence", "lastUpdated"}
"""Made by a server for itself, or new each time. `last` is the end of a page of the access log."""


def missing(told: Any, then: Any, place: str = "") -> str:
    """Where something that was said then is not said now; empty when all of it is."""
    key = place.rpartition(".")[2]
    if key in NEW or (key == "last" and isinstance(then, int)):
        return "" if type(told) is type(then) and told else place
    if isinstance(then, dict) and isinstance(told, dict):
        missed = (missing(told.get(name), one, f"{place}.{name}") for name, one in then.items())
        return next(filter(None, missed), "")
    if isinstance(then, list) and isinstance(told, list):
        if key in OFFERS:
            lost = [one for one in then if all(missing(now, one) for now in told)]
            return f"{place}: {lost[0]}" if lost else ""
        if len(told) != len(then):
            return f"{place}: {len(told)} instead of {len(then)}"
        missed = (
            missing(now, one, f"{place}[{n}]")
            for n, (now, one) in enumerate(zip(told, then, strict=True))
        )
        return next(filter(None, missed), "")
    return "" if told == then else f"{place}: {told!r} instead of {then!r}"


@dataclass
class Player:
    """All devices of a session; what they were given anew goes into what they send."""

    province: Province
    words: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def play(self, row: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str], bytes]:
        """The answer as it was understood then, its headers, its bytes."""
        self.province.time[0] = row["at"]
        if row["target"] == "/enrol":
            self.words["{code}"] = self.province.code(row["who"].split()[0])
        self.words["{catalogs}"] = self.tags.get(row["who"], "")  # as it was told last
        if "assertion" in row:
            self.words["{assertion}"] = self.assertion(row)
        headers = dict(row["headers"])
        if "authorization" in headers:
            headers["authorization"] = f"Bearer {self.tokens[row['who']]}"
        body = kept.bytes_of(row)
        if "text" in row:
            body = self.filled(row["text"]).encode()
        place = urlsplit(self.province.root)
        line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        line.putrequest(row["method"], self.filled(row["target"]), skip_accept_encoding=True)
        for name, text in headers.items():
            line.putheader(name, text)
        if body or row["method"] != "GET":
            line.putheader("Content-Length", str(len(body)))
        line.endheaders(body)
        answer = line.getresponse()
        content = answer.read()
        line.close()
        given = {name.lower(): text for name, text in answer.getheaders()}
        then = row["answer"]
        assert answer.status == then["status"], content
        told = kept.understood(answer.status, given, content)
        self.remember(row, told, given)
        return told, given, content

    def filled(self, text: str) -> str:
        for stands, word in self.words.items():
            text = text.replace(stands, word)
        return text

    def assertion(self, row: dict[str, Any]) -> str:
        said = row["assertion"]
        now = row["at"] // 1000
        claims = json.loads(self.filled(json.dumps(said["claims"], ensure_ascii=False)))
        claims |= {"iat": now, "exp": now + claims["exp"], "jti": secrets.token_urlsafe(24)}
        key = kept.device_key(row["who"])
        header = {name: text for name, text in said["header"].items() if name != "alg"}
        return jwt.encode(claims, key, said["header"]["alg"], headers=header)

    def remember(self, row: dict[str, Any], told: dict[str, Any], given: dict[str, str]) -> None:
        if row["target"] == "/enrol":
            self.words[f"{{device {row['who']}}}"] = told["json"]["device_id"]
        if row["target"] == "/token":
            self.tokens[row["who"]] = told["json"]["access_token"]
        if row["target"].partition("?")[0] == "/fhir/$catalogs":
            self.tags[row["who"]] = given["etag"].strip('"')


def fixture_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_newest_version_has_its_session() -> None:
    assert SUPPORTED[-1].session in {one.session for one in SESSIONS}


@pytest.mark.parametrize("version", SESSIONS, ids=lambda version: version.program)
def test_a_session_is_answered_as_it_was(version: Any, tmp_path: Path) -> None:
    fixture = fixture_of(version.session)
    digest = hashlib.sha256(kept.DICTIONARY.read_bytes()).hexdigest()
    assert digest == fixture["dictionary"]["1"]  # a dictionary is never changed
    with kept.province(tmp_path) as province:
        province.found(fixture["facilities"])
        player = Player(province, {"{root}": province.root})
        forms: dict[str, bytes] = {}
        lists = Lists()
        for number, row in enumerate(fixture["rows"], 1):
            if "province" in row:
                kept.operate(province, row["province"])
                continue
            told, given, content = player.play(row)
            then = json.loads(player.filled(json.dumps(row["answer"], ensure_ascii=False)))
            lost = missing(told, then)
            assert not lost, f"row {number}, {row['method']} {row['target']}: {lost}"
            lists.look(row, told, given, content)
            if row["method"] == "PUT":
                forms[row["target"]] = forms.get(row["target"], b"") + kept.bytes_of(row)
        for target, form in forms.items():
            read = {**row, "method": "GET", "target": target, "base64": "", "who": "DEMO1 Máy 1"}
            read |= {"headers": {"authorization": "{token}"}, "answer": {"status": 200}}
            assert player.play(read)[2] == form
    assert forms
    assert lists.rebuilt >= 4


class Lists:
    """The province's lists as a station takes them in: signed words, pieces, a difference."""

    def __init__(self) -> None:
        self.rebuilt = 0
        self.contents: dict[str, dict[str, bytes]] = {}
        self.words: dict[str, dict[str, Any]] = {}
        self.key: Any = None

    def look(
        self, row: dict[str, Any], told: dict[str, Any], given: dict[str, str], content: bytes
    ) -> None:
        address = row["target"].partition("?")[0]
        if address == "/courier-key":
            self.key = told["json"]
        if "/$catalogs" not in address or told["status"] == 204:
            return
        if address.endswith("/$catalogs"):
            for one in told["json"]["catalogs"]:
                self.check(one)
                said = json.loads(one["manifest"])
                self.words[f"{said['name']}/{said['number']}"] = said
            return
        name = address.removeprefix("/fhir/$catalogs/")
        assert given["content-range"] == f"bytes 0-{len(content) - 1}/{len(content)}"
        own = self.contents.setdefault(row["who"], {})
        base = given["x-catalog-from"]
        old = own[f"{name.split('/')[0]}/{base}"] if base != "0" else b""
        own[name] = _rebuilt(old, told["text"].encode())
        assert hashlib.sha256(own[name]).hexdigest() == self.words[name]["sha256"]
        self.rebuilt += 1

    def check(self, one: dict[str, str]) -> None:
        """Signed by the key that the station was given at its enrolment."""
        key = load_der_public_key(kept.unbase64(self.key["sign"]))
        assert isinstance(key, ec.EllipticCurvePublicKey)
        raw = kept.unbase64(one["signature"])
        signature = encode_dss_signature(*(int.from_bytes(half) for half in (raw[:48], raw[48:])))
        words = b"station-emr catalog pack\0" + one["manifest"].encode()
        key.verify(signature, words, ec.ECDSA(SHA384()))


def _rebuilt(old: bytes, told: bytes) -> bytes:
    lines, made = old.splitlines(keepends=True), []
    for line in told.splitlines(keepends=True):
        first, _, count = line[1:].partition(b" ")
        copied = lines[int(first) : int(first) + int(count)] if line[:1] == b"=" else [line]
        made += copied
    return b"".join(made)

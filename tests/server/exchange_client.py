"""Speaks the exchange over HTTP as the tests need it: its own few lines, none of the product's."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.server.conftest import Station
from tests.server.samples import encounter, observation, patient

MEDIA_TYPE = "application/vnd.station-emr.exchange"
_numbers = itertools.count(1)


def record_id() -> str:
    """A record's id that no other test uses."""
    return f"0197a000-0000-7000-8000-{next(_numbers):012x}"


def new_incarnation() -> str:
    return f"{next(_numbers):016x}"


def op_id(line: bytes) -> str:
    return hashlib.sha256(line).digest()[:16].hex()


def encode(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def envelope(kind: str, record: str, *resources: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {
        "at": "2026-11-20T08:00:00+07:00",
        "by": {"id": "0197a000-0000-7000-8000-00000000aaaa", "name": "BS Mẫu"},
        "device": "Máy 1",
        "id": record,
        "inc": "00000000000000aa",
        "kind": kind,
        "n": next(_numbers),
        "resources": list(resources),
        "status": "signed",
        **keys,
    }


def person(record: str, *, name: str = "Nguyễn Thị Mẫu", **keys: Any) -> bytes:
    return encode(envelope("patient", record, patient(record, name=name), **keys))


def visit(record: str, patient_id: str, *, findings: int = 1, **keys: Any) -> bytes:
    parts = [observation(f"{record}-v{n}", patient_id, record) for n in range(findings)]
    return encode(envelope("encounter", record, encounter(record, patient_id), *parts, **keys))


@dataclass
class Answer:
    """What came back: the header and the lines."""

    response: requests.Response
    header: dict[str, Any]
    lines: list[bytes]

    @property
    def taken(self) -> list[int]:
        return [n for low, high in self.header.get("taken", []) for n in range(low, high + 1)]

    @property
    def refused(self) -> dict[int, str]:
        return {item["at"]: item["kind"] for item in self.header.get("refused", [])}

    @property
    def ids(self) -> list[str]:
        return [op_id(line) for line in self.lines]


@dataclass
class Machine:
    """One station database: it remembers its incarnation, its cursor and the epoch."""

    station: Station
    incarnation: str = field(default_factory=new_incarnation)
    number: int = 0
    cursor: int = 0
    epoch: str = ""

    def raw(self, body: bytes, **headers: str) -> requests.Response:
        sent = {"content_type": MEDIA_TYPE, "accept": MEDIA_TYPE, **headers}
        return self.station.call("POST", "$exchange", body, **sent)

    def body(self, *lines: bytes, **keys: Any) -> bytes:
        header = {
            "v": 1,
            "rid": f"r{next(_numbers)}",
            "inc": self.incarnation,
            "n": self.number,
            "epoch": self.epoch,
            "cursor": self.cursor,
            "room": 1_000_000,
            **keys,
        }
        return b"\n".join(
            [encode({k: v for k, v in header.items() if v not in (None, "")}), *lines]
        )

    def ask(self, *lines: bytes, **keys: Any) -> Answer:
        """One exchange; nothing of the answer is remembered."""
        body = self.body(*lines, **keys)
        response = self.raw(body)
        assert response.status_code == 200, response.text
        header, *rest = response.content.split(b"\n")
        answer = Answer(response, json.loads(header), rest)
        assert answer.header["rid"] == json.loads(body.split(b"\n")[0])["rid"]
        return answer

    def exchange(self, *lines: bytes, **keys: Any) -> Answer:
        """One exchange, and the cursor and the epoch are kept."""
        answer = self.ask(*lines, **keys)
        self.cursor, self.epoch = answer.header["cursor"], answer.header["epoch"]
        return answer

    def drain(self, **keys: Any) -> list[bytes]:
        """Pages until nothing more waits."""
        lines: list[bytes] = []
        while True:
            answer = self.exchange(**keys)
            lines += answer.lines
            if not answer.header["more"]:
                return lines

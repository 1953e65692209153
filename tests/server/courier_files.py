"""A station with a stick, as the server's tests need it: it writes files and opens replies."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provincial_server import auth
from provincial_server.courier.file import REPLY, UNITS, Preamble, open_file
from provincial_server.courier.keys import courier_keys
from provincial_server.courier.writing import write_file
from provincial_server.database import Database
from tests.server.exchange_client import encode, new_incarnation
from tests.sync.courier_keys import TestSigner, age_pair

_numbers = itertools.count(1)


@dataclass
class Reply:
    header: dict[str, Any]
    taken: set[str]
    refused: dict[str, str]
    lines: list[bytes]
    pages: list[dict[str, Any]]


@dataclass
class Stick:
    """One enrolled device that has no line."""

    database: Database
    folder: Path
    facility: str
    device: str = ""
    signer: TestSigner = field(default_factory=TestSigner)
    pair: tuple[str, str] = field(default_factory=age_pair)
    incarnation: str = field(default_factory=new_incarnation)

    def __post_init__(self) -> None:
        if not self.device:
            with self.database.write() as session:
                auth.add_facility(session, self.facility, f"Trạm mẫu {self.facility}", 0)
                self.device = auth.enrol_device(
                    session, self.facility, "Máy mẫu", 0, public_key=self.signer.public_pem
                ).device_id

    def write(
        self,
        lines: Iterable[bytes],
        *,
        n: int = 10_000,
        cursor: int = 0,
        epoch: str = "",
        preamble: dict[str, Any] | None = None,
        header: dict[str, Any] | None = None,
    ) -> Path:
        with self.database.write() as session:
            recipient = courier_keys(session).recipient
        number = next(_numbers)
        said = {
            "kind": UNITS,
            "facility": self.facility,
            "device": self.device,
            "created": "2026-03-02T09:00:00+07:00",
            "number": number,
            "recipient": recipient,
            "reply_to": self.pair[1],
            **(preamble or {}),
        }
        first = {
            "v": 1,
            "rid": f"tep-{number}",
            "inc": self.incarnation,
            "n": n,
            "cursor": cursor,
            "epoch": epoch,
            **(header or {}),
        }
        path = self.folder / f"{number}.semr"
        write_file(path, Preamble(**said), [encode(first), *lines], self.signer)
        return path

    def read(self, path: Path) -> Reply:
        courier = open_file(path)
        assert courier.preamble.kind == REPLY
        assert courier.preamble.facility == self.facility
        with self.database.write() as session:
            assert courier.signer_key == courier_keys(session).public_der
        got: list[bytes] = []
        courier.read(self.pair[0], got.append)
        header = json.loads(got.pop(0))
        verdicts = [json.loads(line) for line in got[: header["verdicts"]]]
        del got[: header["verdicts"]]
        pages, lines = [], []
        while got:
            pages.append(json.loads(got.pop(0)))
            lines += got[: pages[-1]["lines"]]
            del got[: pages[-1]["lines"]]
        return Reply(
            header,
            {op for one in verdicts for op in one.get("taken", ())},
            {one["refused"]["op"]: one["refused"]["kind"] for one in verdicts if "refused" in one},
            lines,
            pages,
        )

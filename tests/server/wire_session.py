"""A whole session of a station program, kept as it went over the line, and how it is played again.

A fixture holds every request as the server got it (method, address, headers, body) and what was
answered, as the program of that day understood it. Only what cannot be good twice is made anew when
it is played: one-time codes, assertions (signed with the fixed test keys below), tokens, the ids that
the server gave to devices, its address, and the tag of its list of lists. In the fixture these stand
in braces. The readers here are that day's: they do not change with the programs.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn
import zstandard
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import update

from provincial_server import auth
from provincial_server.app import create_app
from provincial_server.catalogs import publishing
from provincial_server.database import Database
from provincial_server.exchange.indexing import catch_up
from provincial_server.people.matching import match_people
from provincial_server.settings import Settings
from provincial_server.store import ServerFact
from tests import databases
from tests.databases import OperatorDatabase

EXCHANGE = "application/vnd.station-emr.exchange"
CATALOG = "application/vnd.station-emr.catalog"
EPOCH = "000000000000000000000000000000e1"
"""The station names it in bodies that are played byte for byte, so the server is given it."""
KEPT = ("content-type", "x-exchange-dictionary", "x-catalog-from")
DICTIONARY = Path(__file__).parents[2] / "resources" / "sync" / "dictionary-1.zdict"

Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any
]


def device_key(name: str) -> ec.EllipticCurvePrivateKey:
    """The fixed key of a device of the tests; it opens nothing anywhere else."""
    digest = hashlib.sha384(f"station-emr test device {name}".encode()).digest()
    return ec.derive_private_key(int.from_bytes(digest, "big") >> 1, ec.SECP384R1())


@dataclass
class Province:
    """A real server on a loopback port; time is what it is told."""

    root: str
    database: OperatorDatabase
    time: list[int] = field(default_factory=lambda: [0])

    def found(self, facilities: dict[str, str]) -> None:
        with self.database.write() as session:
            for code, name in facilities.items():
                auth.add_facility(session, code, name, 0)

    def code(self, facility: str) -> str:
        """A one-time code."""
        with self.database.write() as session:
            return auth.new_enrolment_code(session, facility, self.time[0], 1)

    def publish(self, name: str, version: str, effective: str, rows: list[list[str]]) -> None:
        plain = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        with self.database.write() as session:
            publishing.publish(
                session,
                name=name,
                version=version,
                effective=date.fromisoformat(effective),
                content=plain,
                source="danh-muc.csv",
                now=self.time[0],
            )


def operate(province: Province, what: dict[str, Any]) -> None:
    """Something that the operator did between two requests."""
    if "publish" in what:
        province.publish(*what["publish"])
    else:
        catch_up(province.database, lambda: province.time[0])
        match_people(province.database, lambda: province.time[0])


@contextmanager
def province(folder: Path, around: Callable[[App], App] = lambda app: app) -> Iterator[Province]:
    """A server of its own, because a session begins with an empty province."""
    url = databases.database_url(folder / "province.db")
    database = OperatorDatabase(url)
    with database.write() as session:
        session.execute(update(ServerFact).where(ServerFact.name == "epoch").values(value=EPOCH))
    time = [0]
    app = create_app(Settings(url, clock=lambda: time[0]), Database(url))
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        around(app), log_config=None, access_log=False, server_header=False, date_header=False
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    host, port = listening.getsockname()
    try:
        yield Province(f"http://{host}:{port}", database, time)
    finally:
        running.should_exit = True
        thread.join()
        listening.close()
        database.close()


# --- how the program of that day read an answer ----------------------------------------------------


def understood(status: int, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """An answer as a value that can be compared; ``headers`` in small letters."""
    told: dict[str, Any] = {"status": status}
    told["headers"] = {name: headers[name] for name in KEPT if name in headers}
    kind = headers.get("content-type", "").split(";")[0]
    if kind == EXCHANGE:
        first, *lines = exchange_parts(headers, body)
        header = json.loads(first)
        del header["size"]  # follows from the rest, and was looked at
        told["exchange"] = {
            "encoding": headers.get("content-encoding", ""),
            "header": header,
            "lines": [hashlib.sha256(line).hexdigest()[:32] for line in lines],
        }
        return told
    body = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
    if kind == CATALOG:
        plain = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        told["text"] = plain.decode()
    elif kind.endswith("json"):
        told["json"] = json.loads(body)
    elif body:
        told["bytes"] = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    return told


def exchange_parts(headers: dict[str, str], body: bytes) -> list[bytes]:
    """Header and long lines of an answer or a request."""
    encoding = headers.get("content-encoding", "")
    if encoding == "zstd":
        assert headers["x-exchange-dictionary"] == "1"
        words = zstandard.ZstdCompressionDict(DICTIONARY.read_bytes())
        body = zstandard.ZstdDecompressor(dict_data=words).decompress(body)
    elif encoding == "gzip":
        body = gzip.decompress(body)
    first, *lines = body.split(b"\n")
    header = json.loads(first)
    assert header["size"] == max(0, len(body) - len(first) - 1)
    return (
        [first, *(lengthened(line) for line in lines)] if header.get("short") else [first, *lines]
    )


_CODES = (*range(1, 9), 11, 12, *range(14, 31))
_TOKEN = re.compile(
    rb"(?<=[\"/])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,6})?[+-][0-9]{2}:[0-9]{2})"
)


def lengthened(line: bytes) -> bytes:
    """docs/sync.md, "Short lines", read word for word."""
    if line[:1] == b"\x1f":
        return line[1:]
    for code, token in zip(_CODES, dict.fromkeys(_TOKEN.findall(line)), strict=False):
        line = line.replace(bytes([code]), token)
    return line


# --- the fixture -----------------------------------------------------------------------------------


def text_of(body: bytes, headers: dict[str, str]) -> dict[str, str]:
    """A body so that people can read it, where it is text."""
    kind = headers.get("content-type", "")
    if "content-encoding" not in headers and ("json" in kind or "urlencoded" in kind):
        return {"text": body.decode()}
    return {"base64": base64.b64encode(body).decode()} if body else {}


def bytes_of(row: dict[str, Any]) -> bytes:
    return row["text"].encode() if "text" in row else base64.b64decode(row.get("base64", ""))


def unbase64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)

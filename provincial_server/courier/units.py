"""Takes in what a station brought, and writes the answer it takes home (docs/courier.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from sqlalchemy.orm import Session

from provincial_server import auth, wire
from provincial_server.anchors.by_stick import read_log, take_log
from provincial_server.anchors.keeping import Shown
from provincial_server.auth import Caller
from provincial_server.courier.faults import CourierRefused
from provincial_server.courier.file import REPLY, UNITS, CourierFile, Preamble, open_file
from provincial_server.courier.keys import courier_keys, keys_for, next_number
from provincial_server.courier.writing import recipient_of, write_file
from provincial_server.database import Database
from provincial_server.exchange import protocol
from provincial_server.exchange.judge import operation_id
from provincial_server.exchange.protocol import RequestHeader
from provincial_server.exchange.service import Exchange
from provincial_server.exchange.tables import Incarnation
from provincial_server.faults import FhirFault
from provincial_server.settings import Settings
from provincial_server.store import Device, Facility

DEFAULT_ROOM = 64 * 1024 * 1024
_BATCH_LINES, _BATCH_BYTES = 400, 1024 * 1024
_PAGE = 1024 * 1024
_IDS_A_LINE = 400
_PROGRAM = "courier"

WRONG_KIND = (
    "Đây không phải tệp do trạm gửi lên tỉnh. Chưa có gì thay đổi. "
    "Hãy chọn tệp mà trạm đã xuất để gửi."
)
UNKNOWN_FACILITY = (
    "Tệp của cơ sở {code}, nhưng cơ sở này không có ở máy chủ của tỉnh. Chưa có gì thay đổi. "
    "Hãy hỏi lại trạm: tệp có thể gửi nhầm tỉnh."
)
UNKNOWN_DEVICE = (
    "Thiết bị đã lập tệp này không được ghi danh ở máy chủ của tỉnh, hoặc chưa ghi danh khóa của máy. "
    "Chưa có gì thay đổi. Hãy ghi danh máy của trạm rồi xuất lại tệp."
)
REVOKED = (
    "Thiết bị đã lập tệp này đã bị thu hồi. Chưa có gì thay đổi. "
    "Nếu máy vẫn được dùng, hãy ghi danh lại rồi xuất lại tệp."
)
NO_REQUEST = (
    "Tệp đúng chữ ký nhưng nội dung không phải của trạm gửi lên. Chưa có gì thay đổi. "
    "Hãy cập nhật chương trình của trạm rồi xuất lại."
)


@dataclass
class Import:
    """What one file brought; ``written`` is how many operations went into the reply."""

    facility: str
    device: str
    number: int
    operations: int = 0
    taken: list[str] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    stale: bool = False
    written: int = 0
    more: bool = False


class CourierDesk:
    """The province's side of the stick."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._exchange = Exchange(settings, database)

    def import_units(self, path: Path, reply: Path, room: int = DEFAULT_ROOM) -> Import:
        """Keep what the file brings and write the reply. Raises CourierRefused having changed
        nothing; EnvironmentFailure for the stick: what was kept by then stays kept, and the same
        file may simply be imported again.
        """
        courier = open_file(path)
        if courier.preamble.kind != UNITS:
            raise CourierRefused("wrong-kind", WRONG_KIND)
        try:
            recipient_of(courier.preamble.reply_to)
        except ValueError as error:
            raise CourierRefused("unreadable", NO_REQUEST) from error
        with self._database.write(courier.preamble.facility) as session:
            caller = _caller(session, courier)
            present = courier_keys(session)
            keys = keys_for(session, courier.preamble.recipient)
        intake = _Intake(self._exchange, self._database, caller)
        done = Import(caller.facility_code, caller.device_id, courier.preamble.number)
        courier.read(keys.identity, intake.take)
        request = intake.finish(done)
        now = self._settings.clock()
        with self._database.write(caller.facility_code) as session:
            auth.note_contact(session, caller.device_id, now, _PROGRAM)
            number = next_number(session)
            log = take_log(session, caller, intake.log, now) if intake.log else None
        # The station believes the key it knows: that one tells it of the present one.
        signer = present if keys.leaked else keys
        told = None if signer.identity == present.identity else present.public()
        lines = _Answer(self._exchange, caller, request, done, room, _known(province=told, log=log))
        preamble = Preamble(
            kind=REPLY,
            facility=caller.facility_code,
            device=caller.device_id,
            created=wire.instant(now),
            number=number,
            recipient=courier.preamble.reply_to,
            answers=courier.preamble.number,
        )
        write_file(reply, preamble, lines.lines(), signer)
        return done


def _caller(session: Session, courier: CourierFile) -> Caller:
    """The enrolled device behind the signature."""
    preamble = courier.preamble
    facility = session.get(Facility, preamble.facility)
    if facility is None:
        raise CourierRefused("other-facility", UNKNOWN_FACILITY.format(code=preamble.facility[:32]))
    device = session.get(Device, preamble.device)
    if (
        device is None
        or device.facility_code != facility.code
        or device.public_key is None
        or _der(device.public_key) != courier.signer_key
    ):
        raise CourierRefused("unknown-sender", UNKNOWN_DEVICE)
    if device.revoked_at is not None:
        raise CourierRefused("revoked", REVOKED)
    return Caller(device.id, facility.code, facility.name)


def _der(pem: str) -> bytes:
    key = load_pem_public_key(pem.encode("ascii"))
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class _Intake:
    """Hands the lines of a file to the exchange in portions."""

    def __init__(self, exchange: Exchange, database: Database, caller: Caller) -> None:
        self._exchange = exchange
        self._database = database
        self._caller = caller
        self._header: RequestHeader | None = None
        self.log: Shown | None = None
        self._lines: list[bytes] = []
        self._size = 0
        self._count = 0
        self._taken: list[str] = []
        self._refused: list[dict[str, Any]] = []
        self._stale = False

    def take(self, line: bytes) -> None:
        if self._header is None:
            self._header = self._read_header(line)
            return
        if not line:
            raise CourierRefused("unreadable", NO_REQUEST)
        self._lines.append(line)
        self._size += len(line)
        if len(self._lines) >= _BATCH_LINES or self._size >= _BATCH_BYTES:
            self._send()

    def finish(self, done: Import) -> RequestHeader:
        if self._header is None:
            raise CourierRefused("unreadable", NO_REQUEST)
        self._send()
        done.operations, done.stale = self._count, self._stale
        done.taken, done.refused = self._taken, self._refused
        return self._header

    def _read_header(self, line: bytes) -> RequestHeader:
        try:
            header, _ = protocol.read_request(line)
            self.log = read_log(line)
        except FhirFault as fault:
            raise CourierRefused("unreadable", NO_REQUEST) from fault
        # A file is older than what the line carried meanwhile: its highest number proves nothing.
        with self._database.read(self._caller.facility_code) as session:
            row = session.get(Incarnation, (self._caller.facility_code, header.inc))
        if row is None or row.device_id not in {None, self._caller.device_id}:
            return header
        return msgspec.structs.replace(header, n=max(header.n, row.highest_number))

    def _send(self) -> None:
        assert self._header is not None  # noqa: S101 -- lines come after it
        lines, self._lines, self._size = self._lines, [], 0
        answer, _ = ask(self._exchange, self._caller, self._header, lines, room=1)
        ids = [operation_id(line) for line in lines]
        for first, last in answer.get("taken", ()):
            self._taken.extend(ids[first : last + 1])
        for one in answer.get("refused", ()):
            verdict = {"op": ids[one["at"]], "kind": one["kind"], "issues": one["issues"]}
            self._refused.append(verdict)
        self._count += len(lines)
        self._stale = self._stale or answer.get("incarnation") == "stale"


def ask(
    exchange: Exchange,
    caller: Caller,
    header: RequestHeader,
    lines: Sequence[bytes],
    *,
    room: int,
    cursor: int | None = None,
) -> tuple[dict[str, Any], list[bytes]]:
    """One round trip of the exchange, without the wire."""
    asked: dict[str, Any] = {
        "v": header.v,
        "rid": header.rid,
        "inc": header.inc,
        "n": header.n,
        "epoch": header.epoch,
        "cursor": header.cursor if cursor is None else cursor,
        "room": room,
        "state": header.state,
    }
    first, *page = exchange.answer(caller, protocol.write_answer(asked, lines)).split(b"\n")
    return msgspec.json.decode(first), page


class _Answer:
    """The lines of a reply: the verdicts, then page after page until nothing more waits or fits."""

    def __init__(
        self,
        exchange: Exchange,
        caller: Caller,
        request: RequestHeader,
        done: Import,
        room: int,
        beside: dict[str, Any],
    ) -> None:
        self._beside = beside
        self._exchange = exchange
        self._caller = caller
        self._request = request
        self._done = done
        self._room = room

    def lines(self) -> Iterator[bytes]:
        answer, page = self._page(self._request.cursor)
        verdicts = self._verdicts()
        yield msgspec.json.encode(
            {
                "v": protocol.VERSION,
                "rid": self._request.rid,
                "epoch": answer["epoch"],
                "asked": self._request.epoch,
                "since": self._request.cursor,
                "inc": self._request.inc,
                "stale": self._done.stale,
                "verdicts": len(verdicts),
                **self._beside,
            }
        )
        yield from verdicts
        while True:
            yield msgspec.json.encode(_page_header(answer, page))
            yield from page
            self._done.written += len(page)
            self._room -= sum(map(len, page))
            self._done.more = answer["more"]
            if not answer["more"] or self._room <= 0:
                return
            answer, page = self._page(answer["cursor"])

    def _page(self, cursor: int) -> tuple[dict[str, Any], list[bytes]]:
        room = min(_PAGE, max(self._room, 1))
        return ask(self._exchange, self._caller, self._request, (), room=room, cursor=cursor)

    def _verdicts(self) -> list[bytes]:
        taken = self._done.taken
        found: list[dict[str, Any]] = [
            {"taken": taken[start : start + _IDS_A_LINE]}
            for start in range(0, len(taken), _IDS_A_LINE)
        ]
        found += [{"refused": one} for one in self._done.refused]
        return [msgspec.json.encode(one) for one in found]


def _known(**values: dict[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _page_header(answer: dict[str, Any], page: Sequence[bytes]) -> dict[str, Any]:
    named = ("cursor", "more", "count", "sum")
    return {"lines": len(page), **{name: answer[name] for name in named if name in answer}}

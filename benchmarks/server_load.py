"""Stations that send all at once: requests made beforehand, so that the measuring costs little.

Each station is a facility of its own with its own people; its visits go one by one as FHIR
transactions (what any FHIR server takes) or in pages of the exchange (what our stations do).
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from benchmarks.machine import milliseconds, percentile
from benchmarks.population import DOCTOR, ZONE
from benchmarks.sync_content import DAY, day_of, people
from station_emr.domain.operation import Envelope
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.interop.fhir.units import build_unit
from station_emr.sync.exchange_peer import ExchangeRequest
from station_emr.sync.exchange_wire import Packing, decode_reply, encode_request, pack, unpack
from station_emr.sync.operation_line import seal

FHIR = "application/fhir+json"
_WRITTEN = datetime(2026, 11, 20, 7, 0, tzinfo=ZONE)
_SECONDS = 120
_DAY_TEXT = DAY.isoformat().encode()
_ID_DAY = (24 * 3600 * 1000 >> 16) + 1
"""A day in the first eight digits of an id, which are its milliseconds without the last four."""
_NUMBER = re.compile(rb'"n":\d+,"resources"')


@dataclass(frozen=True)
class Call:
    """One request: how many visits it brings, and what tells that all of them were taken."""

    path: str
    body: bytes
    headers: dict[str, str]
    visits: int
    taken: Callable[[bytes, dict[str, str]], int]


@dataclass
class Sender:
    """What one station sends, in order. ``first`` goes before the clock starts."""

    token: str
    first: Sequence[Call]
    calls: Sequence[Call]
    seconds: list[float] = field(default_factory=list)
    taken: int = 0
    waits: int = 0
    fault: str = ""


def transactions(station: int, visits: int, patients: int = 20) -> tuple[list[Call], list[Call]]:
    """People beforehand, then each visit as one transaction of PUTs."""
    crowd = people(patients, seed=1000 + station)
    units = [(RecordKind.PATIENT, person) for person in crowd]
    coming = [(RecordKind.ENCOUNTER, visit) for visit, _ in day_of(crowd, visits, seed=station)]
    return [_transaction(*one) for one in units], [_transaction(*one) for one in coming]


def _transaction(kind: RecordKind, record: Any) -> Call:
    entries = [
        {
            "resource": resource,
            "request": {
                "method": "PUT",
                "url": f"{resource['resourceType']}/{resource['id']}",
            },
        }
        for resource in build_unit(kind, record, RecordStatus.SIGNED)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    body = json.dumps(bundle, ensure_ascii=False, default=float).encode()
    headers = {"Content-Type": FHIR, "Accept": FHIR}
    return Call("/fhir", body, headers, int(kind is RecordKind.ENCOUNTER), _entries_taken)


def _entries_taken(body: bytes, _headers: dict[str, str]) -> int:
    entries = json.loads(body)["entry"]
    return int(all(entry["response"]["status"][0] == "2" for entry in entries))


def pages(
    station: int, visits: int, *, page: int = 100, patients: int = 20, level: int = 6
) -> tuple[list[Call], list[Call]]:
    """People beforehand, then pages of sealed visits, packed as a station on a quick line does."""
    crowd = people(patients, seed=1000 + station)
    records: list[tuple[RecordKind, Any]] = [(RecordKind.PATIENT, person) for person in crowd]
    records += [(RecordKind.ENCOUNTER, visit) for visit, _ in day_of(crowd, visits, seed=station)]
    first = records_in_pages(station, records[:patients], page=patients, level=level)
    rest = records_in_pages(station, records[patients:], after=patients, page=page, level=level)
    return [replace(call, visits=0) for call in first], rest


def records_in_pages(
    station: int,
    records: Sequence[tuple[RecordKind, Any]],
    *,
    after: int = 0,
    page: int = 100,
    level: int = 6,
) -> list[Call]:
    """Sealed records in pages of the exchange, numbered from `after` on."""
    lines = _sealed(station, records, after)
    return [
        _page(station, lines[start : start + page], after + min(start + page, len(lines)), level)
        for start in range(0, len(lines), page)
    ]


def _sealed(station: int, records: Sequence[tuple[RecordKind, Any]], after: int) -> list[bytes]:
    return [
        seal(
            _envelope(kind, record, f"{station:016x}", number),
            build_unit(kind, record, RecordStatus.SIGNED),
        )
        for number, (kind, record) in enumerate(records, after + 1)
    ]


def _page(
    station: int,
    some: Sequence[bytes],
    number: int,
    level: int,
    *,
    epoch: str = "",
    cursor: int = 0,
) -> Call:
    """One page; `number` is that of its last line."""
    rid = f"{station:08x}{number:08x}"
    request = ExchangeRequest(
        incarnation=f"{station:016x}", number=number, epoch=epoch, cursor=cursor, lines=some
    )
    body = pack(encode_request(request, rid), Packing(), level)
    headers = {
        **body.headers,
        "Accept": body.headers["Content-Type"],
        "Accept-Encoding": "gzip",
    }

    def taken(answer: bytes, got: dict[str, str]) -> int:
        plain = unpack(answer, got.get("content-encoding", ""))
        return len(decode_reply(plain, rid, len(some)).taken)

    return Call("/fhir/$exchange", body.content, headers, len(some), taken)


class Growth:
    """Visits without an end, for filling a database: the visits of one day again and again, each time
    a day later and as other records. Making a visit anew costs more than the server's whole work with
    it. Pages carry the cursor, as those of a station do that has its answers."""

    def __init__(self, station: int, epoch: str, *, day: int = 500, patients: int = 400) -> None:
        """`epoch` is that of the server's database, in which nobody else writes for this station."""
        self._station, self._epoch = station, epoch
        crowd = people(patients, seed=1000 + station)
        known = [(RecordKind.PATIENT, person) for person in crowd]
        visits = [visit for visit, _ in day_of(crowd, day, seed=station)]
        self.first = [replace(call, visits=0) for call in records_in_pages(station, known, level=1)]
        self._ids = [visit.id.encode() for visit in visits]
        self._lines = _sealed(station, [(RecordKind.ENCOUNTER, visit) for visit in visits], 0)
        self._sent, self._number = 0, patients

    def calls(self, visits: int, *, page: int = 400) -> list[Call]:
        """The next so many, in large pages."""
        made: list[Call] = []
        while visits > 0:
            before = self._number  # so many operations the server has, numbered without a gap
            some = [self._next() for _ in range(min(page, visits))]
            made.append(
                _page(self._station, some, self._number, 1, epoch=self._epoch, cursor=before)
            )
            visits -= len(some)
        return made

    def _next(self) -> bytes:
        day, place = divmod(self._sent, len(self._lines))
        self._sent += 1
        self._number += 1
        own = self._ids[place]
        # The time stands in front in an id of a record, so that ids of one day stand side by side.
        moved = b"%08x" % (int(own[:8], 16) + _ID_DAY * (1 + day))
        line = self._lines[place].replace(own, moved + own[8:])
        line = line.replace(_DAY_TEXT, (DAY + timedelta(1 + day)).isoformat().encode())
        return _NUMBER.sub(b'"n":%d,"resources"' % self._number, line, count=1)


def _envelope(kind: RecordKind, record: Any, incarnation: str, number: int) -> Envelope:
    signature = getattr(record, "signature", None)
    return Envelope(
        kind=kind,
        record_id=record.id,
        status=RecordStatus.SIGNED,
        base=(),
        at=signature.at if signature else _WRITTEN,
        author_id=DOCTOR.user_id,
        author_name=DOCTOR.full_name,
        incarnation=incarnation,
        number=number,
        device="Máy 1",
    )


# --- sending -------------------------------------------------------------------------------------


def send_all(port: int, senders: Sequence[Sender]) -> float:
    """Every sender on a thread and a connection of its own; the seconds until the last had its
    answer. Raises RuntimeError when one was not taken whole."""
    for sender in senders:
        for call in sender.first:
            _send(port, sender, [call])
        sender.seconds.clear()
        sender.taken = 0
    ready = threading.Barrier(len(senders) + 1)

    def work(sender: Sender) -> None:
        ready.wait()
        _send(port, sender, sender.calls)

    threads = [threading.Thread(target=work, args=(sender,), daemon=True) for sender in senders]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - began
    for sender in senders:
        wanted = sum(call.visits for call in sender.calls)
        if sender.fault or sender.taken != wanted:
            raise RuntimeError(f"{sender.taken} of {wanted} taken: {sender.fault}")
    return spent


def send_one_by_one(port: int, sender: Sender) -> None:
    """All of one sender's requests, on one connection; a fault is noted with the sender."""
    _send(port, sender, (*sender.first, *sender.calls))


def _send(port: int, sender: Sender, calls: Sequence[Call]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        for call in calls:
            began = time.perf_counter()
            status, headers, body = _ask(connection, sender, call)
            sender.seconds.append(time.perf_counter() - began)
            if status != 200:
                sender.fault = f"{status}: {body[:300]!r}"
                return
            count = call.taken(body, headers)
            sender.taken += min(count, call.visits)
    except OSError as error:
        sender.fault = str(error)
    finally:
        connection.close()


def _ask(
    connection: http.client.HTTPConnection, sender: Sender, call: Call
) -> tuple[int, dict[str, str], bytes]:
    """A refusal for haste (429) is honoured and asked again."""
    while True:
        headers = {**call.headers, "Authorization": f"Bearer {sender.token}"}
        connection.request("POST", call.path, call.body, headers)
        answer = connection.getresponse()
        body = answer.read()
        got = {name.lower(): value for name, value in answer.getheaders()}
        if answer.status != 429:
            return answer.status, got, body
        sender.waits += 1
        time.sleep(float(got.get("retry-after", "1")))


def measured(senders: Sequence[Sender], seconds: float) -> dict[str, float]:
    """Visits a second, and the milliseconds of a request."""
    times = [one for sender in senders for one in sender.seconds]
    return {
        "per_second": round(sum(sender.taken for sender in senders) / seconds),
        "p50_ms": milliseconds(percentile(times, 50)),
        "p95_ms": milliseconds(percentile(times, 95)),
        "p99_ms": milliseconds(percentile(times, 99)),
    }

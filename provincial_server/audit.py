"""One line in the access log for every request that saw or changed records, or was refused.

Lines are collected and written about once a second, in one transaction and beside the requests. A
process that is killed may lose the lines of its last second; one that is stopped loses none. While
lines cannot be written, no more is shown than there is room to note.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from provincial_server.database import Database
from provincial_server.faults import refuse
from provincial_server.referrals.addressing import KIND
from provincial_server.settings import Clock
from provincial_server.store import EVERY_FACILITY
from provincial_server.structure import ID, STORED_TYPES
from provincial_server.transport import fault_response
from provincial_server.web.access_log import PROVINCE, AccessCounter, AccessEntry

_MOST_WAITING = 20_000
_PAUSE_SECONDS = 1.0
_log = logging.getLogger("provincial_server.audit")

_LOGIN_PAGE = "/web/login"
_ACTIONS = {
    ("GET", "/fhir/{resource_type}"): "search",
    ("POST", "/fhir/{resource_type}/_search"): "search",
    ("GET", "/fhir/{resource_type}/{resource_id}"): "read",
    ("GET", "/fhir/{resource_type}/{resource_id}/_history/{version}"): "vread",
    ("GET", "/fhir/{resource_type}/{resource_id}/_history"): "history",
    ("GET", "/fhir/{resource_type}/_history"): "history",
    ("GET", "/fhir/_history"): "history",
    ("POST", "/fhir/{resource_type}"): "create",
    ("PUT", "/fhir/{resource_type}"): "update",
    ("PUT", "/fhir/{resource_type}/{resource_id}"): "update",
    ("POST", "/fhir"): "bundle",
    ("POST", "/fhir/"): "bundle",
    ("POST", "/fhir/$exchange"): "exchange",
    ("GET", "/fhir/Binary/{binary_id:form}"): "read",
    ("GET", "/fhir/Binary/{binary_id:form}/$received"): "received",
    ("PUT", "/fhir/Binary/{binary_id:form}"): "update",
    ("GET", "/fhir/Binary/$forms"): "search",
    ("GET", "/fhir/Binary/$tally"): "compare",
    ("POST", "/fhir/Binary/$tally"): "compare",
    ("POST", "/token"): "token",
    ("POST", "/enrol"): "enrol",
    ("POST", "/enrol-key"): "enrol",
    ("GET", "/overview"): "overview",
    ("GET", "/metrics"): "metrics",
    ("GET", "/catalogs"): "catalogs",
    ("GET", "/catalogs/{name}/{number}"): "catalogs",
    ("GET", "/fhir/$catalogs"): "catalogs",
    ("GET", "/fhir/$catalogs/{name}/{number}"): "catalogs",
    ("GET", "/audit-anchors"): "anchors",
    ("POST", "/audit-anchors"): "anchor",
    ("GET", "/fhir/$audit-anchors"): "anchors",
    ("POST", "/fhir/$audit-anchors"): "anchor",
    ("POST", "/log-letter"): "anchor",
    ("POST", "/fhir/$log-letter"): "anchor",
    ("POST", "/people/history"): "ask-history",
    ("POST", "/people/consent/{consent_id}/withdraw"): "withdraw",
    ("GET", "/people/consent/{consent_id}"): "read",
    ("GET", "/people/access-log"): "access-log",
    ("POST", _LOGIN_PAGE): "login",
}
_PAGES = {
    ("GET", "/web/inbox"): "list",
    ("GET", "/web/tong-quan"): "overview",
    ("GET", "/web/tong-quan/xuat.xlsx"): "export",
    ("GET", "/web/tong-quan/{code}"): "overview",
    ("GET", "/web/trung-nguoi"): "list",
    ("GET", "/web/xem-ho-so"): "access-log",
}
"""Pages that show much of many; those about one letter or one person note themselves, in the
transaction that reads it."""
_WATCHED = {route for _, route in _ACTIONS}
"""Addresses where a refused stranger is noted too."""
_SILENT = ("/web/static", "/health", "/ready")
_FULL = (
    "Máy chủ chưa ghi được nhật ký truy cập nên tạm không cho xem. Chưa có gì bị mất hay thay đổi. "
    "Hãy thử lại sau ít phút; nếu vẫn vậy, hãy gọi quản trị của Sở Y tế."
)
_METHODS = {"DELETE", "PATCH", "PUT", "POST", "GET"}
_PURPOSES = {"device": "đồng bộ", "administrator": "quản trị"}
_ENTERING = "đăng nhập"
_COUNTED = {401, 403, 405}
"""Refusals of strangers that come no faster than an address may ask."""
_NO_NAME = "?"
_NAMES = ("record_id", "resource_id", "binary_id", "consent_id", "code")


@dataclass(frozen=True)
class Actor:
    """Who asked; `facility_code` is whose records the question was about."""

    kind: str
    """`claimed`: so it called itself, and proved nothing."""
    actor_id: str
    facility_code: str = PROVINCE
    purpose: str = ""


@dataclass(frozen=True)
class Access:
    """One line, without its number."""

    facility_code: str
    at: int
    actor_kind: str
    actor_id: str
    action: str
    object_type: str
    object_id: str
    purpose: str
    result: str
    repeats: bool = False
    """What a stranger may do as often as he likes must not fill the log: in a second it is one line."""

    def row(self, sequence: int) -> dict[str, Any]:
        return {
            "facility_code": self.facility_code,
            "sequence": sequence,
            "at": self.at,
            "actor_kind": self.actor_kind,
            "actor_id": _held(self.actor_id, 64),
            "action": _held(self.action, 40),
            "object_type": _held(self.object_type, 40),
            "object_id": _held(self.object_id, 100),
            "purpose": _held(self.purpose, 200),
            "result": _held(self.result, 100),
        }


def _held(said: str, most: int) -> str:
    """As every database can hold it: what a stranger put into an address must not stop the log."""
    return said[:most].replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


class AccessBuffer:
    """Lines on their way to the log. Threads may share it."""

    def __init__(self, database: Database, pause: float = _PAUSE_SECONDS) -> None:
        self._database = database
        self._pause = pause
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._waiting: list[Access] = []
        self._repeated: dict[tuple[str, ...], tuple[Access, int]] = {}
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def full(self) -> bool:
        return len(self._waiting) >= _MOST_WAITING

    def add(self, access: Access) -> None:
        with self._changed:
            if access.repeats:
                key = (access.actor_id, access.action, access.object_type, access.result)
                first, times = self._repeated.get(key, (access, 0))
                self._repeated[key] = first, times + 1
            else:
                self._waiting.append(access)
            if (
                len(self._waiting) + len(self._repeated) == 1
            ):  # else it knows already, and waking it costs each request
                self._changed.notify()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits, and ends."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread:
            self._thread.join()
        self._try()

    def flush(self) -> None:
        """Returns when every line that was added before is in the database."""
        with self._writing:
            with self._changed:
                self._waiting += [
                    replace(first, result=f"{first.result} times={times}") if times > 1 else first
                    for first, times in self._repeated.values()
                ]
                self._repeated.clear()
                batch = self._waiting[:]
            if not batch:
                return
            with self._database.write(EVERY_FACILITY) as session:
                write(session, batch)
            with self._changed:
                del self._waiting[: len(batch)]

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._repeated or self._stopping)
                if self._changed.wait_for(lambda: self._stopping, self._pause):
                    return
            self._try()

    def _try(self) -> None:
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001 -- a full disk passes; the lines are kept
            _log.error("the access log waits: %s", type(error).__name__)


def write(session: Session, batch: list[Access]) -> None:
    """All lines in the caller's transaction, numbered without a gap in each facility. Facilities are
    taken in one order everywhere, so that two processes never wait for each other."""
    of_facility: dict[str, list[Access]] = {}
    for access in batch:
        of_facility.setdefault(access.facility_code, []).append(access)
    rows = []
    for code in sorted(of_facility):
        lines = of_facility[code]
        last = _advance(session, code, len(lines))
        rows += [line.row(last - len(lines) + place) for place, line in enumerate(lines, start=1)]
    session.execute(insert(AccessEntry), rows)


def _advance(session: Session, code: str, count: int) -> int:
    """Takes so many numbers of the facility; the last of them."""
    grown = (
        update(AccessCounter)
        .where(AccessCounter.facility_code == code)
        .values(last_sequence=AccessCounter.last_sequence + count)
        .returning(AccessCounter.last_sequence)
        .execution_options(synchronize_session=False)
    )
    found = session.scalar(grown)
    if found is None:
        try:
            with session.begin_nested():
                session.execute(
                    insert(AccessCounter), {"facility_code": code, "last_sequence": count}
                )
        except IntegrityError:  # another process made the row first
            return session.scalars(grown).one()
        return count
    return found


class Audited:
    """Notes every request that a device or an administrator made, and every refused one."""

    def __init__(self, app: ASGIApp, buffer: AccessBuffer, clock: Clock) -> None:
        self._app = app
        self._buffer = buffer
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_SILENT):
            await self._app(scope, receive, send)
            return
        if self._buffer.full and is_page(scope):
            again = {"Retry-After": "5"}
            await PlainTextResponse(_FULL, 503, again)(scope, receive, send)
            return
        if self._buffer.full:
            fault = refuse(503, "transient", "the access log cannot be written", "http.path")
            fault.headers = {"Retry-After": "5"}
            await fault_response(fault)(scope, receive, send)
            return
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            access = access_of(scope, status, self._clock)
            if access is not None:
                self._buffer.add(access)


def is_page(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == "/web" or path.startswith("/web/")


def access_of(scope: Scope, status: int, clock: Clock) -> Access | None:
    """The line for a request that was answered, or None for one that concerns nobody's records."""
    state = scope.get("state", {})
    actor: Actor | None = state.get("actor")
    route = getattr(scope.get("route"), "path", "")
    refused = status >= 400
    action = _action(scope, route, state)
    if state.get("noted") or (is_page(scope) and not refused and action is None):
        return None
    if action is None and scope["method"] in _METHODS:
        action = scope["method"].lower()  # one that nobody offers here
    stranger = actor is None
    if actor is None:
        watched = route in _WATCHED or state.get("refused_unread")
        if not refused or status >= 500 or not watched:
            return None
        client = scope.get("client")
        actor = Actor("address", client[0] if client else "-")
    kind, name = _object(scope.get("path_params", {}), route)
    result = f"refused {status}" if refused else "ok"
    counts: dict[str, int] = state.get("counts", {})
    said = " ".join([result, *(f"{name}={number}" for name, number in counts.items())])
    return Access(
        facility_code=actor.facility_code,
        at=clock(),
        actor_kind=actor.kind,
        actor_id=actor.actor_id,
        action=action or _NO_NAME,  # a method may be any word
        object_type=kind if kind in {route, KIND} or kind in STORED_TYPES else _NO_NAME,
        # What is no id may be anything, a name or a card's number among it: it is not written down.
        object_id=name if not name or ID.fullmatch(name) else _NO_NAME,
        purpose=actor.purpose or _PURPOSES.get(actor.kind, _ENTERING),
        result=said,
        repeats=stranger and status not in _COUNTED,
    )


def _action(scope: Scope, route: str, state: dict[str, Any]) -> str | None:
    word = (scope["method"], route)
    if word in _PAGES:
        said: str = state.get("action", _PAGES[word])
        return said
    return _ACTIONS.get(word)


def _object(found: dict[str, Any], route: str) -> tuple[str, str]:
    """What kind of thing it was about, and its id."""
    name = next((found[key] for key in _NAMES if found.get(key)), "")
    if "record_id" in found:
        return KIND, name
    return "Binary" if "/Binary/" in route else found.get("resource_type") or route or "-", name

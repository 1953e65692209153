"""POST [base]: transactions, all or nothing, and batches, each entry by itself.

Everything that can be judged without the store is judged before the write lock is taken, so a
poisoned bundle costs the others no waiting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from provincial_server import answers
from provincial_server.auth import Caller
from provincial_server.conditions import query_of, read_condition
from provincial_server.database import Database
from provincial_server.exchange import new_records
from provincial_server.exchange.fast_check import check_quickly
from provincial_server.exchange.plain import write_plainly
from provincial_server.faults import FhirFault, Issue, refuse
from provincial_server.links import Links, settle
from provincial_server.resources import Key, Preconditions, Writer, Written, new_id
from provincial_server.settings import Settings
from provincial_server.structure import ID, STORED_TYPES
from provincial_server.validation import Checked, check_id
from provincial_server.writes import Write, apply_write

_URN = re.compile(r"urn:uuid:[0-9a-fA-F-]{36}")
_BUNDLE_MEMBERS = {
    *("resourceType", "id", "meta", "implicitRules", "language"),
    *("identifier", "type", "timestamp", "link", "entry", "signature"),
}
_ENTRY_MEMBERS = {"fullUrl", "resource", "request", "id", "extension", "link"}
_REQUEST_MEMBERS = {"method", "url", "ifMatch", "ifNoneMatch", "ifNoneExist", "id", "extension"}
_UNPROCESSABLE = 422


@dataclass(frozen=True)
class Entry:
    """One entry before its resource is judged."""

    place: int
    method: str
    resource: Any
    resource_type: str
    resource_id: str | None
    query: str
    full_url: str | None
    request: dict[str, Any]

    @property
    def path(self) -> str:
        return f"Bundle.entry[{self.place}]"


@dataclass(frozen=True)
class Answer:
    """The text, and how many entries were taken and refused."""

    text: str
    taken: int
    refused: int = 0


def process(
    body: Any,
    database: Database,
    settings: Settings,
    caller: Caller,
    *,
    returning: str | None,
    confirm: Callable[[], object] = lambda: None,
    base: str = "",
) -> Answer:
    """The whole of POST [base]. A refused transaction raises `FhirFault`. `returning` is what the
    client prefers to get of each entry; `confirm` looks up a caller who was remembered, or raises;
    `base` is this server's address, by which references may name resources too."""
    kind, raw = _open_bundle(body, settings)
    if kind == "transaction":
        whole = returning == "representation"
        taken = new_records.take(raw, database, settings, caller, whole=whole, confirm=confirm)
        if taken is not None:
            return _transaction_answer(taken, returning)
    confirm()
    parsed = [_attempt(lambda at=at, item=item: _entry(at, item)) for at, item in enumerate(raw)]
    if kind == "transaction":
        entries = _all_or_raise(parsed)
        links = _links(entries, base)
        return _transaction(entries, links, database, settings, caller, returning=returning)
    return _batch(parsed, Links(base), database, settings, caller, returning=returning)


def _open_bundle(body: Any, settings: Settings) -> tuple[str, list[Any]]:
    if not isinstance(body, dict) or body.get("resourceType") != "Bundle":
        raise refuse(400, "structure", "a Bundle is expected here")
    kind = body.get("type")
    if kind not in ("transaction", "batch"):  # a tuple: the kind may be unhashable JSON
        raise refuse(400, "value", "only transaction and batch are accepted", "Bundle.type")
    if body.keys() - _BUNDLE_MEMBERS:
        raise refuse(400, "structure", "the Bundle holds an unknown element", "Bundle")
    raw = body.get("entry", [])
    if not isinstance(raw, list):
        raise refuse(400, "structure", "entry is a list", "Bundle.entry")
    if len(raw) > settings.limits.entries:
        problem = f"at most {settings.limits.entries} entries"
        raise refuse(413, "too-costly", problem, "Bundle.entry")
    return kind, raw


def _attempt(step: Any) -> Any:
    try:
        return step()
    except FhirFault as fault:
        return fault


def _all_or_raise(results: Sequence[Any]) -> list[Any]:
    """The results, or one fault that carries the issues of all that failed."""
    faults = [result for result in results if isinstance(result, FhirFault)]
    if faults:
        issues = [issue for fault in faults for issue in fault.issues]
        raise FhirFault(faults[0].status, issues)
    return list(results)


def _entry(place: int, item: Any) -> Entry:
    path = f"Bundle.entry[{place}]"
    request = item.get("request") if isinstance(item, dict) else None
    if not isinstance(request, dict) or item.keys() - _ENTRY_MEMBERS:
        raise refuse(400, "structure", "an entry has fullUrl, resource and request", path)
    if request.keys() - _REQUEST_MEMBERS or not all(
        isinstance(request.get(name, ""), str) for name in _REQUEST_MEMBERS - {"extension"}
    ):
        raise refuse(400, "structure", "the request is not as in R4", f"{path}.request")
    method, url = request.get("method"), request.get("url", "")
    if method not in {"PUT", "POST"}:
        problem = "only PUT and POST are accepted in a Bundle; records are never deleted"
        raise refuse(400, "not-supported", problem, f"{path}.request.method")
    parts = _split_url(url, f"{path}.request.url")
    resource_type, resource_id, query = parts
    if (method == "POST" and (resource_id or query)) or (
        method == "PUT" and bool(resource_id) == bool(query)
    ):
        problem = "PUT goes to Type/id or Type?identifier=…, POST to Type"
        raise refuse(400, "value", problem, f"{path}.request.url")
    full_url = item.get("fullUrl")
    if full_url is not None and not isinstance(full_url, str):
        raise refuse(400, "structure", "fullUrl is a text", f"{path}.fullUrl")
    resource = item.get("resource")
    return Entry(place, method, resource, resource_type, resource_id, query, full_url, request)


def _split_url(url: str, path: str) -> tuple[str, str | None, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise refuse(400, "value", "not an address", path) from None
    resource_type, _, resource_id = parts.path.partition("/")
    if parts.scheme or parts.netloc or resource_type not in STORED_TYPES:
        raise refuse(400, "not-supported", "the address starts with a type that is stored", path)
    if resource_id and not ID.fullmatch(resource_id):
        raise refuse(400, "value", "an id has 1 to 64 letters, digits, hyphens and dots", path)
    return resource_type, resource_id or None, parts.query


def _judge(entry: Entry, links: Links) -> Write:
    """Raises 422 for a resource that must not be stored, 400 for a malformed request."""
    path = f"{entry.path}.resource"
    if entry.resource is None:
        raise refuse(400, "required", "the entry carries no resource", path)
    result = check_quickly(entry.resource, expected_type=entry.resource_type, links=links)
    if not isinstance(result, Checked):
        raise FhirFault(_UNPROCESSABLE, [_place(issue, path) for issue in result])
    if entry.resource_id:
        issue = check_id(result.resource, entry.resource_id)
        if issue:
            raise FhirFault(400, _place(issue, path))
    identifier, key = None, None
    if entry.resource_id:
        key = (entry.resource_type, entry.resource_id)
    elif entry.query:
        identifier = read_condition(entry.query, f"{entry.path}.request.url")
    elif (condition := entry.request.get("ifNoneExist")) is not None:
        identifier = read_condition(query_of(condition), f"{entry.path}.request.ifNoneExist")
    else:
        key = (entry.resource_type, links.id_of(entry.full_url) or new_id())
    conditions = Preconditions(entry.request.get("ifMatch"), entry.request.get("ifNoneMatch"))
    id_if_new = (links.id_of(entry.full_url) or new_id()) if identifier else ""
    return Write(result, key, conditions, identifier, entry.method == "POST", id_if_new)


def _place(issue: Issue, path: str) -> Issue:
    """`Patient.gender` inside an entry is `Bundle.entry[0].resource.gender`."""
    _, _, inner = (issue.expression or "").partition(".")
    return Issue(
        issue.code,
        issue.diagnostics,
        f"{path}.{inner}" if inner else path,
        issue.text,
        issue.severity,
    )


def _transaction(
    entries: list[Entry],
    links: Links,
    database: Database,
    settings: Settings,
    caller: Caller,
    *,
    returning: str | None,
) -> Answer:
    writes: list[Write] = _all_or_raise(
        [_attempt(lambda entry=entry: _judge(entry, links)) for entry in entries]
    )
    _refuse_twice(entries, writes)

    def store(writer: Writer) -> list[Written]:
        settled = settle(writer, writes, links) if links.need_settling else writes
        coming = {key for write in settled if (key := _certain_key(write, links))}
        writer.prefetch(coming | _parents(settled))
        written = [
            _attempt(lambda entry=entry, write=write: _apply(writer, write, entry, coming))
            for entry, write in zip(entries, settled, strict=True)
        ]
        done: list[Written] = _all_or_raise(written)
        stored = [(item.stored.resource_type, item.stored.resource_id) for item in done]
        meant = [_certain_key(write, links) for write in settled]
        if len(set(stored)) != len(stored) or any(
            key and key != found for key, found in zip(meant, stored, strict=True)
        ):
            raise refuse(400, "invariant", "two entries mean the same resource", "Bundle.entry")
        return done

    return _transaction_answer(write_plainly(database, settings.clock, caller, store), returning)


def _transaction_answer(done: Sequence[Written], returning: str | None) -> Answer:
    replies = [answers.reply_entry(item, returning=returning) for item in done]
    return Answer(answers.reply_bundle("transaction-response", replies), len(replies))


def _certain_key(write: Write, links: Links) -> Key | None:
    """Where it will stand; None where only writing it will tell."""
    return write.new_key if links.need_settling else write.own_key


def _parents(writes: list[Write]) -> set[Key]:
    return {
        (parent.resource_type, parent.resource_id)
        for write in writes
        for parent in write.checked.parents
    }


def _links(entries: list[Entry], base: str) -> Links:
    """fullUrl → Type/id, for references among the entries. Of a conditional entry it is the id that
    it will get if nothing fits the condition."""
    links = Links(base, conditional=True)
    for entry in entries:
        if entry.full_url is None or not _URN.fullmatch(entry.full_url):
            continue
        if links.is_taken(entry.full_url):
            raise refuse(400, "invariant", "the fullUrl is not unique", f"{entry.path}.fullUrl")
        conditional = bool(entry.query) or "ifNoneExist" in entry.request
        resource_id = entry.resource_id or (_given_id(entry) if entry.query else None) or new_id()
        target = f"{entry.resource_type}/{resource_id}"
        links.add(entry.full_url, target, uncertain=conditional)
    return links


def _given_id(entry: Entry) -> str | None:
    given = entry.resource.get("id") if isinstance(entry.resource, dict) else None
    return given if isinstance(given, str) and ID.fullmatch(given) else None


def _refuse_twice(entries: list[Entry], writes: list[Write]) -> None:
    seen: set[Key] = set()
    for entry, write in zip(entries, writes, strict=True):
        if write.key is None:
            continue
        if write.key in seen:
            problem = "a transaction may not touch one resource twice"
            raise refuse(400, "invariant", problem, f"{entry.path}.request.url")
        seen.add(write.key)


def _apply(writer: Writer, write: Write, entry: Entry, coming: set[Key]) -> Written:
    try:
        return apply_write(writer, write, coming)
    except FhirFault as fault:
        raise FhirFault(
            fault.status,
            [
                _place(issue, f"{entry.path}.resource")
                if issue.expression
                else issue.within(f"{entry.path}.request")
                for issue in fault.issues
            ],
        ) from None


def _batch(
    parsed: list[Any],
    links: Links,
    database: Database,
    settings: Settings,
    caller: Caller,
    *,
    returning: str | None,
) -> Answer:
    def judged(item: Any) -> Any:
        return item if isinstance(item, FhirFault) else _attempt(lambda: _judge(item, links))

    writes = [judged(item) for item in parsed]

    def store(writer: Writer) -> list[Any]:
        results: list[Any] = []
        writer.prefetch({write.key for write in writes if isinstance(write, Write) and write.key})
        for entry, write in zip(parsed, writes, strict=True):
            if isinstance(write, FhirFault):
                results.append(write)
                continue
            results.append(
                _attempt(lambda entry=entry, write=write: _apply(writer, write, entry, set()))
            )
        return results

    results = write_plainly(database, settings.clock, caller, store)
    refused = sum(isinstance(result, FhirFault) for result in results)
    text = answers.reply_bundle(
        "batch-response",
        [
            answers.refused_entry(result.status, result.outcome())
            if isinstance(result, FhirFault)
            else answers.reply_entry(result, returning=returning)
            for result in results
        ],
    )
    return Answer(text, len(results) - refused, refused)

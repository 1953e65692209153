"""POST [base]: transactions, all or nothing, and batches, each entry by itself.

Everything that can be judged without the store is judged before the write lock is taken, so a
poisoned bundle costs the others no waiting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from provincial_server import answers
from provincial_server.auth import Caller
from provincial_server.database import Database
from provincial_server.exchange import new_records
from provincial_server.exchange.fast_check import check_quickly, explained
from provincial_server.exchange.plain import write_plainly
from provincial_server.faults import FhirFault, Issue, refuse
from provincial_server.resources import Key, Preconditions, Writer, Written, new_id
from provincial_server.settings import Settings
from provincial_server.structure import ID, STORED_TYPES
from provincial_server.validation import Checked, check_id

_URN = re.compile(r"urn:uuid:[0-9a-fA-F-]{36}")
_BUNDLE_MEMBERS = {
    *("resourceType", "id", "meta", "implicitRules", "language"),
    *("identifier", "type", "timestamp", "link", "entry", "signature"),
}
_ENTRY_MEMBERS = {"fullUrl", "resource", "request", "id", "extension", "link"}
_REQUEST_MEMBERS = {"method", "url", "ifMatch", "ifNoneMatch", "ifNoneExist", "id", "extension"}
_UNPROCESSABLE = 422


@dataclass(frozen=True)
class Write:
    """One entry, understood: what to store, where, and under which conditions."""

    checked: Checked
    key: Key | None
    """None while a condition decides which resource it is."""
    conditions: Preconditions
    identifier: tuple[str, str] | None
    """Of a conditional create or update."""
    creates: bool

    @property
    def own_key(self) -> Key | None:
        """Where it will stand, as far as that is certain without the store."""
        given = self.checked.resource.get("id")
        if self.key or self.creates or given is None:
            return self.key
        return self.checked.resource_type, given


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
) -> Answer:
    """The whole of POST [base]. A refused transaction raises `FhirFault`. `returning` is what the
    client prefers to get of each entry; `confirm` looks up a caller who was remembered, or raises."""
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
        return _transaction(entries, database, settings, caller, returning=returning)
    return _batch(parsed, database, settings, caller, returning=returning)


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


def read_condition(query: str, path: str | None = None) -> tuple[str, str]:
    """System and value of a condition; only one identifier with its system is accepted."""
    pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=20)
    if len(pairs) == 1 and pairs[0][0] == "identifier":
        system, _, value = pairs[0][1].rpartition("|")
        if system and value and "\x00" not in query and "," not in value:
            return system, value
    raise refuse(400, "not-supported", "the condition is identifier=system|value", path)


def _judge(entry: Entry, links: dict[str, str]) -> Write:
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
            raise FhirFault(_UNPROCESSABLE, _place(issue, path))
    identifier, key = None, None
    if entry.resource_id:
        key = (entry.resource_type, entry.resource_id)
    elif entry.query:
        identifier = read_condition(entry.query, f"{entry.path}.request.url")
    elif condition := entry.request.get("ifNoneExist"):
        query = urlsplit(condition).query if "?" in condition else condition
        identifier = read_condition(query, f"{entry.path}.request.ifNoneExist")
    elif entry.full_url in links:
        key = (entry.resource_type, links[entry.full_url].partition("/")[2])
    else:
        key = (entry.resource_type, new_id())
    conditions = Preconditions(entry.request.get("ifMatch"), entry.request.get("ifNoneMatch"))
    return Write(result, key, conditions, identifier, creates=entry.method == "POST")


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
    database: Database,
    settings: Settings,
    caller: Caller,
    *,
    returning: str | None,
) -> Answer:
    links = _links(entries)
    writes: list[Write] = _all_or_raise(
        [_attempt(lambda entry=entry: _judge(entry, links)) for entry in entries]
    )
    _refuse_twice(entries, writes)
    coming = {key for write in writes if (key := write.own_key)}
    wanted = coming | _parents(writes)

    def store(writer: Writer) -> list[Written]:
        writer.prefetch(wanted)
        written = [
            _attempt(lambda entry=entry, write=write: _apply(writer, write, entry, coming))
            for entry, write in zip(entries, writes, strict=True)
        ]
        done: list[Written] = _all_or_raise(written)
        stored = [(item.stored.resource_type, item.stored.resource_id) for item in done]
        if len(set(stored)) != len(stored):
            raise refuse(400, "invariant", "two entries mean the same resource", "Bundle.entry")
        return done

    return _transaction_answer(write_plainly(database, settings.clock, caller, store), returning)


def _transaction_answer(done: Sequence[Written], returning: str | None) -> Answer:
    replies = [answers.reply_entry(item, returning=returning) for item in done]
    return Answer(answers.reply_bundle("transaction-response", replies), len(replies))


def _parents(writes: list[Write]) -> set[Key]:
    return {
        (parent.resource_type, parent.resource_id)
        for write in writes
        for parent in write.checked.parents
    }


def _links(entries: list[Entry]) -> dict[str, str]:
    """fullUrl → Type/id, for references among the entries. A conditional entry has no id yet."""
    links = {}
    for entry in entries:
        if entry.full_url is None or not _URN.fullmatch(entry.full_url):
            continue
        if entry.full_url in links:
            raise refuse(400, "invariant", "the fullUrl is not unique", f"{entry.path}.fullUrl")
        if entry.query or entry.request.get("ifNoneExist"):
            continue
        links[entry.full_url] = f"{entry.resource_type}/{entry.resource_id or new_id()}"
    return links


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


def apply_write(writer: Writer, write: Write, coming: set[Key]) -> Written:
    """One write inside the transaction; raises `FhirFault` before anything of it is staged."""
    missing = writer.missing_parents(write.checked.parents, coming)
    if missing:
        places = explained(write.checked).parents
        raise FhirFault(_UNPROCESSABLE, writer.missing_parents(places, coming))
    resource_type, resource_id = write.own_key or (write.checked.resource_type, new_id())
    if write.identifier:
        found = writer.find_by_identifier(write.checked.resource_type, *write.identifier)
        if len(found) > 1:
            raise refuse(412, "multiple-matches", "the condition fits more than one resource")
        if found and write.creates:
            return writer.current((resource_type, found[0]))
        if found:
            given = write.checked.resource.get("id")
            if given not in {None, found[0]}:
                problem = "the resource that fits the condition has another id"
                raise refuse(400, "invariant", problem, f"{resource_type}.id")
            resource_id = found[0]
    return writer.put(write.checked, resource_id, write.conditions)


def _batch(
    parsed: list[Any],
    database: Database,
    settings: Settings,
    caller: Caller,
    *,
    returning: str | None,
) -> Answer:
    def judged(item: Any) -> Any:
        return item if isinstance(item, FhirFault) else _attempt(lambda: _judge(item, {}))

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

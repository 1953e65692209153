"""Bundles and headers of the answers, built from stored text without parsing it again."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from provincial_server import wire
from provincial_server.faults import Issue, operation_outcome
from provincial_server.resources import Stored, Written
from provincial_server.search import Page, Query

_SUBSETTED = wire.canonical(
    {
        "tag": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
                "code": "SUBSETTED",
            }
        ]
    }
)
UNCHANGED = "unchanged"
OUTCOME_SYSTEM = "urn:station-emr:write-outcome"


def search_bundle(base: str, query: Query, page: Page, following: str | None) -> str:
    """A searchset with self and next links; `following` is the query of the next page."""
    address = f"{base}/{query.resource_type}"
    links = [("self", _with_query(address, urlencode(query.kept)))]
    if following:
        links.append(("next", _with_query(address, following)))
    entries = []
    for mode, rows in (("match", page.rows), ("include", page.people)):
        for stored in rows:
            shown = _id_only(stored) if query.ids_only else stored.as_json()
            full_url = f"{base}/{stored.resource_type}/{stored.resource_id}"
            entries.append(
                f'{{"fullUrl":{wire.canonical(full_url)},'
                f'"resource":{shown},"search":{{"mode":"{mode}"}}}}'
            )
    if query.ignored:
        outcome = wire.canonical(operation_outcome([_ignored(name) for name in query.ignored]))
        entries.append(f'{{"resource":{outcome},"search":{{"mode":"outcome"}}}}')
    return _bundle("searchset", links, entries, page.total)


def _ignored(name: str) -> Issue:
    text = "Máy chủ bỏ qua điều kiện tìm mà nó không biết."
    problem = f"search parameter {name} is not known and was passed over"
    return Issue("not-supported", problem, f"http.{name}", text, "warning")


def history_bundle(
    base: str, rows: list[Stored], total: int | None, links: list[tuple[str, str]]
) -> str:
    """A page of a history with its links."""
    entries = []
    for stored in rows:
        own = f"{stored.resource_type}/{stored.resource_id}"
        status = "201 Created" if stored.version == 1 else "200 OK"
        response = {
            "status": status,
            "etag": wire.etag(stored.version),
            "lastModified": wire.instant(stored.last_updated),
        }
        entries.append(
            f'{{"fullUrl":{wire.canonical(f"{base}/{own}")},"resource":{stored.as_json()},'
            f'"request":{{"method":"PUT","url":"{own}"}},"response":{wire.canonical(response)}}}'
        )
    return _bundle("history", links, entries, total)


def reply_bundle(kind: str, entries: list[str]) -> str:
    listed = f',"entry":[{",".join(entries)}]' if entries else ""
    return f'{{"resourceType":"Bundle","type":"{kind}"{listed}}}'


def reply_entry(written: Written, *, returning: str | None) -> str:
    """The verdict on one entry of a transaction or batch."""
    stored = written.stored
    if written.changed and returning in {None, "minimal"}:  # ids are written without quotes
        return (
            f'{{"response":{{"etag":"W/\\"{stored.version}\\"",'
            f'"lastModified":"{wire.instant(stored.last_updated)}",'
            f'"location":"{stored.resource_type}/{stored.resource_id}/_history/{stored.version}",'
            f'"status":"{"201 Created" if written.created else "200 OK"}"}}}}'
        )
    own = f"{stored.resource_type}/{stored.resource_id}"
    response: dict[str, Any] = {
        "status": "201 Created" if written.created else "200 OK",
        "location": f"{own}/_history/{stored.version}",
        "etag": wire.etag(stored.version),
        "lastModified": wire.instant(stored.last_updated),
    }
    if not written.changed:
        response["outcome"] = unchanged_outcome()
    elif returning == "OperationOutcome":
        response["outcome"] = stored_outcome()
    body = f'"response":{wire.canonical(response)}'
    if returning == "representation":
        body = f'"resource":{stored.as_json()},{body}'
    return f"{{{body}}}"


def refused_entry(status: int, outcome: dict[str, Any]) -> str:
    response = {"status": str(status), "outcome": outcome}
    return f'{{"response":{wire.canonical(response)}}}'


def stored_outcome() -> dict[str, Any]:
    """Says that the resource was stored."""
    text = "Máy chủ đã lưu hồ sơ."
    return operation_outcome([Issue("informational", "stored", text=text, severity="information")])


def unchanged_outcome() -> dict[str, Any]:
    """Says that the store already held exactly this content and made no version of it."""
    issue = Issue(
        "informational",
        "the stored content is the same; no new version",
        text="Máy chủ đã có đúng nội dung này.",
        severity="information",
    )
    outcome = operation_outcome([issue])
    outcome["issue"][0]["details"]["coding"] = [{"system": OUTCOME_SYSTEM, "code": UNCHANGED}]
    return outcome


def _bundle(kind: str, links: list[tuple[str, str]], entries: list[str], total: int | None) -> str:
    link = wire.canonical([{"relation": relation, "url": url} for relation, url in links])
    counted = f',"total":{total}' if total is not None else ""
    listed = f',"entry":[{",".join(entries)}]' if entries else ""
    return f'{{"resourceType":"Bundle","type":"{kind}"{counted},"link":{link}{listed}}}'


def _id_only(stored: Stored) -> str:
    return wire.render(
        stored.resource_type,
        stored.resource_id,
        stored.version,
        stored.last_updated,
        _SUBSETTED,
        "{}",
    )


def _with_query(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address

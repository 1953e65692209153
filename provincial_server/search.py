"""Search within one type: strict about parameters, paged by key and never by offset.

An offset loses a living row when another one is deleted or moved between two pages; the next link
here names the last row seen instead (time of update, then id), and times of update only grow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from provincial_server import wire
from provincial_server.dates import interval
from provincial_server.faults import FhirFault, refuse
from provincial_server.negotiation import JSON_FORMATS, Pairs, shown
from provincial_server.resources import Stored, stored_of
from provincial_server.search_people import (
    NAME_PARAMETERS,
    NameQuery,
    find_people,
    read_people,
)
from provincial_server.search_values import SEARCH_PARAMETERS, SearchParameter, read_values
from provincial_server.settings import Limits
from provincial_server.store import ResourceHead, ResourceIdentifier, ResourceVersion
from provincial_server.structure import ID

_CURSOR = re.compile(r"(\d{1,18})~([A-Za-z0-9\-.]{1,64})")
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(.+)", re.DOTALL)
_MOST_VALUES = 100
_CHAIN = re.compile(r"(patient|subject)(?::Patient)?\.(identifier|family|name)")
_COMMA = re.compile(r"(?<!\\),")
_BAR = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\([,|$\\])")


@dataclass
class Query:
    """A search request, understood."""

    resource_type: str
    filters: list[ColumnElement[bool]] = field(default_factory=list)
    names: list[NameQuery] = field(default_factory=list)
    by_patient: bool = False
    """Only what belongs to certain people is asked for."""
    with_people: bool = False
    """`_include`: the people of the rows come along."""
    kept: Pairs = field(default_factory=list)
    """The parameters as they must stand in the self and next links."""
    ignored: list[str] = field(default_factory=list)
    """Names that were passed over because the client prefers that to a refusal."""
    count: int = 0
    with_total: bool = True
    summary_only: bool = False
    ids_only: bool = False
    after: tuple[int, str] | None = None


@dataclass(frozen=True)
class Page:
    rows: list[Stored]
    people: list[Stored]
    total: int | None
    """Counted for the first page only; later pages would pay for it again."""
    next_fields: Pairs | None
    """What to ask for the next page."""


def understand(
    resource_type: str, parameters: Pairs, limits: Limits, *, lenient: bool = False
) -> Query:
    """Reads the query string. An unknown parameter is refused, or named in the answer when the
    client prefers that; a known one with a modifier or a value that is not understood is refused
    always."""
    query = Query(resource_type, count=limits.default_page)
    for name, value in parameters:
        if "\x00" in value or "\x00" in name:
            raise _bad(name, "holds a NUL character")
        if name == "_cursor":
            query.after = _cursor(value)
            continue
        if name in _CONTROLS:
            _CONTROLS[name](query, value, limits)
        elif re.split("[:.]", name)[0] in SEARCH_PARAMETERS[resource_type] or not lenient:
            _add_filter(query, name, value)
        else:
            query.ignored.append(shown(name))
            continue
        query.kept.append((name, value))
    return query


def _bad(name: str, problem: str) -> FhirFault:
    place = f"http.{shown(name)}"
    return refuse(400, "value", f"search parameter {shown(name)} {problem}", place)


def _cursor(value: str) -> tuple[int, str]:
    match = _CURSOR.fullmatch(value)
    if match is None:
        raise _bad("_cursor", "is not from a next link of this server")
    return int(match[1]), match[2]


def _unsupported(name: str, problem: str) -> FhirFault:
    return refuse(400, "not-supported", problem, f"http.{name}")


def _read_count(query: Query, value: str, limits: Limits) -> None:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise _bad("_count", "is a whole number")
    query.count = min(int(value), limits.page)
    query.summary_only = query.summary_only or query.count == 0


def _read_sort(_query: Query, value: str, _limits: Limits) -> None:
    if value != "_lastUpdated":
        raise _unsupported("_sort", "only _sort=_lastUpdated is supported")


def _read_summary(query: Query, value: str, _limits: Limits) -> None:
    if value not in {"count", "false"}:
        raise _unsupported("_summary", "only _summary=count is supported")
    query.summary_only = query.summary_only or value == "count"


def _read_elements(query: Query, value: str, _limits: Limits) -> None:
    if value != "id":
        raise _unsupported("_elements", "only _elements=id is supported")
    query.ids_only = True


def _read_format(_query: Query, value: str, _limits: Limits) -> None:
    if value.partition(";")[0].strip().lower() not in JSON_FORMATS:
        raise refuse(406, "not-supported", "only JSON is supported", "http._format")


def _read_pretty(_query: Query, value: str, _limits: Limits) -> None:
    if value not in {"true", "false"}:
        raise _bad("_pretty", "is true or false")


def _read_total(query: Query, value: str, _limits: Limits) -> None:
    if value not in {"none", "estimate", "accurate"}:
        raise _bad("_total", "is none, estimate or accurate")
    query.with_total = value != "none"


def _read_include(query: Query, value: str, _limits: Limits) -> None:
    source, _, rest = value.partition(":")
    parameter = SEARCH_PARAMETERS[query.resource_type].get(rest.removesuffix(":Patient"))
    if source != query.resource_type or parameter is None or parameter.kind != "reference":
        raise _unsupported("_include", "only the patient of the type that is searched for")
    query.with_people = True


_CONTROLS = {
    "_include": _read_include,
    "_count": _read_count,
    "_sort": _read_sort,
    "_summary": _read_summary,
    "_elements": _read_elements,
    "_format": _read_format,
    "_pretty": _read_pretty,
    "_total": _read_total,
}


def _add_filter(query: Query, name: str, value: str) -> None:
    known = SEARCH_PARAMETERS[query.resource_type]
    chain = _CHAIN.fullmatch(name)
    parameter = known.get(chain[1] if chain else name.removesuffix(":Patient"))
    if parameter is None or (parameter.kind != "reference" and (chain or ":" in name)):
        raise _bad(name, "is not supported for this type")
    values = _COMMA.split(value)
    if len(values) > _MOST_VALUES or not all(values):
        raise _bad(name, f"takes 1 to {_MOST_VALUES} values")
    asked = chain[2] if chain else parameter.name
    if asked in NAME_PARAMETERS:
        query.names.append(NameQuery(asked, tuple(map(_plain, values)), chained=bool(chain)))
        query.by_patient |= bool(chain)
    elif chain:
        query.filters.append(or_(*(_identifier_of_patient(item) for item in values)))
    else:
        query.filters.append(or_(*(_condition(parameter, item) for item in values)))
        query.by_patient |= parameter.kind == "reference"


def _plain(text: str) -> str:
    """Without the backslashes that keep a comma or a bar from meaning anything."""
    return _ESCAPED.sub(r"\1", text)


def _token(value: str) -> tuple[str | None, str]:
    """System and code; None where the system may be any, empty where there must be none."""
    parts = _BAR.split(value, maxsplit=1)
    return (None, _plain(value)) if len(parts) == 1 else (_plain(parts[0]), _plain(parts[1]))


def _condition(parameter: SearchParameter, value: str) -> ColumnElement[bool]:
    if parameter.kind == "date":
        return _date_condition(parameter, value)
    if parameter.kind == "reference":
        target, _, resource_id = value.rpartition("/")
        if target not in {"", "Patient"} or not ID.fullmatch(resource_id):
            raise _bad(parameter.name, "is Patient/id or an id")
        return ResourceHead.patient_id == resource_id
    system, code = _token(value)
    if parameter.column == "identifier":
        return _identifier_condition(system, code)
    if parameter.column == "resource_id":
        return ResourceHead.resource_id == code if system is None else false()
    if system not in {None, "", parameter.system} or not code:
        return false()
    return ResourceHead.status == code


def _identifier_condition(system: str | None, number: str) -> ColumnElement[bool]:
    return _identified(
        system,
        number,
        ResourceIdentifier.resource_type == ResourceHead.resource_type,
        ResourceIdentifier.resource_id == ResourceHead.resource_id,
    )


def _identifier_of_patient(value: str) -> ColumnElement[bool]:
    return _identified(
        *_token(value),
        ResourceIdentifier.resource_type == "Patient",
        ResourceIdentifier.resource_id == ResourceHead.patient_id,
    )


def _identified(
    system: str | None, number: str, *whose: ColumnElement[bool]
) -> ColumnElement[bool]:
    if not number and not system:
        raise _bad("identifier", "is system|value")
    own = [ResourceIdentifier.facility_code == ResourceHead.facility_code, *whose]
    if number:
        own.append(ResourceIdentifier.value == number)
    if system is not None:  # `|value` asks for an identifier without a system
        own.append(ResourceIdentifier.system == system)
    return exists().where(*own)


def _date_condition(parameter: SearchParameter, value: str) -> ColumnElement[bool]:
    match = _PREFIX.fullmatch(value)
    try:
        # A plus sign that was not escaped arrives as a space.
        low, high = interval(match[2].replace(" ", "+") if match else "")
    except ValueError:
        raise _bad(parameter.name, "is not a date") from None
    first: InstrumentedAttribute[Any]
    last: InstrumentedAttribute[Any]
    if parameter.column == "last_updated":
        first = last = ResourceHead.last_updated
    else:
        first, last = ResourceHead.date_low, ResourceHead.date_high
    prefix = (match[1] if match else None) or "eq"
    inside = and_(first >= low, last <= high)
    return {
        "eq": inside,
        "ne": or_(first < low, last > high),
        "gt": last > high,
        "sa": first > high,
        "lt": first < low,
        "eb": last < low,
        "ge": or_(last > high, inside),
        "le": or_(first < low, inside),
    }[prefix]


def _type_column(session: Session, query: Query) -> ColumnElement[str]:
    """SQLite, which has counted nothing, would read all of a type for the few rows of one patient; with
    a plus it takes no index of the type. PostgreSQL has counted."""
    if query.by_patient and session.get_bind().dialect.name == "sqlite":
        return literal_column("+resource.resource_type", String)
    return ResourceHead.resource_type.expression


def run(session: Session, facility_code: str, query: Query) -> Page:
    own = [
        ResourceHead.facility_code == facility_code,
        _type_column(session, query) == query.resource_type,
        *query.filters,
    ]
    for names in query.names:
        column = ResourceHead.patient_id if names.chained else ResourceHead.resource_id
        own.append(column.in_(find_people(session, facility_code, names)))
    total = None
    if (query.after is None and query.with_total) or query.summary_only:
        total = session.scalar(select(func.count()).select_from(ResourceHead).where(*own)) or 0
    if query.summary_only:
        return Page([], [], total, None)
    if query.after is not None:
        key = tuple_(ResourceHead.last_updated, ResourceHead.resource_id)
        own.append(key > query.after)
    heads = (
        select(ResourceHead)
        .where(*own)
        .order_by(ResourceHead.last_updated, ResourceHead.resource_id)
        .limit(query.count + 1)
        .subquery()
    )
    rows = session.scalars(
        select(ResourceVersion)
        .join(
            heads,
            and_(
                ResourceVersion.facility_code == heads.c.facility_code,
                ResourceVersion.resource_type == heads.c.resource_type,
                ResourceVersion.resource_id == heads.c.resource_id,
                ResourceVersion.version == heads.c.version,
            ),
        )
        .order_by(heads.c.last_updated, heads.c.resource_id)
    ).all()
    following = None
    if len(rows) > query.count:
        rows = rows[: query.count]
        cursor = f"{rows[-1].last_updated}~{rows[-1].resource_id}"
        following = [*query.kept, ("_cursor", cursor)]
    return Page(
        [stored_of(row) for row in rows],
        _people_of(session, facility_code, rows) if query.with_people else [],
        total,
        following,
    )


def _people_of(
    session: Session, facility_code: str, rows: Sequence[ResourceVersion]
) -> list[Stored]:
    contents = ((row.resource_type, wire.reread(row.content.encode())) for row in rows)
    found = {
        read_values({**content, "resourceType": kind}).patient_id for kind, content in contents
    }
    ids = sorted(person for person in found if person)
    return [stored_of(row) for row in read_people(session, facility_code, ids)]

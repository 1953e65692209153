"""What a request asks for in its headers and general parameters: format, preferences, versions."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl

from fastapi import Request

from provincial_server.faults import FhirFault, refuse
from provincial_server.resources import Preconditions, Stored, read_etags

JSON_TYPES = frozenset({"application/fhir+json", "application/json", "text/json"})
JSON_FORMATS = JSON_TYPES | {"json"}
_ANY = {"*/*", "application/*", ""}
_VERSIONS = {"4.0", "4.0.1"}
_RETURN = re.compile(r"\breturn\s*=\s*\"?(minimal|representation|OperationOutcome)\b")
_HANDLING = re.compile(r"\bhandling\s*=\s*\"?(strict|lenient)\b")
_MOST_FIELDS = 60
GENERAL = frozenset({"_format", "_pretty"})
"""Parameters that every address takes. `_pretty` is a wish that a server may leave unheard."""

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Preference:
    """What the Prefer header wishes; whatever it says beyond this is passed over (RFC 7240)."""

    returning: str | None = None
    lenient: bool = False


def preference(request: Request) -> Preference:
    wished = request.headers.get("prefer", "")
    returning, handling = _RETURN.search(wished), _HANDLING.search(wished)
    return Preference(
        returning[1] if returning else None, bool(handling and handling[1] == "lenient")
    )


def fields(request: Request) -> Pairs:
    """The query's parameters in the order in which they came."""
    if not request.scope["query_string"]:
        return []
    return read_fields(request.url.query)


def read_fields(text: str) -> Pairs:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise refuse(400, "too-costly", "too many search parameters", "http.parameters") from None


def check_fields(request: Request, allowed: Collection[str] = ()) -> None:
    """400 for a parameter that this address does not know: what is asked must not be passed over
    in silence. A client that prefers lenient handling gets its answer all the same."""
    if preference(request).lenient:
        return
    for name, _ in fields(request):
        if name not in GENERAL and name not in allowed:
            raise refuse(
                400, "value", "this address does not take the parameter", f"http.{shown(name)}"
            )


def shown(name: str) -> str:
    """A parameter's name as a refusal may repeat it: never anything that was made up to be read."""
    return name if re.fullmatch(r"[_$]?[A-Za-z:.-]{1,40}", name) else "parameter"


def check_accept(request: Request) -> None:
    """406 for a client that wants only what we cannot give, such as XML or R5."""
    asked = [value for name, value in fields(request) if name == "_format"]
    if asked:  # in R4 the parameter stands above the header
        if not all(value.split(";")[0].strip().lower() in JSON_FORMATS for value in asked):
            raise refuse(406, "not-supported", "only JSON is supported", "http._format")
        return
    if not accepts(request, JSON_TYPES | _ANY):
        raise refuse(406, "not-supported", "only JSON of FHIR 4.0 is supported", "http.accept")


def accepts(request: Request, types: Collection[str]) -> bool:
    """True when one of the media types, in a version that we speak, is welcome."""
    for part in request.headers.get("accept", "*/*").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        values = dict(item.partition("=")[::2] for item in parameters)
        version = values.get("fhirversion", "4.0").strip('"')
        if name in types and version in _VERSIONS and not _is_nothing(values.get("q", "1")):
            return True
    return False


def _is_nothing(weight: str) -> bool:
    return re.fullmatch(r"0(\.0{0,3})?", weight.strip()) is not None


def check_content_type(request: Request, types: Collection[str] = JSON_TYPES) -> None:
    """415 for a body of another kind; a body that does not say is taken for FHIR's JSON."""
    given = request.headers.get("content-type")
    if given is None:
        return
    name, *parameters = (piece.strip().lower() for piece in given.split(";"))
    values = dict(item.partition("=")[::2] for item in parameters)
    version = values.get("fhirversion", "4.0").strip('"')
    if name not in types or version not in _VERSIONS:
        raise refuse(
            415, "not-supported", "only JSON of FHIR 4.0 is supported", "http.content-type"
        )
    if values.get("charset", "utf-8").strip('"') not in {"utf-8", "utf8", "us-ascii"}:
        raise refuse(415, "not-supported", "only UTF-8 is supported", "http.content-type")


def conditions(request: Request) -> Preconditions:
    """Of a PUT."""
    return Preconditions(request.headers.get("if-match"), request.headers.get("if-none-match"))


def is_known(request: Request, stored: Stored) -> bool:
    """True when the asker has this version already (304). If-Modified-Since counts only beside no
    If-None-Match, and a date that cannot be read counts as none (RFC 9110 §13)."""
    known = request.headers.get("if-none-match")
    if known is not None:
        try:
            tags = read_etags(known, "If-None-Match")
        except FhirFault as fault:
            raise fault.at("http.if-none-match") from None
        return "*" in tags or str(stored.version) in tags
    since = request.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        moment = parsedate_to_datetime(since).timestamp()
    except (ValueError, TypeError, OverflowError):
        return False
    return stored.last_updated // 1000 <= moment

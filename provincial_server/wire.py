"""JSON in and out, exactly: no duplicate key, no NaN, decimals keep the digits that were written.

FHIR asks that 1.50 stays 1.50, so numbers with a point are `Decimal` in here. Stored text is
canonical (sorted keys, no spaces), so equal content is equal text and a replay can be recognised.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import formatdate
from functools import lru_cache
from typing import Any

import msgspec

from provincial_server.faults import refuse

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_LONGEST_NUMBER = 40
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)


class _Malformed(ValueError):
    """The text is not JSON as FHIR wants it."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Malformed("an object holds the same key twice")
    return result


def _decimal(text: str) -> Decimal:
    if len(text) > _LONGEST_NUMBER:
        raise _Malformed("a number has too many digits")
    return Decimal(text)


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise _Malformed("a number has too many digits")
    return int(text)


def _constant(_text: str) -> Any:
    raise _Malformed("NaN and Infinity are not JSON")


_STRICT = msgspec.json.Decoder(float_hook=_decimal)
_AS_READ = msgspec.json.Encoder(decimal_format="number")
_SPACES = b" \t\r\n"
_DIGITS_ALIKE = bytes(ord("0") if chr(byte).isdecimal() else ord(" ") for byte in range(256))
_MANY_DIGITS = b"0" * _LONGEST_NUMBER


def parse(body: bytes, *, depth: int) -> Any:
    """The JSON value of a request body; raises a 400 `FhirFault` with code structure."""
    try:
        value = _quickly(body)
        if value is None:
            value = _slowly(body)
        _check_depth(value, depth)
        if _ESCAPED_HALF.search(body):  # UTF-8 itself has none
            _check_texts(value)
    except (_Malformed, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = {
            json.JSONDecodeError: "the body is not well-formed JSON",
            UnicodeDecodeError: "the body is not UTF-8",
            RecursionError: "the JSON is nested too deeply",
        }.get(type(error), str(error))
        raise refuse(400, "structure", reason) from None
    return value


def _quickly(body: bytes) -> Any:
    """The value of a text that says the same once more when it is written again, but for spaces: so
    no key stands twice and no number is told otherwise. None where it does not."""
    if _MANY_DIGITS in body.translate(_DIGITS_ALIKE):
        return None
    try:
        value = _STRICT.decode(body)
        again = _AS_READ.encode(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return value if again.translate(None, _SPACES) == body.translate(None, _SPACES) else None


def _slowly(body: bytes) -> Any:
    """Says also what is wrong."""
    return json.loads(
        body.decode("utf-8"),
        object_pairs_hook=_object,
        parse_float=_decimal,
        parse_int=_integer,
        parse_constant=_constant,
    )


def _check_depth(value: Any, depth: int) -> None:
    """Level by level, and only what can hold something: most of a body are texts and numbers."""
    level = [value] if isinstance(value, dict | list) else []
    while level:
        if depth <= 0 and any(level):
            raise _Malformed("the JSON is nested too deeply")
        depth -= 1
        level = [
            item
            for holder in level
            for item in (holder.values() if type(holder) is dict else holder)
            if type(item) is dict or type(item) is list
        ]


def _check_texts(value: Any) -> None:
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise _Malformed("a text holds half a character (lone surrogate)")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_texts(key)
            _check_texts(item)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)


def canonical(value: Any) -> str:
    """Sorted, without spaces, decimals as written."""
    return _ENCODER.encode(value).decode()


def reread(line: bytes) -> Any:
    """The value of a text that this server has judged and kept: quick, and nothing is checked."""
    return _DECODER.decode(line)


@lru_cache(maxsize=64)  # all entries of an answer were written at the same time
def instant(milliseconds: int) -> str:
    """A FHIR instant with milliseconds: seconds alone lose rows in `_lastUpdated` searches."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def http_date(milliseconds: int) -> str:
    return formatdate(milliseconds / 1000, usegmt=True)


def etag(version: int) -> str:
    return f'W/"{version}"'


def render(
    resource_type: str, resource_id: str, version: int, last_updated: int, meta: str, content: str
) -> str:
    """A stored resource as sent to a reader, without parsing it again."""
    kept = f",{meta[1:-1]}" if len(meta) > len("{}") else ""
    rest = f",{content[1:-1]}" if len(content) > len("{}") else ""
    return (
        f'{{"resourceType":"{resource_type}","id":"{resource_id}","meta":{{"versionId":"{version}",'
        f'"lastUpdated":"{instant(last_updated)}"{kept}}}{rest}}}'
    )


def split(resource: dict[str, Any]) -> tuple[str, str]:
    """What is stored of a resource: its own meta, and its content, without what the server sets."""
    meta = {
        key: item
        for key, item in resource.get("meta", {}).items()
        if key not in {"versionId", "lastUpdated"}
    }
    content = {
        key: item for key, item in resource.items() if key not in {"resourceType", "id", "meta"}
    }
    return canonical(meta), canonical(content)

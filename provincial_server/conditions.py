"""The condition of a conditional create or update: which resource is meant, by an identifier."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import parse_qsl

from provincial_server.faults import refuse

_MOST_FIELDS = 20
_ADDRESS = re.compile(r"([A-Za-z0-9:/.\-_]*/)?[A-Za-z]*")


def read_condition(
    query: str, place: str | None = None, *, passed_over: Collection[str] = ()
) -> tuple[str, str]:
    """System and value; only one identifier with its system is accepted. `passed_over`: names of
    parameters that say nothing of what is meant."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise refuse(400, "too-costly", "the condition has too many parts", place) from None
    pairs = [pair for pair in pairs if pair[0] not in passed_over]
    if len(pairs) == 1 and pairs[0][0] == "identifier":
        system, _, value = pairs[0][1].rpartition("|")
        if system and value and "\x00" not in pairs[0][1] and "," not in value:
            return system, value
    raise refuse(400, "not-supported", "the condition is identifier=system|value", place)


def query_of(condition: str) -> str:
    """What stands behind the address in If-None-Exist, where one stands before it."""
    before, mark, query = condition.partition("?")
    return query if mark and _ADDRESS.fullmatch(before) else condition

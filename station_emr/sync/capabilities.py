"""What a server says about itself in /metadata, and what was learnt by talking to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """Remembered per server address. ``gzip`` is None until a compressed upload was tried."""

    url: str
    software: str = ""
    transaction: bool | None = None
    update_create: bool | None = None
    gzip: bool | None = None

    def to_text(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_text(cls, text: str, url: str) -> ServerFacts:
        """The remembered facts, or none when the text is foreign or about another server."""
        try:
            facts = msgspec.json.decode(text.encode(), type=cls)
        except (msgspec.DecodeError, UnicodeError):
            return cls(url=url)
        return facts if facts.url == url else cls(url=url)


def read_statement(body: Any, needed: frozenset[str]) -> tuple[str, bool, bool] | None:
    """Software, whether transactions work, and whether every needed type takes our own ids.

    None when ``body`` is not a CapabilityStatement of an R4 server: then it is not a server for us.
    """
    if not isinstance(body, dict) or body.get("resourceType") != "CapabilityStatement":
        return None
    if not str(body.get("fhirVersion", "")).startswith("4."):
        return None
    rests = [r for r in body.get("rest") or () if isinstance(r, dict) and r.get("mode") == "server"]
    if not rests:
        return None
    rest = rests[0]
    transaction = any(
        one.get("code") == "transaction" for one in rest.get("interaction") or () if one
    )
    creates = {
        one.get("type")
        for one in rest.get("resource") or ()
        if isinstance(one, dict) and one.get("updateCreate") is True
    }
    software = body.get("software") or {}
    name = f"{software.get('name', '')} {software.get('version', '')}".strip()
    return name, transaction, needed <= creates

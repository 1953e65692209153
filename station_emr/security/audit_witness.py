"""Where the log's end was last seen, in a file beside the database and in no backup of it.

A database that was put back, or whose last lines were cut, cannot know what it held; this file does. It
lies in the clear: a number and a hash tell nothing about anybody.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from station_emr.domain.audit import ChainHead
from station_emr.services.audit_evidence import Witnessed

from . import durable_file

FILE_NAME: Final = "audit-witness.json"
_FORMAT: Final = "station-emr-audit-witness"
_VERSION: Final = 1


class AuditWitnessFile:
    """One file of one data folder, shared by every program that opens the folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def read(self) -> Witnessed | None:
        """None when there is none, or none that can be read: then nothing is known."""
        for path in (self._path, durable_file.backup_of(self._path)):
            with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
                return _witnessed(json.loads(path.read_bytes()))
        return None

    def write(self, seen: Witnessed) -> None:
        """Durably. Raises EnvironmentFailure with the old one still there."""
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "head": _line(seen.head),
            "lost": [_line(one) for one in seen.lost],
        }
        with durable_file.locked(self._path):
            durable_file.write_twice(self._path, json.dumps(document, indent=1).encode("ascii"))


def _line(head: ChainHead) -> dict[str, Any]:
    return {
        "seq": head.seq,
        "hash": head.hash,
        "incarnation": head.incarnation,
        "at": head.at.isoformat() if head.at else "",
    }


def _witnessed(document: Any) -> Witnessed:
    if document["format"] != _FORMAT:
        raise ValueError("another format")
    return Witnessed(
        head=_head(document["head"]), lost=tuple(_head(one) for one in document["lost"])
    )


def _head(line: Any) -> ChainHead:
    at = str(line["at"])
    return ChainHead(
        seq=int(line["seq"]),
        hash=str(line["hash"]),
        incarnation=str(line["incarnation"]),
        at=datetime.fromisoformat(at) if at else None,
    )

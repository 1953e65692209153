"""What this machine knows of its copies, in a file beside the database, in the clear.

When the database is spoilt it still says where the newest good copy lies. It names folders, moments
and numbers, nobody and no illness.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from station_emr.services.backup_ports import (
    BackupBook,
    BackupCopy,
    BackupPlace,
    CopyFacts,
    Drill,
    Trouble,
)

from . import durable_file

FILE_NAME: Final = "backups.json"
_FORMAT: Final = "station-emr-backups"


class RegisterFile:
    """One file of one data folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def read(self) -> BackupBook:
        """Empty when there is none, or none that can be read: copies are made all the same."""
        for path in (self._path, durable_file.backup_of(self._path)):
            with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
                return _book(json.loads(path.read_bytes()))
        return BackupBook()

    def change(self, changed: Callable[[BackupBook], BackupBook]) -> None:
        with durable_file.locked(self._path):
            book = changed(self.read())
            durable_file.write_twice(
                self._path, json.dumps(_document(book), ensure_ascii=False, indent=1).encode()
            )


def _document(book: BackupBook) -> dict[str, Any]:
    drill = book.drill
    return {
        "format": _FORMAT,
        "version": 1,
        "places": [
            {
                "path": one.path,
                "mark": one.mark,
                "last_at": one.last_at.isoformat() if one.last_at else None,
                "trouble": one.trouble,
            }
            for one in book.places
        ],
        "copies": [
            {
                "place": one.place,
                "size": one.size,
                "at": one.at.isoformat(),
                "counts": dict(one.facts.counts) if one.facts else {},
                "audit_head": one.facts.head if one.facts else "",
                "audit_whole": one.facts.chain_whole if one.facts else True,
            }
            for one in book.copies
        ],
        "drill": None
        if drill is None
        else {
            "at": drill.at.isoformat(),
            "passed": drill.passed,
            "place": drill.place,
            "seconds": drill.seconds,
            "counts": dict(drill.counts),
            "reason": drill.reason,
        },
    }


def _book(document: Any) -> BackupBook:
    if document["format"] != _FORMAT:
        raise ValueError("another format")
    drill = document["drill"]
    return BackupBook(
        places=tuple(
            BackupPlace(
                path=str(one["path"]),
                mark=str(one["mark"]),
                last_at=_moment(one["last_at"]) if one["last_at"] else None,
                trouble=Trouble(one["trouble"]) if one["trouble"] else None,
            )
            for one in document["places"]
        ),
        copies=tuple(
            BackupCopy(
                place=str(one["place"]),
                size=int(one["size"]),
                at=_moment(one["at"]),
                facts=CopyFacts(
                    counts=_counts(one["counts"]),
                    head=str(one["audit_head"]),
                    chain_whole=one["audit_whole"] is True,
                ),
            )
            for one in document["copies"]
        ),
        drill=None
        if drill is None
        else Drill(
            at=_moment(drill["at"]),
            passed=drill["passed"] is True,
            place=str(drill["place"]),
            seconds=float(drill["seconds"]),
            counts=_counts(drill["counts"]),
            reason=str(drill["reason"]),
        ),
    )


def _counts(found: Any) -> dict[str, int]:
    return {str(key): int(value) for key, value in found.items()}


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without its offset")
    return moment

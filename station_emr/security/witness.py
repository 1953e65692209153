"""What happened to this data folder, kept beside the database and never in a backup of it.

A database that was put back from a copy does not know what it wrote afterwards; the witness does.
It lies in the folder in the clear, for it holds nothing about anybody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from station_emr.services.incarnation import Testimony

from . import durable_file

FILE_NAME: Final = "witness.json"
_FORMAT: Final = "station-emr-witness"
_VERSION: Final = 1
_HIGHEST: Final = 1 << 48  # more than any station writes; a larger number is a spoilt file


class WitnessFile:
    """One file of one data folder, shared by every program that opens the folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other programs of the machine from changing it meanwhile."""
        with durable_file.locked(self._path):
            yield

    def read(self) -> Testimony | None:
        """None when there is none, or none that can be read: then nothing is known."""
        for path in (self._path, durable_file.backup_of(self._path)):
            with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
                return _testimony(json.loads(path.read_bytes()))
        return None

    def write(self, seen: Testimony) -> None:
        """Durably. Raises EnvironmentFailure with the old one still there."""
        document = {
            "format": _FORMAT,
            "version": _VERSION,
            "incarnation": seen.incarnation,
            "number": seen.number,
            "machine": seen.machine,
            "marks": list(seen.marks),
            "series": list(seen.series),
        }
        durable_file.write_twice(self._path, json.dumps(document, indent=1).encode("ascii"))


def _testimony(document: Any) -> Testimony:
    if document["format"] != _FORMAT:
        raise ValueError("another format")
    number = document["number"]
    if type(number) is not int or not 0 <= number <= _HIGHEST:
        raise ValueError("number")
    return Testimony(
        incarnation=_text(document["incarnation"]),
        number=number,
        machine=_text(document["machine"]),
        marks=tuple(map(_text, document["marks"])),
        series=tuple(map(_text, document["series"])),
    )


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("text")
    return value

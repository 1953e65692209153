"""What lies in the clear in a copy: of which station, when, and what its files must be."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from station_emr.services.backup_ports import CopyFacts, FoundCopy

from . import slot_file

__all__ = ["MANIFEST", "NAME", "Manifest", "digest", "dump", "found_in", "read"]

MANIFEST: Final = "backup.json"
NAME: Final = re.compile(r"tram-([A-Za-z0-9]{1,12})-(\d{8}-\d{6})")
_FORMAT: Final = "station-emr-backup"
_LONGEST: Final = 64 * 1024
_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """``files`` are the SHA-256 of what lies beside it."""

    database_id: str
    code: str
    at: datetime
    files: Mapping[str, str]
    facts: CopyFacts


def dump(manifest: Manifest) -> bytes:
    facts = manifest.facts
    document = {
        "format": _FORMAT,
        "version": 1,
        "database_id": manifest.database_id,
        "code": manifest.code,
        "at": manifest.at.isoformat(),
        "files": dict(manifest.files),
        "counts": dict(facts.counts),
        "audit_head": facts.head,
        "audit_whole": facts.chain_whole,
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def read(place: Path) -> Manifest | None:
    """None for a folder that is no copy, or one of the first release, which had no manifest."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        with (place / MANIFEST).open("rb") as file:
            document = json.loads(file.read(_LONGEST))
        return _manifest(document)
    return None


def found_in(folder: str, own_id: str) -> tuple[FoundCopy, ...]:
    """The copies in a folder, newest first; the folder may also be a copy itself. A copy of the
    first release is found by its name.
    """
    here = Path(folder)
    places = [here]
    with suppress(OSError):
        places += [one for one in here.iterdir() if NAME.fullmatch(one.name)]
    found = [copy for place in places if (copy := _found(place, own_id)) is not None]
    return tuple(sorted(found, key=lambda one: one.at, reverse=True))


def _found(place: Path, own_id: str) -> FoundCopy | None:
    with suppress(OSError, slot_file.Damaged):
        slots = slot_file.parse((place / "keyslots.json").read_bytes())
        size = (place / "station.db").stat().st_size
        manifest = read(place)
        if manifest is not None:
            at, code = manifest.at, manifest.code
        else:
            named = NAME.fullmatch(place.name)
            at = datetime.fromtimestamp((place / "station.db").stat().st_mtime).astimezone()
            code = named[1] if named else ""
        return FoundCopy(
            place=str(place),
            station=slots.station_name,
            code=code,
            at=at,
            size=size,
            # Without a manifest it is never thinned: nothing says that this program made it.
            own=manifest is not None and bool(own_id) and manifest.database_id == own_id,
            recorded=manifest.facts if manifest is not None else None,
        )
    return None


def digest(file: Path) -> str:
    sha = hashlib.sha256()
    with file.open("rb") as content:
        while block := content.read(_BLOCK):
            sha.update(block)
    return sha.hexdigest()


def _manifest(document: Any) -> Manifest:
    if document["format"] != _FORMAT:
        raise ValueError("another format")
    at = datetime.fromisoformat(_text(document["at"]))
    if at.tzinfo is None:
        raise ValueError("a moment without its offset")
    counts = {_text(key): _count(value) for key, value in document["counts"].items()}
    return Manifest(
        database_id=_text(document["database_id"]),
        code=_text(document["code"]),
        at=at,
        files={_text(key): _text(value) for key, value in document["files"].items()},
        facts=CopyFacts(
            counts=counts,
            head=_text(document["audit_head"]),
            chain_whole=document["audit_whole"] is True,
        ),
    )


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("text")
    return value


def _count(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("count")
    return value

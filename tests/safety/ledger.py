"""What a session said it was doing and was told, held against what a new start finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import text

from station_emr.key_keeping import open_store
from station_emr.security.keyslots import KeySlots
from station_emr.services.clock import SystemClock
from station_emr.station import DATABASE, KEY_SLOTS, OpenStation
from tests.safety.scripted import FORM

_KEPT_DRAFTS = {"vitals", "save-draft"}


def read(path: Path) -> list[dict[str, Any]]:
    """Every line that was said, over all lives of the session."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def lost(
    station: OpenStation, lines: list[dict[str, Any]], unlock: tuple[str, str] | None = None
) -> list[str]:
    """What was acknowledged and is not there. ``unlock`` (account, password) opens the newest copy."""
    held = {
        (row[0], row[1], row[2]): row[3]
        for row in _all(station, "SELECT kind, record_id, version, content FROM record_version")
    }
    drafts = {
        row[0]: row[1] for row in _all(station, "SELECT id, draft FROM encounter WHERE version = 0")
    }
    forms = {
        row[0].rpartition(":")[2]: row[1]
        for row in _all(station, "SELECT key, content FROM form_draft")
    }
    prints = {
        row[0]: row[1]
        for row in _all(station, "SELECT record_id, count(*) FROM print_log GROUP BY record_id")
    }
    signed = {row[0] for row in _all(station, "SELECT target_id FROM signature")}
    slots = {one.username for one in KeySlots.load(
        station.folder / KEY_SLOTS, clock=SystemClock().now
    ).people()}  # fmt: skip
    done = [line for line in lines if "done" in line]
    return [
        *_versions(done, held),
        *_drafts(lines, held, drafts),
        *_forms(lines, forms),
        *_prints(done, prints),
        *(
            f"{line['word']}: no signature under {one}"
            for line in done
            for one in line.get("files", ())
            if one[1] not in signed
        ),
        *(
            f"{line['word']}: {line['person']} cannot log in"
            for line in done
            if line["done"] == "add-person" and line["person"] not in slots
        ),
        *_copies(done, unlock),
    ]


def _all(station: OpenStation, sql: str) -> list[Any]:
    with station.store.read() as work:
        return work._connection.execute(text(sql)).all()  # type: ignore[return-value]


def _versions(done: list[dict[str, Any]], held: dict[Any, str]) -> Iterator[str]:
    for line in done:
        for number, item in enumerate(line.get("items", ())):
            kind, record_id, version = item
            if version == 0:
                continue  # a draft
            content = held.get((kind, record_id, version))
            if content is None:
                yield f"{line['word']}: {line['done']} of {kind} version {version} is lost"
            elif number == 0 and line["done"] in {"register", "correct", "sign", "amend"} and (
                line["word"] not in content
            ):  # fmt: skip
                yield f"{line['word']}: {line['done']} of {kind} holds something else"


def _last(
    lines: list[dict[str, Any]], name: str, of: str | None = None
) -> dict[str, tuple[str, set[str]]]:
    """Per key the word that was acknowledged last, and those begun since, which may be there."""
    found: dict[str, tuple[str, set[str]]] = {}
    for line in lines:
        key = line.get(name)
        if key is None or (of is not None and of not in line.values()):
            continue
        before = found.get(key, ("", set()))
        if "begin" in line:
            found[key] = (before[0], before[1] | {line["word"]})
        else:
            found[key] = (line["word"], set())
    return found


def _drafts(
    lines: list[dict[str, Any]], held: dict[Any, str], drafts: dict[str, str]
) -> Iterator[str]:
    signed = {record_id for kind, record_id, _ in held if kind == "encounter"}
    for encounter_id, (word, maybe) in _last(lines, "draft", "save-draft").items():
        if encounter_id in signed or not word:
            continue
        content = drafts.get(encounter_id) or ""
        if not any(one in content for one in {word, *maybe}):
            yield f"{word}: the draft of {encounter_id} is lost"


def _forms(lines: list[dict[str, Any]], forms: dict[str, str]) -> Iterator[str]:
    word, maybe = _last(lines, "form").get(FORM, ("", set()))
    if word and not any(one in forms.get(FORM, "") for one in {word, *maybe}):
        yield f"{word}: what was typed is lost"


def _prints(done: list[dict[str, Any]], prints: dict[str, int]) -> Iterator[str]:
    told: dict[str, int] = {}
    for line in done:
        if "printed" in line:
            told[line["printed"]] = told.get(line["printed"], 0) + 1
    for record_id, count in told.items():
        if prints.get(record_id, 0) < count:
            yield f"{record_id}: printed {count} times, {prints.get(record_id, 0)} are logged"


def _copies(done: list[dict[str, Any]], unlock: tuple[str, str] | None) -> Iterator[str]:
    """The newest copy that was said to be whole opens with its own slots, and is."""
    places = [Path(line["copy"]) for line in done if "copy" in line]
    if not places or unlock is None:
        return
    (place,) = places[-1].iterdir()
    slots = KeySlots.load(place / KEY_SLOTS, clock=SystemClock().now)
    store = open_store(place / DATABASE, slots, slots.unlock(*unlock))
    store.check()
    with store.read() as work:
        if work.audit.verify() is not None:
            yield f"{place.name}: the log of the copy is broken"
    store.close()

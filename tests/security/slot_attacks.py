"""Attacks on a key slot file, each told as what it got. They run against the program, where they get
nothing, and against a program whose one guard was taken away, where they get what they came for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from station_emr.domain.errors import AccountLocked, DatabaseDamaged, WrongPassword
from station_emr.security import key_wrap, slot_file
from station_emr.security.key_wrap import KdfCost, Unopened
from station_emr.security.keyslots import KeySlots
from tests.security.stations import CHEAP, OTHER, PASSWORD, reload, rewrite


def guessed(path: Path, words: Iterable[str], budget: int | None = None) -> str | None:
    """What a thief does with the file alone: nothing of the program's counting is in the way. ``budget``
    is what the thief's machine can fill, in KiB of memory over all passes.
    """
    content = slot_file.parse(path.read_bytes())
    slot = content.slots[0]
    where = key_wrap.context(content.database_id, slot.username)
    price = slot.box.cost.memory_kib * slot.box.cost.iterations
    spent = 0
    for word in words:
        spent += price
        if budget is not None and spent > budget:
            return None
        try:
            key_wrap.unlock(word, slot.box, where)
        except Unopened:
            continue
        return word
    return None


def tried_at_the_keyboard(slots: KeySlots, words: Iterable[str]) -> str | None:
    """A colleague at the log-in page."""
    for word in words:
        try:
            slots.unlock("ha", word)
        except (WrongPassword, AccountLocked):
            continue
        return word
    return None


def exchange_names(path: Path) -> None:
    def swap(body):
        one, other = body["slots"]
        one["username"], other["username"] = other["username"], one["username"]

    rewrite(path, swap)


def slot_under_another_name(path: Path) -> bool:
    """Whether the password of ``ha`` opens the record as ``nga``; the file is as before afterwards."""
    exchange_names(path)
    try:
        reload(path).unlock("nga", PASSWORD)
    except WrongPassword:
        return False
    finally:
        exchange_names(path)
    return True


def slot_in_another_database(path: Path) -> bool:
    """Whether the slots open as those of another database."""
    rewrite(path, lambda body: body.update(database_id="db-2"))
    try:
        reload(path).unlock("ha", PASSWORD)
    except WrongPassword:
        return False
    finally:
        rewrite(path, lambda body: body.update(database_id="db-1"))
    return True


def slot_of_another_station(path: Path, theirs: Path) -> bool:
    """Whether a slot carried over from ``theirs`` makes this station take a key that is not its own."""
    foreign = slot_file.parse(theirs.read_bytes()).slots[0]
    own = slot_file.parse(path.read_bytes())
    slots = reload(path)
    slots._write(replace(own, slots=(replace(own.slots[0], box=foreign.box),)))
    try:
        reload(path).unlock("ha", OTHER)
    except (WrongPassword, DatabaseDamaged):
        return False
    finally:
        slots._write(own)
    return True


def planted_key(path: Path, code: str) -> tuple[bool, bool]:
    """Whether the program works on under a key that somebody with an editor chose: by password, by code."""
    planted = bytes([9]) * 32
    before = slot_file.parse(path.read_bytes())

    def plant(body):
        body["fingerprint"] = slot_file._b64(key_wrap.fingerprint(planted))
        for owner, row in (("ha", body["slots"][0]), ("recovery code", body["recovery"])):
            public = slot_file._bytes(row["public"], 32)
            where = key_wrap.context("db-1", owner)
            row["sealed"] = slot_file._b64(key_wrap.seal(planted, public, where, os.urandom))

    rewrite(path, plant)
    slots = reload(path)
    ways = (lambda: slots.unlock("ha", PASSWORD), lambda: slots.unlock_with_recovery(code))
    got = tuple(_answer(way) == planted for way in ways)
    slots._write(before)
    return got[0], got[1]


def planted_public_half(path: Path, data_key: bytes) -> bool:
    """Whether somebody who only wrote a public half into the file is given the next data key."""
    where = key_wrap.context("db-1", "ha")
    attacker = key_wrap.lock("x", bytes(32), where, CHEAP, os.urandom)
    before = slot_file.parse(path.read_bytes())
    rewrite(path, lambda body: body["slots"][0].update(public=slot_file._b64(attacker.public)))
    fresh = bytes([2]) * 32
    slots = reload(path)
    try:
        slots.replace_all(data_key, fresh)
        given = slot_file.parse(path.read_bytes()).slots[0].box
    except DatabaseDamaged:
        return False
    finally:
        slots._write(before)
    return key_wrap.unlock("x", replace(attacker, sealed=given.sealed), where).data_key == fresh


def lowered_cost(path: Path, data_key: bytes, figure: dict[str, int]) -> KdfCost | None:
    """What the next password costs to try after an editor of the file made the code's figure cheap."""
    before = slot_file.parse(path.read_bytes())
    rewrite(path, lambda body: body["recovery"]["kdf"].update(figure))
    slots = reload(path)
    try:
        slots.add("nga", "Nga", OTHER, data_key)
        return slot_file.parse(path.read_bytes()).slots[-1].box.cost
    except DatabaseDamaged:
        return None
    finally:
        slots._write(before)


def _answer(way) -> bytes | None:
    try:
        return way()
    except (WrongPassword, DatabaseDamaged):
        return None

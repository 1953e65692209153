"""Yesterday's database and logs that were cut or written anew, twice: something outside tells, and nothing does
where exactly the comparison with it is gone. The province is the real one; what it judges itself stands in tests/server/test_weakened_anchors.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest

from station_emr.db import connection as connections
from station_emr.db.store import EncryptedStore
from station_emr.domain.audit import Comparison
from station_emr.domain.audit import compare as really_compare
from station_emr.security.audit_witness import AuditWitnessFile
from station_emr.security.witness import WitnessFile
from station_emr.services import audit_trail
from station_emr.services.audit_evidence import MISMATCH
from station_emr.services.incarnation import INCARNATION, LIFE_ACTION, Lives
from tests.db.test_audit_attacks import lines, write_anew
from tests.sync.test_audit_anchors import KEY, Desk, desk

__all__ = ["desk"]


def blind_comparison(weak: pytest.MonkeyPatch) -> None:
    """A build that reads what others saw and says that it agrees."""

    def compare(*seen, **more):
        return replace(really_compare(*seen, **more), comparison=Comparison.AGREES)

    weak.setattr(audit_trail, "compare", compare)


# Attacks on a log whose end the province saw ----------------------------------------------------


def yesterdays_folder(desk: Desk) -> None:
    """The whole folder, witness and all, so that nothing here remembers."""
    copy = desk.keep()
    desk.clock.forward(days=1)
    desk.write(10)
    assert desk.anchoring.run(desk.line()).accepted
    desk.put_back(copy)


def by_hand(change: Callable[[connections.RawConnection], None]) -> Callable[[Desk], None]:
    """Raw SQL with the key, triggers gone; what this PC kept of its anchors and its witness as well."""

    def attack(desk: Desk) -> None:
        raw = connections.connect(desk.path, KEY)
        for (name,) in raw.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            raw.execute(f'DROP TRIGGER "{name}"')
        change(raw)
        raw.execute("DELETE FROM audit_anchor")
        raw.close()

    return attack


def cut(raw: connections.RawConnection) -> None:
    raw.execute("DELETE FROM audit_entry WHERE seq > 3")
    raw.execute("UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit_entry'")


def edited(raw: connections.RawConnection) -> None:
    kept = lines(raw)
    kept[2]["user_name"] = "Người Khác"
    write_anew(raw, kept)


def taken_out(raw: connections.RawConnection) -> None:
    kept = lines(raw)
    write_anew(raw, [*kept[:1], *kept[2:], kept[-1], kept[-1]])


def reordered(raw: connections.RawConnection) -> None:
    kept = lines(raw)
    kept[1], kept[2] = kept[2], kept[1]
    write_anew(raw, kept)


def dated_back(raw: connections.RawConnection) -> None:
    kept = lines(raw)
    for line in kept[1:]:
        line["at_utc"] = "2026-01-01T00:00:00.000000Z"
    write_anew(raw, kept)


ATTACKS = {
    "yesterday's folder": yesterdays_folder,
    "the end cut off": by_hand(cut),
    "a line edited": by_hand(edited),
    "a line taken out": by_hand(taken_out),
    "lines exchanged": by_hand(reordered),
    "lines dated back": by_hand(dated_back),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_log_that_was_changed_is_whole_where_nobody_compares(
    desk, attack: str, monkeypatch
) -> None:
    assert desk.anchoring.run(desk.line()).accepted
    ATTACKS[attack](desk)

    assert not desk.verify().is_whole
    blind_comparison(monkeypatch)
    assert desk.verify().is_whole


# What stands beside the database ----------------------------------------------------------------


def yesterdays_database(desk: Desk) -> None:
    """The database alone; today's witnesses lie beside it."""
    desk.store.close()
    copy = desk.folder.parent / "yesterday.db"
    shutil.copy(desk.path, copy)
    desk.store = EncryptedStore.open(desk.path, KEY)
    lives(desk).opened(desk.store)
    desk.write(3)
    desk.witness.note()
    desk.store.close()
    shutil.copy(copy, desk.path)
    desk.store = EncryptedStore.open(desk.path, KEY)


def lives(desk: Desk) -> Lives:
    return Lives(desk.clock, WitnessFile(desk.folder), "máy mẫu")


def test_yesterdays_database_goes_on_where_the_witness_is_not_asked(desk, monkeypatch) -> None:
    lives(desk).opened(desk.store)
    yesterdays_database(desk)
    with pytest.MonkeyPatch.context() as weak:
        weak.setattr(AuditWitnessFile, "read", lambda _self: None)
        weak.setattr(AuditWitnessFile, "write", lambda _self, _seen: None)
        assert desk.witness.opened()
        assert MISMATCH not in desk.actions()
    assert not desk.witness.opened()
    assert MISMATCH in desk.actions()


def test_numbers_are_given_twice_where_a_copy_is_taken_for_the_original(desk, monkeypatch) -> None:
    lives(desk).opened(desk.store)
    with desk.store.read() as work:
        life = work.settings.get(INCARNATION)
    yesterdays_database(desk)
    with pytest.MonkeyPatch.context() as weak:
        weak.setattr(Lives, "_is_doubtful", lambda _self, _seen, _work: False)
        weak.setattr(Lives, "_change_mark", lambda *_nothing: None)
        assert not lives(desk).opened(desk.store)
    with desk.store.read() as work:
        assert work.settings.get(INCARNATION) == life
    assert lives(desk).opened(desk.store)
    assert LIFE_ACTION in desk.actions()
    with desk.store.read() as work:
        assert work.settings.get(INCARNATION) != life

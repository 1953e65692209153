"""Raw SQL with the key in hand, triggers gone: what is done to versions, lists and the table of users."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from station_emr.db.connection import connect
from station_emr.sync.sealing import StoredIncarnation
from station_emr.two_way import build_sealer
from tests.services.conftest import KEY

FORGED_DAYS = 300


class Attacker:
    """Opens the file as the program would, and drops what stands in the way."""

    def __init__(self, station: Any, *, keep_triggers: bool = False) -> None:
        self._raw = connect(station.path, KEY)
        triggers = self._raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in () if keep_triggers else triggers.fetchall():
            self._raw.execute(f'DROP TRIGGER "{name}"')

    def run(self, statement: str, *values: Any) -> int:
        return self._raw.execute(statement, values).rowcount

    def one(self, statement: str, *values: Any) -> Any:
        return self._raw.execute(statement, values).fetchone()

    def close(self) -> None:
        self._raw.close()


def content_of(attacker: Attacker, record_id: str) -> str:
    return attacker.one("SELECT content FROM record_version WHERE record_id = ?", record_id)[0]


def seal_everything(station: Any) -> None:
    """Give every waiting version its line, as the next run to the province would."""
    lives = StoredIncarnation(station.clock.random)
    sealer = build_sealer(lives)
    with station.store.write() as work:
        lives.renew(work)
        items = work.outbox.operations(500, station.clock.now().date())
        numbers = {(one.kind, one.record_id, one.version): one.seq for one in items}
        for one in items:
            sealer.seal_item(work, one, numbers)


# A signed prescription -------------------------------------------------------------------------


def forged(content: str) -> tuple[str, str]:
    """The same prescription with far more days, and the hash that fits."""
    record = json.loads(content)
    record["lines"][0]["days"] = FORGED_DAYS
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text, hashlib.sha256(text.encode()).hexdigest()


def edit_content(attacker: Attacker, paper: str) -> None:
    text, _ = forged(content_of(attacker, paper))
    assert attacker.run("UPDATE record_version SET content = ? WHERE record_id = ?", text, paper)


def edit_content_and_hash(attacker: Attacker, paper: str) -> None:
    text, sha256 = forged(content_of(attacker, paper))
    attacker.run(
        "UPDATE record_version SET content = ?, content_sha256 = ? WHERE record_id = ?",
        text,
        sha256,
        paper,
    )


def edit_content_hash_and_confirmation(attacker: Attacker, paper: str) -> None:
    _, sha256 = forged(content_of(attacker, paper))
    edit_content_and_hash(attacker, paper)
    attacker.run(
        "UPDATE signing_evidence SET content_sha256 = ? WHERE record_id = ?", sha256, paper
    )


def edit_column(column: str, value: str) -> Callable[[Attacker, str], None]:
    def edit(attacker: Attacker, paper: str) -> None:
        attacker.run(f"UPDATE record_version SET {column} = {value} WHERE record_id = ?", paper)

    return edit


def edit_line(attacker: Attacker, paper: str) -> None:
    row = attacker.one("SELECT line FROM operation WHERE record_id <> ? LIMIT 1", paper)
    attacker.run("UPDATE operation SET line = ? WHERE record_id = ?", row[0], paper)


def take_out_version(attacker: Attacker, paper: str) -> None:
    attacker.run("DELETE FROM record_version WHERE record_id = ?", paper)


def edit_list(attacker: Attacker, paper: str) -> None:
    attacker.run("UPDATE prescription SET drugs = '[\"Morphin\"]' WHERE id = ?", paper)


# The table of users ----------------------------------------------------------------------------


def _as_director(content: str) -> tuple[str, str]:
    changed = content.replace('"role":"nurse"', '"role":"director"')
    assert changed != content
    return changed, hashlib.sha256(changed.encode()).hexdigest()


def role_under_old_hash(attacker: Attacker, station: Any) -> str:
    """Each of these gives the name to log in with."""
    nurse = station.nurse.user
    content, _ = _as_director(content_of(attacker, nurse.id))
    attacker.run("UPDATE record_version SET content = ? WHERE record_id = ?", content, nurse.id)
    return nurse.username


def role_with_hash(attacker: Attacker, station: Any) -> str:
    nurse = station.nurse.user
    content, sha256 = _as_director(content_of(attacker, nurse.id))
    attacker.run(
        "UPDATE record_version SET content = ?, content_sha256 = ? WHERE record_id = ?",
        content,
        sha256,
        nurse.id,
    )
    return nurse.username


def role_in_new_version(attacker: Attacker, station: Any) -> str:
    nurse = station.nurse.user
    content, sha256 = _as_director(content_of(attacker, nurse.id))
    attacker.run(
        "INSERT INTO record_version (kind, record_id, version, status, content, content_sha256, "
        "author_id, author_name, at_utc, at_offset, reason, parents) SELECT kind, record_id, 2, "
        "'amended', ?, ?, author_id, author_name, '2026-11-20T02:00:00.000000Z', at_offset, '', "
        "'[1]' FROM record_version WHERE record_id = ?",
        content,
        sha256,
        nurse.id,
    )
    attacker.run("UPDATE user SET version = 2, status = 'amended' WHERE id = ?", nurse.id)
    return nurse.username


def names_exchanged(attacker: Attacker, station: Any) -> str:
    """The nurse's password opens the nurse's slot; the row behind the name is the director's."""
    nurse, director = station.nurse.user, station.director.user
    attacker.run("UPDATE user SET username = 'tam' WHERE id = ?", nurse.id)
    attacker.run("UPDATE user SET username = ? WHERE id = ?", nurse.username, director.id)
    return nurse.username


def role_from_another_pc(attacker: Attacker, station: Any) -> str:
    nurse = station.nurse.user
    attacker.run("UPDATE record_version SET origin = 'replica' WHERE record_id = ?", nurse.id)
    return role_with_hash(attacker, station)


def older_role(attacker: Attacker, station: Any) -> str:
    """The second version was a director's; the row points to it again."""
    nurse = station.nurse.user
    attacker.run("UPDATE user SET version = 2, status = 'amended' WHERE id = ?", nurse.id)
    return nurse.username

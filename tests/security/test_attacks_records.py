"""Raw SQL with the key in hand, triggers gone: edits of versions, of lists and of the users' table.

Each attack is first shown to work against a program without the check that finds it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from station_emr.db.connection import connect
from station_emr.db.repositories.histories import VersionRepository
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Action, Role, may
from station_emr.services.record_check import Breach, RecordCheck
from station_emr.sync.sealing import StoredIncarnation
from station_emr.two_way import build_sealer
from tests.services.conftest import KEY, lists, station, template
from tests.services.visit_samples import prescription, sign, visit

__all__ = ["lists", "station", "template"]


class Attacker:
    """Opens the file as the program would, and drops what stands in the way."""

    def __init__(self, station) -> None:
        self._station = station
        self._raw = connect(station.path, KEY)
        triggers = self._raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            self._raw.execute(f'DROP TRIGGER "{name}"')

    def run(self, statement: str, *values) -> int:
        return self._raw.execute(statement, values).rowcount

    def one(self, statement: str, *values):
        return self._raw.execute(statement, values).fetchone()

    def close(self) -> None:
        self._raw.close()


@pytest.fixture
def attacker(station):
    found = Attacker(station)
    yield found
    found.close()


@pytest.fixture
def paper(station):
    """A signed prescription."""
    encounter = visit(station, station.register())
    sign(station, encounter, prescription=prescription(station, encounter))
    with station.store.read() as work:
        return work.prescriptions.of_encounter(encounter.id).record


def check(station):
    return station.services.record_check.run(station.director)


def forged(content: str) -> tuple[str, str]:
    """The same prescription with ten times the days, and the hash that fits."""
    record = json.loads(content)
    record["lines"][0]["days"] = 300
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text, hashlib.sha256(text.encode()).hexdigest()


def content_of(attacker, record_id: str) -> str:
    return attacker.one("SELECT content FROM record_version WHERE record_id = ?", record_id)[0]


def test_an_untouched_record_is_whole(station, paper) -> None:
    report = check(station)
    assert report.is_whole
    assert report.versions > 4
    assert report.confirmed >= 2


def test_content_edited_under_its_old_hash_is_found(station, attacker, paper) -> None:
    text, _ = forged(content_of(attacker, paper.id))
    assert attacker.run("UPDATE record_version SET content = ? WHERE record_id = ?", text, paper.id)
    (fault,) = check(station).faults
    assert (fault.breach, fault.record_id, fault.version) == (Breach.HASH, paper.id, 1)


def test_content_edited_with_its_hash_is_found_by_the_confirmation(
    station,
    attacker,
    paper,
    monkeypatch,
) -> None:
    text, sha256 = forged(content_of(attacker, paper.id))
    attacker.run(
        "UPDATE record_version SET content = ?, content_sha256 = ? WHERE record_id = ?",
        text,
        sha256,
        paper.id,
    )
    with station.store.read() as work:  # without the check the forgery is simply the prescription
        assert work.prescriptions.get(paper.id).record.lines[0].days == 300
    (fault,) = check(station).faults
    assert fault.breach is Breach.EVIDENCE
    monkeypatch.setattr(RecordCheck, "_fault_of", lambda _self, _one: None)
    assert check(station).is_whole


def test_content_hash_and_confirmation_edited_are_found_by_the_line(
    station,
    attacker,
    paper,
) -> None:
    """The line is what the province has: its id is its hash."""
    seal_everything(station)
    text, sha256 = forged(content_of(attacker, paper.id))
    attacker.run(
        "UPDATE record_version SET content = ?, content_sha256 = ? WHERE record_id = ?",
        text,
        sha256,
        paper.id,
    )
    attacker.run(
        "UPDATE signing_evidence SET content_sha256 = ? WHERE record_id = ?", sha256, paper.id
    )
    (fault,) = check(station).faults
    assert (fault.breach, fault.detail) == (Breach.LINE, "lines")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("author_id", "'kẻ-khác'"),
        ("reason", "'lý do khác'"),
        ("at_utc", "'2020-01-01T00:00:00.000000Z'"),
    ],
)
def test_who_when_and_why_are_held_against_the_line_too(
    station,
    attacker,
    paper,
    column,
    value,
) -> None:
    seal_everything(station)
    attacker.run(f"UPDATE record_version SET {column} = {value} WHERE record_id = ?", paper.id)
    (fault,) = check(station).faults
    assert fault.breach is Breach.LINE


def test_a_line_edited_under_its_id_is_found(station, attacker, paper) -> None:
    seal_everything(station)
    row = attacker.one("SELECT line FROM operation WHERE record_id <> ? LIMIT 1", paper.id)
    attacker.run("UPDATE operation SET line = ? WHERE record_id = ?", row[0], paper.id)
    (fault,) = check(station).faults
    assert (fault.breach, fault.record_id) == (Breach.LINE_ID, paper.id)


def test_a_version_that_was_taken_out_is_missed(station, attacker, paper) -> None:
    attacker.run("DELETE FROM record_version WHERE record_id = ?", paper.id)
    assert Breach.MISSING in {fault.breach for fault in check(station).faults}


def test_a_list_that_says_something_else_is_found(
    station,
    attacker,
    paper,
    monkeypatch,
) -> None:
    attacker.run("UPDATE prescription SET drugs = '[\"Morphin\"]' WHERE id = ?", paper.id)
    (fault,) = check(station).faults
    assert (fault.breach, fault.detail) == (Breach.SHOWN, "drugs")
    monkeypatch.setattr(VersionRepository, "head_faults", lambda _self, _limit: ())
    assert check(station).is_whole


def seal_everything(station) -> None:
    """Give every waiting version its line, as the next run to the province would."""
    lives = StoredIncarnation(station.clock.random)
    sealer = build_sealer(lives)
    with station.store.write() as work:
        lives.renew(work)
        items = work.outbox.operations(500, station.clock.now().date())
        numbers = {(one.kind, one.record_id, one.version): one.seq for one in items}
        for one in items:
            sealer.seal_item(work, one, numbers)


# The table of users ----------------------------------------------------------------------------


def nurse_as_director(attacker, nurse) -> None:
    """The nurse's row with the director's role, and the hash that fits."""
    content = content_of(attacker, nurse.id).replace('"role":"nurse"', '"role":"director"')
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    attacker.run(
        "UPDATE record_version SET content = ?, content_sha256 = ? WHERE record_id = ?",
        content,
        sha256,
        nurse.id,
    )


def test_a_role_that_was_edited_opens_nothing(
    station,
    attacker,
    monkeypatch,
) -> None:
    nurse = station.nurse.user
    nurse_as_director(attacker, nurse)
    with pytest.raises(PermissionDenied, match="sửa ngoài chương trình"):
        station.services.accounts.log_in(nurse.username, "Máy 1")
    with station.store.read() as work:
        assert work.versions.person_fault(nurse.id) == "unlogged"
    # Without the check the nurse is the director.
    monkeypatch.setattr(VersionRepository, "person_fault", lambda _self, _id: "")
    actor = station.services.accounts.log_in(nurse.username, "Máy 1")
    assert may(actor.role, Action.USER_MANAGE)


def test_a_new_version_of_a_person_that_the_log_does_not_know_opens_nothing(
    station,
    attacker,
) -> None:
    nurse = station.nurse.user
    content = content_of(attacker, nurse.id).replace('"role":"nurse"', '"role":"director"')
    attacker.run(
        "INSERT INTO record_version (kind, record_id, version, status, content, content_sha256, "
        "author_id, author_name, at_utc, at_offset, reason, parents) SELECT kind, record_id, 2, "
        "'amended', ?, ?, author_id, author_name, '2026-11-20T02:00:00.000000Z', at_offset, '', "
        "'[1]' FROM record_version WHERE record_id = ?",
        content,
        hashlib.sha256(content.encode()).hexdigest(),
        nurse.id,
    )
    attacker.run("UPDATE user SET version = 2, status = 'amended' WHERE id = ?", nurse.id)
    with pytest.raises(PermissionDenied, match="sửa ngoài chương trình"):
        station.services.accounts.log_in(nurse.username, "Máy 1")


def test_names_exchanged_between_two_rows_open_nothing(station, attacker) -> None:
    """The nurse's password opens the nurse's slot; the row behind the name is the director's."""
    nurse, director = station.nurse.user, station.director.user
    attacker.run("UPDATE user SET username = 'tam' WHERE id = ?", nurse.id)
    attacker.run("UPDATE user SET username = ? WHERE id = ?", nurse.username, director.id)
    with pytest.raises(PermissionDenied, match="sửa ngoài chương trình"):
        station.services.accounts.log_in(nurse.username, "Máy 1")


def test_an_older_role_brought_back_by_the_head_opens_nothing(
    station,
    attacker,
) -> None:
    nurse = station.nurse.user
    accounts = station.services.accounts
    accounts.update_user(station.director, replace(nurse, role=Role.MIDWIFE))
    attacker.run("UPDATE user SET version = 1, status = 'signed' WHERE id = ?", nurse.id)
    with pytest.raises(PermissionDenied, match="sửa ngoài chương trình"):
        accounts.log_in(nurse.username, "Máy 1")


def test_a_role_that_claims_to_come_from_another_pc_opens_nothing(station, attacker) -> None:
    nurse = station.nurse.user
    nurse_as_director(attacker, nurse)
    attacker.run("UPDATE record_version SET origin = 'replica' WHERE record_id = ?", nurse.id)
    with pytest.raises(PermissionDenied, match="sửa ngoài chương trình"):
        station.services.accounts.log_in(nurse.username, "Máy 1")


def test_an_honest_change_of_role_opens_the_station(station) -> None:
    nurse = station.nurse.user
    accounts = station.services.accounts
    accounts.update_user(station.director, replace(nurse, role=Role.MIDWIFE))
    assert accounts.log_in(nurse.username, "Máy 1").role is Role.MIDWIFE
    director = station.director.user
    assert accounts.log_in(director.username, "Máy 1").role is Role.DIRECTOR

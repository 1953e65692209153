"""Every raw edit of a signed row and of the table of users twice: it is told by the program, and passes for
the truth where exactly the checks that hold against it are gone.
"""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from station_emr.db.repositories import histories
from station_emr.demo.clock import DemoClock
from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Action, Role, may
from station_emr.domain.record import RecordKind
from station_emr.interop.fhir.read_units import read_unit
from station_emr.services import record_check
from station_emr.services.record_check import Breach
from station_emr.services.replication import apply_operation
from station_emr.sync.opening import open_operation
from station_emr.sync.operation_line import op_id
from tests.security import record_attacks as attacks
from tests.security.record_attacks import FORGED_DAYS, Attacker, seal_everything
from tests.services.conftest import MORNING, Station, lists, template
from tests.services.visit_samples import prescription, sign, visit

__all__ = ["lists", "template"]

HASH, CONFIRMED, LINE, ROWS = "_own_hash", "_confirmations", "_sent_line", "head_faults"
EDITS = {
    "the content": (attacks.edit_content, Breach.HASH, {HASH, CONFIRMED, LINE}),
    "the content and its hash": (attacks.edit_content_and_hash, Breach.EVIDENCE, {CONFIRMED, LINE}),
    "content, hash and confirmation": (
        attacks.edit_content_hash_and_confirmation,
        Breach.LINE,
        {LINE},
    ),
    "who": (attacks.edit_column("author_id", "'kẻ-khác'"), Breach.LINE, {LINE}),
    "why": (attacks.edit_column("reason", "'lý do khác'"), Breach.LINE, {LINE}),
    "when": (attacks.edit_column("at_utc", "'2020-01-01T00:00:00.000000Z'"), Breach.LINE, {LINE}),
    "the line": (attacks.edit_line, Breach.LINE_ID, {LINE}),
    "a version taken out": (attacks.take_out_version, Breach.MISSING, {ROWS}),
    "what lists show": (attacks.edit_list, Breach.SHOWN, {ROWS}),
}


@pytest.fixture(scope="module")
def signed(template, lists, tmp_path_factory):
    """A station with a signed prescription whose line the province has; its file, and the paper's id."""
    path = tmp_path_factory.mktemp("signed") / "station.db"
    shutil.copy(template, path)
    made = Station(path, DemoClock(MORNING, seed=2), lists)
    encounter = visit(made, made.register())
    sign(made, encounter, prescription=prescription(made, encounter))
    seal_everything(made)
    with made.store.read() as work:
        paper = work.prescriptions.of_encounter(encounter.id).record.id
    made.store.close()
    return path, paper


@pytest.fixture
def station(signed, lists, tmp_path):
    shutil.copy(signed[0], tmp_path / "station.db")
    opened = Station(tmp_path / "station.db", DemoClock(MORNING, seed=3), lists)
    yield opened
    opened.store.close()


@pytest.fixture
def paper(signed) -> str:
    return signed[1]


def passes_for_the_truth(station, left_out: set[str]) -> bool:
    """Whether a build without these checks finds every version whole."""
    with pytest.MonkeyPatch.context() as weak:
        kept = tuple(one for one in record_check._WITNESSES if one.__name__ not in left_out)
        weak.setattr(record_check, "_WITNESSES", kept)
        if ROWS in left_out:
            weak.setattr(histories.VersionRepository, ROWS, lambda _self, _limit: ())
        return station.services.record_check.run(station.director).is_whole


@pytest.mark.parametrize("edited", EDITS)
def test_an_edited_row_passes_for_the_truth_where_its_checks_are_gone(
    station, paper, edited: str
) -> None:
    attack, breach, guards = EDITS[edited]
    attacker = Attacker(station)
    attack(attacker, paper)
    attacker.close()

    assert breach in {
        fault.breach for fault in station.services.record_check.run(station.director).faults
    }
    for guard in guards:  # each of them is enough by itself
        assert not passes_for_the_truth(station, guards - {guard})
    assert passes_for_the_truth(station, guards)
    if "content" in edited:
        with station.store.read() as work:
            assert work.prescriptions.get(paper).record.lines[0].days == FORGED_DAYS


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record_version SET content = '{}' WHERE record_id = ?",
        "DELETE FROM record_version WHERE record_id = ?",
        "UPDATE signing_evidence SET content_sha256 = '' WHERE record_id = ?",
        "UPDATE operation SET line = x'00' WHERE record_id = ?",
    ],
)
def test_a_signed_row_can_be_written_over_where_the_triggers_are_gone(
    station, paper, statement
) -> None:
    for kept in (True, False):
        attacker = Attacker(station, keep_triggers=kept)
        if kept:
            with pytest.raises(Exception, match=r"\w"):
                attacker.run(statement, paper)
        else:
            assert attacker.run(statement, paper) >= 1
        attacker.close()


# The table of users ----------------------------------------------------------------------------

ROLES = {
    "the role under its old hash": (attacks.role_under_old_hash, {"content", "unlogged"}),
    "the role with its hash": (attacks.role_with_hash, {"unlogged"}),
    "a new version": (attacks.role_in_new_version, {"unlogged"}),
    "a version of another PC": (attacks.role_from_another_pc, {"line"}),
    "names exchanged": (attacks.names_exchanged, {"name"}),
    "the role of last year": (attacks.older_role, {"version", "unlogged"}),
}


def manages_users(station, username: str) -> bool:
    """Whether who logs in by this name may do what directors may."""
    try:
        actor = station.services.accounts.log_in(username, "Máy 1")
    except PermissionDenied:
        return False
    return may(actor.role, Action.USER_MANAGE)


def manages_without(station, username: str, left_out: set[str]) -> bool:
    with pytest.MonkeyPatch.context() as weak:
        kept = tuple(one for one in histories._PERSON_FAULTS if one[0] not in left_out)
        weak.setattr(histories, "_PERSON_FAULTS", kept)
        return manages_users(station, username)


@pytest.mark.parametrize("edited", ROLES)
def test_an_edited_role_opens_every_door_where_its_checks_are_gone(station, edited: str) -> None:
    attack, guards = ROLES[edited]
    if "version" in guards:
        accounts, once = station.services.accounts, replace(station.nurse.user, role=Role.DIRECTOR)
        accounts.update_user(station.director, once)
        accounts.update_user(station.director, replace(once, role=Role.NURSE))
    attacker = Attacker(station)
    username = attack(attacker, station)
    attacker.close()

    assert not manages_users(station, username)
    named = station.services.record_check.run(station.director).faults
    assert Breach.ACCOUNT in {fault.breach for fault in named}
    for guard in guards:  # each of them is enough by itself
        assert not manages_without(station, username, guards - {guard})
    assert manages_without(station, username, guards)


def test_a_role_that_really_came_from_another_pc_opens_what_it_may(
    station, signed, lists, tmp_path
) -> None:
    """Else the check would keep honest people out."""
    shutil.copy(signed[0], tmp_path / "other.db")
    other = Station(tmp_path / "other.db", DemoClock(MORNING, seed=4), lists)
    nurse = other.nurse.user
    other.services.accounts.update_user(other.director, replace(nurse, role=Role.MIDWIFE))
    with other.store.write() as work:  # as if the province had taken what was before
        node = work.operations.node(RecordKind.PRACTITIONER, nurse.id, 1)
        work.operations.set_held((node.op_id,))
    seal_everything(other)
    with other.store.read() as work:
        line = work.operations.line(
            work.operations.node(RecordKind.PRACTITIONER, nurse.id, 2).op_id
        )
    other.store.close()
    with station.store.write() as work:
        arrived = open_operation(read_unit, op_id(line), line).operation
        apply_operation(work, arrived, station.clock.now())
    assert station.services.accounts.log_in(nurse.username, "Máy 1").role is Role.MIDWIFE
    assert station.services.record_check.run(station.director).is_whole

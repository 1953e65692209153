"""Raw SQL with the key in hand, triggers gone: edits of versions, of lists and of the users' table.

That each attack works without the check that finds it stands in test_weakened_records.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import Role
from station_emr.services.record_check import Breach
from tests.security import record_attacks as attacks
from tests.security.record_attacks import Attacker
from tests.services.conftest import lists, station, template
from tests.services.visit_samples import prescription, sign, visit

__all__ = ["lists", "station", "template"]


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


def test_an_untouched_record_is_whole(station, paper) -> None:
    report = check(station)
    assert report.is_whole
    assert report.versions > 4
    assert report.confirmed >= 2


def test_content_edited_under_its_old_hash_is_found(station, attacker, paper) -> None:
    attacks.edit_content(attacker, paper.id)
    (fault,) = check(station).faults
    assert (fault.breach, fault.record_id, fault.version) == (Breach.HASH, paper.id, 1)


def test_content_edited_with_its_hash_is_found_by_the_confirmation(
    station,
    attacker,
    paper,
) -> None:
    attacks.edit_content_and_hash(attacker, paper.id)
    with station.store.read() as work:  # without the check the forgery is simply the prescription
        assert work.prescriptions.get(paper.id).record.lines[0].days == attacks.FORGED_DAYS
    (fault,) = check(station).faults
    assert fault.breach is Breach.EVIDENCE


def test_content_hash_and_confirmation_edited_are_found_by_the_line(
    station,
    attacker,
    paper,
) -> None:
    """The line is what the province has: its id is its hash."""
    attacks.seal_everything(station)
    attacks.edit_content_hash_and_confirmation(attacker, paper.id)
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
    attacks.seal_everything(station)
    attacks.edit_column(column, value)(attacker, paper.id)
    (fault,) = check(station).faults
    assert fault.breach is Breach.LINE


def test_a_line_edited_under_its_id_is_found(station, attacker, paper) -> None:
    attacks.seal_everything(station)
    attacks.edit_line(attacker, paper.id)
    (fault,) = check(station).faults
    assert (fault.breach, fault.record_id) == (Breach.LINE_ID, paper.id)


def test_a_version_that_was_taken_out_is_missed(station, attacker, paper) -> None:
    attacks.take_out_version(attacker, paper.id)
    assert Breach.MISSING in {fault.breach for fault in check(station).faults}


def test_a_list_that_says_something_else_is_found(station, attacker, paper) -> None:
    attacks.edit_list(attacker, paper.id)
    (fault,) = check(station).faults
    assert (fault.breach, fault.detail) == (Breach.SHOWN, "drugs")


# The table of users ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attack",
    [
        attacks.role_under_old_hash,
        attacks.role_with_hash,
        attacks.role_in_new_version,
        attacks.role_from_another_pc,
        attacks.names_exchanged,
    ],
)
def test_a_role_that_was_edited_opens_nothing(station, attacker, attack) -> None:
    username = attack(attacker, station)
    with pytest.raises(PermissionDenied, match="sửa ngoài chương trình"):
        station.services.accounts.log_in(username, "Máy 1")


def test_a_role_that_the_log_does_not_know_is_named(station, attacker) -> None:
    nurse = station.nurse.user
    attacks.role_with_hash(attacker, station)
    with station.store.read() as work:
        assert work.versions.person_fault(nurse.id) == "unlogged"


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


def test_an_honest_change_of_role_opens_the_station(station) -> None:
    nurse = station.nurse.user
    accounts = station.services.accounts
    accounts.update_user(station.director, replace(nurse, role=Role.MIDWIFE))
    assert accounts.log_in(nurse.username, "Máy 1").role is Role.MIDWIFE
    director = station.director.user
    assert accounts.log_in(director.username, "Máy 1").role is Role.DIRECTOR

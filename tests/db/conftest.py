"""Fresh encrypted stores, copied from one that is made once per run: a copy costs a millisecond."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from station_emr.db import connection as connections
from station_emr.db.store import EncryptedStore
from tests.children.child import Nursery

from . import records


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database just created and closed."""
    made = records.create(tmp_path_factory.mktemp("empty"))
    made.close()
    return made.path


@pytest.fixture(scope="session")
def full_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One signed person with a signed visit, prescription, letter, slip, print and audit line."""
    made = records.create(tmp_path_factory.mktemp("full"))
    with made.write() as work:
        work.settings.save_station(records.STATION, records.NOW)
        work.users.save(records.DOCTOR, author=None, at=records.NOW)
        records.sign(work.patients, records.patient())
        records.sign(work.encounters, records.encounter())
        records.sign(work.prescriptions, records.prescription())
        records.sign(work.referrals, records.referral())
        records.sign(work.appointments, records.appointment())
        work.counters.next("encounter", "A", 2026)
        work.prints.add("referral", records.record_id(301), 1, records.NOW, records.DOCTOR, "00")
        work.audit.append(records.ACTOR, "encounter.sign", records.NOW, kind="encounter")
    made.close()
    return made.path


@pytest.fixture(scope="session")
def children() -> Iterator[Nursery]:
    """Processes to be killed."""
    made = Nursery("station_emr.db.store")
    yield made
    made.close()


@pytest.fixture
def store(empty_file: Path, tmp_path: Path) -> Iterator[EncryptedStore]:
    opened = EncryptedStore.open(shutil.copy(empty_file, tmp_path), records.KEY)
    yield opened
    opened.close()


@pytest.fixture
def full_store(full_file: Path, tmp_path: Path) -> Iterator[EncryptedStore]:
    opened = EncryptedStore.open(shutil.copy(full_file, tmp_path), records.KEY)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def _raw_file(full_file: Path) -> Iterator[connections.RawConnection]:
    opened = connections.connect(full_file, records.KEY)
    yield opened
    opened.close()


@pytest.fixture
def raw(_raw_file: connections.RawConnection) -> Iterator[connections.RawConnection]:
    """A connection that knows the key and nothing of the rules, like a careless script.

    Whatever a test does through it is rolled back.
    """
    _raw_file.execute("BEGIN IMMEDIATE")
    yield _raw_file
    _raw_file.execute("ROLLBACK")

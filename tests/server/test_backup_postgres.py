"""Backing up and restoring a PostgreSQL database: the whole of it, behind the same wall."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provincial_server import auth
from provincial_server.auth import Caller
from provincial_server.database import UnusableDatabase
from provincial_server.exchange.service import Exchange
from provincial_server.operation import backup
from provincial_server.operation.archive import BackupFault
from provincial_server.operation.verify import Unsound, verify
from provincial_server.settings import Settings
from tests import databases
from tests.databases import OperatorDatabase
from tests.postgres_cluster import OWNER, SERVER, Cluster
from tests.server.exchange_client import encode, person, record_id


@pytest.fixture
def cluster() -> Cluster:
    return databases.cluster()


@pytest.fixture
def name(cluster: Cluster) -> Iterator[str]:
    made = cluster.new_database()
    yield made
    cluster.drop_database(made)


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    made = cluster.new_database(template="template0")
    yield made
    cluster.drop_database(made)


def fill(url: str) -> str:
    """Two facilities with operations; the secret backup key."""
    database = OperatorDatabase(url)
    exchange = Exchange(Settings(url), database)
    for code, count in (("DEMO01", 5), ("DEMO02", 2)):
        with database.write() as session:
            auth.add_facility(session, code, "Trạm mẫu", 0)
            device = auth.enrol_device(session, code, "Máy 1", 0).device_id
        header = {"v": 1, "rid": "r", "inc": "00000000000000aa", "n": 99, "cursor": 0, "room": 1}
        lines = [person(record_id(), inc="00000000000000aa") for _ in range(count)]
        exchange.answer(Caller(device, code, "Trạm mẫu"), b"\n".join([encode(header), *lines]))
    with database.write() as session:
        key = backup.new_backup_key(session)
    database.close()
    return key


def test_it_comes_back_whole_under_a_new_epoch(
    tmp_path: Path, cluster: Cluster, name: str, empty: str
) -> None:
    key = fill(cluster.url(name, SERVER))
    done = backup.make_backup(
        cluster.url(name, SERVER), tmp_path, lambda: 0, owner=cluster.url(name, OWNER)
    )
    assert done.manifest.holdings.facilities["DEMO01"]["operations"] == 5
    assert "Nguyễn".encode() not in done.path.read_bytes()
    back = backup.restore(
        done.path, key, cluster.url(empty, SERVER), owner=cluster.url(empty, OWNER)
    )
    assert back.checked.operations == 7
    old = OperatorDatabase(cluster.url(name, SERVER))
    new = OperatorDatabase(cluster.url(empty, SERVER))
    assert back.epoch == new.epoch != old.epoch
    with new.read("DEMO02") as session:  # the wall stands again
        assert verify(session).operations == 2
    new.close()
    old.close()
    with pytest.raises(BackupFault, match="đã có dữ liệu"):
        backup.restore(done.path, key, cluster.url(empty, SERVER), owner=cluster.url(empty, OWNER))


def test_a_guard_that_was_taken_off_is_missed(cluster: Cluster, name: str) -> None:
    database = OperatorDatabase(cluster.url(name, SERVER))
    with database.read() as session:
        assert verify(session).guards > 0
    with cluster.administrator(name) as connection:
        connection.execute("ALTER TABLE operation DISABLE TRIGGER ALL")
    with database.read() as session, pytest.raises(Unsound, match="Bảng operation không còn khóa"):
        verify(session)
    database.close()


def test_a_copy_of_the_other_kind_is_refused(tmp_path: Path, cluster: Cluster, name: str) -> None:
    key = fill(cluster.url(name, SERVER))
    done = backup.make_backup(
        cluster.url(name, SERVER), tmp_path, lambda: 0, owner=cluster.url(name, OWNER)
    )
    with pytest.raises(BackupFault, match="cùng loại"):
        backup.restore(done.path, key, f"sqlite:///{tmp_path / 'again.db'}")
    assert not (tmp_path / "again.db").exists()


def test_a_database_that_is_not_prepared_is_not_served(cluster: Cluster, empty: str) -> None:
    with pytest.raises(UnusableDatabase):
        OperatorDatabase(cluster.url(empty, SERVER))

"""What the server demands of PostgreSQL before it serves, and how it waits, gives up and refuses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from sqlalchemy import select, text

from provincial_server import auth, tokens
from provincial_server.audit import Access, AccessBuffer
from provincial_server.database import Database, UnusableDatabase
from provincial_server.postgres.preparation import prepare
from provincial_server.store import Facility
from provincial_server.web.access_log import AccessEntry
from tests import databases
from tests.postgres_cluster import ADMINISTRATOR, OWNER, SERVER, Cluster
from tests.provincial_command import main
from tests.server.conftest import RunningServer, Station
from tests.server.direct import running
from tests.server.exchange_client import Machine, encode, envelope, record_id
from tests.server.samples import CCCD, patient

DATABASES = [databases.POSTGRESQL]
NUL = "\x00"


@pytest.fixture
def cluster() -> Cluster:
    return databases.cluster()


@pytest.fixture
def name(cluster: Cluster) -> Iterator[str]:
    """A prepared database."""
    made = cluster.new_database()
    yield made
    cluster.drop_database(made)


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    made = cluster.new_database(template="template0")
    yield made
    cluster.drop_database(made)


def refusal(url: str) -> str:
    with pytest.raises(UnusableDatabase) as refused:
        Database(url)
    return str(refused.value)


def run_sql(cluster: Cluster, name: str, *statements: str) -> None:
    with cluster.administrator(name) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("role", [OWNER, ADMINISTRATOR])
def test_a_role_that_can_pass_the_wall_never_serves(cluster: Cluster, name: str, role: str) -> None:
    assert "vượt tường ngăn" in refusal(cluster.url(name, role))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("ALTER TABLE resource DISABLE ROW LEVEL SECURITY", "postgres prepare"),
        ("ALTER TABLE device NO FORCE ROW LEVEL SECURITY", "postgres prepare"),
        ("UPDATE server_fact SET value = '1' WHERE name = 'schema_version'", "phiên bản cũ"),
        ("UPDATE server_fact SET value = '99' WHERE name = 'schema_version'", "phiên bản mới hơn"),
    ],
)
def test_a_database_that_is_not_as_it_must_be_is_refused(
    cluster: Cluster, name: str, statement: str, words: str
) -> None:
    run_sql(cluster, name, statement)
    assert words in refusal(cluster.url(name))


@pytest.mark.parametrize("mightier", [OWNER, ADMINISTRATOR])
def test_a_role_that_may_become_another_never_serves(
    cluster: Cluster, name: str, mightier: str
) -> None:
    role = f"{name}_member"  # roles are the whole cluster's: one of this test alone
    run_sql(cluster, name, f"CREATE ROLE {role} LOGIN IN ROLE {SERVER}, {mightier}")
    try:
        assert "vượt tường ngăn" in refusal(cluster.url(name, role))
    finally:
        run_sql(cluster, name, f"DROP ROLE {role}")


def test_an_empty_a_foreign_and_an_absent_database_are_explained(
    cluster: Cluster, empty: str
) -> None:
    assert "còn trống" in refusal(cluster.url(empty))
    run_sql(cluster, empty, "CREATE TABLE something (id int)")
    assert "chương trình khác" in refusal(cluster.url(empty))
    assert "Không nối được" in refusal(cluster.url("there_is_none"))
    assert "postgresql://" in refusal("mysql://mau@127.0.0.1/x")


def test_the_operator_prepares_a_database_and_mends_its_wall(
    cluster: Cluster, empty: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = cluster.url(empty).replace("+psycopg", "")  # as PostgreSQL's own tools write it
    command = ["postgres", "prepare", "--database", url]
    command += ["--owner-database", cluster.url(empty, OWNER)]
    assert main(command) == 0
    assert SERVER in capsys.readouterr().out
    assert main(["facility", "add", "DEMO01", "Trạm mẫu", "--database", url]) == 0
    run_sql(cluster, empty, "ALTER TABLE facility DISABLE ROW LEVEL SECURITY")
    assert main(["facility", "list", "--database", url]) == 1
    assert "postgres prepare" in capsys.readouterr().err
    assert main(command) == 0
    capsys.readouterr()
    assert main(["facility", "list", "--database", url]) == 0
    assert capsys.readouterr().out == "DEMO01\tTrạm mẫu\n"


def test_preparing_says_what_is_missing(
    cluster: Cluster, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = cluster.url(empty, OWNER)
    for role, words in (("nobody_knows", "Chưa có tài khoản"), (OWNER, "phải khác")):
        with pytest.raises(UnusableDatabase, match=words):
            prepare(owner, role)
    with pytest.raises(UnusableDatabase, match="chỉ dành cho"):
        prepare("sqlite://", SERVER)
    with pytest.raises(UnusableDatabase, match="Không nối được"):
        prepare(cluster.url("there_is_none", OWNER), SERVER)
    monkeypatch.delenv("PROVINCIAL_SERVER_OWNER_DATABASE", raising=False)
    assert main(["postgres", "prepare", "--database", cluster.url(empty)]) == 1
    assert "còn trống" in refusal(cluster.url(empty))


def epoch_of(url: str) -> str:
    database = Database(url)
    database.close()
    return database.epoch


def test_a_restored_database_takes_a_new_epoch(cluster: Cluster, name: str) -> None:
    """A dump that was played into another database, or over the old tables, cannot pass for now."""
    first = epoch_of(cluster.url(name))
    assert epoch_of(cluster.url(name)) == first
    copy = cluster.copy_database(name)
    try:
        second = epoch_of(cluster.url(copy))
        assert second != first
        assert epoch_of(cluster.url(copy)) == second
        run_sql(
            cluster,
            copy,
            "CREATE TABLE kept AS SELECT * FROM server_fact",
            "DROP TABLE server_fact",
            "CREATE TABLE server_fact (LIKE kept)",
            "INSERT INTO server_fact SELECT * FROM kept",
            f"ALTER TABLE server_fact OWNER TO {OWNER}",
            f"GRANT ALL ON server_fact TO {SERVER}",
            "DROP TABLE kept",
        )
        assert epoch_of(cluster.url(copy)) not in {first, second}
    finally:
        cluster.drop_database(copy)
    assert epoch_of(cluster.url(name)) == first


def test_every_wait_ends(server: RunningServer) -> None:
    with server.database.read() as session:
        for setting in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            assert session.scalar(text("SELECT current_setting(:name)"), {"name": setting}) != "0"
        assert session.scalar(text("SHOW transaction_isolation")) == "repeatable read"
        assert session.scalar(text("SHOW transaction_read_only")) == "on"
    with server.database.write() as session:
        assert session.scalar(text("SHOW transaction_isolation")) == "read committed"


def interrupt_a_waiter(connection: psycopg.Connection, server: RunningServer) -> None:
    """As the server's own time limit does, without waiting for it."""
    for _ in range(3000):
        waiting = connection.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND datname = %s",
            [server.database.engine.url.database],
        ).fetchall()
        if waiting:
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_who_waits_too_long_is_told_to_come_again(
    server: RunningServer, station: Station, cluster: Cluster
) -> None:
    station.put(patient("p1"))
    with (
        cluster.administrator() as watcher,
        server.database.write(station.facility) as session,
        ThreadPoolExecutor(1) as pool,
    ):
        session.scalars(
            select(Facility).where(Facility.code == station.facility).with_for_update()
        ).one()
        late = pool.submit(station.put, patient("p1", name="Mẫu Hai"))
        interrupt_a_waiter(watcher, server)
        answer = late.result()
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["issue"][0]["code"] == "transient"
    assert station.put(patient("p1", name="Mẫu Hai")).status_code == 200
    # Deadlocks and failed serializations arrive the same way.
    for passing in (
        psycopg.errors.DeadlockDetected,
        psycopg.errors.SerializationFailure,
        psycopg.errors.LockNotAvailable,
        psycopg.errors.QueryCanceled,
        psycopg.errors.AdminShutdown,
        psycopg.errors.DiskFull,
    ):
        assert issubclass(passing, psycopg.OperationalError)


def test_a_database_that_was_restarted_is_found_again(tmp_path: Path, cluster: Cluster) -> None:
    """Under a server of its own, whose threads complain of it."""
    with running(tmp_path) as direct:
        token = direct.device("A")
        assert direct.call("PUT", "/fhir/Patient/p1", patient("p1"), token=token).status == 201
        with cluster.administrator() as connection:
            connection.execute(
                # it waits until they are gone: whom it happens to meanwhile gets 503 and comes again
                "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s",
                [direct.database.engine.url.database],
            )
        assert direct.call("GET", "/fhir/Patient/p1", token=token).status == 200


def _named(station: Station) -> requests.Response:
    return station.put(patient("p1", name=f"Mẫu{NUL}"))


def _identified(station: Station) -> requests.Response:
    return station.put(patient("p1", cccd=f"0{NUL}1"))


def _long(station: Station) -> requests.Response:
    return station.put(patient("p1", cccd="1" * 5000))


def _transaction(station: Station) -> requests.Response:
    body = {"resource": patient("p1", name=NUL), "request": {"method": "PUT", "url": "Patient/p1"}}
    return station.send({"resourceType": "Bundle", "type": "transaction", "entry": [body]})


def _searched(station: Station) -> requests.Response:
    return station.get(f"Patient?identifier={CCCD}|%00")


def _addressed(station: Station) -> requests.Response:
    return station.get("Patient/p%001")


def _conditional(station: Station) -> requests.Response:
    body = {key: value for key, value in patient("p1").items() if key != "id"}
    return station.call("PUT", f"Patient?identifier={CCCD}|%00", body)


def _cursor(station: Station) -> requests.Response:
    return station.get("Patient?_cursor=999999999999999999~a")


def _exchanged(station: Station) -> requests.Response:
    line = encode(envelope("patient", record_id(), patient("p1", name=NUL, cccd=NUL)))
    machine = Machine(station)
    return machine.raw(machine.body(line, want=[NUL * 32], state={"backlog": 1, "x": NUL}))


def _incarnation(station: Station) -> requests.Response:
    machine = Machine(station, incarnation=NUL * 16)
    return machine.raw(machine.body())


def _binary(station: Station) -> requests.Response:
    return station.get(f"Binary/{record_id()}-b%000000000000000/$received")


def _token(station: Station) -> requests.Response:
    assertion = "eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiJcdTAwMDAifQ.AA"  # sub: a NUL
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    return requests.post(f"{station.base.removesuffix('/fhir')}/token", data=form, timeout=30)


@pytest.mark.parametrize(
    "attempt",
    [
        _named, _identified, _long, _transaction, _searched, _addressed, _conditional, _cursor,
        _exchanged, _incarnation, _binary, _token,
    ],
)  # fmt: skip
def test_what_postgresql_cannot_hold_is_refused_and_never_a_fault(
    station: Station, attempt: Callable[[Station], Any], caplog: pytest.LogCaptureFixture
) -> None:
    answer = attempt(station)
    assert answer.status_code < 500, answer.text
    assert station.count("Patient") <= 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_two_tokens_at_once_do_not_wait_for_each_other(server: RunningServer) -> None:
    """Both point at their device and then change it: without the lock up front, a deadlock."""
    code = server.station().facility
    with server.database.write() as session:
        device = auth.enrol_device(session, code, "Máy mẫu", 0, public_key="mẫu").device_id

    def grant(number: int) -> str:
        assertion = tokens.Assertion(device, f"jti-{number}", 10**15)
        with server.database.write() as session:
            return tokens.grant(session, assertion, 10**13)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(grant, range(40)))) == 40


def test_a_line_that_a_stranger_spoilt_does_not_stop_the_access_log(
    server: RunningServer, station: Station
) -> None:
    spoilt = f"a{NUL}\ud800" * 100
    line = Access(station.facility, 1, "device", spoilt, spoilt, spoilt, spoilt, spoilt, spoilt)
    buffer = AccessBuffer(server.database)
    buffer.add(line)
    buffer.flush()
    with server.database.read(station.facility) as session:
        kept = session.scalars(select(AccessEntry.object_id)).all()
    assert any(one.startswith("a\ufffd?a\ufffd?") for one in kept)

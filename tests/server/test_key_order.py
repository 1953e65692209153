"""What belongs to one record stands together, and who asks for one patient reads that patient's rows:
SQLite's plans, which it makes without having counted anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from provincial_server import search
from provincial_server.auth import Caller, add_facility, enrol_device
from provincial_server.current_versions import read_current
from provincial_server.database import Database
from provincial_server.resources import Writer
from provincial_server.settings import Limits
from provincial_server.store import EVERY_FACILITY
from provincial_server.validation import Checked
from tests import databases

DATABASES = [databases.SQLITE]
VISIT = "0197a000-0000-7000-8000-00000000000{}"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'server.db'}")
    with opened.write(EVERY_FACILITY) as session:
        add_facility(session, "DEMO01", "Trạm mẫu", 0)
        device = enrol_device(session, "DEMO01", "Máy 1", 0)
    with opened.write("DEMO01") as session:
        writer = Writer(session, Caller(device.device_id, "DEMO01", "Trạm mẫu"), 1)
        for number in (2, 1):
            for kind, end in (("Observation", "-v1"), ("Encounter", ""), ("Observation", "-v2")):
                name = VISIT.format(number) + end
                subject = {"reference": f"Patient/p{number}"}
                resource = {"resourceType": kind, "id": name, "subject": subject}
                writer.put(Checked(kind, resource, ()), name)
        writer.flush()
    yield opened
    opened.close()


def planned(database: Database, work: Any) -> list[str]:
    """The steps of SQLite's plans for all that `work` asks."""
    steps: list[str] = []

    def explain(connection: Any, _cursor: Any, said: str, values: Any, *_: Any) -> None:
        if said.startswith("SELECT"):
            raw = connection.connection.driver_connection
            rows = raw.execute(f"EXPLAIN QUERY PLAN {said}", values)
            steps.extend(row[3] for row in rows)

    event.listen(database.engine, "before_cursor_execute", explain)
    try:
        with database.read("DEMO01") as session:
            work(session)
    finally:
        event.remove(database.engine, "before_cursor_execute", explain)
    return steps


@pytest.mark.parametrize("more", ["", "&status=finished", "&date=ge2026", "&_summary=count"])
def test_a_search_for_a_patient_reads_that_patients_rows_alone(
    database: Database, more: str
) -> None:
    pairs = [tuple(part.split("=")) for part in f"patient=p1{more}".split("&")]
    query = search.understand("Encounter", pairs, Limits())
    steps = planned(database, lambda session: search.run(session, "DEMO01", query))
    heads = [step for step in steps if " resource USING" in step]
    assert heads
    assert all("patient_id=?" in step for step in heads)
    assert not [step for step in steps if step.startswith("SCAN resource")]


def test_a_resource_is_found_by_its_id_and_type(database: Database) -> None:
    ids = [VISIT.format(1), VISIT.format(2)]
    steps = planned(
        database, lambda session: list(read_current(session, "DEMO01", "Encounter", ids))
    )
    keys = [step for step in steps if "_autoindex_resource" in step]
    assert len(keys) == 2
    assert all("resource_id=? AND resource_type=?" in step for step in keys)


def test_the_resources_of_a_record_stand_side_by_side(database: Database) -> None:
    """As the key lists them, which needs no sorting."""
    with database.read("DEMO01") as session:
        connection: Any = session.connection().connection.dbapi_connection
        for table in ("resource", "resource_version"):
            listed = (
                f"SELECT resource_id, resource_type FROM {table} WHERE facility_code = 'DEMO01' "
                "ORDER BY resource_id, resource_type"
            )
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {listed}")]
            assert len(plan) == 1
            assert f"sqlite_autoindex_{table}_1 (facility_code=?)" in plan[0]
            rows = connection.execute(listed).fetchall()
            assert [name[35:36] for name, _ in rows] == ["1", "1", "1", "2", "2", "2"]

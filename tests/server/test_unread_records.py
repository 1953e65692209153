"""A record that was taken and could not be read counts until it can be read, and no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from provincial_server import auth
from provincial_server.auth import Caller
from provincial_server.exchange import indexing, unread
from provincial_server.exchange.indexing import catch_up, reread, reread_due
from provincial_server.exchange.plain import plain_writer
from provincial_server.exchange.service import Exchange
from provincial_server.exchange.tables import UnreadRecord
from provincial_server.settings import Settings
from provincial_server.stations.figures import read_figures
from provincial_server.stations.plan import Plan
from provincial_server.store import EVERY_FACILITY, Facility, ResourceHead
from provincial_server.validation import Checked
from provincial_server.web.access_log import AccessEntry
from tests import databases
from tests.provincial_command import main
from tests.server.exchange_client import encode, new_incarnation, op_id, person, record_id

DATABASES = databases.BOTH
CODE = "DEMO01"
DAY = 86_400_000


class Province:
    """One facility's log over a database of its own; `now` is its clock."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_763_700_000_000
        self.settings = Settings(
            databases.database_url(folder / "server.db"), clock=lambda: self.now
        )
        self.database = databases.open_database(folder / "server.db")
        self.exchange = Exchange(self.settings, self.database)
        with self.database.write() as session:
            auth.add_facility(session, CODE, "Trạm mẫu", 0)
            enrolment = auth.enrol_device(session, CODE, "Máy mẫu", 0)
            auth.note_contact(session, enrolment.device_id, self.now, None)
        self.caller = Caller(enrolment.device_id, CODE, "Trạm mẫu")

    def take(self, *lines: bytes) -> None:
        header = {"v": 1, "rid": "r", "inc": new_incarnation(), "n": 0, "cursor": 0, "room": 10**7}
        self.exchange.answer(self.caller, b"\n".join([encode(header), *lines]))
        catch_up(self.database, self.settings.clock, CODE)

    def unread(self) -> list[str]:
        with self.database.read() as session:
            rows = list(session.scalars(select(UnreadRecord.record_id)))
            assert session.get_one(Facility, CODE).skipped_operations == len(rows)
            return sorted(rows)

    def shown(self) -> set[str]:
        with self.database.read() as session:
            return set(session.scalars(select(ResourceHead.resource_id)))

    def reasons(self) -> tuple[str, ...]:
        """Why the station is to be called."""
        with self.database.read(EVERY_FACILITY) as session:
            [station] = read_figures(session, Plan(), self.now).stations
            return station.reasons


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Province]:
    made = Province(tmp_path)
    yield made
    made.database.close()


Tripping = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def tripping(monkeypatch: pytest.MonkeyPatch) -> Tripping:
    """While it lasts this program cannot read these records, or these names."""

    @contextmanager
    def trip(*names: str) -> Iterator[None]:
        original = indexing.Writer.put

        def failing(self: Any, checked: Any, resource_id: str, *rest: Any) -> Any:
            if resource_id in names or any(name in str(checked.resource) for name in names):
                raise KeyError(resource_id)
            return original(self, checked, resource_id, *rest)

        with monkeypatch.context() as patch:
            patch.setattr(indexing.Writer, "put", failing)
            yield

    return trip


def test_after_an_update_of_the_program_it_is_read_by_itself(
    province: Province, tripping: Tripping, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = record_id()
    with tripping(bad):
        province.take(person(record_id()), person(bad))
        assert province.unread() == [bad]
        assert province.reasons() == ("máy chủ chưa đọc được 1 hồ sơ",)
        monkeypatch.setattr(unread, "__version__", "99.1")
        reread_due(province.database, province.settings.clock)
        assert province.unread() == [bad]  # the new program cannot either
    reread_due(province.database, province.settings.clock)
    assert province.unread() == [bad]  # it has just tried
    monkeypatch.setattr(unread, "__version__", "99.2")
    reread_due(province.database, province.settings.clock)
    assert province.unread() == []
    assert bad in province.shown()
    assert province.reasons() == ()


def test_the_same_program_tries_again_once_a_day(province: Province, tripping: Tripping) -> None:
    bad = record_id()
    with tripping(bad):
        province.take(person(bad))
    province.now += DAY - 1
    reread_due(province.database, province.settings.clock)
    assert province.unread() == [bad]
    province.now += 1
    reread_due(province.database, province.settings.clock)
    assert province.unread() == []


def test_a_corrected_version_ends_it_and_another_unreadable_one_does_not_count_twice(
    province: Province, tripping: Tripping
) -> None:
    bad = record_id()
    first = person(bad, name="Sai")
    second = person(bad, name="Sai nữa", base=[op_id(first)], status="amended")
    third = person(bad, name="Đúng", base=[op_id(second)], status="amended")
    with tripping("Sai"):
        province.take(first)
        province.take(second)
        assert province.unread() == [bad]
        province.take(third)
        assert province.unread() == []
        assert bad in province.shown()


def test_all_versions_in_one_portion_count_as_the_last_of_them(
    province: Province, tripping: Tripping
) -> None:
    bad = record_id()
    first = person(bad, name="Sai")
    second = person(bad, name="Đúng", base=[op_id(first)], status="amended")
    with tripping("Sai"):
        province.take(first, second)
    assert province.unread() == []


def test_a_write_through_plain_fhir_ends_it(province: Province, tripping: Tripping) -> None:
    bad, other = record_id(), record_id()
    with tripping(bad, other):
        province.take(person(bad), person(other))
    patient = {"resourceType": "Patient", "id": bad, "name": [{"text": "Người Mẫu"}]}
    with plain_writer(province.database, province.settings.clock, province.caller) as writer:
        writer.put(Checked("Patient", patient, ()), bad)
    assert province.unread() == [other]


def test_more_than_one_portion_is_read_again_and_what_still_trips_stays(
    province: Province, tripping: Tripping
) -> None:
    records = [record_id() for _ in range(indexing.AT_ONCE * 2 + 3)]
    with tripping(*records):
        province.take(*map(person, records))
    assert len(province.unread()) == len(records)
    with tripping(records[0], records[-1]):
        read = reread(province.database, province.settings.clock, CODE)
    assert read == len(records) - 2
    assert province.unread() == sorted([records[0], records[-1]])


def test_the_operators_command_reads_again_and_says_what_came_of_it(
    province: Province, tripping: Tripping, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = record_id(), record_id()
    with tripping(good, bad):
        province.take(person(good), person(bad))
    url = province.settings.database_url
    with tripping(bad):
        assert main(["reread", "--database", url]) == 0
    assert capsys.readouterr().out == (
        f"Cơ sở {CODE}: 1 hồ sơ nay đọc được, còn 1 hồ sơ chưa đọc được.\n"
    )
    assert main(["reread", "--database", url, "--facility", CODE]) == 0
    assert "còn 0 hồ sơ" in capsys.readouterr().out
    assert main(["reread", "--database", url]) == 0
    assert capsys.readouterr().out == "Không có hồ sơ nào chưa đọc được.\n"
    assert main(["reread", "--database", url, "--facility", "KHONGCO"]) == 1
    assert province.unread() == []
    with province.database.read() as session:
        noted = list(
            session.scalars(select(AccessEntry.action).where(AccessEntry.facility_code == CODE))
        )
    assert noted == ["reread", "reread"]

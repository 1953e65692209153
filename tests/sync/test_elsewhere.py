"""A station sees what another one wrote of a person: the real program against the real province."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from provincial_server import auth
from provincial_server.exchange.indexing import catch_up
from provincial_server.people.matching import match_people
from provincial_server.people.tables import SharedAccess
from provincial_server.store import EVERY_FACILITY, Device, Facility
from station_emr.domain.errors import (
    EnvironmentFailure,
    InvalidRecord,
    NetworkFailure,
    PermissionDenied,
    UserError,
)
from station_emr.domain.permissions import Role
from station_emr.domain.user import Actor
from station_emr.interop.fhir.shared_history import SharedHistory
from station_emr.services.clock import SystemClock
from station_emr.services.elsewhere import (
    NOT_CONNECTED,
    OFFLINE,
    Agreement,
    Basis,
    Elsewhere,
    papers_of,
)
from station_emr.sync.client import FhirClient
from station_emr.sync.history_line import HistoryOverHttp
from tests.databases import open_database
from tests.interop import fhir_records as sample
from tests.sync.conftest import Server


@pytest.fixture(scope="module")
def _shared(tmp_path_factory):
    """A province of its own: every other test has a chart of the same sample person."""
    province = Server(tmp_path_factory.mktemp("province"))
    province.start()
    yield province
    province.stop()


DOCTOR = Actor(user=replace(sample.USER, active=True), device="Máy 1")
AGREED = Agreement(number=sample.PATIENT.national_id)


class Asking:
    """A second facility with a chart of the same person; its machine asks."""

    def __init__(self, station, home, url: str = "") -> None:
        self.station, self.home = station, home
        self.other = home.for_another_facility()
        self.database = open_database(home.folder / "province.db")
        self.code, self.home_code = self.code_of(self.other), self.code_of(home)
        self.other.put(home.read(f"Patient/{sample.PATIENT.id}").json())
        with station.store.write() as work:
            work.settings.save_station(replace(sample.STATION, code=self.code), sample.AT)
        clock = SystemClock()
        catch_up(self.database, lambda: int(clock.now().timestamp() * 1000))
        match_people(self.database, lambda: 1)
        self.root = url or self.other.url.removesuffix("/fhir")
        self.desk = Elsewhere(
            station.store,
            clock,
            lambda _work: HistoryOverHttp(FhirClient(self.root, self.other.token, clock)),
            SharedHistory(),
        )

    def code_of(self, server) -> str:
        with self.database.read(EVERY_FACILITY) as session:
            hashed = auth.hash_secret(server.token)
            return session.scalars(
                select(Device.facility_code).where(Device.token_hash == hashed)
            ).one()

    def look(self, agreement: Agreement = AGREED, actor: Actor = DOCTOR):
        return self.desk.look(actor, sample.PATIENT.id, agreement)

    def seen(self) -> list[SharedAccess]:
        with self.database.read(EVERY_FACILITY) as session:
            return list(
                session.scalars(
                    select(SharedAccess).where(
                        SharedAccess.asking_facility_code == self.code,
                        SharedAccess.facility_code == self.home_code,
                    )
                )
            )


@pytest.fixture
def asking(station, running):
    station.work_a_day()
    assert station.engine(running).run_once().outcome == "complete"
    made = Asking(station, running)
    yield made
    made.database.close()


def test_visits_drugs_and_allergies_come_with_the_station_they_are_from(asking) -> None:
    found = asking.look()
    with asking.database.read(EVERY_FACILITY) as session:
        name = session.get_one(Facility, asking.home_code).name
    assert name in found.stations  # other tests leave charts of this person elsewhere too
    visit = next(p for p in found.parts if p.title == "Lượt khám" and p.station == name)
    assert visit.on == sample.ENCOUNTER.arrived_at
    words = "\n".join(visit.lines)
    assert sample.DIAGNOSES[0].icd_code in words
    assert "Huyết áp: " in words
    assert sample.LINE.label in words
    known = [line for part in found.parts if part.title == "Dị ứng" for line in part.lines]
    assert any(sample.PATIENT.allergies[0].substance in line for line in known)


def test_the_question_is_in_this_stations_log_and_the_look_in_the_provinces(asking) -> None:
    asking.look(replace(AGREED, basis=Basis.VERBAL, witness="Người Làm Chứng Mẫu"))
    with asking.station.store.read() as work:
        row = next(row for row in work.audit.rows(5) if row.action == "patient.look_elsewhere")
    assert "verbal" in str(row)
    [look] = asking.seen()
    assert look.basis == "consent"
    assert "làm chứng" in look.reason


def test_an_emergency_needs_a_reason_and_is_marked(asking) -> None:
    emergency = replace(AGREED, basis=Basis.EMERGENCY, reason="Gấp")
    with pytest.raises(InvalidRecord) as refused:
        asking.look(emergency)
    assert [problem.field for problem in refused.value.problems] == ["reason"]
    asking.look(replace(emergency, reason="Người bệnh bất tỉnh, nghi phản vệ"))
    [look] = asking.seen()
    assert look.basis == "emergency"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"number": "064099999999"}, "number"),
        ({"given_by": " "}, "given_by"),
        ({"basis": Basis.VERBAL}, "witness"),
        ({"basis": Basis.VERBAL, "witness": DOCTOR.user.full_name.upper()}, "witness"),
    ],
)
def test_an_incomplete_form_asks_nobody(asking, changed, field) -> None:
    with pytest.raises(InvalidRecord) as refused:
        asking.look(replace(AGREED, **changed))
    assert [problem.field for problem in refused.value.problems] == [field]
    assert asking.seen() == []
    with asking.station.store.read() as work:
        assert all(row.action != "patient.look_elsewhere" for row in work.audit.rows(20))


def test_the_provinces_refusal_reaches_the_person_in_its_words(asking) -> None:
    with pytest.raises(UserError, match="Không tìm thấy hồ sơ nào"):
        asking.look(replace(AGREED, number=""))


def test_offline_is_said_plainly(asking) -> None:
    asking.root = "http://127.0.0.1:9"
    with pytest.raises(NetworkFailure) as told:
        asking.look()
    assert str(told.value) == OFFLINE


def test_a_machine_that_is_not_connected_says_so(station) -> None:
    station.work_a_day()
    desk = Elsewhere(station.store, SystemClock(), lambda _work: None, SharedHistory())
    with pytest.raises(EnvironmentFailure) as told:
        desk.look(DOCTOR, sample.PATIENT.id, AGREED)
    assert str(told.value) == NOT_CONNECTED


def test_who_may_not_see_visits_may_not_ask(asking) -> None:
    keeper = replace(DOCTOR, user=replace(DOCTOR.user, role=Role.ADMINISTRATOR))
    with pytest.raises(PermissionDenied):
        asking.look(actor=keeper)
    assert asking.seen() == []


def test_the_papers_of_a_person_are_those_with_a_number() -> None:
    numbers = [number for _, number in papers_of(sample.PATIENT)]
    assert sample.PATIENT.national_id in numbers
    assert (
        papers_of(replace(sample.PATIENT, national_id="", old_national_id="", coverages=())) == ()
    )


@pytest.mark.parametrize(
    "odd",
    [
        {"entry": [{}]},
        {"entry": [{"resource": {}}]},
        {"entry": [{"resource": {"resourceType": "Encounter", "id": "e", "meta": {}}}]},
        {"entry": 5},
        {"entry": [{"resource": {"resourceType": "Observation", "code": []}}]},
    ],
)
def test_an_odd_answer_is_none(odd) -> None:
    with pytest.raises(ValueError, match="not an answer"):
        SharedHistory().parts(odd)

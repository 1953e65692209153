"""A machine becomes known with a code and a key of its own, and proves who it is for each session."""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from provincial_server import auth
from provincial_server.store import AccessToken, Device, EnrolmentCode
from station_emr.cli import main as cli
from station_emr.demo.station import demo_people, demo_profile
from station_emr.domain.errors import InvalidRecord, NetworkFailure, PermissionDenied, UserError
from station_emr.domain.permissions import Role
from station_emr.domain.sync import LinkState, LinkTrouble
from station_emr.domain.user import Actor, User
from station_emr.interop.fhir.units import build_unit
from station_emr.machine_identity import province
from station_emr.security.authority import read_authority
from station_emr.security.device_key import DeviceKeys
from station_emr.services.clock import SystemClock
from station_emr.services.enrolment import AUTHORITY, SERVER_TOKEN, SERVER_URL, Enrolments
from station_emr.station import create_station
from station_emr.sync import enrolment as desk
from station_emr.sync.engine import SyncEngine
from station_emr.sync.fhir_peer import FhirPeer
from station_emr.sync.tokens import KEY_NOT_HERE, REVOKED
from tests.databases import open_database
from tests.interop import fhir_records as sample
from tests.sync.tls_servers import Authority

_numbers = itertools.count(1)


class WrongClock(SystemClock):
    off = timedelta()

    def now(self):
        return super().now() + self.off


class Machine:
    """A station's PC with a record of its own, and the province it may be enrolled at."""

    def __init__(self, station, server, folder) -> None:
        self.station = station
        self.server = server
        self.clock = WrongClock()
        self.code = f"K{next(_numbers):04d}"
        self.database = open_database(server.folder / "province.db")
        station.work_a_day()
        with station.store.write() as work:
            work.settings.save_station(replace(sample.STATION, code=self.code), sample.AT)
        self.keys = self.keys_of("this machine", folder)
        self.enrolments = Enrolments(
            station.store, self.clock, self.keys, desk.Registrar(self.clock), read_authority
        )
        self.clients = []

    def keys_of(self, machine, folder):
        return DeviceKeys(
            folder, "db", bytes(32), machine=machine, random=os.urandom, vault=lambda: None
        )

    @property
    def root(self) -> str:
        return self.server.url.removesuffix("/fhir")

    @property
    def director(self) -> Actor:
        return Actor(
            user=User(id="x", username="gd", full_name="Giám Đốc Mẫu", role=Role.DIRECTOR),
            device="Máy 1",
        )

    def one_time_code(self, facility: str = "") -> str:
        facility = facility or self.code
        with self.database.write() as session:
            auth.add_facility(session, facility, "Trạm mẫu", 0)
            now = int(self.clock.now().timestamp() * 1000)
            return auth.new_enrolment_code(session, facility, now, 1)

    def enrol(self, code: str = ""):
        return self.enrolments.enrol(self.director, self.server.url, code or self.one_time_code())

    def engine(self, keys=None) -> SyncEngine:
        with self.station.store.read() as work:
            client = province(work, keys or self.keys, self.clock)
        self.clients.append(client)
        return SyncEngine(self.station.store, self.clock, build_unit, FhirPeer(client))

    def setting(self, name: str) -> str:
        with self.station.store.read() as work:
            return work.settings.get(name) or ""

    def device(self) -> Device:
        with self.database.read() as session:
            found = session.get(Device, self.enrolments.state().device_id)
        assert found is not None
        return found

    def revoke(self) -> None:
        with self.database.write() as session:
            assert auth.revoke_device(session, self.enrolments.state().device_id, 1)


@pytest.fixture
def machine(station, running, tmp_path):
    made = Machine(station, running, tmp_path)
    yield made
    for client in made.clients:
        client.close()
    made.database.close()


def test_an_enrolled_machine_sends_with_tokens_of_its_key(machine) -> None:
    state = machine.enrol()

    run = machine.engine().run_once()

    assert (run.outcome, run.detail) == ("complete", "")
    assert state.enrolled
    assert state.server_url == machine.server.url
    assert machine.setting(SERVER_TOKEN) == ""
    assert "PUBLIC KEY" in machine.device().public_key


def test_one_token_serves_a_whole_session(machine) -> None:
    machine.enrol()
    machine.engine().run_once()

    with machine.database.read() as session:
        device = machine.enrolments.state().device_id
        given = session.scalars(select(AccessToken).where(AccessToken.device_id == device)).all()
    assert len(given) == 1


def test_nothing_secret_of_the_key_is_in_the_database(machine) -> None:
    machine.enrol()
    with machine.station.store.read() as work:
        texts = [work.settings.get(f"sync.{name}") or "" for name in ("key_id", "device_id")]

    assert "PRIVATE" not in "".join(texts)
    assert machine.keys_of("another machine", machine.keys._path.parent).find(texts[0]) is None


@pytest.mark.parametrize("state", ["wrong", "used", "expired"])
def test_a_code_that_is_no_good_changes_nothing(machine, state) -> None:
    code = machine.one_time_code()
    if state == "wrong":
        code = "AAAA-BBBB-CCCC-DDDD-EEEE"
    elif state == "used":
        with machine.database.write() as session:
            session.execute(update(EnrolmentCode).values(used_at=1))
    else:
        with machine.database.write() as session:
            session.execute(update(EnrolmentCode).values(expires_at=1))

    with pytest.raises(UserError, match="Mã ghi danh sai, đã dùng hoặc đã hết hạn"):
        machine.enrol(code)
    assert machine.setting(SERVER_URL) == ""
    assert not machine.enrolments.state().enrolled


def test_a_lost_answer_is_asked_for_again_with_the_same_code(machine, monkeypatch) -> None:
    code = machine.one_time_code()
    with monkeypatch.context() as patch:
        patch.setattr(desk, "_enrolled", lambda _answer: (_ for _ in ()).throw(NetworkFailure("")))
        with pytest.raises(NetworkFailure):
            machine.enrol(code)

    assert machine.enrol(code).enrolled
    assert machine.engine().run_once().outcome == "complete"


def test_a_server_that_is_not_there_leaves_everything(machine) -> None:
    code = machine.one_time_code()
    with pytest.raises(NetworkFailure, match="mã vẫn dùng được"):
        machine.enrolments.enrol(machine.director, "http://127.0.0.1:9/fhir", code)

    assert machine.setting(SERVER_URL) == ""
    assert machine.enrol(code).enrolled


def test_an_address_in_the_clear_or_of_something_else_is_refused(machine) -> None:
    with pytest.raises(UserError, match="https://"):
        machine.enrolments.enrol(machine.director, "http://may-chu.example", "CODE")
    with pytest.raises(UserError, match="không có nơi ghi danh"):
        machine.enrolments.enrol(machine.director, f"{machine.server.url}/Patient", "CODE")
    with pytest.raises(InvalidRecord) as refused:
        machine.enrolments.enrol(machine.director, "", " ")
    assert {problem.field for problem in refused.value.problems} == {"server", "code"}


def test_a_code_of_another_facility_does_not_join_this_station(machine) -> None:
    with pytest.raises(UserError, match="cơ sở OTHER"):
        machine.enrol(machine.one_time_code("OTHER"))
    assert machine.setting(SERVER_URL) == ""


def test_a_nurse_does_not_enrol(machine) -> None:
    nurse = Actor(
        user=User(id="n", username="dd", full_name="Điều Dưỡng Mẫu", role=Role.NURSE),
        device="Máy 1",
    )
    with pytest.raises(PermissionDenied):
        machine.enrolments.enrol(nurse, machine.server.url, machine.one_time_code())


def test_a_revoked_machine_stops_and_says_so(machine) -> None:
    machine.enrol()
    engine = machine.engine()
    assert engine.run_once().outcome == "complete"
    machine.station.another(1)
    machine.revoke()

    run = engine.run_once()

    assert (run.outcome, run.detail, run.sent) == ("refused", REVOKED, 0)
    assert (engine.link(), engine.trouble) == (LinkState.REFUSED, LinkTrouble.REVOKED)
    assert machine.enrol().enrolled  # a new code brings it back
    assert machine.engine().run_once().outcome == "complete"


def test_a_token_that_ran_out_is_replaced_without_a_word(machine) -> None:
    machine.enrol()
    engine = machine.engine()
    engine.run_once()
    with machine.database.write() as session:
        session.execute(delete(AccessToken))
    machine.station.another(2)

    assert engine.run_once().outcome == "complete"


@pytest.mark.parametrize("years", [-26, -3, 3])
def test_a_clock_that_is_years_wrong_still_gets_tokens(machine, years) -> None:
    machine.enrol()
    machine.clock.off = timedelta(days=365 * years)
    engine = machine.engine()

    assert engine.run_once().outcome == "complete"
    machine.clock.off = timedelta()  # set right while the program runs
    machine.station.another(3)
    assert engine.run_once().outcome == "complete"


def test_a_first_release_machine_changes_to_a_key(machine) -> None:
    with machine.database.write() as session:
        auth.add_facility(session, machine.code, "Trạm mẫu", 0)
        token = auth.enrol_device(session, machine.code, "Máy 1", 0).token
    with machine.station.store.write() as work:
        work.settings.put(SERVER_URL, machine.server.url)
        work.settings.put(SERVER_TOKEN, token)
    assert machine.engine().run_once().outcome == "complete"  # the fixed token goes on

    state = machine.enrolments.add_key(machine.director)
    machine.station.another(4)

    assert state.enrolled
    assert state.own_key
    assert machine.engine().run_once().outcome == "complete"
    with machine.database.read() as session:
        assert (
            session.scalar(select(Device.id).where(Device.token_hash == auth.hash_secret(token)))
            is None
        )


def test_a_copied_folder_does_not_hold_the_key(machine) -> None:
    machine.enrol()
    elsewhere = machine.keys_of("another machine", machine.keys._path.parent)

    engine = machine.engine(elsewhere)
    run = engine.run_once()

    assert (run.outcome, run.detail) == ("refused", KEY_NOT_HERE)
    assert engine.trouble is LinkTrouble.KEY_LOST


def test_another_address_is_asked_where_it_gives_tokens(machine) -> None:
    machine.enrol()
    with machine.station.store.write() as work:
        work.settings.put(SERVER_URL, machine.server.url.replace("127.0.0.1", "localhost"))

    assert machine.engine().run_once().outcome == "complete"


def test_an_authority_of_the_province_is_kept_as_text(machine, tmp_path) -> None:
    authority = Authority(tmp_path, "province")

    machine.enrolments.trust_authority(machine.director, str(authority.path))
    assert machine.setting(AUTHORITY) == authority.pem
    assert machine.enrolments.state().own_authority

    with pytest.raises(UserError, match="không phải chứng chỉ"):
        machine.enrolments.trust_authority(
            machine.director, str(authority.self_signed("127.0.0.1").path)
        )
    machine.enrolments.trust_authority(machine.director, "")
    assert machine.setting(AUTHORITY) == ""


def test_the_command_line_enrols_and_sends(machine, tmp_path, monkeypatch, capsys) -> None:
    director = demo_people()[0]
    folder = tmp_path / "data"
    profile = replace(demo_profile(""), code=machine.code)
    create_station(folder, profile, director.user, director.password)
    monkeypatch.setenv("STATION_EMR_PASSWORD", director.password)
    who = ["--data-dir", str(folder), "--user", director.user.username, "--json"]

    wrong = cli.run(["enrol", *who, "--server", machine.root, "--code", "AAAA-AAAA"])
    assert wrong == cli.EXIT_USER
    assert "Mã ghi danh sai" in capsys.readouterr().err
    code = machine.one_time_code()
    assert cli.run(["enrol", *who, "--server", machine.root, "--code", code.lower()]) == 0
    assert json.loads(capsys.readouterr().out)["enrolled"] is True
    assert cli.run(["sync", *who]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "complete"

"""The end of the log at the real province: taken daily, and a rolled back database is found out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from station_emr.db import connection as connections
from station_emr.db.store import EncryptedStore
from station_emr.demo.clock import DemoClock
from station_emr.domain.audit import Comparison, EvidenceKind
from station_emr.domain.errors import NetworkFailure
from station_emr.domain.permissions import Role
from station_emr.domain.user import Actor, User
from station_emr.printing.audit_papers import PdfAuditPapers
from station_emr.security.audit_witness import AuditWitnessFile
from station_emr.services.audit_evidence import ANCHORED, MISMATCH, Anchoring, WitnessWatch
from station_emr.services.audit_trail import AuditTrail
from station_emr.services.clock import VIETNAM, SystemClock
from station_emr.services.incarnation import INCARNATION
from station_emr.services.sharing import Sharing
from station_emr.sync.anchor_line import AnchorsOverHttp
from station_emr.sync.client import FhirClient
from station_emr.trail import anchor_after_runs
from tests.interop import fhir_records as sample
from tests.sync.exchange_machines import Machine

KEY = os.urandom(32)
DIRECTOR = Actor(
    user=User(id="d", username="giamdoc", full_name="Giám Đốc Mẫu", role=Role.DIRECTOR),
    device="Máy 1",
)
MORNING = SystemClock().now().astimezone(VIETNAM)


class Desk:
    """One station's log with its line to the province; the clock is the test's."""

    def __init__(self, folder: Path, server) -> None:
        self.folder, self.server = folder, server
        self.clock = DemoClock(MORNING, seed=5)
        self.path = folder / "station.db"
        self.store = EncryptedStore.create(self.path, KEY)
        with self.store.write() as work:
            work.settings.save_station(sample.STATION, sample.AT)
            work.settings.put(INCARNATION, "doi-mot")
        self.write(5)

    def write(self, count: int) -> None:
        with self.store.write() as work:
            for _line in range(count):
                work.audit.append(DIRECTOR, "patient.view", self.clock.now(), patient_id="p")

    def line(self) -> AnchorsOverHttp:
        return AnchorsOverHttp(
            FhirClient(self.server.url, self.server.token, self.clock), self.clock
        )

    @property
    def anchoring(self) -> Anchoring:
        return Anchoring(self.store, self.clock)

    @property
    def witness(self) -> WitnessWatch:
        return WitnessWatch(self.store, self.clock, AuditWitnessFile(self.folder))

    def verify(self, **options):
        trail = AuditTrail(
            self.store,
            self.clock,
            PdfAuditPapers(),
            self.witness,
            lambda _work: self.line(),
            Sharing(self.store, self.clock, lambda _work: None),
        )
        return trail.verify(DIRECTOR, **options)

    def actions(self) -> list[str]:
        with self.store.read() as work:
            return [row.action for row in work.audit.rows(500)]

    def keep(self) -> Path:
        """A thief's copy of everything in the folder."""
        self.store.close()
        copy = self.folder.parent / "copy"
        shutil.copytree(self.folder, copy)
        self.store = EncryptedStore.open(self.path, KEY)
        return copy

    def put_back(self, copy: Path) -> None:
        self.store.close()
        shutil.rmtree(self.folder)
        shutil.copytree(copy, self.folder)
        self.store = EncryptedStore.open(self.path, KEY)


@pytest.fixture
def desk(tmp_path, running):
    folder = tmp_path / "data"
    folder.mkdir()
    made = Desk(folder, running)
    yield made
    made.store.close()


def test_the_end_goes_up_once_a_day(desk) -> None:
    assert desk.anchoring.run(desk.line()).accepted
    assert desk.anchoring.run(desk.line()) is None
    desk.clock.forward(hours=23)
    assert not desk.anchoring.is_due()
    desk.clock.forward(hours=2)
    desk.write(3)
    assert desk.anchoring.run(desk.line()).accepted

    (last,) = desk.line().anchors()
    assert (last.incarnation, last.seq) == ("doi-mot", 9)  # five, the first anchor's line, three
    with desk.store.read() as work:
        assert [one.head.seq for one in work.audit.anchors()] == [9, 5]
    assert desk.actions().count(ANCHORED) == 2
    assert desk.verify().is_whole


def test_a_clock_that_went_back_stops_no_anchor(desk) -> None:
    desk.anchoring.run(desk.line())
    desk.clock.forward(days=-400)
    assert desk.anchoring.is_due()


def test_yesterdays_folder_is_found_out_by_the_province(desk) -> None:
    """The whole folder, witness and all, so that nothing here remembers."""
    desk.anchoring.run(desk.line())
    desk.witness.note()
    copy = desk.keep()
    desk.clock.forward(days=1)
    desk.write(10)
    desk.anchoring.run(desk.line())
    desk.put_back(copy)

    assert desk.verify(ask_province=False).is_whole, "here alone it works"
    report = desk.verify()
    (wrong,) = report.disagreeing
    assert (wrong.evidence.kind, wrong.comparison) == (EvidenceKind.PROVINCE, Comparison.SHORTER)

    desk.clock.forward(days=2)
    answer = desk.anchoring.run(desk.line())
    assert not answer.accepted
    assert MISMATCH in desk.actions()
    desk.anchoring.run(desk.line())
    assert desk.actions().count(MISMATCH) == 1, "told once"


def test_a_chain_that_grew_again_is_found_out_too(desk) -> None:
    desk.anchoring.run(desk.line())
    copy = desk.keep()
    desk.clock.forward(days=1)
    desk.write(4)
    desk.anchoring.run(desk.line())
    desk.put_back(copy)
    desk.write(40)
    desk.clock.forward(days=2)

    assert not desk.anchoring.run(desk.line()).accepted
    (wrong,) = desk.verify().disagreeing
    assert wrong.comparison is Comparison.DIFFERS


def test_a_restored_database_in_a_new_life_is_taken_and_remembered(desk) -> None:
    desk.anchoring.run(desk.line())
    copy = desk.keep()
    desk.clock.forward(days=1)
    desk.write(4)
    desk.anchoring.run(desk.line())
    desk.put_back(copy)
    with desk.store.write() as work:
        work.settings.put(INCARNATION, "doi-hai")

    assert desk.anchoring.run(desk.line()).accepted
    assert len(desk.line().anchors()) == 2
    report = desk.verify()
    assert [one.evidence.head.incarnation for one in report.disagreeing] == ["doi-mot"]


def test_the_lost_answer_of_an_anchor_costs_nothing(desk) -> None:
    with desk.store.read() as work:
        head = work.audit.head()
    desk.anchoring.show(desk.line())
    raw = connections.connect(desk.path, KEY)
    raw.execute("DROP TRIGGER audit_anchor_delete")
    raw.execute("DELETE FROM audit_anchor")
    raw.close()
    assert desk.anchoring.show(desk.line()).accepted, "the province asks what was there"
    assert head.seq == 5


def test_a_run_of_the_real_engine_shows_the_end(station, running, tmp_path) -> None:
    machine = Machine(station.store, running)
    station.work_a_day()
    with station.store.write() as work:
        work.audit.append(DIRECTOR, "patient.view", station.clock.now())
    engine = machine.engine(running)
    client = FhirClient(running.url, running.token, station.clock)
    witness = WitnessWatch(station.store, station.clock, AuditWitnessFile(tmp_path))
    anchor_after_runs(engine, station.store, station.clock, client, witness)

    assert engine.run_once().outcome == "complete"

    (last,) = AnchorsOverHttp(client, station.clock).anchors()
    with station.store.read() as work:
        assert work.audit.hash_at(last.seq) == last.hash
        assert work.audit.anchors()[0].head.words == last.words
    assert AuditWitnessFile(tmp_path).read().head.seq >= last.seq
    client.close()


def test_a_server_that_keeps_none_stops_no_sync(station, running, tmp_path) -> None:
    machine = Machine(station.store, running)
    station.work_a_day()
    engine = machine.engine(running)

    def broken() -> None:
        raise NetworkFailure("Máy chủ này không giữ mốc.")

    engine.do_after_runs(broken)
    assert engine.run_once().outcome == "complete"


def test_a_line_that_is_away_is_said_in_the_report(desk) -> None:
    desk.anchoring.run(desk.line())
    port, desk.server.port = desk.server.port, 9
    report = desk.verify()
    desk.server.port = port
    assert report.is_whole
    assert "máy chủ tỉnh" in report.unasked

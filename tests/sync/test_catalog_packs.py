"""The province's lists at a station: fetched last, kept, applied on their day, and never a changed byte."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from provincial_server.catalogs import publishing
from station_emr.catalogs.importers import FileImporter
from station_emr.catalogs.station_catalogs import StationCatalogs
from station_emr.domain.catalog import CatalogKind, CatalogRow
from station_emr.domain.catalog_pack import KnownPack, PackState
from station_emr.domain.sync import DAILY_BYTES
from station_emr.services.catalog_packs import CatalogPacks
from station_emr.services.clock import SystemClock
from station_emr.services.courier import PROVINCE_KEY
from station_emr.sync import catalog_content, catalog_fetching
from station_emr.sync.allowance import Allowance
from station_emr.sync.catalog_content import rows_of
from station_emr.sync.catalog_fetching import CatalogFetcher
from station_emr.sync.catalog_line import CatalogsOverHttp, Offer, Piece
from station_emr.sync.client import FhirClient
from station_emr.sync.province_key import ProvinceKey
from tests.databases import open_database
from tests.sync.conftest import Server
from tests.sync.exchange_machines import Machine, new_machine
from tests.sync.faults import Fault, FaultyLine

# Lists whose rows are a code and a name; each test has one for itself, the province is shared.
_kinds = itertools.cycle(
    CatalogKind(name)
    for name in [
        "nationality",
        "living_area",
        "department",
        "accident",
        "transport",
        "card_object",
        "visit_object",
        "discharge_kind",
        "treatment_result",
        "referral_reason",
        "rapid_test",
        "route",
        "sex",
        "procedure",
        "care_kind",
        "commune_map",
    ]
)
DAY = timedelta(days=1)


class Calendar(SystemClock):
    """A clock that somebody may set."""

    def __init__(self) -> None:
        super().__init__()
        self.off = timedelta()

    def now(self) -> Any:
        return super().now() + self.off


class Watched(CatalogsOverHttp):
    """The true line; a test may spoil what comes over it."""

    def __init__(self, client: FhirClient, desk: Desk) -> None:
        super().__init__(client)
        self.desk = desk

    def offer(self, known: str) -> Offer | None:
        found = super().offer(known)
        self.desk.offers.append(found)
        if found is None:
            return None
        own = f'"name":"{self.desk.kind.value}"'  # the province's other lists are other tests'
        packs = tuple(one for one in found.packs if own in one.manifest)
        return self.desk.spoil_offer(replace(found, packs=packs))

    def piece(self, pack: Any, base: int, start: int, size: int) -> Piece | None:
        found = super().piece(pack, base, start, min(size, self.desk.largest))
        if found is not None:
            self.desk.pieces.append(found)
            found = self.desk.spoil_piece(found)
        return found


@dataclass
class Desk:
    """A machine, a list of its own, and the province's hand."""

    machine: Machine
    server: Server
    kind: CatalogKind
    clock: Calendar
    search: StationCatalogs
    packs: CatalogPacks
    largest: int = 1_000_000
    offers: list[Offer | None] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    spoil_offer: Callable[[Offer], Offer] = lambda offer: offer
    spoil_piece: Callable[[Piece], Piece] = lambda piece: piece

    def today(self, off: int = 0) -> date:
        return self.clock.now().date() + off * DAY

    def publish(self, version: str, in_days: int, *rows: tuple[str, str]) -> None:
        lines = [["Mã", "Tên"], *map(list, rows)]
        plain = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in lines).encode()
        database = open_database(self.server.folder / "province.db")
        with database.write() as session:
            publishing.publish(
                session,
                name=self.kind.value,
                version=version,
                effective=SystemClock().now().date() + in_days * DAY,
                content=plain,
                source="danh-muc.csv",
                now=1,
            )
        database.close()

    def interrupted(self) -> CatalogPacks:
        """As ``packs``; somebody brings a list of one row while the province's is put in order."""
        store, kind, at = self.machine.store, self.kind, self.clock.now()

        class Importer(FileImporter):
            def preview_table(self, *asked: Any) -> Any:
                with store.write() as work:
                    row = CatalogRow(kind=kind, code="A", name="A cũ")
                    work.catalogs.load_starter([row], at)
                return super().preview_table(*asked)

        return CatalogPacks(store, self.clock, self.search, Importer(), rows_of)

    def sync(self, to: Any = None) -> Any:
        """A fresh start of the program."""

        def lists(client: FhirClient) -> CatalogFetcher:
            allowance = Allowance(self.machine.store, self.clock, lambda: False)
            return CatalogFetcher(self.machine.store, self.clock, Watched(client, self), allowance)

        engine = self.machine.engine(to, catalogs=lists)
        engine.do_before_runs(self.packs.apply_due)
        return engine.run_once()

    def known(self) -> list[KnownPack]:
        with self.machine.store.read() as work:
            return [one for one in work.packs.all() if one.pack.kind is self.kind]

    def states(self) -> list[tuple[str, str]]:
        return [(one.pack.version, one.state.value) for one in self.known()]

    def shown(self, off: int = 0) -> dict[str, str]:
        """The list as it is in force on that day, as search sees it."""
        return {row.code: row.name for row in self.search.rows(self.kind, self.today(off))}

    def setting(self, name: str) -> str:
        with self.machine.store.read() as work:
            return work.settings.get(name) or ""


@pytest.fixture
def desk(tmp_path: Path, running: Server, line: FaultyLine) -> Iterator[Desk]:
    machine = new_machine(tmp_path, line)
    clock = machine.clock = Calendar()
    search = StationCatalogs(machine.store)
    packs = CatalogPacks(machine.store, clock, search, FileImporter(), rows_of)
    kind = next(_kinds)
    with machine.store.write() as work:
        key = ProvinceKey.parse(running.read("../courier-key").text)
        assert key is not None
        work.settings.put(PROVINCE_KEY, key.keep())
        old = [CatalogRow(kind=kind, code=code, name=f"{code} cũ") for code in ("A", "B")]
        work.catalogs.load_starter(old, clock.now())
    yield Desk(machine, running, kind, clock, search, packs)
    machine.store.close()


FIRST = (("A", "A mới"), ("C", "C mới"))
SECOND = (("A", "A mới nữa"), ("C", "C mới"), ("D", "D"))


def test_a_version_is_fetched_kept_and_applied_on_its_day(desk: Desk) -> None:
    desk.publish("2027.1", 20, *FIRST)
    assert desk.sync().outcome == "complete"
    assert desk.states() == [("2027.1", "held")]
    assert desk.shown() == {"A": "A cũ", "B": "B cũ"}
    standing = desk.packs.standings()[desk.kind]
    assert standing.in_force is None
    assert standing.coming is not None
    assert (standing.coming.version, standing.coming.effective) == ("2027.1", desk.today(20))
    desk.clock.off = 19 * DAY
    assert desk.packs.apply_due() == ()
    desk.clock.off = 20 * DAY
    assert desk.interrupted().apply_due() == ()  # a list that came meanwhile is not overrun
    assert desk.states() == [("2027.1", "held")]
    assert desk.packs.apply_due() == (desk.kind,)
    assert desk.shown() == {"A": "A mới", "C": "C mới"}
    assert desk.shown(-1) == {"A": "A cũ", "B": "B cũ"}  # a record of yesterday shows yesterday's
    standing = desk.packs.standings()[desk.kind]
    assert standing.in_force is not None
    assert standing.in_force.version == "2027.1"
    assert standing.coming is None


def test_a_version_in_force_already_is_applied_in_the_same_run(desk: Desk) -> None:
    desk.publish("2026.9", -3, *FIRST)
    desk.sync()
    assert desk.states() == [("2026.9", "applied")]
    assert desk.shown()["A"] == "A mới"
    with desk.machine.store.read() as work:
        actions = [row.action for row in work.audit.rows(5)]
        assert "catalog.pack" in actions
        assert work.audit.verify() is None


def test_two_versions_ahead_come_as_difference_and_each_on_its_day(desk: Desk) -> None:
    many = [(f"M{n:04d}", f"Tên {n * 7919 % 10_007}") for n in range(400)]
    desk.publish("1", 10, *many)
    desk.sync()
    desk.publish("2", 40, *many[:-1], ("N", "Mới"))
    desk.publish("3", 70, *many[1:], ("O", "Sau cùng"))
    desk.sync()
    assert desk.states() == [("1", "held"), ("2", "held"), ("3", "held")]
    whole, *differences = desk.pieces
    assert [whole.base, *(piece.base for piece in differences)] == [0, 1, 2]
    assert all(piece.total < whole.total / 10 for piece in differences)
    for off, codes in ((15, {"M0000", "M0399"}), (45, {"M0000", "N"}), (75, {"O", "M0001"})):
        desk.clock.off = off * DAY
        assert desk.packs.apply_due() == (desk.kind,)
        assert codes <= desk.shown().keys()
    assert "M0000" not in desk.shown()
    assert len(desk.shown()) == 400


def test_a_long_sleep_applies_all_in_order(desk: Desk) -> None:
    desk.publish("1", 10, *FIRST)
    desk.publish("2", 40, *SECOND)
    desk.sync()
    desk.clock.off = 100 * DAY
    assert desk.packs.apply_due() == (desk.kind,)
    assert desk.shown() == dict(SECOND)
    assert desk.shown(-80) == dict(FIRST)
    assert desk.shown(-95) == {"A": "A cũ", "B": "B cũ"}


def test_a_new_station_fetches_no_version_that_is_overtaken(desk: Desk) -> None:
    desk.publish("1", -40, *FIRST)
    desk.publish("2", -20, *SECOND)
    desk.publish("3", 20, *FIRST)
    desk.sync()
    assert desk.states() == [("2", "applied"), ("3", "held")]
    assert desk.shown() == dict(SECOND)


def test_a_wrong_clock_applies_nothing(desk: Desk) -> None:
    desk.publish("1", 1, *FIRST)
    desk.sync()
    for wrong in (-9000 * DAY, 800 * DAY):  # a dead battery, a slip of the hand
        desk.clock.off = wrong
        assert desk.packs.apply_due() == ()
    desk.clock.off = DAY
    assert desk.packs.apply_due() == (desk.kind,)


def test_a_clock_that_goes_back_brings_no_old_version_back(desk: Desk) -> None:
    desk.publish("1", -5, *FIRST)
    desk.sync()
    desk.publish("2", 3, *SECOND)
    desk.sync()
    desk.clock.off = 4 * DAY
    assert desk.packs.apply_due() == (desk.kind,)
    for off in (-3, 0, 4, 10):
        desk.clock.off = off * DAY
        assert desk.packs.apply_due() == ()
        assert desk.shown() == dict(SECOND if off >= 3 else FIRST)


def changed(text: str) -> str:
    return text.replace('"version":"1"', '"version":"9"')


def spoiled_offer(offer: Offer) -> Offer:
    packs = tuple(replace(one, manifest=changed(one.manifest)) for one in offer.packs)
    return replace(offer, packs=packs)


def test_words_that_the_province_did_not_sign_change_nothing(desk: Desk) -> None:
    desk.publish("1", -1, *FIRST)
    desk.spoil_offer = spoiled_offer
    assert desk.sync().outcome == "complete"
    assert desk.states() == []
    assert desk.packs.problem() == catalog_fetching.TAMPERED
    assert desk.shown() == {"A": "A cũ", "B": "B cũ"}
    desk.spoil_offer = lambda offer: offer
    desk.sync()
    assert desk.packs.problem() == ""
    assert desk.shown() == dict(FIRST)


def test_words_of_another_key_change_nothing(desk: Desk) -> None:
    desk.publish("1", -1, *FIRST)
    with desk.machine.store.write() as work:
        work.settings.put(PROVINCE_KEY, "")
    desk.sync()
    assert desk.states() == []
    assert desk.packs.problem() == catalog_fetching.NO_KEY


def test_a_content_that_is_not_the_signed_one_is_refused(desk: Desk) -> None:
    desk.publish("1", -1, *FIRST)
    other = catalog_content.pack_content('["Mã","Tên"]\n["A","Sai"]\n'.encode())
    desk.spoil_piece = lambda piece: replace(piece, content=other, total=len(other))
    desk.sync()
    [one] = desk.known()
    assert (one.state, one.reason) == (PackState.REFUSED, catalog_fetching.TAMPERED)
    assert desk.shown() == {"A": "A cũ", "B": "B cũ"}
    assert desk.packs.standings()[desk.kind].problem == catalog_fetching.TAMPERED


def test_a_difference_that_does_not_fit_is_fetched_whole(desk: Desk) -> None:
    many = [(f"M{n:04d}", f"Tên {n * 7919 % 10_007}") for n in range(300)]
    desk.publish("1", -9, *many)
    desk.sync()
    desk.publish("2", -1, *many[1:])
    told = catalog_content.pack_content(b"=0 5\n")

    def spoil(piece: Piece) -> Piece:
        return replace(piece, content=told, total=len(told)) if piece.base else piece

    desk.spoil_piece = spoil
    desk.sync()
    assert desk.states() == [("1", "applied"), ("2", "applied")]
    assert [piece.base for piece in desk.pieces] == [0, 1, 0]
    assert len(desk.shown()) == 299


def test_a_fetch_that_broke_off_goes_on_after_a_start(desk: Desk, line: FaultyLine) -> None:
    many = [(f"M{n:04d}", f"Tên {n * 7919 % 10_007}") for n in range(2000)]
    desk.publish("1", -1, *many)
    desk.largest = 2048

    def cut(piece: Piece) -> Piece:
        if len(desk.pieces) == 2:
            line.plan = [Fault(cut_reply=100)]
        return piece

    desk.spoil_piece = cut
    run = desk.sync()
    assert run.outcome == "complete"  # the records were: what stops a list undoes nothing
    assert desk.states() == [("1", "fetching")]
    before = len(desk.pieces)
    desk.sync()
    assert desk.pieces[before].start == 2 * 2048
    assert desk.states() == [("1", "applied")]
    assert len(desk.shown()) == 2000


def test_lists_give_way_to_the_budget_and_to_records(desk: Desk, line: FaultyLine) -> None:
    desk.publish("1", -1, *FIRST)
    with desk.machine.store.write() as work:
        work.settings.put(DAILY_BYTES, "100000")
        work.outbox.add_traffic(desk.today(), 80_000, 0)  # the last quarter is for records
    desk.sync()
    assert desk.offers == []
    with desk.machine.store.write() as work:
        work.settings.put(DAILY_BYTES, "0")
    desk.machine.work_a_day()
    line.requests.clear()
    run = desk.sync()
    assert run.sent == 7
    asked = ["$catalogs" in request for request in line.requests]
    assert asked == sorted(asked)  # nothing clinical behind a list
    assert desk.states() == [("1", "applied")]


def test_nothing_is_asked_twice_within_the_hour_and_nothing_new_is_a_word(desk: Desk) -> None:
    desk.publish("1", -1, *FIRST)
    desk.sync()
    desk.sync()  # another start: it asks, and is told that nothing changed
    assert [offer is None for offer in desk.offers] == [False, True]
    assert len(desk.pieces) == 1


def test_a_list_that_cannot_be_read_keeps_the_one_in_force(desk: Desk) -> None:
    desk.publish("1", -1, *[("", f"không mã {n}") for n in range(5)], ("A", "A mới"))
    desk.sync()
    [one] = desk.known()
    assert one.state is PackState.HELD
    assert "Danh mục đang dùng vẫn nguyên" in one.reason
    assert desk.shown() == {"A": "A cũ", "B": "B cũ"}
    desk.publish("2", 0, *SECOND)
    desk.sync()
    assert desk.shown() == dict(SECOND)


def test_word_of_a_new_program_is_kept_and_goes_when_it_is_there(desk: Desk) -> None:
    database = open_database(desk.server.folder / "province.db")
    with database.write() as session:
        publishing.announce(
            session, version="9.1", available=date(2027, 3, 1), note="Cài sau giờ làm", now=1
        )
    database.close()
    desk.sync()
    notice = desk.packs.notice("0.2.0")
    assert notice is not None
    assert (notice.version, notice.note) == ("9.1", "Cài sau giờ làm")
    assert desk.packs.notice("9.1.0") is None

"""The overview for Sở Y tế: counts that follow the records, the page, one station, the Excel file."""

from __future__ import annotations

import io
import re
import secrets
import xml.etree.ElementTree as ET
import zipfile
from datetime import date
from functools import partial
from html import unescape

import pytest
from sqlalchemy import event, select

from provincial_server import auth
from provincial_server.catalogs.publishing import announce
from provincial_server.database import Database
from provincial_server.exchange.indexing import catch_up
from provincial_server.exchange.tables import DeviceState
from provincial_server.referrals.tables import ReferralInbox
from provincial_server.settings import system_clock
from provincial_server.stations import charts
from provincial_server.stations.charts import Series
from provincial_server.stations.choosing import Choice, cut
from provincial_server.stations.counting import count_all, count_portion, day_text
from provincial_server.stations.figures import read_figures
from provincial_server.stations.plan import Plan
from provincial_server.stations.tables import DailyCount
from provincial_server.store import EVERY_FACILITY
from provincial_server.web import accounts, overview_pages
from tests.databases import open_database
from tests.server.conftest import RunningServer
from tests.server.direct import running
from tests.server.exchange_client import Machine, encode, envelope, op_id, person, record_id
from tests.server.samples import encounter
from tests.server.test_web_accounts import PASSWORD, Visitor

DAY = 86_400_000


def visit_on(record: str, patient: str, day: str, **keys) -> bytes:
    resource = encounter(record, patient)
    resource["period"] = {"start": f"{day}T08:00:00+07:00"}
    resource["status"] = keys.pop("shown_as", "finished")
    return encode(envelope("encounter", record, resource, **keys))


def counts(database: Database, facility: str, kind: str) -> dict[str, int]:
    with database.read(EVERY_FACILITY) as session:
        rows = session.scalars(
            select(DailyCount).where(
                DailyCount.facility_code == facility, DailyCount.kind == kind, DailyCount.count != 0
            )
        )
        return {row.day: row.count for row in rows}


def count_now(server: RunningServer, code: str, now: int | None = None) -> None:
    catch_up(server.database, system_clock, code)
    count_all(server.database, (lambda: now) if now else system_clock)


def figures_of(server: RunningServer, code: str, now: int, plan: Plan | None = None):
    with server.database.read(EVERY_FACILITY) as session:
        figures = read_figures(session, plan or Plan(), now, [code])
    [found] = figures.stations
    return figures, found


@pytest.fixture
def overseer(server):
    name = f"so.{secrets.token_hex(4)}"
    with server.database.write(EVERY_FACILITY) as session:
        accounts.add_user(session, name, "Người theo dõi mẫu", "overseer", PASSWORD, 0)
    one = Visitor(server.root)
    one.log_in(name)
    yield one
    one.session.close()


# --- counting -----------------------------------------------------------------------------------


def test_counts_follow_records_that_are_added_moved_and_voided(server, station):
    machine = Machine(station)
    who, first, second, third = record_id(), record_id(), record_id(), record_id()
    lines = [
        person(who),
        visit_on(first, who, "2026-11-18"),
        visit_on(second, who, "2026-11-18"),
        visit_on(third, who, "2026-11-19"),
    ]
    machine.exchange(*lines)
    count_now(server, station.facility)
    assert counts(server.database, station.facility, "encounter") == {
        "2026-11-18": 2,
        "2026-11-19": 1,
    }
    today = day_text(system_clock())
    assert counts(server.database, station.facility, "received") == {today: 3}
    amended = {"base": [op_id(lines[1])], "status": "amended"}
    voided = {"base": [op_id(lines[3])], "status": "voided", "shown_as": "entered-in-error"}
    machine.exchange(
        visit_on(first, who, "2026-11-17", **amended), visit_on(third, who, "2026-11-19", **voided)
    )
    count_now(server, station.facility)
    count_now(server, station.facility)  # once more counts nothing twice
    assert counts(server.database, station.facility, "encounter") == {
        "2026-11-17": 1,
        "2026-11-18": 1,
    }
    assert counts(server.database, station.facility, "received") == {today: 3}


def test_counting_goes_on_where_it_stopped(server, station):
    machine = Machine(station)
    who = record_id()
    visits = [visit_on(record_id(), who, "2026-11-12") for _ in range(7)]
    machine.exchange(person(who), *visits)
    catch_up(server.database, system_clock, station.facility)
    portions = 0
    done = False
    while not done:
        with server.database.write(station.facility) as session:
            done = count_portion(session, station.facility, 0, most=3)
        portions += 1
    assert portions == 3  # a person and seven visits
    assert counts(server.database, station.facility, "encounter") == {"2026-11-12": 7}


def test_a_day_of_contact_is_noted_once(server, station):
    station.get("metadata")
    station.get("Patient")
    count_now(server, station.facility)
    count_now(server, station.facility)
    assert counts(server.database, station.facility, "contact") == {day_text(system_clock()): 1}


def test_reading_the_figures_touches_no_record(server, station):
    machine = Machine(station)
    who = record_id()
    machine.exchange(person(who), visit_on(record_id(), who, "2026-11-19"))
    count_now(server, station.facility)
    asked: list[str] = []

    def note(_conn, _cursor, statement, *_rest):
        asked.append(statement)

    event.listen(server.database.engine, "before_cursor_execute", note)
    try:
        figures_of(server, station.facility, system_clock())
    finally:
        event.remove(server.database.engine, "before_cursor_execute", note)
    assert asked
    assert not [text for text in asked if re.search(r"\b(resource\w*|operation|change)\b\s", text)]


# --- what is said of a station -------------------------------------------------------------------


def test_a_station_is_called_for_silence_backlog_refusals_and_an_old_program(server, station):
    state = {"waiting": 201, "oldest": "2026-11-01T08:00:00+07:00", "refused": 2, "conflicts": 3}
    Machine(station).exchange(state={**state, "program": "Mẫu 0.9"})
    now = system_clock()
    plan = Plan(program="Mẫu 0.10.1")
    _, found = figures_of(server, station.facility, now + 4 * DAY, plan)
    assert found.reasons == (
        "im lặng 4 ngày",
        "còn 201 hồ sơ chưa gửi",
        "2 hồ sơ bị từ chối",
        "chương trình cũ",
    )
    assert (found.waiting, found.refused, found.conflicts) == (201, 2, 3)
    calm = Plan(program="Mẫu 0.9", backlog=201, silent_days=5)
    _, found = figures_of(server, station.facility, now + 4 * DAY, calm)
    assert found.reasons == ("2 hồ sơ bị từ chối",)


def test_a_station_is_live_for_seven_days_after_a_signed_visit(server, station):
    machine = Machine(station)
    who = record_id()
    machine.exchange(person(who))
    now = system_clock()
    count_now(server, station.facility)
    assert not figures_of(server, station.facility, now)[1].is_live
    machine.exchange(visit_on(record_id(), who, "2026-10-01"))  # an old visit, sent today
    count_now(server, station.facility)
    assert figures_of(server, station.facility, now)[1].is_live
    assert figures_of(server, station.facility, now + 6 * DAY)[1].is_live
    assert not figures_of(server, station.facility, now + 7 * DAY)[1].is_live


def test_a_receiving_hospital_is_none_of_the_stations(server, station):
    Machine(station).exchange()
    now = system_clock()

    def is_shown() -> bool:
        with server.database.read(EVERY_FACILITY) as session:
            return bool(read_figures(session, Plan(), now, [station.facility]).stations)

    assert is_shown()
    with server.database.write(EVERY_FACILITY) as session:
        name, code = f"bv.{secrets.token_hex(4)}", station.facility
        accounts.add_user(session, name, "Mẫu", "receiver", PASSWORD, 0, facility_code=code)
    assert not is_shown()
    Machine(station).exchange(state={"waiting": 1})  # it works with the program too
    assert is_shown()


def test_what_a_machine_says_of_itself_may_be_nonsense(server, station):
    odd = {"waiting": "rất nhiều", "oldest": "hôm qua", "refused": -3, "conflicts": 1e300}
    Machine(station).exchange(state={**odd, "clock": "0001-01-01T00:00:00+14:00"})
    _, found = figures_of(server, station.facility, system_clock())
    assert (found.waiting, found.oldest, found.refused, found.conflicts) == (0, None, 0, 0)


def test_an_announced_program_is_the_one_to_have(tmp_path):
    database = open_database(tmp_path / "own.db")  # what is announced holds for every station
    now = system_clock()
    with database.write(EVERY_FACILITY) as session:
        auth.add_facility(session, "MAU1", "Trạm mẫu", now)
        device = auth.enrol_device(session, "MAU1", "Máy 1", now).device_id
        auth.note_contact(session, device, now, None)
        state = '{"catalog":"drug 2026.2","program":"station-emr 0.1.0"}'
        session.add(DeviceState(device_id=device, state=state, received_at=now))

    def shown(plan: Plan):
        with database.read(EVERY_FACILITY) as session:
            [found] = read_figures(session, plan, now).stations
        return found

    found = shown(Plan())
    assert (found.program, found.catalog, found.reasons) == (
        "station-emr 0.1.0",
        "drug 2026.2",
        (),
    )
    with database.write(EVERY_FACILITY) as session:
        announce(session, version="0.2.0", available=date(2026, 12, 1), note="", now=now)
    assert shown(Plan()).reasons == ("chương trình cũ",)
    assert shown(Plan(program="0.1.0")).reasons == ()
    database.close()


def test_a_wrong_clock_is_seen(server, station):
    Machine(station).exchange(state={"clock": "2020-01-01T08:00:00+07:00"})
    _, found = figures_of(server, station.facility, system_clock())
    assert found.skew is not None
    assert found.skew < -365 * 86_400


def test_turnaround_is_what_half_of_the_letters_took(server, station):
    now = system_clock()
    hour = 3_600_000
    letters = [(2, 30, "current"), (4, None, "current"), (None, None, "current"), (1, 1, "moved")]
    with server.database.write(EVERY_FACILITY) as session:
        for number, (accepted, answered, state) in enumerate(letters):
            session.add(
                ReferralInbox(
                    facility_code="MAU-BV",
                    sender_code=station.facility,
                    record_id=f"thu-{number}",
                    letter_state=state,
                    version=1,
                    number="1/MAU",
                    **dict.fromkeys(
                        ["sender_name", "patient_id", "patient_name", "birth", "sex"], "mẫu"
                    ),
                    **dict.fromkeys(["insurance", "diagnosis", "search_words"], "mẫu"),
                    emergency=False,
                    written_at=now,
                    received_at=now,
                    changed_at=now,
                    accepted_at=accepted and now + accepted * hour,
                    answered_at=answered and now + answered * hour,
                )
            )
    _, found = figures_of(server, station.facility, now)
    turn = found.turnaround
    assert (turn.sent, turn.accepted, turn.answered) == (3, 2, 1)
    assert (turn.to_accept, turn.to_feedback) == (180, 1800)


# --- pages --------------------------------------------------------------------------------------


def test_the_page_names_no_person(server, station, overseer):
    machine = Machine(station)
    who = record_id()
    machine.exchange(
        person(who, name="Người Bệnh Giấu Tên"), visit_on(record_id(), who, "2026-11-19")
    )
    count_now(server, station.facility)
    for path in (f"/web/tong-quan?tim={station.facility}", f"/web/tong-quan/{station.facility}"):
        page = overseer.get(path)
        assert page.status_code == 200
        assert station.facility in page.text
        assert "Giấu Tên" not in page.text
        assert who not in page.text
        assert not re.search(r"style=|<script|\son\w+=", page.text)
    sheet = overseer.get("/web/tong-quan/xuat.xlsx").content
    packed = zipfile.ZipFile(io.BytesIO(sheet))
    held = b"".join(packed.read(name) for name in packed.namelist()).decode()
    assert station.facility in held
    assert "Giấu Tên" not in held
    assert who not in held


def test_the_page_filters_and_sorts_by_its_address(server, overseer):
    own = f"LOC{secrets.token_hex(4).upper()}"  # other tests' stations are on other pages
    many, few = server.station(f"{own}A"), server.station(f"{own}B")
    Machine(many).exchange(state={"waiting": 90})
    Machine(few).exchange(state={"waiting": 7})

    def order(query: str) -> list[str]:
        return shown_codes(overseer.get(f"/web/tong-quan{query}").text)

    def mine(query: str) -> list[str]:
        return order(f"{query}&tim={own}")

    assert mine("?xep=ton&nguoc=1") == [many.facility, few.facility]
    assert mine("?xep=ton") == [few.facility, many.facility]
    assert order(f"?tim={few.facility.lower()}") == [few.facility]
    assert mine("?loc=dang-dung") == []
    assert mine("?loc=khong-co&xep=khong-co") == sorted([many.facility, few.facility])


def shown_codes(page: str) -> list[str]:
    return re.findall(r'href="/web/tong-quan/([^"?]+)"', page.partition("<tbody>")[2])


def test_many_stations_come_page_by_page_and_the_numbers_are_of_all(tmp_path):
    """Of 10,000 stations a page shows a hundred; filter, order and sums are of all."""
    count = 230
    with running(tmp_path) as direct:
        now = system_clock()
        with direct.database.write() as session:
            accounts.add_user(session, "so.mau", "Mẫu", "overseer", PASSWORD, 0)
            codes = [f"MAU{number:04d}" for number in range(count)]
            for number, code in enumerate(codes):
                auth.add_facility(session, code, f"Trạm mẫu {number}", now)
                device = auth.enrol_device(session, code, "Máy 1", now).device_id
                auth.note_contact(session, device, now, None)
                state = f'{{"waiting":{number}}}'
                session.add(DeviceState(device_id=device, state=state, received_at=now))
                row = {"facility_code": code, "day": day_text(now), "count": 2}
                session.add_all(DailyCount(kind=kind, **row) for kind in ("encounter", "received"))
        with direct.database.read() as session:
            figures = read_figures(session, Plan(backlog=200), now)
    assert (figures.live, len(figures.to_call)) == (count, 29)
    assert figures.visits_by_day[-1] == 2 * count
    assert figures.weeks[-1][1] == count
    choice = Choice.read({"xep": "ton", "nguoc": "1", "trang": "3"})
    page = cut(choice.apply(figures.stations), choice.page)
    assert [one.code for one in page.stations] == codes[29::-1]
    assert (page.first, page.last, page.total, page.pages) == (201, 230, 230, 3)
    called = Choice.read({"loc": "can-goi", "trang": "9"})
    page = cut(called.apply(figures.stations), called.page)
    assert [one.code for one in page.stations] == codes[201:]
    assert (page.first, page.last, page.number, page.pages) == (1, 29, 1, 1)


def test_the_pages_of_the_table_lead_on(server, overseer, monkeypatch):
    own = f"LAT{secrets.token_hex(4).upper()}"
    for letter in "AB":
        Machine(server.station(f"{own}{letter}")).exchange(state={"waiting": 1})
    monkeypatch.setattr(overview_pages, "cut", partial(cut, size=1))
    sought = f"tim={own}&xep=ten&nguoc=1"
    first = overseer.get(f"/web/tong-quan?{sought}").text
    [_] = shown_codes(first)
    assert 'rel="prev"' not in first
    [address] = re.findall(r'href="([^"]+)" rel="next"', first)
    second = overseer.get(unescape(address)).text
    assert [*shown_codes(first), *shown_codes(second)] == [f"{own}B", f"{own}A"]
    assert 'rel="prev"' in second
    assert "Trạm 2 đến 2 trong 2 trạm" in second
    for odd in ("0", "-1", "x", "²", "9" * 30):
        assert shown_codes(overseer.get(f"/web/tong-quan?{sought}&trang={odd}").text)
    assert 'rel="next"' not in second
    assert shown_codes(overseer.get(f"/web/tong-quan?{sought}&trang=9999999").text) == [f"{own}A"]


def test_only_overseers_and_administrators_see_it(server):
    visitor = Visitor(server.root)
    assert visitor.get("/web/tong-quan", allow_redirects=False).status_code == 303
    name = f"bv.{secrets.token_hex(4)}"
    code = server.station().facility
    with server.database.write(EVERY_FACILITY) as session:
        accounts.add_user(session, name, "Mẫu", "receiver", PASSWORD, 0, facility_code=code)
    visitor.log_in(name)
    for path in ("", "/xuat.xlsx", f"/{code}"):
        assert visitor.get(f"/web/tong-quan{path}").status_code == 403
    visitor.session.close()


def test_an_unknown_station_is_not_found(overseer):
    assert overseer.get("/web/tong-quan/KHONG-CO").status_code == 404


# --- Excel --------------------------------------------------------------------------------------

_MAIN = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def cells(sheet: bytes, code: str) -> dict[str, ET.Element]:
    """The row of the station on the second sheet, by column."""
    packed = zipfile.ZipFile(io.BytesIO(sheet))
    root = ET.fromstring(packed.read("xl/worksheets/sheet2.xml"))
    for row in root.iterfind(".//m:row", _MAIN):
        found = {re.sub(r"\d", "", cell.get("r", "")): cell for cell in row}
        if "".join(found["A"].itertext()) == code:
            return found
    raise LookupError(code)


def test_numbers_are_numbers_and_dates_are_dates(server, overseer):
    station = server.station()
    Machine(station).exchange(
        state={"waiting": 12, "oldest": "2026-11-01T08:00:00+07:00", "program": "=1+1"}
    )
    row = cells(overseer.get("/web/tong-quan/xuat.xlsx").content, station.facility)
    assert row["E"].get("t") is None
    assert row["E"].findtext("m:v", namespaces=_MAIN) == "12"
    # 1 November 2026, 08:00 as Excel counts days.
    assert row["F"].get("t") is None
    assert float(row["F"].findtext("m:v", namespaces=_MAIN) or 0) == pytest.approx(46327 + 8 / 24)
    assert row["K"].find("m:f", _MAIN) is None
    assert "".join(row["K"].itertext()) == "=1+1"


# --- charts -------------------------------------------------------------------------------------


def test_a_chart_says_what_it_shows():
    series = Series("Lượt <khám>", ["20/11", "21/11"], [3, 12], "lượt khám", goal=20)
    for drawn in (charts.bars(series), charts.line(series)):
        root = ET.fromstring(drawn)
        title = root.findtext("title") or ""
        assert title == "Lượt <khám>"
        assert "20/11: 3; 21/11: 12" in (root.findtext("desc") or "")
        assert "Mục tiêu: 20" in (root.findtext("desc") or "")
        assert {"3", "12"} <= {item.text for item in root.iterfind(".//text")}
        assert "style" not in drawn


def test_a_chart_of_nothing_is_a_chart():
    for values in ([], [0, 0]):
        series = Series("Trống", [str(n) for n in range(len(values))], values, "lượt")
        ET.fromstring(charts.bars(series))
        ET.fromstring(charts.line(series))
    ET.fromstring(charts.spark([], "trống"))


def test_the_search_finds_names_without_marks():
    choice = Choice.read({"tim": "ia der", "xep": "ten"})
    assert choice.address("/x") == "/x?tim=ia+der&xep=ten"
    assert choice.said("ten") == "ascending"
    assert "nguoc=1" in choice.sorting("/x", "ten")

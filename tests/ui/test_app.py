"""The whole program over a real station: log in, lock, switch, search, scan, and what goes wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from station_emr.app import THEME, Program, StationGate
from station_emr.demo.clock import DemoClock
from station_emr.demo.filled import make_filled_station
from station_emr.demo.people import People
from station_emr.demo.scripted import NURSE, actor_named, create_demo_station
from station_emr.demo.seed import SeedPlan
from station_emr.demo.station import DEMO_PASSWORD, demo_people, demo_profile
from station_emr.domain.errors import DiskFull, StateError, WrongPassword
from station_emr.domain.permissions import Role
from station_emr.domain.record import Changed, Changes, RecordKind, RecordStatus
from station_emr.domain.user import User
from station_emr.services.guards import confirmation_key
from station_emr.services.timekeeping import keep_time
from station_emr.station import create_station, open_station
from station_emr.ui.kit import Message
from station_emr.ui.models import routes
from station_emr.ui.screens.login import LoginPage, TroublePage
from station_emr.ui.shell.camera import Camera, Walk
from station_emr.ui.shell.file_memory import FileMemory
from tests.security.stations import cheap_passwords
from tests.services.conftest import MORNING
from tests.ui.keys import press, type_text

# The sync thread asks the system for its own address by this one (RFC 5737); nothing is sent.
pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "::1", "localhost", "192.0.2.1"])

CARD = "064099100001|231234567|{name}|01011990|Nữ|Làng Mẫu, Xã Mẫu|01072021"


@pytest.fixture(scope="module", autouse=True)
def _cheap():
    with cheap_passwords():
        yield


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory):
    """A station with its people, an administrator and one patient who has come today."""
    folder = tmp_path_factory.mktemp("demo") / "station"
    create_demo_station(folder)
    clock = DemoClock(MORNING, seed=5)
    station = open_station(folder, "giamdoc", DEMO_PASSWORD, clock)
    admin = User(id="", username="admin", full_name="Quản Trị Mẫu", role=Role.ADMINISTRATOR)
    station.services.accounts.add_user(station.actor, admin, DEMO_PASSWORD)
    nurse = actor_named(station, NURSE)
    person = replace(People(9, MORNING.date()).next(), full_name="Siu Y Mẫu")
    yes = [confirmation_key(problem) for problem in station.services.patients.check(person)]
    made = station.services.patients.register(nurse, person, yes)
    station.services.encounters.check_in(nurse, made.items[0].record_id, "Ho")
    station.close()
    return folder


class Driver:
    """Drives the window as a person does."""

    def __init__(self, qtbot, program) -> None:
        self.qtbot = qtbot
        self.program = program
        self.window = program.window

    @property
    def page(self):
        return self.program.desk.log_in_page

    def log_in(self, username="bshoa", password=DEMO_PASSWORD) -> None:
        self.page.choose(username)
        type_text(self.page.password.editor, password)
        with self.qtbot.waitSignal(self.program.desk.ready, timeout=20_000):
            press(self.page.password.editor, key=Qt.Key.Key_Return)

    def try_password(self, password: str) -> str:
        """A password that does not open; gives the sentence shown."""
        self.page.password.set_value(password)
        press(self.page.password.editor, key=Qt.Key.Key_Return)
        self.qtbot.waitUntil(lambda: bool(self.page.password.problem), timeout=20_000)
        return self.page.password.problem

    @property
    def patient(self):
        services, actor = self.services, self.program.desk.session.actor
        return services.patients.search(actor, "siu mau")[0]

    @property
    def services(self):
        return self.program.desk.session.services

    @property
    def toast(self) -> Message | None:
        return self.window.toast.message


@pytest.fixture
def start(qtbot, demo_folder, tmp_path):
    """``start()`` opens the program over a copy of the station; ``start(empty=True)`` over nothing."""
    programs = []

    def start(*, empty: bool = False, spoil=None, demo: bool = False) -> Driver:
        folder = tmp_path / "data"
        if not empty:
            shutil.copytree(demo_folder, folder)
        if spoil is not None:
            spoil(folder)
        program = Program(QApplication.instance(), folder, DemoClock(MORNING, seed=6), demo=demo)
        programs.append(program)
        program.window.show()
        qtbot.waitActive(program.window)
        program.desk.start()
        return Driver(qtbot, program)

    hooks = sys.excepthook, threading.excepthook
    yield start
    for program in programs:
        program.window.close()
        program.end()
    sys.excepthook, threading.excepthook = hooks
    qtbot.waitUntil(lambda: threads().isdisjoint({"database", "work", "sync"}))
    for program in programs:  # not before: a thread may still tell it something
        program.window.deleteLater()
        program.deleteLater()


def threads() -> set[str]:
    return {thread.name.split("_")[0] for thread in threading.enumerate()}


# -- log in ------------------------------------------------------------------------------------


def test_from_the_names_to_todays_people(start) -> None:
    driver = start()
    assert isinstance(driver.page, LoginPage)
    assert list(driver.page.tiles) == ["giamdoc", "bshoa", "ddmai", "admin"]

    driver.log_in()

    assert driver.window.screen_key == routes.TODAY
    cards = driver.window.screen_now.columns
    assert [c.name for column in cards.values() for c in column.list.cards.cards] == ["Siu Y Mẫu"]
    assert driver.window.windowTitle() == "Trạm Y tế xã Mẫu"
    assert driver.page is None


def test_a_wrong_password_counts_and_five_lock(start) -> None:
    driver = start()
    driver.page.choose("ddmai")

    assert "Còn 4 lần thử" in driver.try_password("sai")
    assert "Còn 4 lần thử" in driver.page.tiles["ddmai"].accessibleName()
    for _attempt in range(4):
        said = driver.try_password("sai")
    assert "bị khóa" in said
    assert not driver.page.enter.isEnabled()


def test_a_second_window_over_the_same_folder_is_told(start, tmp_path) -> None:
    driver = start()
    other = StationGate(tmp_path / "data", DemoClock(MORNING, seed=7))
    with pytest.raises(WrongPassword):
        other.open("ddmai", "sai")
    driver.log_in()  # a wrong password over there holds nothing
    with pytest.raises(StateError, match="cửa sổ khác"):
        other.open("ddmai", DEMO_PASSWORD)
    driver.program.desk.log_out()
    driver.log_in("ddmai")  # its own claim is no hindrance
    driver.program.desk.log_out()
    driver.program.gate.release()

    opened = other.open("ddmai", DEMO_PASSWORD)
    driver.page.choose("bshoa")
    assert "đang mở ở một cửa sổ khác trên máy này" in driver.try_password(DEMO_PASSWORD)
    opened.close()
    other.release()
    driver.log_in()
    assert driver.window.screen_key == routes.TODAY


def test_the_status_line_tells_the_truth(start, qtbot) -> None:
    driver = start()
    driver.log_in()
    link = driver.window.status.link

    qtbot.waitUntil(lambda: "mục chờ gửi" in link.text())
    assert link.text().startswith("Chưa nối với máy chủ của tỉnh")
    assert driver.window.status.backup.text() == "Chưa sao lưu lần nào"


def test_a_full_disk_shows_until_something_is_saved_again(start, qtbot) -> None:
    driver = start()
    driver.log_in()
    session, saving = driver.program.desk.session, driver.window.status.saving
    qtbot.waitUntil(lambda: saving.text() == "Đã lưu trên máy này")

    def full():
        raise DiskFull("Ổ đĩa đã đầy, chưa ghi được. Hãy dọn bớt tệp rồi lưu lại.")

    session.command(full)
    qtbot.waitUntil(lambda: "Chưa lưu được" in saving.text())
    assert driver.toast.text.startswith("Ổ đĩa đã đầy")

    visit = driver.services.encounters.queue(session.actor)[0].encounter_id
    session.command(lambda: driver.services.encounters.start(session.actor, visit))
    qtbot.waitUntil(lambda: saving.text() == "Đã lưu trên máy này")


def test_what_another_machine_wrote_appears_by_itself(start, qtbot, monkeypatch) -> None:
    driver = start()
    driver.log_in()
    desk = driver.program.desk
    opened, today = desk._open, driver.window.screen_now
    visit = driver.services.encounters.queue(desk.session.actor)[0].encounter_id

    def shown() -> int:
        return sum(len(column.list.cards.cards) for column in today.columns.values())

    qtbot.waitUntil(lambda: shown() == 1)
    notified, saved = [], driver.window.status.saving.text()
    monkeypatch.setattr(opened.station.scheduler, "notify", lambda: notified.append(1))

    # as a page that the sync thread applies: written beside the window, told by the engine
    driver.services.encounters.discard(desk.session.actor, visit)
    changes = Changes((Changed(RecordKind.ENCOUNTER, visit, 0, RecordStatus.DRAFT),))
    thread = threading.Thread(target=lambda: opened.station.engine._tell_changes(changes))
    thread.start()
    thread.join()

    qtbot.waitUntil(lambda: shown() == 0)
    assert not notified  # nothing has to be sent for it
    assert driver.window.status.saving.text() == saved


def test_new_answers_of_hospitals_are_counted_beside_the_letters(start, qtbot, monkeypatch) -> None:
    driver = start()
    driver.log_in()
    session = driver.program.desk.session
    entry = driver.window.navigation.items[routes.REFERRALS]
    assert "mục cần xem" not in entry.accessibleName()
    monkeypatch.setattr(session.services.referrals, "unread_feedback", lambda _actor: 2)

    session.changed.emit(Changes((Changed(RecordKind.FEEDBACK, "f1", 1, RecordStatus.SIGNED),)))

    qtbot.waitUntil(lambda: ", 2 mục cần xem" in entry.accessibleName())


def test_an_administrator_meets_no_patient(start) -> None:
    driver = start()
    driver.log_in("admin")

    assert routes.TODAY not in driver.window.navigation.items
    assert driver.window.screen_key != routes.TODAY
    driver.window.search_wanted.emit("siu")
    driver.window.take_scan(CARD.format(name="Siu Mẫu"))
    assert driver.toast is None


# -- lock, switch, leave -----------------------------------------------------------------------


def test_the_lock_covers_and_only_the_same_password_opens(start, qtbot) -> None:
    driver = start()
    driver.log_in()
    driver.window.lock()

    assert driver.window.covered
    assert not driver.window.screen_now.isVisible()
    assert list(driver.page.tiles) == ["bshoa"]
    assert "Còn 4 lần thử" in driver.try_password("sai")

    session = driver.program.desk.session
    type_text(driver.page.password.editor, DEMO_PASSWORD)
    press(driver.page.password.editor, key=Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not driver.window.covered, timeout=20_000)
    assert driver.window.screen_now.isVisible()
    assert driver.program.desk.session is session


def test_another_person_takes_over_from_the_lock(start) -> None:
    driver = start()
    driver.log_in()
    driver.window.lock()
    driver.page.other.click()

    assert list(driver.page.tiles) == ["giamdoc", "bshoa", "ddmai", "admin"]
    driver.log_in("ddmai")
    assert driver.program.desk.session.actor.user.username == "ddmai"


def test_logging_out_closes_the_station(start, qtbot) -> None:
    driver = start()
    driver.log_in()
    driver.window.user_picked.emit("out")

    assert driver.program.desk.session is None
    qtbot.waitUntil(lambda: driver.program.runner.busy == 0)
    wal = driver.program.gate._folder / "station.db-wal"
    assert not wal.exists()  # the last connection took it along


# -- search and scans --------------------------------------------------------------------------


def test_search_marks_letters_and_hides_numbers(start, qtbot) -> None:
    driver = start()
    driver.log_in("ddmai")
    driver.window.search.activate()
    type_text(driver.window.search.line, "siu")
    rows = driver.window.search.typeahead.list
    qtbot.waitUntil(lambda: not rows.isHidden())

    found = rows.view.model().items[0]
    assert found.title == "Siu Y Mẫu"
    assert found.matches == ((0, 3),)
    assert driver.patient.national_id not in found.detail
    assert driver.patient.national_id[-4:] in found.detail
    assert found.trailing == "khám 20/11/2026"

    press(driver.window.search.line, key=Qt.Key.Key_Return)
    assert driver.window.screen_key == routes.PATIENTS


def test_a_known_card_opens_its_person(start, qtbot, monkeypatch) -> None:
    driver = start()
    driver.log_in("ddmai")
    went = record_goes(driver, monkeypatch)
    patient = driver.patient

    driver.window.take_scan(
        f"{patient.national_id}|231234567|Siu Y Mẫu|01011990|Nam|Làng Mẫu|01072021"
    )

    qtbot.waitUntil(lambda: bool(went))
    assert went == [(routes.PATIENTS, routes.PatientRoute(patient.id))]


def test_an_unknown_card_goes_to_registration_with_what_it_said(start, qtbot, monkeypatch) -> None:
    driver = start()
    driver.log_in("ddmai")
    went = record_goes(driver, monkeypatch)

    driver.window.take_scan(CARD.format(name="Rơ Châm Mẫu"))

    qtbot.waitUntil(lambda: bool(went))
    key, route = went[0]
    assert key == routes.REGISTRATION
    assert (route.scan.national_id, route.scan.full_name) == ("064099100001", "Rơ Châm Mẫu")


def test_a_foreign_code_says_so_and_changes_nothing(start, monkeypatch) -> None:
    driver = start()
    driver.log_in("ddmai")
    went = record_goes(driver, monkeypatch)

    driver.window.take_scan("https://example.invalid/x?y=z")

    assert "Hồ sơ chưa thay đổi" in driver.toast.text
    assert went == []


def test_a_letter_that_is_not_one_is_refused(start) -> None:
    driver = start()
    driver.log_in("ddmai")

    driver.window.take_scan("SEMR1:ABCDEFGH.")

    assert driver.toast.text.startswith("Đây không phải mã của phiếu chuyển")


def record_goes(driver: Driver, monkeypatch) -> list[tuple[str, object]]:
    went: list[tuple[str, object]] = []
    monkeypatch.setattr(driver.window, "go", lambda key, context=None: went.append((key, context)))
    return went


# -- what goes wrong ---------------------------------------------------------------------------


def trouble(driver: Driver) -> str:
    page = driver.window._cover
    assert isinstance(page, TroublePage)
    return page.sentence


def test_a_missing_key_file_is_told(start) -> None:
    def spoil(folder) -> None:
        for path in folder.glob("keyslots.json*"):
            path.unlink()

    assert "keyslots.json" in trouble(start(spoil=spoil))


def test_a_damaged_key_file_is_told_and_can_be_mended(start, demo_folder) -> None:
    def spoil(folder) -> None:
        for path in folder.glob("keyslots.json*"):
            path.write_text("{")

    driver = start(spoil=spoil)
    assert "bị hỏng" in trouble(driver)

    shutil.copy(demo_folder / "keyslots.json", driver.program.gate._folder)
    driver.window._cover.retry.click()
    assert isinstance(driver.page, LoginPage)


def test_a_damaged_or_missing_database_is_told_at_log_in(start, qtbot) -> None:
    driver = start(spoil=lambda folder: (folder / "station.db").write_bytes(b"x" * 8192))
    driver.page.choose("bshoa")
    driver.page.password.set_value(DEMO_PASSWORD)
    press(driver.page.password.editor, key=Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: isinstance(driver.window._cover, TroublePage), timeout=20_000)
    assert "sao lưu" in trouble(driver)
    page = driver.window._cover
    qtbot.waitUntil(lambda: "Chưa thấy bản sao nào" in page.copy.text())

    page.retry.click()
    (driver.program.gate._folder / "station.db").unlink()
    driver.page.choose("bshoa")
    assert "Không thấy dữ liệu" in driver.try_password(DEMO_PASSWORD)


def test_an_empty_folder_opens_the_wizard(start) -> None:
    driver = start(empty=True)

    assert driver.window._cover.objectName() == "setup"
    assert not driver.program.gate.has_station()


def test_a_bug_is_told_without_patient_data(start, qtbot) -> None:
    driver = start()
    driver.log_in()
    with qtbot.waitSignal(driver.program.runner.problems.shown):
        driver.program.runner.problems.report(ValueError("Siu Y Mẫu"))

    assert "Những gì đã lưu vẫn an toàn" in driver.toast.text
    reports = list((driver.program.gate._folder / "problems").iterdir())
    assert len(reports) == 1
    assert "Siu" not in reports[0].read_text(encoding="utf-8")


def test_without_a_display_a_sentence_and_no_crash() -> None:
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    }
    answer = subprocess.run(
        [sys.executable, "-m", "station_emr", "--data-dir", "nowhere"],
        env=environment | {"QT_QPA_PLATFORM": "xcb", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert answer.returncode == 3
    assert "Không mở được cửa sổ" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_demo_never_tries_its_passwords_on_a_real_station(tmp_path) -> None:
    folder = tmp_path / "real"
    profile = replace(demo_profile(""), name="Trạm Y tế xã Khác Mẫu")
    create_station(folder, profile, demo_people()[0].user, "Mật khẩu khác 2027!")

    with pytest.raises(StateError, match="không phải trạm dùng thử"):
        make_filled_station(folder, lambda _done, _total: None)


def test_a_cancelled_demo_leaves_nothing_behind(tmp_path) -> None:
    class Stop(Exception):
        pass

    def cancel(_done: int, _total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        make_filled_station(
            tmp_path / "demo", cancel, SeedPlan(today=MORNING.date(), people=3), MORNING
        )
    assert list(tmp_path.iterdir()) == []


def test_the_camera_walks_through_the_screens(start, qtbot, tmp_path, monkeypatch) -> None:
    for rest in ("_QUIET", "_LONG"):  # nobody looks at these pictures: half-drawn will do
        monkeypatch.setattr(f"station_emr.ui.shell.camera.{rest}", 0.1)
    driver = start()
    walk = Walk(
        target=tmp_path / "pictures",
        password=DEMO_PASSWORD,
        clinician="bshoa",
        director="giamdoc",
        brief=True,
        themes=("light",),
    )
    camera = Camera(driver.window, driver.program.desk, driver.program.runner, walk)
    with qtbot.waitSignal(camera.done, timeout=60_000) as finished:
        camera.start()

    assert finished.args == [0]
    names = sorted(path.name for path in walk.target.iterdir())
    assert names == [f"{n}-light.png" for n in ("encounter", "patients", "sync", "today")]
    picture = QImage(str(walk.target / "today-light.png"))
    assert (picture.width(), picture.height()) == (1366, 768)


# -- this machine's memory ---------------------------------------------------------------------


def test_the_theme_and_widths_are_remembered(tmp_path, qapp) -> None:
    path = tmp_path / "sub" / "window.json"
    FileMemory(path).put(THEME, "dark")

    assert FileMemory(path).get(THEME) == "dark"
    path.write_text("[1")
    assert FileMemory(path).get(THEME) is None


def test_a_disk_that_refuses_costs_only_comfort(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    memory = FileMemory(tmp_path / "file" / "window.json")
    memory.put("a", "b")

    assert memory.get("a") == "b"


def test_a_new_recovery_code_opens_and_gives_a_new_password(tmp_path) -> None:
    gate = StationGate(tmp_path / "new", DemoClock(MORNING, seed=7))
    code = gate.create(demo_profile(""), demo_people()[0].user, DEMO_PASSWORD)
    assert gate.recovery_sheet("Trạm Mẫu", code).startswith(b"%PDF")

    desk = gate.recover("giamdoc", code, "Mật khẩu khác 2027!")
    desk.close()
    gate.check("giamdoc", "Mật khẩu khác 2027!")


def test_a_clock_behind_the_last_signature_is_told_until_it_is_put_right(start, qtbot) -> None:
    def signed_tomorrow(folder) -> None:
        station = open_station(folder, "giamdoc", DEMO_PASSWORD, DemoClock(MORNING, seed=8))
        with station.store.write() as work:
            keep_time(work, MORNING + timedelta(days=1))
        station.close()

    driver = start(spoil=signed_tomorrow)
    driver.log_in("giamdoc")
    notice = driver.window.notice
    qtbot.waitUntil(notice.isVisible)
    assert notice.message.text.startswith("Đồng hồ máy đang chỉ")

    driver.window.go(routes.SETTINGS)
    assert notice.isVisible()
    session = driver.program.desk.session
    session.services.accounts.accept_clock(session.actor)
    session.changed.emit(Changes(()))
    qtbot.waitUntil(lambda: not notice.isVisible())

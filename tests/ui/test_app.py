"""The whole program over a real station: log in, lock, switch, search and scan."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from station_emr.app import StationGate
from station_emr.demo.clock import DemoClock
from station_emr.demo.station import DEMO_PASSWORD, demo_people, demo_profile
from station_emr.domain.errors import DiskFull, StateError, WrongPassword
from station_emr.domain.record import Changed, Changes, RecordKind, RecordStatus
from station_emr.ui.models import routes
from station_emr.ui.screens.login import LoginPage
from station_emr.ui.shell.camera import Camera, Walk
from tests.services.conftest import MORNING
from tests.ui.keys import press, type_text
from tests.ui.program_driver import Driver, _cheap, own_address, start

__all__ = ["_cheap", "start"]
pytestmark = own_address

CARD = "064099100001|231234567|{name}|01011990|Nữ|Làng Mẫu, Xã Mẫu|01072021"


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
    qtbot.waitUntil(lambda: not driver.window.covered)
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
    with qtbot.waitSignal(camera.done) as finished:
        camera.start()

    assert finished.args == [0]
    names = sorted(path.name for path in walk.target.iterdir())
    assert names == [f"{n}-light.png" for n in ("encounter", "patients", "sync", "today")]
    picture = QImage(str(walk.target / "today-light.png"))
    assert (picture.width(), picture.height()) == (1366, 768)


def test_a_new_recovery_code_opens_and_gives_a_new_password(tmp_path) -> None:
    gate = StationGate(tmp_path / "new", DemoClock(MORNING, seed=7))
    code = gate.create(demo_profile(""), demo_people()[0].user, DEMO_PASSWORD)
    assert gate.recovery_sheet("Trạm Mẫu", code).startswith(b"%PDF")

    desk = gate.recover("giamdoc", code, "Mật khẩu khác 2027!")
    desk.close()
    gate.check("giamdoc", "Mật khẩu khác 2027!")

"""The whole program when something is wrong: keys, database, display, clock, or the program itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import timedelta

from PySide6.QtCore import Qt

from station_emr.demo.clock import DemoClock
from station_emr.demo.station import DEMO_PASSWORD
from station_emr.domain.record import Changes
from station_emr.services.timekeeping import keep_time
from station_emr.station import open_station
from station_emr.ui.models import routes
from station_emr.ui.screens.login import LoginPage, TroublePage
from tests.services.conftest import MORNING
from tests.ui.keys import press
from tests.ui.program_driver import Driver, _cheap, own_address, start

__all__ = ["_cheap", "start"]
pytestmark = own_address


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
    qtbot.waitUntil(lambda: isinstance(driver.window._cover, TroublePage))
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
        timeout=500,
        check=False,
    )

    assert answer.returncode == 3
    assert "Không mở được cửa sổ" in answer.stderr
    assert "Traceback" not in answer.stderr


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

"""Two people at one machine, and an administrator's first day, through the whole window."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from station_emr.demo.clock import DemoClock
from station_emr.demo.station import DEMO_PASSWORD
from station_emr.domain import one_time_code as otp
from station_emr.station import open_station
from station_emr.ui.models import routes
from station_emr.ui.screens.login import CodesPage
from tests.services.conftest import MORNING
from tests.ui.keys import type_text
from tests.ui.program_driver import _cheap, own_address, start

__all__ = ["_cheap", "start"]
pytestmark = own_address

TYPED = "Rơ Châm H'Nháp"


def texts_of(window) -> str:
    """Everything that any widget of the window holds as text."""
    found = []
    for widget in window.findChildren(QWidget):
        for name in ("text", "toPlainText", "windowTitle"):
            read = getattr(widget, name, None)
            if callable(read):
                found.append(str(read()))
    return "\n".join(found)


def test_a_switch_by_key_leaves_nothing_of_the_first_person(start, qtbot) -> None:
    driver = start()
    driver.log_in("bshoa")
    driver.window.go(routes.REGISTRATION)
    name = driver.window.findChild(QWidget, "registration.full_name")
    assert name is not None
    type_text(name, TYPED)
    clipboard = QApplication.clipboard()
    clipboard.setText(TYPED)
    mine = clipboard.ownsClipboard()
    doctor = driver.program.desk.session.actor

    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(name, Qt.Key.Key_L, both)

    qtbot.waitUntil(lambda: driver.page is not None)
    qtbot.waitUntil(lambda: TYPED not in texts_of(driver.window))
    assert not mine or clipboard.text() == ""
    assert driver.program.desk.session is None

    driver.log_in("ddmai")
    driver.window.go(routes.REGISTRATION)
    assert TYPED not in texts_of(driver.window)
    nurse = driver.program.desk.session.actor
    drafts = driver.services.drafts
    assert drafts.find(nurse, "registration") is None
    kept = drafts.find(doctor, "registration")
    assert kept is not None
    assert "Nháp" in kept.content


def test_the_switch_works_from_the_lock_too(start, qtbot) -> None:
    driver = start()
    driver.log_in("bshoa")
    driver.window.lock()
    qtbot.waitUntil(lambda: driver.page is not None)
    driver.window.switch()
    qtbot.waitUntil(lambda: driver.page is not None and len(driver.page.tiles) > 1)
    assert driver.program.desk.session is None


def serious(folder) -> None:
    """The made-up station taken for a real one."""
    opened = open_station(folder, "giamdoc", DEMO_PASSWORD, DemoClock(MORNING, seed=7))
    with closing(opened), opened.store.write() as work:
        profile = replace(work.settings.station(), demo=False)
        work.settings.save_station(profile, opened.services.clock.now())


def test_an_administrators_first_day(start, qtbot, tmp_path) -> None:
    driver = start(spoil=serious)
    desk, page = driver.program.desk, driver.page
    page.choose("admin")
    page.password.set_value(DEMO_PASSWORD)
    page.enter.click()
    qtbot.waitUntil(page.asked.words.isVisible)  # somebody else set the password
    assert desk.session is None
    page.asked.new.set_value("Cua-rieng-toi-2026!")
    page.asked.again.set_value("Cua-rieng-toi-2026!")
    page.enter.click()
    qtbot.waitUntil(page.asked.picture.isVisible)
    assert desk.session is None
    secret = otp.base64.b32decode(page.asked.secret.text().replace(" ", ""))
    page.asked.code.set_value(otp.code_at(secret, otp.step_at(driver.program.gate._clock.now())))
    page.enter.click()
    qtbot.waitUntil(lambda: driver.window.findChild(CodesPage) is not None)
    assert desk.session is None  # nothing is shown before the codes are put away
    with qtbot.waitSignal(desk.ready):
        driver.window.findChild(CodesPage).go.click()
    assert desk.session.actor.user.username == "admin"

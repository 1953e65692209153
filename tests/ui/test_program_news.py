"""Word of a newer program stands in a line of its own until each person puts it away."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from pytestqt.qtbot import QtBot

from station_emr.domain.permissions import Role
from station_emr.services.catalog_packs import NOTICE as NOTICE_KEY
from station_emr.ui.shell.program_news import ProgramNews
from tests.ui.frame import Frame, window

__all__ = ["window"]


def test_news_has_a_line_of_its_own_that_takes_no_focus(window: Frame, qtbot: QtBot) -> None:
    field = window.page("today").field.editor
    field.setFocus()
    room = window._room.height()
    window.set_news("Tỉnh báo có chương trình bản 9.9.9.")
    qtbot.waitUntil(lambda: window._room.height() == room - window.news.height())
    assert window.news.text == "Tỉnh báo có chương trình bản 9.9.9."
    assert field.hasFocus()
    qtbot.mouseClick(window.news.words, Qt.MouseButton.LeftButton)
    assert window.toast.message is not None
    assert "9.9.9" in window.toast.message.text
    with qtbot.waitSignal(window.news.put_away):
        qtbot.mouseClick(window.news.close_button, Qt.MouseButton.LeftButton)
    window.set_news("")
    qtbot.waitUntil(lambda: window._room.height() == room)
    assert window.news.text == ""


NOTICE = '{"number": 3, "version": "9.9.9", "available": "2027-03-01", "note": "Cài sau giờ làm."}'


def test_each_person_puts_the_word_of_a_program_away_alone(
    window: Frame, qtbot: QtBot, station, session_of
) -> None:
    with station.store.write() as work:
        work.settings.put(NOTICE_KEY, NOTICE)
    tick, nurse = QTimer(), session_of(Role.NURSE)
    news = ProgramNews(window, nurse, tick, running="0.1.0")
    told = "Tỉnh báo có chương trình bản 9.9.9, cài được từ 01/03/2027. Cài sau giờ làm."
    qtbot.waitUntil(lambda: window.news.text == told)
    qtbot.mouseClick(window.news.close_button, Qt.MouseButton.LeftButton)
    assert window.news.text == ""
    news.look()
    qtbot.waitUntil(lambda: nurse.runner.busy == 0)
    assert window.news.text == ""

    doctor = session_of(Role.DOCTOR)
    ProgramNews(window, doctor, tick, running="0.1.0")
    qtbot.waitUntil(lambda: window.news.text == told)


def test_the_program_that_runs_is_no_news(window: Frame, qtbot: QtBot, station, session_of) -> None:
    session, tick = session_of(Role.NURSE), QTimer()
    ProgramNews(window, session, tick, running="9.9.9")
    qtbot.waitUntil(lambda: session.runner.busy == 0)
    with station.store.write() as work:
        work.settings.put(NOTICE_KEY, NOTICE)
    tick.timeout.emit()
    qtbot.waitUntil(lambda: session.runner.busy == 0)
    assert window.news.text == ""

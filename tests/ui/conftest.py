"""Every widget test wears the theme and asks no real dialog; a screen gets a real station."""

from __future__ import annotations

import sys
import threading
from functools import partial

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow, QWidget
from typing_extensions import override

from station_emr.domain.permissions import Role
from station_emr.ui.kit import apply_theme, dress, tokens
from station_emr.ui.kit.memory import Forgetful, use_memory
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import TaskRunner
from tests.services.conftest import lists, station, template
from tests.ui.encounter_desk import desk, desk_of, patient, visit_id  # noqa: F401  fixtures of the visit screen
from tests.ui.program_driver import demo_folder

__all__ = ["demo_folder", "lists", "station", "template"]


# How long a hand must rest before a page judges or draws what was typed. A test that types at once
# waits only until then; drafts keep their own time, which tests of leaving and locking rely upon.
RESTS = (
    ("station_emr.ui.screens.encounter.page", "JUDGE_MS"),
    ("station_emr.ui.screens.encounter.claim_panel", "AFTER_MS"),
    ("station_emr.ui.screens.referrals.letter_page", "PREVIEW_MS"),
    ("station_emr.ui.screens.certificates.screen", "PREVIEW_MS"),
    ("station_emr.ui.screens.registration.review", "_PAUSE_MS"),
)
BRIEFLY = 30


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hands of tests rest briefly, on the pages that are loaded."""
    for module, rest in RESTS:
        if module in sys.modules:
            monkeypatch.setattr(sys.modules[module], rest, BRIEFLY)


@pytest.fixture(autouse=True)
def themed(qapp: QApplication) -> None:
    if not qapp.property("themed") or tokens().name != "light":  # as a test that failed left it
        apply_theme(qapp, "light")
        qapp.setProperty("themed", True)
    use_memory(Forgetful())


PATIENT_MS = 60_000
WAITS = ("waitUntil", "waitSignal", "waitSignals", "waitCallback", "waitActive", "waitExposed")


@pytest.fixture
def qtbot(qtbot):
    """What a test shows by itself looks as it does in a window; the program's windows see to it
    themselves. What must come is waited for much longer than a slow machine takes: pytest-qt's own
    five seconds are none.
    """
    for name in WAITS:
        setattr(qtbot, name, partial(getattr(qtbot, name), timeout=PATIENT_MS))
    add = qtbot.addWidget

    def add_dressed(widget, **more):
        if not isinstance(widget, QMainWindow | QDialog):
            dress(widget)
        add(widget, **more)

    qtbot.addWidget = add_dressed
    return qtbot


@pytest.fixture
def runner(qapp, station):
    """A task runner that ends before the station closes and leaves no thread behind."""
    made = TaskRunner()
    yield made
    made.close()
    left = [t.name for t in threading.enumerate() if t.name.startswith("database")]
    assert left == []


@pytest.fixture
def session_of(station, runner):
    """``session_of(Role.NURSE)`` is a session over the real encrypted station of this test."""

    def make(role: Role = Role.DOCTOR) -> Session:
        return Session(station.services, station.actor(role), runner, runner)

    return make


class StrayWindows(QObject):
    """Writes down windows that appear by mistake: a child shown before it has a parent."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.expected: set[QWidget] = set()

    @override
    def eventFilter(self, watched, event):
        if (
            event.type() == QEvent.Type.Show
            and isinstance(watched, QWidget)
            and watched.isWindow()
            and watched not in self.expected
        ):
            self.seen.append(f"{type(watched).__name__} {watched.objectName()!r}")
        return False


@pytest.fixture
def stray_windows(qapp):
    """Fails the test when a widget flashed as a window of its own; put yours in ``expected``."""
    watch = StrayWindows()
    qapp.installEventFilter(watch)
    yield watch
    qapp.removeEventFilter(watch)
    assert watch.seen == []

"""People who may be registered twice are told of where conflicts are, with the way to their desk."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

from PySide6.QtCore import QObject, Qt, Signal

from station_emr.domain.permissions import Action, Role
from station_emr.domain.sync import LinkState, SyncStatus
from station_emr.ui.models import routes
from station_emr.ui.shell.line import status_model
from station_emr.ui.shell.status import Link, Saving, StatusBar, StatusModel
from station_emr.ui.shell.status_watch import StatusWatch
from tests.ui.sync_page import WHOLE, Page

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
STATUS = SyncStatus(link=LinkState.ONLINE, doubles=2)


def test_the_sync_page_tells_of_them_and_leads_to_the_pairs(qtbot, session_of, station) -> None:
    station.sync.status = lambda: replace(WHOLE, doubles=2)
    page = Page(qtbot, session_of())
    page.until(page.screen.status.doubles.isVisible)
    assert "2 người có thể đã đăng ký hai lần." in page.screen.status.doubles.message.text
    assert not page.screen.status.conflicts.isVisible()
    page.sweep()

    page.press_button("sync.doubles.action")

    assert page.went == [(routes.CONFLICTS, routes.PAIRS)]
    station.sync.status = lambda: WHOLE
    page.screen.refresh()
    page.until(lambda: not page.screen.status.doubles.isVisible())


def test_who_sees_no_patients_is_told_nothing_of_them(qtbot, session_of, station) -> None:
    session = session_of(Role.ADMINISTRATOR)
    assert not session.may(Action.PATIENT_VIEW)
    station.sync.status = lambda: replace(WHOLE, doubles=2)

    page = Page(qtbot, session)

    assert not page.screen.status.doubles.isVisible()
    assert status_model(STATUS, NOW, "", Saving.SAVED, may_decide=False).doubles == 0
    assert status_model(STATUS, NOW, "", Saving.SAVED).doubles == 2


def test_the_line_at_the_foot_tells_of_them_while_nothing_must_be_decided(qtbot) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    asked: list[str] = []
    bar.explain.connect(asked.append)
    bar.show()

    bar.show_status(StatusModel(link=Link.ONLINE, doubles=2))
    assert bar.conflicts.isVisible()
    assert bar.conflicts.accessibleName() == "2 người có thể đã đăng ký hai lần"
    qtbot.keyClick(bar.conflicts, Qt.Key.Key_Space)
    assert asked == ["conflicts"]

    bar.show_status(StatusModel(link=Link.ONLINE, doubles=2, conflicts=1))
    assert bar.conflicts.accessibleName() == "1 hồ sơ cần quyết định"
    bar.show_status(StatusModel(link=Link.ONLINE))
    assert not bar.conflicts.isVisible()


class Frame(QObject):
    """As much of the window as the watch speaks to."""

    status_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.badges: list[int] = []
        self.went: list[tuple[str, object]] = []
        entry = SimpleNamespace(set_badge=self.badges.append)
        self.navigation = SimpleNamespace(items={routes.SYNC: entry})

    def set_status(self, model: StatusModel) -> None:
        self.model = model

    def go(self, key: str, context: object = None) -> None:
        self.went.append((key, context))


def test_the_badge_counts_them_and_a_click_leads_to_the_pairs(session_of) -> None:
    frame = Frame()
    watch = StatusWatch(frame, frame)  # type: ignore[arg-type]
    watch._session = session_of()

    watch.show_status(STATUS)
    frame.status_asked.emit("conflicts")
    watch.show_status(replace(STATUS, conflicts=1, quarantined=3))
    frame.status_asked.emit("conflicts")

    assert frame.badges == [2, 6]
    assert frame.went == [(routes.CONFLICTS, routes.PAIRS), (routes.CONFLICTS, None)]

"""The sync page: what waits, what was refused and where it is mended, outages as evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.permissions import Role, may
from station_emr.domain.record import RecordKind
from station_emr.domain.sync import LinkState, SyncStatus
from station_emr.ui.models import routes
from station_emr.ui.screens.registration import RegistrationScreen
from station_emr.ui.screens.sync.jump import place_of
from tests.services.conftest import MORNING
from tests.ui.driver import ScreenDriver, answers, pdf_text
from tests.ui.sync_page import QUIET, REFUSED, WHOLE, Page, run

__all__ = ["answers"]


@pytest.mark.parametrize(
    ("kind", "role", "place"),
    [
        (RecordKind.PATIENT, Role.NURSE, routes.REGISTRATION),
        (RecordKind.PATIENT, Role.INSPECTOR, routes.PATIENTS),
        (RecordKind.ENCOUNTER, Role.DOCTOR, routes.ENCOUNTER),
        (RecordKind.REFERRAL, Role.DOCTOR, routes.REFERRALS),
        (RecordKind.LINK, Role.NURSE, routes.CONFLICTS),
        (RecordKind.FACILITY, Role.DIRECTOR, routes.SETTINGS),
        (RecordKind.PRACTITIONER, Role.DIRECTOR, routes.USERS),
        (RecordKind.PRACTITIONER, Role.NURSE, routes.PATIENTS),
        (RecordKind.ENCOUNTER, Role.ADMINISTRATOR, None),
    ],
)
def test_a_refused_record_opens_where_this_person_may_go(kind, role, place) -> None:
    found = place_of(replace(REFUSED, kind=kind), lambda action: may(role, action))
    assert (found[0] if found else None) == place


@pytest.fixture
def refused(station):
    """One of two waiting patients that the province would not take."""
    station.register(full_name="Người Mẫu Một")
    with station.store.write() as work:
        item = next(i for i in work.outbox.waiting(50) if i.kind is RecordKind.PATIENT)
        work.outbox.quarantine(item, "Thiếu mã dân tộc", station.clock.now())
        work.outbox.add_run(run(0, "offline"))
    return item


def test_what_waits_and_what_was_refused_are_listed(qtbot, session_of, station, refused) -> None:
    page = Page(qtbot, session_of())
    screen = page.screen

    with station.store.read() as work:
        assert screen.waiting.rows == work.outbox.waiting(200)
    assert [(i.record_id, i.reason) for i in screen.refused.rows] == [
        (refused.record_id, "Thiếu mã dân tộc")
    ]
    assert len(screen.runs.rows) == len(screen.outages.rows) == 1
    page.press_button("sync.tab.1")
    assert screen.refused.isVisible()
    page.sweep()


def test_refused_items_are_sent_again_on_demand(qtbot, session_of, station, refused) -> None:
    page = Page(qtbot, session_of())
    page.until(page.screen.retry.isEnabled)

    page.press_button("sync.retry")

    page.until_said("Đã xếp lại 1 mục để gửi.")
    page.until(lambda: page.screen.refused.rows == ())
    assert station.sync.wakes == 1


def test_the_director_sends_everything_again_after_a_yes(
    qtbot, session_of, station, answers
) -> None:
    station.register(full_name="Người Mẫu Một")
    with station.store.write() as work:
        for item in work.outbox.waiting(500):
            work.outbox.acknowledge(item, {}, station.clock.now())
    page = Page(qtbot, session_of(Role.DIRECTOR))
    answers.next = [False, True]

    page.press_button("sync.again")
    assert station.sync.wakes == 0

    page.press_button("sync.again")
    page.until_said("hồ sơ để gửi lại")
    page.until(lambda: len(page.screen.waiting.rows) > 1)
    assert station.sync.wakes == 1
    page.sweep()


@pytest.mark.parametrize("role", [Role.DOCTOR, Role.NURSE, Role.INSPECTOR])
def test_sending_everything_again_is_for_those_in_charge(qtbot, session_of, role) -> None:
    assert not Page(qtbot, session_of(role)).screen.again.isVisible()


def test_no_header_of_the_lists_is_cut(qtbot, session_of) -> None:
    page = Page(qtbot, session_of())
    screen = page.screen
    cut = []
    for place, table in enumerate((screen.waiting, screen.refused, screen.runs, screen.outages)):
        page.press_button(f"sync.tab.{place}")
        header = table.horizontalHeader()
        for column in range(header.count()):
            if header.sectionSize(column) < header.sectionSizeHint(column):
                title = table.model().headerData(column, Qt.Orientation.Horizontal)
                cut.append((title, header.sectionSize(column), header.sectionSizeHint(column)))
    assert cut == []


def test_send_now_wakes_the_engine(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of())

    page.focus("sync.send")
    page.shortcut(Qt.Key.Key_Return)

    page.until(lambda: station.sync.wakes == 1)


def test_every_press_of_send_now_is_answered_by_what_is_true_then(
    qtbot, session_of, station, monkeypatch
) -> None:
    waits = replace(QUIET, waiting=3)
    later = MORNING + timedelta(seconds=42)
    answers = [
        (waits, None, "Đang thử gửi. Trang này tự cập nhật."),
        (
            replace(waits, link=LinkState.OFFLINE),
            later,
            "Máy chủ xin tạm nghỉ nên chưa hỏi lại ngay. Sẽ thử lúc 08:00:42.",
        ),
        (replace(waits, running=True), None, "Đang gửi. Trang này tự cập nhật."),
        (QUIET, None, "Không có gì chờ gửi. Máy đang hỏi tỉnh xem có gì mới."),
        (replace(waits, metered=True), None, "Máy đang ở mạng tính tiền theo dung lượng"),
        (
            SyncStatus(link=LinkState.UNCONFIGURED, waiting=3),
            None,
            "Chưa gửi được: máy này chưa nối với máy chủ của tỉnh.",
        ),
    ]
    page = Page(qtbot, session_of())
    for status, at, words in answers:
        monkeypatch.setattr(station.sync, "status", lambda status=status: status)
        monkeypatch.setattr(station.sync, "wake", lambda at=at: at)
        page.messages.clear()
        page.press_button("sync.send")
        page.until_said(words)


def test_an_inspector_looks_but_does_not_send(qtbot, session_of, station, refused) -> None:
    page = Page(qtbot, session_of(Role.INSPECTOR))

    assert not page.screen.send.isVisible()
    assert not page.screen.retry.isVisible()
    assert len(page.screen.refused.rows) == 1


def test_the_page_follows_changes_and_rests_when_hidden(qtbot, session_of, station) -> None:
    session = session_of()
    page = Page(qtbot, session)
    before = len(page.screen.waiting.rows)
    station.register(full_name="Người Mẫu Một")

    page.screen._timer.timeout.emit()  # as every few seconds

    page.until(lambda: len(page.screen.waiting.rows) == before + 1)
    assert page.screen._timer.isActive()
    page.screen.hide()
    assert not page.screen._timer.isActive()


# -- jumps ---------------------------------------------------------------------------------------


def test_a_refused_person_is_opened_at_the_field(qtbot, session_of, station, refused) -> None:
    with station.store.write() as work:
        work.outbox.quarantine(refused, REFUSED.reason, station.clock.now())
    page = Page(qtbot, session_of())
    page.press_button("sync.tab.1")
    page.until(lambda: page.screen.reason.text() == REFUSED.reason)
    assert "Người Mẫu Một" in page.screen.refused.as_text(only_chosen=False)

    page.press_button("sync.mend")

    route = routes.RegistrationRoute(patient_id=refused.record_id, field="birth", itself=True)
    assert page.went == [(routes.REGISTRATION, route)]
    page.sweep()

    registration = ScreenDriver(qtbot, RegistrationScreen(page.screen._session))
    registration.screen.on_enter(route)
    birth = registration.screen.form.identity.birth
    registration.until(birth.editor.hasFocus)


def test_conflicts_lead_to_the_desk(qtbot, session_of, station) -> None:
    station.sync.status = lambda: replace(WHOLE, conflicts=2, skew_seconds=400.0)
    page = Page(qtbot, session_of())
    page.until(page.screen.status.conflicts.isVisible)
    assert page.screen.status.clock.isVisible()
    page.sweep()

    page.press_button("sync.conflicts.action")

    assert page.went == [(routes.CONFLICTS, None)]
    station.sync.status = lambda: WHOLE
    page.screen.refresh()
    page.until(lambda: not page.screen.status.clock.isVisible())
    assert not page.screen.status.conflicts.isVisible()


def test_the_budget_has_a_bar(qtbot, session_of, station) -> None:
    station.sync.status = lambda: replace(WHOLE, bytes_today=5 << 30, budget=20 << 30)
    page = Page(qtbot, session_of())
    page.until(page.screen.status.bar.isVisible)
    assert page.screen.status.bar.value() == 250


# -- evidence ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".csv", ".pdf", ""])
def test_outages_are_written_as_evidence(
    qtbot, session_of, station, refused, answers, tmp_path, suffix
) -> None:
    page = Page(qtbot, session_of())
    page.press_button("sync.tab.3")
    target = tmp_path / f"mat-mang{suffix}"
    answers.next = [target]

    page.press_button("sync.export")

    page.until_said("Đã lưu")
    made = target if suffix else tmp_path / "mat-mang.pdf"
    text = made.read_text("utf-8-sig") if suffix == ".csv" else pdf_text(made)
    for words in ("Trạm Y tế xã Mẫu", "DEMO1", "08:00 20/11/2026", "chưa hết"):
        assert words in text


def test_a_folder_that_cannot_be_written_is_told(
    qtbot, session_of, station, refused, answers, tmp_path
) -> None:
    page = Page(qtbot, session_of())
    page.press_button("sync.tab.3")
    answers.next = [tmp_path / "no-such-folder" / "x.pdf", None]
    page.press_button("sync.export")
    page.until_said("Chưa ghi được tệp")
    page.press_button("sync.export")  # and a person who changes their mind
    page.until(lambda: answers.next == [])

"""The sync page: one true sentence, what waits, what was refused, outages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import LinkState, OutboxItem, SyncRun, SyncStatus
from station_emr.ui.screens.sync import SyncScreen
from station_emr.ui.screens.sync.wording import (
    link_sentence,
    outage_length,
    outages,
    outcome_chip,
    sentence,
    size_text,
    what,
)
from tests.services.conftest import MORNING
from tests.ui.driver import ScreenDriver, answers

__all__ = ["answers"]

QUIET = SyncStatus(link=LinkState.ONLINE, server="https://tinh.example/fhir")


def run(hours: int, outcome: str) -> SyncRun:
    start = MORNING + timedelta(hours=hours)
    return SyncRun(started_at=start, ended_at=start + timedelta(seconds=2), outcome=outcome)


def test_the_sentence_tells_what_waits_and_since_when() -> None:
    status = replace(
        QUIET,
        waiting=14,
        oldest_waiting_at=MORNING - timedelta(days=2, hours=3),
        last_complete_at=MORNING - timedelta(days=1),
    )

    assert sentence(status, MORNING) == (
        "Mọi thứ đã lưu trên máy này. 14 mục chờ gửi, lâu nhất 2 ngày. "
        "Lần đồng bộ trọn vẹn gần nhất: hôm qua 08:00."
    )


def test_the_sentence_never_claims_a_sync_that_was_not() -> None:
    assert sentence(replace(QUIET, quarantined=2), MORNING) == (
        "Mọi thứ đã lưu trên máy này. Không còn gì chờ gửi. 2 mục máy chủ chưa nhận. "
        "Chưa có lần đồng bộ trọn vẹn nào."
    )
    assert "Không còn gì" not in sentence(SyncStatus(link=LinkState.UNCONFIGURED), MORNING)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (SyncStatus(link=LinkState.UNCONFIGURED), "chưa nối với máy chủ"),
        (QUIET, "Đang nối"),
        (replace(QUIET, running=True), "Đang gửi"),
        (
            replace(
                QUIET,
                link=LinkState.OFFLINE,
                offline_since=MORNING - timedelta(minutes=20),
                next_try_at=MORNING + timedelta(minutes=5),
            ),
            "Không tới được máy chủ từ 07:40. Sẽ tự thử lại lúc 08:05.",
        ),
        (replace(QUIET, link=LinkState.REFUSED), "xem lại địa chỉ và mã truy cập"),
        (replace(QUIET, link=LinkState.UNKNOWN), "Sẽ tự gửi khi có mạng"),
        (
            replace(QUIET, link=LinkState.UNKNOWN, detail="Một cửa sổ khác đang gửi."),
            "Một cửa sổ khác đang gửi.",
        ),
    ],
)
def test_the_link_is_explained(status, words) -> None:
    assert words in link_sentence(status, MORNING)[1]


def test_outages_run_from_the_first_failure_to_the_next_success() -> None:
    runs = [
        run(0, "complete"),
        run(1, "offline"),
        run(2, "refused"),
        run(4, "partial"),
        run(9, "offline"),
    ]

    now, before = outages(list(reversed(runs)))

    assert (before.started, before.ended) == (runs[1].started_at, runs[3].started_at)
    assert before.tries == 2
    assert outage_length(before, MORNING) == "3 giờ"
    assert now.ended is None
    assert outage_length(now, MORNING + timedelta(days=3)) == "2 ngày"
    assert outages([run(0, "complete")]) == ()
    (one,) = outages([run(0, "offline"), run(1, "elsewhere"), run(2, "offline")])
    assert (one.ended, one.tries) == (None, 2)
    assert outcome_chip(run(0, "elsewhere")).text == "Nơi khác gửi"


def test_sizes_and_kinds_are_read_by_people() -> None:
    assert [size_text(n) for n in (12, 2048, 3 * 1024 * 1024)] == ["12 B", "2,0 kB", "3,0 MB"]
    item = OutboxItem(
        seq=1,
        op_id="x",
        kind=RecordKind.REFERRAL,
        record_id="r",
        version=2,
        status=RecordStatus.AMENDED,
        patient_id="p",
        created_at=MORNING,
    )
    assert what(item) == "Phiếu chuyển, sửa đổi"
    assert what(replace(item, kind=RecordKind.PATIENT)) == "Người bệnh, cập nhật"


class Page(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, SyncScreen(session))
        self.screen.on_enter()
        self.until(lambda: self.screen._sentence.text() != "")


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

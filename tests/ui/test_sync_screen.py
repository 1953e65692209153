"""The sync page: one true sentence, what waits, what was refused, outages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.errors import UserError
from station_emr.domain.permissions import Role, may
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import LinkState, OutboxItem, SyncRun, SyncStatus
from station_emr.services.courier import CourierReport
from station_emr.services.refused_fields import field_of
from station_emr.ui.kit import Severity
from station_emr.ui.models import routes
from station_emr.ui.screens.registration import RegistrationScreen
from station_emr.ui.screens.sync import SyncScreen
from station_emr.ui.screens.sync.courier_box import exported, imported
from station_emr.ui.screens.sync.jump import place_of
from station_emr.ui.screens.sync.wording import (
    arrived_sentence,
    clock_sentence,
    forms_sentence,
    link_sentence,
    outage_length,
    outages,
    outcome_chip,
    plain_reason,
    sentence,
    size_text,
    usage_sentence,
    what,
)
from tests.services.conftest import MORNING
from tests.ui.driver import ScreenDriver, answers, pdf_text

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
        "Lần đồng bộ trọn vẹn gần nhất: hôm qua 08:00, chưa đối chiếu."
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
        (replace(QUIET, link=LinkState.REFUSED), "xem lại địa chỉ và việc ghi danh"),
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


def days(count: float):
    return MORNING - timedelta(days=count)


WHOLE = replace(QUIET, last_complete_at=days(3), verified_at=days(3))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            replace(WHOLE, waiting=14, oldest_waiting_at=days(2.1)),
            (
                "Mọi thứ đã lưu trên máy này. 14 mục chờ gửi, lâu nhất 2 ngày. "
                "Lần đồng bộ trọn vẹn gần nhất: thứ Ba 08:00, đã đối chiếu."
            ),
        ),
        (
            WHOLE,
            (
                "Mọi thứ đã lưu trên máy này. Không còn gì chờ gửi. "
                "Lần đồng bộ trọn vẹn gần nhất: thứ Ba 08:00, đã đối chiếu."
            ),
        ),
        (
            replace(WHOLE, conflicts=2),
            (
                "Mọi thứ đã lưu trên máy này. Không còn gì chờ gửi. 2 hồ sơ cần người quyết định. "
                "Lần đồng bộ trọn vẹn gần nhất: thứ Ba 08:00, đã đối chiếu."
            ),
        ),
        (
            replace(WHOLE, verified_at=days(9)),
            (
                "Mọi thứ đã lưu trên máy này. Không còn gì chờ gửi. "
                "Lần đồng bộ trọn vẹn gần nhất: thứ Ba 08:00; đối chiếu gần nhất: 11/11 08:00."
            ),
        ),
        (
            replace(WHOLE, verified_at=None),
            (
                "Mọi thứ đã lưu trên máy này. Không còn gì chờ gửi. "
                "Lần đồng bộ trọn vẹn gần nhất: thứ Ba 08:00, chưa đối chiếu."
            ),
        ),
        (
            replace(WHOLE, verified_at=None, last_verified=True),
            (
                "Mọi thứ đã lưu trên máy này. Không còn gì chờ gửi. "
                "Lần đồng bộ trọn vẹn gần nhất: thứ Ba 08:00, đã đối chiếu."
            ),
        ),
        (
            SyncStatus(link=LinkState.UNCONFIGURED, waiting=3, oldest_waiting_at=days(0)),
            (
                "Mọi thứ đã lưu trên máy này. 3 mục chờ gửi, lâu nhất dưới 1 phút. "
                "Chưa có lần đồng bộ trọn vẹn nào."
            ),
        ),
        (
            replace(QUIET, verified_at=days(1)),  # compared once, whole never
            "Mọi thứ đã lưu trên máy này. Không còn gì chờ gửi. Chưa có lần đồng bộ trọn vẹn nào.",
        ),
    ],
)
def test_the_sentence_says_what_is_known_and_no_more(status, words) -> None:
    assert sentence(status, MORNING) == words


def test_no_state_of_the_line_makes_a_sync_verified() -> None:
    for link in LinkState:
        for state in (
            replace(WHOLE, link=link, verified_at=None),
            replace(WHOLE, link=link, verified_at=days(3.01)),
            replace(WHOLE, link=link, last_complete_at=None),
            replace(WHOLE, link=link, verified_at=None, running=True, revoked=True),
        ):
            assert "đã đối chiếu" not in sentence(state, MORNING)


@pytest.mark.parametrize(
    ("changes", "severity", "words"),
    [
        ({"revoked": True, "link": LinkState.REFUSED}, Severity.DANGER, "đã thu hồi quyền gửi"),
        ({"metered": True, "waiting": 3}, Severity.WARNING, "mạng tính tiền theo dung lượng"),
        (
            {"budget": 20 * 1024 * 1024, "bytes_today": 20 * 1024 * 1024},
            Severity.WARNING,
            "Đã dùng hết dung lượng của hôm nay: 20,0 MB trên 20,0 MB.",
        ),
        ({"budget": 2048, "bytes_today": 1024}, Severity.SUCCESS, "Đang nối"),
        ({"metered": True, "link": LinkState.REFUSED}, Severity.DANGER, "không cho máy này gửi"),
        (
            {"link": LinkState.OFFLINE, "next_try_at": MORNING + timedelta(days=1)},
            Severity.WARNING,
            "Sẽ tự thử lại lúc 08:00 ngày 21/11.",
        ),
    ],
)
def test_the_gravest_state_of_the_line_speaks(changes, severity, words) -> None:
    found, text = link_sentence(replace(QUIET, **changes), MORNING)
    assert words in text
    assert found is severity


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (None, ""),
        (90.0, ""),
        (-119.0, ""),
        (400.0, "Đồng hồ máy này chậm 6 phút so với máy chủ"),
        (-7500.0, "Đồng hồ máy này nhanh 2 giờ"),
        (3 * 86400.0, "chậm 3 ngày"),
        (26 * 365 * 86400.0, "chậm 26 năm"),
    ],
)
def test_a_wrong_clock_is_told_in_words(skew, words) -> None:
    text = clock_sentence(replace(QUIET, skew_seconds=skew))
    assert words in text
    assert bool(text) is bool(words)


def test_what_came_and_cannot_be_shown_is_told() -> None:
    assert arrived_sentence(QUIET) == ""
    text = arrived_sentence(replace(QUIET, parked=3, unreadable=1))
    assert "3 mục đã về máy" in text
    assert "hãy cập nhật chương trình" in text


def test_what_today_has_used_is_told_against_the_budget() -> None:
    used = replace(QUIET, bytes_today=1_300_000)
    assert usage_sentence(used) == "Hôm nay đã dùng 1,2 MB, không đặt giới hạn"
    assert usage_sentence(replace(used, budget=20 * 1024 * 1024)) == (
        "Hôm nay đã dùng 1,2 MB trên 20,0 MB"
    )
    assert usage_sentence(SyncStatus(link=LinkState.UNCONFIGURED)) == ""


REFUSED = OutboxItem(
    seq=1,
    op_id="x",
    kind=RecordKind.PATIENT,
    record_id="r",
    version=1,
    status=RecordStatus.SIGNED,
    patient_id="p",
    created_at=MORNING,
    reason="Máy chủ tỉnh không nhận người bệnh: giá trị không hợp lệ (mục ngày sinh). "
    "Hãy sửa rồi ký lại, mục này sẽ tự gửi đi. [422 value Bundle.entry[0].resource.birthDate]",
)


def test_printed_letters_that_wait_are_told_apart_from_records() -> None:
    assert forms_sentence(QUIET) == ""
    waiting = replace(QUIET, forms=2, form_bytes=120_000)
    assert forms_sentence(waiting) == (
        f"Bản PDF phiếu chuyển chờ gửi sau cùng: 2, còn {size_text(120_000)}."
    )
    assert "Không còn hồ sơ nào chờ gửi." in sentence(waiting, MORNING)
    assert "giữ lại ở trạm" in forms_sentence(replace(waiting, forms_stay=True))
    assert forms_sentence(replace(waiting, link=LinkState.UNCONFIGURED)) == ""


def test_the_reason_is_plain_and_leads_to_the_field() -> None:
    assert plain_reason(REFUSED).endswith("mục này sẽ tự gửi đi.")
    assert plain_reason(replace(REFUSED, reason="Thiếu mã dân tộc")) == "Thiếu mã dân tộc"
    assert field_of(RecordKind.PATIENT, "r", REFUSED.reason) == "birth"


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


class Page(ScreenDriver):
    def __init__(self, qtbot, session, courier=None) -> None:
        super().__init__(qtbot, SyncScreen(session, courier))
        self.screen.on_enter()
        self.until(lambda: self.screen.status.sentence.text() != "")


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


# -- the stick -----------------------------------------------------------------------------------


class Courier:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.refusal: UserError | None = None

    def _report(self, what: str, path: str, **found) -> CourierReport:
        self.calls.append((what, path))
        if self.refusal is not None:
            raise self.refusal
        return CourierReport(path=path, number=3, created=MORNING, size=48_000, **found)

    def export(self, actor, path):
        return self._report("export", path, operations=14)

    def import_reply(self, actor, path):
        return self._report("import", path, acknowledged=12, refused=1, waiting=2, more=True)


def test_waiting_records_leave_and_the_answer_comes_by_stick(
    qtbot, session_of, answers, tmp_path
) -> None:
    courier = Courier()
    page = Page(qtbot, session_of(), courier)
    answers.next = [tmp_path / "gui-tinh", tmp_path / "tra-loi.semr", None, tmp_path / "x"]
    page.sweep()

    page.press_button("sync.courier.out")
    page.until_said("Đã chép 14 mục vào gui-tinh.semr (46,9 kB).")
    page.until(page.screen.courier.back.isEnabled)
    page.press_button("sync.courier.in")
    page.until_said("12 mục đã tới nơi. 1 mục tỉnh chưa nhận, xem lý do ở dưới. Còn 2 mục chờ gửi.")
    page.until(page.screen.courier.back.isEnabled)
    page.press_button("sync.courier.in")  # a person who changes their mind
    courier.refusal = UserError("Tệp này của trạm khác. Không có gì thay đổi.")
    page.press_button("sync.courier.in")
    page.until_said("Tệp này của trạm khác.")

    assert courier.calls == [
        ("export", str(tmp_path / "gui-tinh.semr")),
        ("import", str(tmp_path / "tra-loi.semr")),
        ("import", str(tmp_path / "x")),
    ]


def test_the_stick_is_for_those_who_may_send(qtbot, session_of) -> None:
    assert Page(qtbot, session_of(Role.INSPECTOR), Courier()).screen.courier is None


def test_the_words_of_the_stick_tell_what_is_left() -> None:
    report = CourierReport(path="/a/b.semr", number=1, created=MORNING, size=10, acknowledged=3)
    assert imported(report).endswith("3 mục đã tới nơi. Không còn gì chờ gửi.")
    full = replace(report, applied=2, conflicts=1)
    assert "2 thay đổi của tỉnh đã vào máy này. 1 hồ sơ cần người quyết định." in imported(full)
    assert "các mục vẫn ở hàng chờ" in exported(report)

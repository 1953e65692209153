"""The words of the sync page: one true sentence, the state of the line, outages, what was refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from station_emr.domain.outages import Outage, OutageKind
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import LinkState, LinkTrouble, OutboxItem, SyncStatus
from station_emr.services.refused_fields import field_of
from station_emr.ui.kit import Severity
from station_emr.ui.models.sizes import size_text
from station_emr.ui.screens.sync.wording import (
    arrived_sentence,
    clock_sentence,
    forms_sentence,
    link_sentence,
    outage_chip,
    outage_length,
    outcome_chip,
    plain_reason,
    sentence,
    stay_sentence,
    usage_sentence,
    what,
)
from tests.services.conftest import MORNING
from tests.ui.sync_page import QUIET, REFUSED, WHOLE, run


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
        (
            replace(
                QUIET,
                link=LinkState.OFFLINE,
                trouble=LinkTrouble.PORTAL,
                detail="Hãy mở trình duyệt.",
                next_try_at=MORNING + timedelta(minutes=5),
            ),
            "Hãy mở trình duyệt. Sẽ tự thử lại lúc 08:05.",
        ),
        (
            replace(
                QUIET,
                link=LinkState.REFUSED,
                trouble=LinkTrouble.KEY_LOST,
                detail="Khóa không còn.",
            ),
            "Khóa không còn.",
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


def test_an_outage_says_why_and_how_long_at_least() -> None:
    away = Outage(started=MORNING, ended=MORNING + timedelta(hours=3), tries=2)
    lasts = replace(away, ended=None, kind=OutageKind.REFUSED, at_least=True)

    assert outage_length(away, MORNING) == "3 giờ"
    assert outage_length(lasts, MORNING + timedelta(days=3)) == "ít nhất 3 ngày"
    assert (outage_chip(away).text, outage_chip(lasts).text) == ("Mất mạng", "Máy chủ từ chối")


@pytest.mark.parametrize(
    "outcome", ["complete", "partial", "waiting", "offline", "refused", "elsewhere"]
)
def test_how_a_run_ended_is_said_in_words(outcome) -> None:
    chip = outcome_chip(run(0, outcome))
    assert chip.text != outcome
    assert chip.severity is not Severity.NEUTRAL


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


def test_printed_letters_that_wait_are_told_apart_from_records() -> None:
    assert forms_sentence(QUIET) == ""
    waiting = replace(QUIET, forms=2, form_bytes=120_000)
    assert forms_sentence(waiting) == (
        f"Bản PDF phiếu chuyển chờ gửi sau cùng: 2, còn {size_text(120_000)}."
    )
    assert "Không còn hồ sơ nào chờ gửi." in sentence(waiting, MORNING)
    assert "giữ lại ở trạm" in forms_sentence(replace(waiting, forms_stay=True))
    assert forms_sentence(replace(waiting, link=LinkState.UNCONFIGURED)) == ""


def test_kinds_that_the_server_does_not_take_are_named() -> None:
    assert stay_sentence(QUIET) == ""
    poor = replace(QUIET, kinds_stay=(RecordKind.BILL, RecordKind.BREACH))
    assert stay_sentence(poor).startswith(
        "Máy chủ này không nhận: Bảng kê chi phí; Sự cố dữ liệu. Những mục đó vẫn an toàn"
    )
    assert stay_sentence(replace(poor, link=LinkState.UNCONFIGURED)) == ""


def test_the_reason_is_plain_and_leads_to_the_field() -> None:
    assert plain_reason(REFUSED).endswith("mục này sẽ tự gửi đi.")
    assert plain_reason(replace(REFUSED, reason="Thiếu mã dân tộc")) == "Thiếu mã dân tộc"
    assert field_of(RecordKind.PATIENT, "r", REFUSED.reason) == "birth"

"""What the shell says in words: links, numbers of cards, states."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.sync import LinkState, LinkTrouble, SyncStatus
from station_emr.ui.kit import (
    Severity,
)
from station_emr.ui.shell import Link, Saving, StatusModel
from station_emr.ui.shell.line import status_model
from station_emr.ui.shell.search import looks_scanned
from station_emr.ui.shell.status import StatusBar, backup_words, link_words, saving_words
from station_emr.ui.shell.top_bar import initial

CCCD = "064099100001|231234567|Rơ Châm Mẫu|01011990|Nữ|Làng Mẫu, Xã Mẫu|01072021"


@pytest.mark.parametrize(
    ("text", "scanned"),
    [
        (CCCD, True),
        ("064099100001", True),
        ("0640 9910 0001", True),
        ("GD4640991000001", True),
        ("4640991001", True),
        ("siu mẫu", False),
        ("I10", False),
        ("0912345", False),
    ],
)
def test_card_numbers_are_told_from_names(text: str, scanned: bool) -> None:
    assert looks_scanned(text) is scanned


# -- words ---------------------------------------------------------------------------------------


def words(parts: list[tuple[str, bool]]) -> str:
    return "".join(text for text, _strong in parts)


@pytest.mark.parametrize(
    ("status", "severity", "sentence"),
    [
        (StatusModel(), Severity.NEUTRAL, "Chưa nối với máy chủ của tỉnh"),
        (
            StatusModel(link=Link.NONE, waiting=3),
            Severity.NEUTRAL,
            "Chưa nối với máy chủ của tỉnh · 3 mục chờ gửi",
        ),
        (
            StatusModel(link=Link.OFFLINE, since="08:40", waiting=3),
            Severity.WARNING,
            "Mất mạng từ 08:40 · 3 mục chờ gửi, tự gửi khi có mạng",
        ),
        (
            StatusModel(link=Link.OFFLINE, since="08:40"),
            Severity.WARNING,
            "Mất mạng từ 08:40 · không có gì chờ gửi",
        ),
        (
            StatusModel(link=Link.REFUSED, since="08:40", waiting=3),
            Severity.DANGER,
            "Máy chủ từ chối máy này · 3 mục chờ gửi",
        ),
        (
            StatusModel(link=Link.REVOKED, attention=1),
            Severity.DANGER,
            "Tỉnh đã thu hồi quyền gửi của máy này · 1 mục cần xem",
        ),
        (StatusModel(link=Link.SENDING, waiting=7), Severity.INFO, "Đang gửi, còn 7 mục chờ gửi"),
        (
            StatusModel(link=Link.ONLINE, waiting=2),
            Severity.INFO,
            "2 mục chờ gửi, sẽ gửi trong ít phút",
        ),
        (
            StatusModel(link=Link.ONLINE, last_sync="09:12"),
            Severity.SUCCESS,
            "Đã gửi hết lên tỉnh lúc 09:12",
        ),
        (
            StatusModel(link=Link.ONLINE, last_sync="09:12", attention=1),
            Severity.WARNING,
            "Đã gửi hết lên tỉnh lúc 09:12 · 1 mục cần xem",
        ),
    ],
)
def test_link_sentence(status: StatusModel, severity: Severity, sentence: str) -> None:
    found, parts = link_words(status)
    assert (found, words(parts)) == (severity, sentence)


@pytest.mark.parametrize(
    ("link", "trouble", "said"),
    [
        (LinkState.OFFLINE, LinkTrouble.AWAY, "Mất mạng"),
        (LinkState.OFFLINE, LinkTrouble.BUSY, "Máy chủ đang bận"),
        (LinkState.OFFLINE, LinkTrouble.PORTAL, "cần đăng nhập Wi-Fi"),
        (LinkState.OFFLINE, LinkTrouble.UNTRUSTED, "Chưa xác minh được"),
        (LinkState.OFFLINE, LinkTrouble.STRANGE, "Máy chủ trả lời không đúng"),
        (LinkState.REFUSED, LinkTrouble.STRANGE, "Máy chủ trả lời không đúng"),
        (LinkState.REFUSED, LinkTrouble.REFUSED, "Máy chủ từ chối máy này"),
        (LinkState.REFUSED, LinkTrouble.REVOKED, "thu hồi quyền"),
        (LinkState.REFUSED, LinkTrouble.KEY_LOST, "khóa"),
    ],
)
def test_only_a_line_that_is_away_is_called_so(
    link: LinkState, trouble: LinkTrouble, said: str
) -> None:
    now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    status = SyncStatus(link=link, trouble=trouble, offline_since=now, waiting=2)
    model = status_model(status, now, "", Saving.SAVED)
    for brief in (False, True):
        sentence = words(link_words(model, brief=brief)[1])
        assert said in sentence
        assert ("Mất mạng" in sentence) is (trouble is LinkTrouble.AWAY)
        assert "2 " in sentence


def test_every_trouble_has_its_words() -> None:
    now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    shown = [
        status_model(SyncStatus(link=LinkState.OFFLINE, trouble=one), now, "", Saving.SAVED).link
        for one in LinkTrouble
        if one not in (LinkTrouble.NONE, LinkTrouble.AWAY)
    ]
    assert len(set(shown)) == len(shown)
    assert Link.OFFLINE not in shown


def test_saving_and_backup_sentences() -> None:
    assert saving_words(StatusModel())[0] is Severity.SUCCESS
    failed = StatusModel(saving=Saving.FAILED, saving_problem="Ổ đĩa đầy, chưa lưu được")
    severity, parts = saving_words(failed)
    assert (severity, words(parts)) == (Severity.DANGER, "Ổ đĩa đầy, chưa lưu được")
    assert backup_words(StatusModel())[0] is Severity.WARNING
    assert words(backup_words(StatusModel(backup="hôm qua 17:02"))[1]) == (
        "Sao lưu gần nhất: hôm qua 17:02"
    )


def test_initial_is_of_the_given_name() -> None:
    assert initial("BS. Nguyễn Thị Hoa") == "H"
    assert initial("") == "?"


def test_conflicts_stand_in_the_status_line_only_while_there_are_any(qtbot) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    asked: list[str] = []
    bar.explain.connect(asked.append)
    bar.show()
    assert not bar.conflicts.isVisible()

    bar.show_status(StatusModel(link=Link.ONLINE, conflicts=2))

    assert bar.conflicts.isVisible()
    assert bar.conflicts.accessibleName() == "2 hồ sơ cần quyết định"
    qtbot.keyClick(bar.conflicts, Qt.Key.Key_Space)
    assert asked == ["conflicts"]


def test_those_who_see_no_patients_are_told_of_no_conflicts() -> None:
    now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    status = SyncStatus(link=LinkState.ONLINE, conflicts=2)
    assert status_model(status, now, "", Saving.SAVED).conflicts == 2
    assert status_model(status, now, "", Saving.SAVED, may_decide=False).conflicts == 0

"""Causes of failures of files, in Vietnamese whatever the operating system speaks."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from station_emr.domain.os_words import os_words

PROGRAM = Path(__file__).resolve().parents[2] / "station_emr"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOENT, "không có tệp hoặc thư mục này"),
        (errno.ENOSPC, "ổ đĩa hết chỗ"),
        (errno.EROFS, "ổ đĩa chỉ cho đọc"),
        (errno.ECHILD, f"hệ điều hành báo lỗi {errno.ECHILD}"),
    ],
)
def test_a_cause_is_told_in_vietnamese(number: int, words: str) -> None:
    assert os_words(OSError(number, os.strerror(number))) == words


def test_a_failure_without_a_number_has_words_too() -> None:
    assert os_words(OSError("half of it")) == "hệ điều hành không nói vì sao"


def test_a_file_that_another_program_holds_is_told_so() -> None:
    held = OSError(errno.EACCES, "sharing violation")
    held.winerror = 32
    assert os_words(held) == "chương trình khác đang mở tệp"


def test_no_message_repeats_what_the_operating_system_says() -> None:
    found = [
        path.relative_to(PROGRAM).as_posix()
        for path in PROGRAM.rglob("*.py")
        if ".strerror" in path.read_text(encoding="utf-8")
    ]
    assert found == []

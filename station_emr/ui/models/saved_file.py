"""A file that a person asked for, written where the person said."""

from __future__ import annotations

from pathlib import Path

from station_emr.domain.errors import EnvironmentFailure
from station_emr.domain.os_words import os_words
from station_emr.services.i18n import _


def written(path: Path, content: bytes) -> Path:
    """``path`` itself. Raises EnvironmentFailure with what to do; off the GUI thread."""
    try:
        path.write_bytes(content)
    except OSError as failure:
        raise EnvironmentFailure(
            _("Chưa lưu được tệp: {why}. Hãy chọn thư mục khác.").format(why=os_words(failure))
        ) from failure
    return path


def content_of(path: Path) -> bytes:
    """What a chosen file holds. Raises EnvironmentFailure; off the GUI thread."""
    try:
        return path.read_bytes()
    except OSError as failure:
        raise EnvironmentFailure(
            _("Chưa đọc được tệp: {why}. Hãy chọn tệp khác.").format(why=os_words(failure))
        ) from failure

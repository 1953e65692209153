"""A backup is a folder that opens like the station itself: the encrypted database and its key slots.

Without the key slots nobody could open the copy, not even with the recovery code.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from station_emr.domain.errors import EnvironmentFailure
from station_emr.services.ports import Store


class FolderShelf:
    """Puts copies into folders named by the caller."""

    def __init__(self, store: Store, database: str, slots: Path) -> None:
        self._store = store
        self._database = database
        self._slots = slots

    def write(self, folder: str, name: str) -> tuple[str, int]:
        """Key slots first, database last: a copy with a database is a whole copy."""
        place = Path(folder) / name
        try:
            keys = self._slots.read_bytes()
        except OSError:
            raise EnvironmentFailure(
                "Không đọc được tệp khóa của trạm nên chưa sao lưu. Hồ sơ trên máy còn nguyên. "
                "Hãy khởi động lại chương trình rồi làm lại."
            ) from None
        try:
            place.mkdir(parents=True)
            (place / self._slots.name).write_bytes(keys)
            self._store.backup(str(place / self._database))
            size = sum(file.stat().st_size for file in place.iterdir())
        except OSError:
            _remove(place)
            raise EnvironmentFailure(
                "Chưa sao lưu được: không ghi được vào thư mục đã chọn. Hồ sơ trên máy còn nguyên. "
                "Hãy kiểm tra ổ đĩa, chỗ trống và quyền ghi, hoặc chọn thư mục khác."
            ) from None
        except EnvironmentFailure:
            _remove(place)
            raise
        return str(place), size


def _remove(place: Path) -> None:
    with contextlib.suppress(OSError):
        shutil.rmtree(place)

"""One window for each data folder: of two, the last to save would overwrite the other's drafts."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Final

from station_emr.domain.errors import EnvironmentFailure, StateError

from . import durable_file

FILE_NAME: Final = "window.lock"
_TAKEN: Final = (
    "Chương trình đang mở ở một cửa sổ khác trên máy này với cùng dữ liệu, nên không mở thêm ở "
    "đây. Dữ liệu vẫn an toàn. Hãy làm tiếp ở cửa sổ kia, hoặc đóng cửa sổ kia rồi đăng nhập lại."
)


class WindowClaim:
    """A window's hold on its data folder. The system lets go of it when the process ends, however
    it ends, so nothing is left to clear up after a power cut. The command line does not ask for it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._held = contextlib.ExitStack()
        self._mine = False
        self._guard = threading.Lock()

    def take(self) -> bool:
        """Hold the folder; False when this window held it already.

        Raises StateError when another window does.
        """
        with self._guard:
            if self._mine:
                return False
            with contextlib.ExitStack() as held:
                try:
                    mine = held.enter_context(durable_file.turn(self._path))
                except EnvironmentFailure:
                    # A disk too full for an empty file: reading the record matters more.
                    return False
                if not mine:
                    raise StateError(_TAKEN)
                self._held = held.pop_all()
            self._mine = True
            return True

    def release(self) -> None:
        with self._guard:
            self._held.close()
            self._mine = False

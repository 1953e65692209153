"""What this machine remembers of the window, in a small file beside the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer

from station_emr.ui.kit.memory import Memory

_SOON_MS: Final = 500


class FileMemory:
    """Column widths, theme, last person: a small file beside the database, nothing of patients."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = {}
        self._kept = {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}

    def get(self, key: str) -> str | None:
        return self._kept.get(key)

    def put(self, key: str, value: str) -> None:
        """Keep it; a disk that refuses costs only this comfort."""
        if self._kept.get(key) == value:
            return
        self._kept[key] = value
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(self._kept, ensure_ascii=False), encoding="utf-8")
            fresh.replace(self._path)
        except OSError:
            return


class WrittenSoon(QObject):
    """Remembers at once and writes to ``inner`` when nothing has changed for a moment: a column that
    is drawn wider changes with every movement of the hand, and the window waits for no disk.
    """

    def __init__(self, inner: Memory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._inner = inner
        self._unwritten: dict[str, str] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SOON_MS)
        self._timer.timeout.connect(self.write)

    def get(self, key: str) -> str | None:
        return self._unwritten[key] if key in self._unwritten else self._inner.get(key)

    def put(self, key: str, value: str) -> None:
        if self.get(key) != value:
            self._unwritten[key] = value
            self._timer.start()

    def write(self) -> None:
        """Now, as at the end of the program."""
        self._timer.stop()
        unwritten, self._unwritten = self._unwritten, {}
        for key, value in unwritten.items():
            self._inner.put(key, value)

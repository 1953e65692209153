"""What this machine remembers of the window, in a small file beside the database."""

from __future__ import annotations

import json
from pathlib import Path


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

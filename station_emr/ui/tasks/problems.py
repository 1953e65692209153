"""Where bugs go: a report without patient data, and one sentence for the person.

A report holds types, files, functions and line numbers. It never holds the text of an exception,
a local variable or an argument, because any of these may be a patient's.
"""

from __future__ import annotations

import platform
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final

from PySide6.QtCore import QObject, Qt, Signal, Slot, qVersion

from station_emr import __version__
from station_emr.services.i18n import _

_KEPT_REPORTS: Final = 50


class ProblemSink(QObject):
    """Takes an exception from any thread; ``shown(sentence, number)`` follows on the GUI thread.

    Without a ``folder`` no file is written; without ``now`` the file carries no time.
    """

    shown = Signal(str, str)
    _caught = Signal(object)

    def __init__(
        self,
        folder: Path | None = None,
        *,
        now: Callable[[], datetime] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._folder = folder
        self._now = now
        self._count = 0
        self._caught.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Catch what nobody caught, in slots, threads and at the top."""
        sys.excepthook = self._hook
        threading.excepthook = self._thread_hook

    def report(self, error: BaseException) -> None:
        """Write a report and show the sentence; callable from any thread."""
        self._caught.emit(error)

    def _hook(
        self, kind: type[BaseException], error: BaseException, _trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, None)
            return
        self.report(error)

    def _thread_hook(self, caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None:
            self.report(caught.exc_value)

    @Slot(object)
    def _take(self, error: BaseException) -> None:
        self._count += 1
        number = self._number(error)
        try:
            self._write(number, error)
        except OSError:
            number = ""
        self.shown.emit(_sentence(number), number)

    def _number(self, error: BaseException) -> str:
        """A short number that is the same for the same fault: ``L-4F2A91``."""
        frames = traceback.extract_tb(error.__traceback__)
        where = "|".join(f"{Path(f.filename).name}:{f.name}:{f.lineno}" for f in frames[-3:])
        seed = f"{type(error).__name__}|{where}"
        total = 0
        for letter in seed:
            total = (total * 131 + ord(letter)) & 0xFFFFFF
        return f"L-{total:06X}"

    def _write(self, number: str, error: BaseException) -> None:
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        when = self._now().strftime("%Y%m%dT%H%M%SZ") if self._now else f"{self._count:04d}"
        path = self._folder / f"{when}-{number}.txt"
        path.write_text(report_text(error, number), encoding="utf-8")
        for old in sorted(self._folder.glob("*-L-*.txt"))[:-_KEPT_REPORTS]:
            old.unlink(missing_ok=True)


def report_text(error: BaseException, number: str) -> str:
    """The report: where it happened and under what, nothing of what was being handled."""
    lines = [
        f"number: {number}",
        f"program: {__version__}",
        f"python: {platform.python_version()}  qt: {qVersion()}  system: {platform.platform()}",
    ]
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        lines.append(f"{type(link).__module__}.{type(link).__qualname__}")
        lines += [
            f"  {_place(frame.filename)}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(link.__traceback__)
        ]
        link = link.__cause__ or link.__context__
    return "\n".join(lines) + "\n"


def _place(filename: str) -> str:
    """The last parts of a path, without the person's home folder in front."""
    return "/".join(Path(filename).parts[-3:])


def _sentence(number: str) -> str:
    text = _(
        "Chương trình gặp lỗi ngoài dự kiến. Những gì đã lưu vẫn an toàn trên máy này. "
        "Hãy thử lại; nếu lặp lại, báo người hỗ trợ"
    )
    return f"{text} ({number})." if number else f"{text}."

"""Composition root with Qt: joins the window to the adapters and runs the program."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QMessageLogContext, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from station_emr.services.clock import SystemClock
from station_emr.services.i18n import _

from .gate import StationDesk, StationGate
from .options import Options, read_options
from .pictures import take_screenshots
from .program import THEME, Program

__all__ = [
    "GIVE_WAY",
    "THEME",
    "Options",
    "Program",
    "StationDesk",
    "StationGate",
    "main",
    "make_application",
]

_EXIT_DISPLAY: Final = 3
_AWAKE_MS: Final = 500
GIVE_WAY: Final = 0.00005
_NO_DISPLAY: Final = (
    "Không mở được cửa sổ: máy này không có màn hình, hoặc thiếu thư viện đồ họa của hệ thống. "
    "Hãy chạy trên máy có màn hình, hoặc dùng dòng lệnh (xem station-emr --help)."
)


def main(arguments: Sequence[str]) -> int:
    """Run the window. Exit status of the program."""
    options = read_options(arguments)
    if options.screenshots is not None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # the same on every machine
    # A thread that computes gives way to the window after a twentieth of a millisecond, not after
    # five: every cell that is painted and every event that is filtered asks for the interpreter again.
    sys.setswitchinterval(GIVE_WAY)
    app = make_application()
    clock = SystemClock()
    if options.screenshots is not None:
        return take_screenshots(app, options)
    program = Program(app, options.folder, clock, demo=options.demo)
    QTimer.singleShot(0, program.start)
    _end_on_signals(program)
    status = app.exec()
    program.end()
    return status


def _end_on_signals(program: Program) -> None:
    """Ctrl+C in the terminal, or the system going down, closes the window as its cross does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: program.window.close())
    # Python sees a signal only when it runs; Qt's loop alone would sleep through it.
    awake = QTimer(program)
    awake.timeout.connect(lambda: None)
    awake.start(_AWAKE_MS)


def make_application() -> QApplication:
    """The application; on a machine without a display a sentence instead of an abort."""
    qInstallMessageHandler(_tell_no_display)
    app = QApplication([sys.argv[0]])
    qInstallMessageHandler(None)
    app.setApplicationName("StationEMR")
    app.setApplicationDisplayName(_("Hồ sơ sức khỏe trạm y tế"))
    return app


def _tell_no_display(kind: QtMsgType, _where: QMessageLogContext, text: str) -> None:
    """Qt ends the process by itself when it finds no display; this comes just before."""
    if kind is QtMsgType.QtFatalMsg:
        sys.stderr.write(f"{_(_NO_DISPLAY)}\n")
        sys.stderr.flush()
        os._exit(_EXIT_DISPLAY)
    elif kind is not QtMsgType.QtDebugMsg and kind is not QtMsgType.QtWarningMsg:
        sys.stderr.write(f"{text}\n")

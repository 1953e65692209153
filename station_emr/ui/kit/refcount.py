"""Keeps a fault of PySide6 6.12.0 from ending the program.

There each ``Signal.emit()`` from Python gives back one reference to ``True`` that it never took
(measured: 6.9 to 6.11.3 do not). Python 3.12 and later do not count references to ``True``; on
Python 3.11 the count reaches zero after some thousand signals and the interpreter aborts with
``bool_dealloc``. A count too high does no harm, so ``True`` is given one that no day can use up.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_ENOUGH: Final = 1 << 40


def guard_true() -> None:
    """Raise the reference count of ``True`` once per process, on Pythons that count it."""
    if sys.version_info < (3, 12) and sys.getrefcount(True) < _ENOUGH:
        ctypes.c_ssize_t.from_address(id(True)).value += 2 * _ENOUGH

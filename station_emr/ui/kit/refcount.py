"""Keeps a fault of PySide6 6.12.0 from ending the program.

There each ``Signal.emit()`` from Python gives back one reference to ``True`` that it never took, and
each ``None`` that a model answers to Qt one to ``None``: more than a hundred for one painting of a
table (measured: 6.9 to 6.11.3 do not with ``True``). Python 3.12 and later do not count references
to these two; on Python 3.11 a count reaches zero after some thousand signals, or some hundred
paintings of a table, and the interpreter aborts with ``bool_dealloc`` or ``none_dealloc``. A count too
high does no harm, so each is given one that no day can use up.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

_ENOUGH: Final = 1 << 40


def guard_constants() -> None:
    """Raise the reference counts of ``True``, ``False`` and ``None``, on Pythons that count them."""
    if sys.version_info >= (3, 12):
        return
    for constant in (True, False, None):
        if sys.getrefcount(constant) < _ENOUGH:
            ctypes.c_ssize_t.from_address(id(constant)).value += 2 * _ENOUGH

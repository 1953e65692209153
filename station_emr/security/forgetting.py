"""Leaving no data key in the memory of a program after the log-out: as well as Python allows.

What is ours is overwritten. What libraries and the interpreter copied on the way was only given back to
the heap, bytes and all: so the heap is filled once with nothing where such copies lie, and what is then
wholly free goes back to the system. Neither reaches what the system has written to its swap file.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys
from typing import Any, Final

_HEAD: Final = b"".__sizeof__()  # of a bytes object, with its final zero
_SIZES: Final = range(48, 320, 16)  # a key, its 64 digits, and the statement around them
_PIECES: Final = 2000


def overwrite(secret: bytes) -> None:
    """Put zeros in the place of ``secret``, for everybody who holds this object."""
    if secret:
        ctypes.memset(id(secret) + _HEAD - 1, 0, len(secret))


def scrub() -> None:
    """Overwrite what was given back to the heap; takes some hundredths of a second.

    Where the automatic collection is off, one thread alone may collect, as its widgets die on no other:
    there this leaves cycles where they are, and that thread collects and scrubs once more.
    """
    if gc.isenabled():
        gc.collect()
    for size in _SIZES:
        filling = [bytes(size - _HEAD) for _ in range(_PIECES)]
        del filling
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            _scrub_c_heap(ctypes.CDLL(None))


def _scrub_c_heap(libc: Any) -> None:
    libc.calloc.restype = ctypes.c_void_p
    libc.calloc.argtypes = (ctypes.c_size_t, ctypes.c_size_t)
    libc.free.argtypes = (ctypes.c_void_p,)
    held = [libc.calloc(1, size - 8) for size in _SIZES for _ in range(_PIECES // 4)]
    for place in held:
        libc.free(place)
    libc.malloc_trim(0)

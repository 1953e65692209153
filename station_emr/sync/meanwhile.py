"""Doing something useful while an answer is awaited."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def meanwhile(call: Callable[[], _T], work: Callable[[], None]) -> _T:
    """Run ``call``, which waits for the line, on a thread of its own and ``work`` here beside it.
    Returns or raises what ``call`` does, once both have ended; what ``work`` raises comes second.
    """
    result: list[_T] = []
    fault: list[BaseException] = []

    def run() -> None:
        try:
            result.append(call())
        except BaseException as error:  # noqa: BLE001 -- raised again below, on the caller's thread
            fault.append(error)

    # A daemon, like the engine's own thread: a stalled line must not keep the program from ending.
    waiting = threading.Thread(target=run, name="exchange", daemon=True)
    waiting.start()
    try:
        work()
    finally:
        waiting.join()
        if fault:
            raise fault[0]
    return result[0]

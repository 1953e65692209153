"""A PIN or password on its way to where it is used, wiped as soon as that is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Secret:
    """Held in bytes of our own, which :meth:`wipe` overwrites. What Python copies on the way (the
    text of a field, the argument of a library) is out of reach: it is only let go of.
    """

    __slots__ = ("_held",)

    def __init__(self, text: str) -> None:
        self._held = bytearray(text.encode())

    def __repr__(self) -> str:
        return "Secret(…)"

    def __bool__(self) -> bool:
        return bool(self._held)

    def reveal(self) -> str:
        return self._held.decode()

    def wipe(self) -> None:
        for place in range(len(self._held)):
            self._held[place] = 0
        self._held.clear()


@contextmanager
def wiped(secret: Secret | None) -> Iterator[None]:
    """The secret is gone when the block ends, however it ends."""
    try:
        yield
    finally:
        if secret is not None:
            secret.wipe()

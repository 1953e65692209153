"""What the screens remember between days (column widths), kept by whoever composes the program."""

from __future__ import annotations

from typing import Protocol


class Memory(Protocol):
    """A small store of strings, such as the settings of this machine. Nothing of patients."""

    def get(self, key: str) -> str | None: ...
    def put(self, key: str, value: str) -> None: ...


class Forgetful:
    """Remembers until the program ends."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self._kept.get(key)

    def put(self, key: str, value: str) -> None:
        self._kept[key] = value


_memory: Memory = Forgetful()


def use_memory(memory: Memory) -> None:
    """Called once by the composition root."""
    global _memory  # noqa: PLW0603 - one program has one memory
    _memory = memory


def memory() -> Memory:
    return _memory

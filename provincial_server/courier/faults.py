"""Why a courier file was not taken, or not written, in words for the operator."""

from __future__ import annotations


class CourierRefused(Exception):
    """A file that changes nothing here; ``code`` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class EnvironmentFailure(Exception):
    """The disk or the stick is at fault."""


class DiskFull(EnvironmentFailure):
    """No room; nothing was left behind."""

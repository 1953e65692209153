"""How serious a message is; each severity always shows an icon and a word, never colour alone."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    NEUTRAL = "neutral"
    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    DANGER = "danger"

    @property
    def icon(self) -> str:
        """The Phosphor icon that goes with this severity; empty for neutral."""
        return _ICONS[self]


_ICONS = {
    Severity.NEUTRAL: "",
    Severity.INFO: "info",
    Severity.SUCCESS: "check-circle",
    Severity.WARNING: "warning-circle",
    Severity.DANGER: "warning",
}

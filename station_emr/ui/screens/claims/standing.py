"""Each gateway in one true sentence, above the lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtWidgets import QWidget

from station_emr.domain.gateway import Gateway
from station_emr.services.gateways import GatewayStanding
from station_emr.ui.kit import GAP_L, GAP_S, IconLabel, Severity, hbox, label, named

from .wording import standing_words


class StandingLine(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._icons: dict[Gateway, IconLabel] = {}
        self.words = {}
        parts: list[QWidget] = []
        for gateway in Gateway:
            icon = IconLabel("info")
            words = named(label("", "muted", wrap=True), f"claims.standing.{gateway.value}")
            part = QWidget()
            row = hbox(icon, words, gap=GAP_S, parent=part)
            row.setStretch(1, 1)
            self._icons[gateway] = icon
            self.words[gateway] = words
            parts.append(part)
        both = hbox(*parts, gap=GAP_L, parent=self)
        for place in range(len(parts)):
            both.setStretch(place, 1)

    def show_standing(self, found: Sequence[GatewayStanding], now: datetime) -> None:
        for one in found:
            severity, words = standing_words(one, now)
            self._icons[one.gateway].set_icon(severity.icon or "info", _tone(severity))
            self.words[one.gateway].setText(words)
            self.words[one.gateway].setToolTip(one.last_words)


def _tone(severity: Severity) -> str:
    return severity.value

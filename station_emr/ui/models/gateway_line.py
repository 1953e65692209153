"""Each national gateway in one true sentence: above the claims, and in the sync centre."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from PySide6.QtWidgets import QWidget

from station_emr.domain.gateway import Gateway
from station_emr.services.gateways import GatewayStanding
from station_emr.services.i18n import _
from station_emr.ui.kit import GAP_L, GAP_S, IconLabel, Severity, hbox, label, named
from station_emr.ui.kit.tips import plain_tip

from .moments import show_moment


class GatewayLine(QWidget):
    def __init__(self, name: str) -> None:
        super().__init__()
        self._icons: dict[Gateway, IconLabel] = {}
        self.words = {}
        parts: list[QWidget] = []
        for gateway in Gateway:
            icon = IconLabel("info")
            words = named(label("", "muted", wrap=True), f"{name}.{gateway.value}")
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
            self._icons[one.gateway].set_icon(severity.icon or "info", severity.value)
            self.words[one.gateway].setText(words)
            self.words[one.gateway].setToolTip(plain_tip(one.last_words))


def standing_words(one: GatewayStanding, now: datetime) -> tuple[Severity, str]:
    """One gateway in a sentence that is true now."""
    name = _(one.gateway.label)
    if not one.on:
        return Severity.INFO, _("{name}: chưa bật.").format(name=name)
    asked = _waiting_for_people(one)
    if one.away_since is not None:
        since = show_moment(one.away_since)
        words = _("{name}: chưa gửi được từ {since}.").format(name=name, since=since)
        why, dot, _rest = one.last_words.partition(". ")
        if why:
            words += f" {why}." if dot else f" {why}"
        if one.waiting:
            words += " " + _("{count} mục chờ gửi vẫn an toàn ở trạm.").format(count=one.waiting)
        return Severity.WARNING, f"{words} {asked}".strip()
    if one.waiting:
        words = _("{name}: {count} mục chờ gửi.").format(name=name, count=one.waiting)
        return (Severity.WARNING if asked else Severity.INFO), f"{words} {asked}".strip()
    if one.last_at is not None:
        ago = length_words(now - one.last_at)
        words = _("{name}: không còn gì chờ, lần gửi cuối {ago} trước.").format(name=name, ago=ago)
        return (Severity.WARNING if asked else Severity.SUCCESS), f"{words} {asked}".strip()
    return Severity.INFO, _("{name}: đã bật, chưa gửi gì.").format(name=name)


def _waiting_for_people(one: GatewayStanding) -> str:
    count = one.unknown + one.refused
    return _("{count} mục cần người xử lý.").format(count=count) if count else ""


def length_words(time: timedelta) -> str:
    minutes = max(int(time.total_seconds() // 60), 0)
    if minutes < 60:
        return _("{count} phút").format(count=minutes)
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return _("{hours} giờ {minutes} phút").format(hours=hours, minutes=rest)
    return _("{count} ngày").format(count=hours // 24)

"""The settings in a window over a real station."""

from __future__ import annotations

from station_emr.ui.screens.settings import SettingsScreen
from tests.ui.driver import ScreenDriver


class Page(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, SettingsScreen(session))
        self.screen.on_enter()

    def open(self, key: str):
        self.press_button(f"settings.{key}")
        return self.screen.panel

    @property
    def entries(self) -> list[str]:
        return list(self.screen.hub.buttons)

"""Quản trị: the station, its server, backups, and the way to people, lists and the log."""

from station_emr.ui.screens.settings.screen import SettingsScreen

__all__ = ["SettingsScreen"]

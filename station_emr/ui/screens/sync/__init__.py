"""Đồng bộ: what has reached the province, what waits, what was refused and why."""

from station_emr.ui.screens.sync.screen import SyncScreen

__all__ = ["SyncScreen"]

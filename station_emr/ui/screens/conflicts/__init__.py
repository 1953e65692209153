"""Cần quyết định: what two machines wrote differently, and people registered twice."""

from station_emr.ui.screens.conflicts.screen import ConflictsScreen

__all__ = ["ConflictsScreen"]

"""The way back from a copy."""

from station_emr.ui.screens.restore.page import RestorePage

__all__ = ["RestorePage"]

"""The first run: the station, its director, the recovery code."""

from station_emr.ui.screens.setup.page import SetupPage

__all__ = ["SetupPage"]

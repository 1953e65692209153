"""The frame around every screen."""

from station_emr.ui.shell.navigation import Navigation, ScreenSpec
from station_emr.ui.shell.search import SearchBar, looks_scanned
from station_emr.ui.shell.status import Link, Saving, StatusBar, StatusModel
from station_emr.ui.shell.watch import InputWatch, ScanBurst
from station_emr.ui.shell.window import Identity, MainWindow

__all__ = [
    "Identity",
    "InputWatch",
    "Link",
    "MainWindow",
    "Navigation",
    "Saving",
    "ScanBurst",
    "ScreenSpec",
    "SearchBar",
    "StatusBar",
    "StatusModel",
    "looks_scanned",
]

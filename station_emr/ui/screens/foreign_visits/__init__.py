"""Tệp BHYT của nơi khác: what a file of another facility holds, and taking it over as history."""

from station_emr.ui.screens.foreign_visits.screen import ForeignVisitsScreen

__all__ = ["ForeignVisitsScreen"]

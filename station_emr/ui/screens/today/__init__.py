"""Today: who waits, who is being seen, who needs medicine, who is done."""

from station_emr.ui.screens.today.screen import TodayScreen

__all__ = ["TodayScreen"]

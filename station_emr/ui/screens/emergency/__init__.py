"""The emergency door: opening one record with a reason, and judging it afterwards."""

from station_emr.ui.screens.emergency.open_page import EmergencyScreen
from station_emr.ui.screens.emergency.review_page import EmergencyReviewScreen

__all__ = ["EmergencyReviewScreen", "EmergencyScreen"]

"""Who may do what at this station: the table of rights, and the yearly look at it."""

from station_emr.ui.screens.rights.review import RightsReviewScreen
from station_emr.ui.screens.rights.screen import RightsScreen

__all__ = ["RightsReviewScreen", "RightsScreen"]

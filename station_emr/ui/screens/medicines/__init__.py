"""People who wait for their medicine, with what was signed for them."""

from station_emr.ui.screens.medicines.screen import MedicinesScreen

__all__ = ["MedicinesScreen"]

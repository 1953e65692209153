"""Khám bệnh: one visit on one page, from the complaint to the signature."""

from station_emr.ui.screens.encounter.page import EncounterScreen

__all__ = ["EncounterScreen"]

"""Hồ sơ BHYT: claims of a day or a month, what the gateways answered, what waits for a person."""

from station_emr.ui.screens.claims.screen import ClaimsScreen

__all__ = ["ClaimsScreen"]

"""Chia sẻ hồ sơ: who of other stations looked at this one's charts, and consents given here."""

from station_emr.ui.screens.sharing.screen import SharingScreen

__all__ = ["SharingScreen"]

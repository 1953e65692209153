"""Chuyển tuyến: the list of referral letters and the page that writes one."""

from station_emr.ui.screens.referrals.screen import ReferralsScreen

__all__ = ["ReferralsScreen"]

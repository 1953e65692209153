"""Referral letters on their way: addressed to the receiving facility, and answered to the sender."""

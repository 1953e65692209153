"""Nhật ký: who did what, what was printed, and whether the log is whole."""

from station_emr.ui.screens.audit.screen import AuditScreen

__all__ = ["AuditScreen"]

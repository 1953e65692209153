"""Báo cáo: tables counted by templates, their chart, and two lists of cases."""

from .screen import ReportsScreen

__all__ = ["ReportsScreen"]

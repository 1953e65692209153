"""Xem trước và in: the paper as it comes out, and the one place where printing is logged."""

from station_emr.ui.screens.preview.screen import PreviewScreen

__all__ = ["PreviewScreen"]

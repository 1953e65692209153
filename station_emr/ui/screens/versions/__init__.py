"""Lịch sử phiên bản: every version of a record, as it was and in words against another."""

from .screen import VersionsScreen

__all__ = ["VersionsScreen"]

"""Station EMR: the desktop program of a commune health station."""

__version__ = "0.1.0"
__released__ = "2026-01-01"  # no clock can rightly be before it; raised with a release

"""Station EMR: the desktop program of a commune health station."""

__version__ = "0.1.0"

"""Documents that wait for their digital signature."""

from .screen import SigningScreen

__all__ = ["SigningScreen"]

"""Infectious diseases that must be told of."""

from .screen import NoticesScreen

__all__ = ["NoticesScreen"]

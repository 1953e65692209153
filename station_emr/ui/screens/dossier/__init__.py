"""The station's file for the inspection."""

from .screen import DossierScreen

__all__ = ["DossierScreen"]

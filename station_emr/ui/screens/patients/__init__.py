"""People: the list, and one person with card, trends and visits."""

from .screen import PatientsScreen

__all__ = ["PatientsScreen"]

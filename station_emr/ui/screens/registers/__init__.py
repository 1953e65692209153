"""Sổ khám bệnh: the registers, their months and what was corrected late."""

from .screen import RegistersScreen

__all__ = ["RegistersScreen"]

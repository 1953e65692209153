"""Taking a person in: from the card, by hand, or correcting what is known."""

from .screen import RegistrationScreen

__all__ = ["RegistrationScreen"]

"""Consents, requests about one's own record, and leaks."""

from .screen import PrivacyScreen

__all__ = ["PrivacyScreen"]

"""Issuing a sick-leave certificate for a visit."""

from .screen import CertificateScreen

__all__ = ["CertificateScreen"]

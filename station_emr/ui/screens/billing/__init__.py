"""Viện phí: the bills of visits."""

from .screen import BillingScreen

__all__ = ["BillingScreen"]

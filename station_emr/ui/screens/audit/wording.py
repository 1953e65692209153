"""The words for what the log holds; prints and files use the same."""

from station_emr.services.audit_words import action_text, detail_text, role_text

__all__ = ["action_text", "detail_text", "role_text"]

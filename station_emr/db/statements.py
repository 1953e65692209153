"""Each SQL text becomes a statement once: making one anew costs as much as running a small one."""

from __future__ import annotations

from functools import lru_cache

import sqlalchemy
from sqlalchemy import TextClause

_KEPT = 1024  # more than there are; only a search makes texts of many shapes


@lru_cache(maxsize=_KEPT)
def text(sql: str) -> TextClause:
    """``sqlalchemy.text``; what it gives is shared and is never changed in place."""
    return sqlalchemy.text(sql)

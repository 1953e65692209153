"""One memory of compiled statements for every engine of a run.

A story opens some thirty databases, and each would compile the same statements again: that was a
third of what a story cost. Nothing but time is shared.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

_DIALECTS: dict[tuple[str, int], Any] = {}
_STATEMENTS: LRUCache[Any, Any] = LRUCache(4000)


def share_statements(engine: Engine) -> None:
    """Compile for ``engine`` what no other engine of its driver has compiled yet."""
    kind = (engine.dialect.dbapi.__name__, engine.pool.size())  # readers and writers
    if kind not in _DIALECTS:
        engine.connect().close()  # a dialect knows its database from the first connection on
        _DIALECTS[kind] = engine.dialect
    engine.dialect = _DIALECTS[kind]
    engine._compiled_cache = _STATEMENTS

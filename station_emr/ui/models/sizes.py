"""How much, as people read it."""

from __future__ import annotations


def size_text(count: int) -> str:
    """``12 B``, ``46,9 kB``, ``3,0 MB``."""
    if count < 1024:
        return f"{count} B"
    if count < 1024 * 1024:
        return f"{count / 1024:.1f} kB".replace(".", ",")
    return f"{count / 1024 / 1024:.1f} MB".replace(".", ",")

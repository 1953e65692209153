"""How long to wait before the next try."""

from __future__ import annotations

from typing import Final

_DOUBLINGS: Final = 16


def full_jitter(chance: bytes, failures: int, *, first: float, longest: float) -> float:
    """Seconds: any time up to a limit that doubles with each failure in a row, so that stations do
    not come back in step. ``chance`` are unpredictable bytes.
    """
    limit = min(longest, first * 2.0 ** min(max(failures - 1, 0), _DOUBLINGS))
    share = int.from_bytes(chance, "big") / float(1 << 8 * len(chance))
    return share * limit

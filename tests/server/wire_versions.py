"""The versions of the wire that a server must still understand: the last two, each with its proof.

A row is never changed. When a third version comes, the first row goes in the release after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).parent


@dataclass(frozen=True)
class WireVersion:
    """`program` is the release whose stations speak it; `fixture` what they sent and got, word for
    word; `exchange` the version of the exchange in it, None where it did not know that. `session`
    is a whole session of its station program (wire_session.py), from the second release on."""

    program: str
    fixture: Path
    exchange: int | None
    session: Path | None = None


SUPPORTED = (
    WireVersion("0.1", FIXTURES / "wire_0_1", None),
    WireVersion("0.2", FIXTURES / "wire_0_2", 1, FIXTURES / "wire_0_2_session.json"),
)

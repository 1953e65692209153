"""Parts of file names that come out of a record, which another PC of the station may have written."""

from __future__ import annotations

import re
from typing import Final

_OTHER: Final = re.compile(r"[^\w.-]+")
_LONGEST: Final = 80


def file_part(text: str) -> str:
    """``text`` as a part of a file's name: it never leads into another folder, whatever stands in it."""
    return _OTHER.sub("-", text).replace("..", "-")[:_LONGEST]

"""Where the files that ship with the program are: fonts, icons, catalogs, schemas.

From a checkout they lie in ``resources/`` beside the packages; in a frozen copy the bundle
unpacks them under ``sys._MEIPASS``.
"""

from __future__ import annotations

import sys
from pathlib import Path


def resource_path(*parts: str) -> Path:
    """The path of a shipped file, such as ``resource_path("fonts", "noto-sans", "OFL.txt")``."""
    frozen = getattr(sys, "_MEIPASS", None)
    root = Path(frozen) if frozen else Path(__file__).resolve().parents[2]
    return root.joinpath("resources", *parts)

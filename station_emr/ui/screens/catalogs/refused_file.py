"""The rows that were not taken, as a file that Excel opens, for whoever has to mend them.

Threading: writes a file; run it in the pool.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from station_emr.domain.catalog import RefusedRow
from station_emr.services.i18n import _

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "|", "%")


def write_refused(path: Path, rows: Sequence[RefusedRow]) -> None:
    """UTF-8 with a mark at its start, by which Excel knows it. Raises OSError."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_("Dòng"), _("Nội dung"), _("Lý do")])
        writer.writerows(
            [str(row.line), _harmless(row.text), _harmless(row.reason)] for row in rows
        )


def _harmless(text: str) -> str:
    """A cell that a spreadsheet would run as a formula is made text."""
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text

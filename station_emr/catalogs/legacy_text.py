"""Repair Vietnamese typed in the fonts of before Unicode: TCVN3 (.VnTime) and VNI.

Old Excel files store such text as Latin-1 letters. A single cell is too short to judge (TCVN3
``Viªn nÐn`` reads just as well as VISCII), so a whole column is judged at once, and a column that
says too little takes the verdict of the whole table. A column that holds one real Vietnamese
letter is Unicode already and is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Letters that exist only in Unicode Vietnamese, never in a Latin-1 misreading.
_UNICODE_VIETNAMESE = re.compile(
    "[\u0102\u0103\u0110\u0111\u0128\u0129\u0168\u0169\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9\u0300\u0301\u0303\u0309\u0323]"
)
_LATIN_1 = re.compile("[\u00a1-\u00ff]")
_ENOUGH = 24  # letters; below this the detector is guessing
_SAMPLE = 6000


def repair_columns(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The same table with every legacy column turned into Unicode."""
    table = [list(row) for row in rows]
    width = max((len(row) for row in table), default=0)
    texts = [_column(table, column) for column in range(width)]
    suspects = [column for column, text in enumerate(texts) if _suspect(text)]
    if not suspects:
        return table
    # Beside much real Unicode Vietnamese, a short odd column is just a foreign name.
    unicode = sum(len(text) for text in texts if _UNICODE_VIETNAMESE.search(text))
    odd = " ".join(texts[column] for column in suspects)
    whole = _detect(odd) if len(odd) > unicode else None
    for column in suspects:
        encoding = _detect(texts[column]) or whole
        if encoding:
            for row in table:
                if column < len(row):
                    row[column] = _convert(row[column], encoding)
    return table


def reads_as_legacy(text: str) -> bool:
    """Whether a text decoded as Latin-1 is TCVN3 or VNI rather than anything else."""
    words = " ".join(sorted({word for word in text.split() if not word.isascii()})[:2000])
    return _suspect(words) and _detect(words) is not None


def _column(table: Sequence[Sequence[str]], column: int) -> str:
    """The words of a column that are not plain ASCII.

    Drug names and Latin would drown the few Vietnamese words of such a column.
    """
    words = {word for row in table if column < len(row) for word in row[column].split()}
    return " ".join(sorted(word for word in words if not word.isascii()))[:_SAMPLE]


def _suspect(text: str) -> bool:
    return bool(_LATIN_1.search(text)) and not _UNICODE_VIETNAMESE.search(text)


def _detect(text: str) -> str | None:
    if len(text) < _ENOUGH:
        return None
    # viparse brings a whole document pipeline with it; only an old file pays for that.
    from viparse.normalize.detector import detect_encoding_by_content  # noqa: PLC0415
    from viparse.normalize.encodings import CHARMAPS  # noqa: PLC0415

    # VISCII and VPS were mail and web encodings, not Excel fonts: offering them only misleads.
    candidates = {name: CHARMAPS[name] for name in ("tcvn3", "vni")}
    found: str | None = detect_encoding_by_content(text, candidates).encoding
    return found


def _convert(text: str, encoding: str) -> str:
    if text.isascii():
        return text
    from viparse.normalize.encodings import CHARMAPS  # noqa: PLC0415  # see _detect
    from viparse.normalize.tables import convert  # noqa: PLC0415

    return str(convert(text, CHARMAPS[encoding]))

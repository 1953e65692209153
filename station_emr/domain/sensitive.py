"""Which diagnoses need a right of their own to be read: HIV and mental health, as data.

The ranges are a setting with a date from which they count. A category covers everything below it
(``F20`` is ``F20.0`` to ``F20.9``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

RESTRICTED: Final = "Nội dung hạn chế"
"""What stands in place of the words of a visit."""
REFUSED: Final = (
    "Nội dung hạn chế: lượt khám này có chẩn đoán chỉ người được phân quyền mới xem. "
    "Hồ sơ vẫn an toàn. Cần xem để chăm sóc thì hỏi bác sĩ đã ký, hoặc nhờ giám đốc phân quyền."
)
_RANGE: Final = re.compile(r"([A-Z]\d{2}(?:\.\d{1,2})?)(?:-([A-Z]\d{2}(?:\.\d{1,2})?))?")


@dataclass(frozen=True, slots=True)
class SensitiveRange:
    """``first`` to ``last``, both with all that is below them."""

    first: str
    last: str
    what: str
    since: date = date(2026, 1, 1)

    def covers(self, code: str) -> bool:
        code = code.strip().upper()
        return bool(code) and self.first <= code and code[: len(self.last)] <= self.last


DEFAULT_RANGES: Final[tuple[SensitiveRange, ...]] = (
    SensitiveRange("B20", "B24", "HIV"),
    SensitiveRange("F00", "F99", "Tâm thần"),
    SensitiveRange("R75", "R75", "HIV"),
    SensitiveRange("Z11.4", "Z11.4", "HIV"),
    SensitiveRange("Z20.6", "Z20.6", "HIV"),
    SensitiveRange("Z21", "Z21", "HIV"),
    SensitiveRange("Z71.7", "Z71.7", "HIV"),
)
"""Also screening for, exposure to and counselling about HIV: they say as much."""


def parse_ranges(text: str) -> tuple[SensitiveRange, ...]:
    """One per line: ``B20-B24; HIV; 2026-01-01``. Raises ValueError for a line that is none."""
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        codes, _sep, rest = line.partition(";")
        what, _sep, since = rest.partition(";")
        match = _RANGE.fullmatch(codes.strip().upper().replace("–", "-"))
        if match is None:
            raise ValueError(line)
        day = date.fromisoformat(since.strip()) if since.strip() else date(2026, 1, 1)
        found.append(SensitiveRange(match[1], match[2] or match[1], what.strip(), day))
    return tuple(found)


def ranges_text(ranges: Iterable[SensitiveRange]) -> str:
    return "\n".join(f"{one.first}-{one.last}; {one.what}; {one.since}" for one in ranges)


def is_sensitive(codes: Iterable[str], ranges: Iterable[SensitiveRange], today: date) -> bool:
    """Whether one of these ICD codes is in a range that counts by now."""
    standing = [one for one in ranges if one.since <= today]
    return any(one.covers(code) for code in codes for one in standing)

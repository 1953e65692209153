"""Damage in the write-ahead log, which SQLite itself would pass over.

After an unclean end SQLite takes the log up to the first frame whose checksum fails and silently forgets the
rest: right for a save that a power cut tore, wrong for a damaged file, where whole saves that were
acknowledged stand behind the damage. A power cut can tear the last transaction only, because each
was flushed before the next began. So a frame that fails with two ends of transactions behind it is damage.
The last transaction cannot be judged that way: damaged, it looks like torn.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from . import failures

_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_MAGIC: Final = {0x377F0682: "<", 0x377F0683: ">"}
_ENDS_OF_DAMAGE: Final = 2
_PAGE_SIZES: Final = frozenset(2**power for power in range(9, 17))

Sums = tuple[int, int]


class _Frame(NamedTuple):
    ends_transaction: bool
    salts: bytes
    head: bytes  # what the checksum covers of the header
    page: memoryview
    sums: Sums


def check(database: Path) -> None:
    """Raises DatabaseDamaged before anything has opened the database; changes nothing."""
    log = database.with_name(f"{database.name}-wal")
    try:
        content = log.read_bytes()
        if not _is_damaged(content):
            return
        # Another program may be writing it: then it looks whole, or begun anew, a moment later.
        again = log.read_bytes()
    except OSError:
        return  # there is none, or opening the database will tell
    if again[:_HEADER] == content[:_HEADER] and _is_damaged(again):
        raise failures.damaged_log()


def _is_damaged(content: bytes) -> bool:
    if len(content) <= _HEADER or not any(content[:_HEADER]):
        return False
    magic, _version, size = struct.unpack_from(">III", content)
    if size not in _PAGE_SIZES:
        size = 4096
    frames = _frames(content, size)
    order = _MAGIC.get(magic, "")
    sums = _add(order, (0, 0), content[:24]) if order else None
    if sums is None or sums != struct.unpack_from(">II", content, 24):
        return _ends(frames, None) >= _ENDS_OF_DAMAGE
    salts = content[16:24]
    for frame in frames:
        sums = _add(order, _add(order, sums, frame.head), frame.page)
        if frame.salts != salts or sums != frame.sums:
            return frame.ends_transaction + _ends(frames, salts) >= _ENDS_OF_DAMAGE
    return False


def _ends(frames: Iterator[_Frame], salts: bytes | None) -> int:
    """How many transactions end there, two at most; with the salts of most frames when not given."""
    ends = (one.salts for one in frames if one.ends_transaction)
    if salts is not None:
        return len(list(islice((one for one in ends if one == salts), _ENDS_OF_DAMAGE)))
    first = next(ends, None)
    return 0 if first is None else 1 + sum(one == first for one in ends)


def _frames(content: bytes, size: int) -> Iterator[_Frame]:
    view = memoryview(content)
    for at in range(_HEADER, len(content) - _FRAME_HEADER - size + 1, _FRAME_HEADER + size):
        ends = content[at + 4 : at + 8] != bytes(4)
        sums: Sums = struct.unpack_from(">II", content, at + 16)
        page = view[at + _FRAME_HEADER : at + _FRAME_HEADER + size]
        yield _Frame(ends, content[at + 8 : at + 16], content[at : at + 8], page, sums)


def _add(order: str, sums: Sums, part: bytes | memoryview) -> Sums:
    """SQLite's checksum, carried on over ``part``."""
    one, other = sums
    words = struct.unpack(f"{order}{len(part) // 4}I", part)
    pairs = iter(words)
    for word in pairs:
        one = (one + word + other) & 0xFFFFFFFF
        other = (other + next(pairs) + one) & 0xFFFFFFFF
    return one, other

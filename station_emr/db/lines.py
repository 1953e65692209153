"""Operation lines in little room: zstd with the protocol's dictionary.

A packed line names the dictionary it was packed with, so a dictionary that ever shipped must go on
shipping. Lines packed where there was none need none.
"""

from __future__ import annotations

import re
import threading
from functools import cache
from pathlib import Path
from typing import Final

import zstandard

from station_emr.services.resources import resource_path

LEVEL: Final = 3
_NAME: Final = re.compile(r"dictionary-([0-9]+)\.zdict")


class Packing:
    """The dictionaries of one folder; the one with the highest number packs."""

    def __init__(self, folder: Path) -> None:
        numbered = sorted(
            (int(found[1]), path)
            for path in (folder.iterdir() if folder.is_dir() else ())
            if (found := _NAME.fullmatch(path.name))
        )
        kept = [zstandard.ZstdCompressionDict(path.read_bytes()) for _, path in numbered]
        self._known = {dictionary.dict_id(): dictionary for dictionary in kept}
        self._newest = kept[-1] if kept else None
        if self._newest is not None:
            self._newest.precompute_compress(level=LEVEL)
        self._own = threading.local()  # neither direction may be shared between threads

    def pack(self, line: bytes) -> bytes:
        compressor: zstandard.ZstdCompressor | None = getattr(self._own, "compressor", None)
        if compressor is None:
            compressor = zstandard.ZstdCompressor(level=LEVEL, dict_data=self._newest)
            self._own.compressor = compressor
        return compressor.compress(line)

    def unpack(self, packed: bytes) -> bytes:
        """Raises LookupError when the dictionary no longer ships: a fault of the packaging."""
        number = zstandard.get_frame_parameters(packed).dict_id
        readers: dict[int, zstandard.ZstdDecompressor] | None = getattr(self._own, "readers", None)
        if readers is None:
            readers = self._own.readers = {}
        reader = readers.get(number)
        if reader is None:
            if number and number not in self._known:
                raise LookupError(f"dictionary {number} of the packed lines is missing")
            dictionary = self._known[number] if number else None
            reader = readers[number] = zstandard.ZstdDecompressor(dict_data=dictionary)
        return reader.decompress(packed)


@cache
def shipped() -> Packing:
    """The dictionaries that come with the program."""
    return Packing(resource_path("sync"))


def pack(line: bytes) -> bytes:
    return shipped().pack(line)


def unpack(packed: bytes) -> bytes:
    return shipped().unpack(packed)

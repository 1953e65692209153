"""Writing a courier file: the whole of it or nothing (docs/courier.md)."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import itertools
import json
import os
import shutil
import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Final, Protocol

import pyrage
import zstandard

from station_emr.domain.errors import DiskFull, EnvironmentFailure
from station_emr.sync.courier_file import (
    END,
    HEAD,
    MAGIC,
    PREAMBLE_LIMIT,
    SIGNED_AS,
    TAIL,
    VERSION,
    Preamble,
    seal_of,
)

_LEVEL: Final = 10
_SPARE: Final = 256 * 1024

NO_ROOM: Final = (
    "Ổ đĩa hoặc USB đã đầy nên chưa ghi được tệp. Dữ liệu đã lưu còn nguyên. "
    "Hãy xóa bớt tệp trên đó hoặc dùng USB khác rồi làm lại."
)
NOT_WRITTEN: Final = (
    "Không ghi được tệp vào nơi đã chọn. Dữ liệu đã lưu còn nguyên. "
    "Hãy kiểm tra USB có bị khóa ghi hoặc đã rút ra không rồi làm lại."
)


class Signer(Protocol):
    """The sender's ES384 key."""

    @property
    def public_der(self) -> bytes:
        """SubjectPublicKeyInfo."""

    def sign_message(self, message: bytes) -> bytes:
        """ECDSA with SHA-384; 96 bytes, r and s side by side."""


def write_file(path: Path, preamble: Preamble, lines: Iterable[bytes], signer: Signer) -> int:
    """Write the whole file or nothing; gives its size. ``lines`` is drawn on while writing.

    Raises EnvironmentFailure (DiskFull) for the disk, ValueError for a key that is none; whatever
    ``lines`` raises comes out unchanged. In every case nothing is left behind and an older file of
    the name stays.
    """
    recipient = recipient_of(preamble.recipient)
    fresh = path.with_name(f"{path.name}.part")
    try:
        _need_room(path.parent)
        fresh.unlink(missing_ok=True)  # left by a stick that was pulled out
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            size = _write_body(file, preamble, lines, signer, recipient)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _explain(error) from error
        raise
    _sync_folder(path.parent)
    return size


def _write_body(
    file: IO[bytes],
    preamble: Preamble,
    lines: Iterable[bytes],
    signer: Signer,
    recipient: pyrage.x25519.Recipient,
) -> int:
    fields = {**asdict(preamble), "key": base64.b64encode(signer.public_der).decode()}
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    if len(text) > PREAMBLE_LIMIT:
        raise ValueError("the preamble is too long")
    out = _Hashing(file)
    clear = HEAD.pack(MAGIC, VERSION, len(text)) + text
    source = _Packed(itertools.chain((seal_of(clear),), lines))
    out.write(clear)
    try:
        pyrage.encrypt_io(source, out, [recipient])
    except Exception as error:  # noqa: BLE001
        # The library wraps what our side raised: that is the true cause.
        raise source.failure or out.failure or error from None
    if out.failure is not None:  # the library says nothing of a last write that failed
        raise out.failure
    length = struct.pack(">Q", out.size)
    out.digest.update(length)
    signature = signer.sign_message(SIGNED_AS + out.digest.digest())
    file.write(TAIL.pack(out.size, signature, END))
    return out.size + TAIL.size


class _Packed:
    """Lines, compressed as the cipher asks for them."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._pieces = self._compressed(lines)
        self._left = b""
        self.failure: BaseException | None = None

    @staticmethod
    def _compressed(lines: Iterable[bytes]) -> Iterator[bytes]:
        packer = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
        for line in lines:
            yield packer.compress(line + b"\n")
        yield packer.flush()

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._left:
                self._left = next(self._pieces)
        except StopIteration:
            return b""
        except BaseException as error:
            self.failure = error
            raise
        size = len(self._left) if size < 0 else size
        piece, self._left = self._left[:size], self._left[size:]
        return piece


class _Hashing:
    """Counts and hashes what goes into the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha384()
        self.size = 0
        self.failure: BaseException | None = None

    def write(self, piece: bytes) -> int:
        if self.failure is not None:  # the library flushes what it had left
            raise self.failure
        try:
            self._file.write(piece)
        except BaseException as error:
            self.failure = error
            raise
        self.digest.update(piece)
        self.size += len(piece)
        return len(piece)

    def flush(self) -> None:
        self._file.flush()


def _need_room(folder: Path) -> None:
    """A full stick is told at once; one that fills up on the way is told then."""
    if shutil.disk_usage(folder).free < _SPARE:
        raise DiskFull(NO_ROOM)


def recipient_of(text: str) -> pyrage.x25519.Recipient:
    """An age key as people and files write it. Raises ValueError."""
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise ValueError("this is no age key") from error


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # Windows and some sticks have no handle to a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _explain(error: OSError) -> EnvironmentFailure:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return DiskFull(NO_ROOM)
    return EnvironmentFailure(NOT_WRITTEN)

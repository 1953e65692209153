"""The backup file: an age file for the province's backup key, inside it the manifest and the dump.

Inside the encryption: a mark of 8 bytes, the length of the manifest (4 bytes, big-endian), the
manifest as JSON, then the dump in one zstd frame. Nothing of it can be read without the key, and
no more than a piece of it is ever in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import msgspec
import pyrage
import zstandard

from provincial_server.operation import manifest as manifests
from provincial_server.operation.manifest import Manifest

MAGIC: Final = b"SEMR-BK1"
SUFFIX: Final = ".semrbak"
_HEAD: Final = struct.Struct(">8sI")
_LARGEST_MANIFEST: Final = 64 * 1024 * 1024
_CHUNK: Final = 1024 * 1024
_LEVEL: Final = 6


class BackupFault(Exception):
    """A backup was not written or not read; the text tells the operator what is safe."""


NOT_OURS = "Tệp này không phải bản sao lưu của chương trình, hoặc đã bị hỏng. Chưa có gì thay đổi."
WRONG_KEY = (
    "Khóa sao lưu này không mở được tệp: tệp được khóa bằng một khóa khác, hoặc tệp đã hỏng. "
    "Chưa có gì thay đổi."
)
DAMAGED = (
    "Nội dung bản sao lưu không đúng với tóm tắt của chính nó: tệp bị hỏng hoặc bị cắt. "
    "Chưa có gì thay đổi, hãy dùng bản sao lưu khác."
)


def write(path: Path, manifest: Manifest, dump: Path, recipients: Sequence[str]) -> int:
    """The whole file or nothing; gives its size. Raises OSError, BackupFault."""
    part = path.with_name(f"{path.name}.part")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        keys = [pyrage.x25519.Recipient.from_str(text) for text in recipients]
        with os.fdopen(os.open(part, flags, 0o600), "wb") as file, dump.open("rb") as plain:
            out = _Sink(file)
            source = _Source(_pieces(manifest, plain))
            try:
                pyrage.encrypt_io(source, out, keys)
            except Exception as error:  # noqa: BLE001 -- the library wraps what our side raised
                raise source.failure or out.failure or error from None
            out.check()
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    return path.stat().st_size


def read(path: Path, identity: str, dump: Path) -> Manifest:
    """Unpacks the dump into a file that is not there yet, and checks it against its manifest.
    Raises OSError, BackupFault; then nothing is left of it."""
    try:
        key = pyrage.x25519.Identity.from_str(identity.strip())
    except pyrage.IdentityError:
        raise BackupFault(
            "Đây không phải một khóa sao lưu (khóa bắt đầu bằng AGE-SECRET-KEY-1). "
            "Chưa có gì thay đổi."
        ) from None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(dump, flags, 0o600), "wb") as plain, path.open("rb") as file:
        try:
            opened = _Unpacking(plain)
            try:
                pyrage.decrypt_io(file, opened, [key])
            except Exception as error:
                opened.check()  # the library wraps what our side raised
                raise BackupFault(DAMAGED if opened.begun else WRONG_KEY) from error
            opened.check()
            manifest = opened.finish()
            plain.flush()
            os.fsync(plain.fileno())
        except BaseException:
            with contextlib.suppress(OSError):
                dump.unlink(missing_ok=True)
            raise
    return manifest


def hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pieces(manifest: Manifest, plain: IO[bytes]) -> Iterator[bytes]:
    text = manifest.encode()
    yield _HEAD.pack(MAGIC, len(text)) + text
    packer = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()
    while piece := plain.read(_CHUNK):
        yield packer.compress(piece)
    yield packer.flush()


class _Source:
    """Gives the cipher as much as it asks for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")
        self.failure: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._left:
                self._left = memoryview(next(self._pieces))
        except StopIteration:
            return b""
        except BaseException as error:
            self.failure = error
            raise
        size = len(self._left) if size < 0 else size
        piece, self._left = bytes(self._left[:size]), self._left[size:]
        return piece


class _Sink:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.failure: BaseException | None = None

    def check(self) -> None:
        """The library says nothing of a last write that failed."""
        if self.failure is not None:
            raise self.failure

    def write(self, piece: bytes) -> int:
        self.check()  # the library flushes what it had left
        try:
            return self._file.write(piece)
        except BaseException as error:
            self.failure = error
            raise

    def flush(self) -> None:
        self._file.flush()


class _Unpacking:
    """Takes the plain bytes as the cipher gives them: the manifest first, then the dump."""

    def __init__(self, plain: IO[bytes]) -> None:
        self._plain = plain
        self._head = bytearray()
        self._manifest: Manifest | None = None
        self._inflate = zstandard.ZstdDecompressor().decompressobj()
        self._digest = hashlib.sha256()
        self._size = 0
        self.begun = False
        self.failure: BaseException | None = None

    def check(self) -> None:
        if self.failure is not None:
            raise self.failure

    def write(self, piece: bytes) -> int:
        self.check()
        self.begun = True
        try:
            self._take(piece)
        except zstandard.ZstdError:
            self.failure = BackupFault(DAMAGED)
            raise self.failure from None
        except BaseException as error:
            self.failure = error
            raise
        return len(piece)

    def flush(self) -> None:
        self._plain.flush()

    def _take(self, piece: bytes) -> None:
        if self._manifest is None:
            self._head += piece
            if len(self._head) < _HEAD.size:
                return
            mark, length = _HEAD.unpack_from(self._head)
            if mark != MAGIC or length > _LARGEST_MANIFEST:
                raise BackupFault(NOT_OURS)
            if len(self._head) < _HEAD.size + length:
                return
            text = bytes(self._head[_HEAD.size : _HEAD.size + length])
            piece = bytes(self._head[_HEAD.size + length :])
            try:
                self._manifest = manifests.decode(text)
            except msgspec.MsgspecError as error:
                raise BackupFault(NOT_OURS) from error
        if piece and not self._inflate.eof:
            plain = self._inflate.decompress(piece)
            self._size += len(plain)
            if self._size > self._manifest.size:
                raise BackupFault(DAMAGED)
            self._digest.update(plain)
            self._plain.write(plain)

    def finish(self) -> Manifest:
        if self._manifest is None:
            raise BackupFault(NOT_OURS)
        if self._digest.hexdigest() != self._manifest.sha256 or not self._inflate.eof:
            raise BackupFault(DAMAGED)
        return self._manifest

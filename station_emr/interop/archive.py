"""One ZIP file of open formats, written whole or not at all.

Parts are packed in memory until the end, so that no half file and no unpacked copy ever lies on a disk.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from station_emr.domain.errors import DiskFull, EnvironmentFailure
from station_emr.domain.os_words import os_words
from station_emr.services.export_ports import ArchiveReport

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CHUNK: Final = 1 << 20
_DAMAGED: Final = (
    "Tệp vừa ghi đọc lại không giống. Ổ đĩa hoặc USB có thể đã hỏng. "
    "Hồ sơ trên máy vẫn nguyên. Hãy xuất lại vào ổ khác."
)
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the same content gives the same file


class _Part:
    """The packed bytes of one file inside, with its sum."""

    def __init__(self) -> None:
        self.lines = 0
        self._sum = hashlib.sha256()
        self._packer = zlib.compressobj(6)
        self._packed: list[bytes] = []

    def add(self, content: bytes) -> None:
        self._sum.update(content)
        packed = self._packer.compress(content)
        if packed:
            self._packed.append(packed)

    @property
    def sha256(self) -> str:
        return self._sum.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """The content again; the part takes nothing more."""
        unpacker = zlib.decompressobj()
        for packed in (*self._packed, self._packer.flush()):
            waiting = packed
            while waiting:
                yield unpacker.decompress(waiting, _CHUNK)
                waiting = unpacker.unconsumed_tail
        yield unpacker.flush()


class ZipArchive:
    """Implements :class:`station_emr.services.export_ports.Archive`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parts: dict[str, _Part] = {}

    def line(self, name: str, text: bytes) -> None:
        part = self._parts.setdefault(name, _Part())
        part.lines += 1
        part.add(text + b"\n")

    def whole(self, name: str, content: bytes) -> None:
        if name in self._parts:
            raise ValueError(f"{name} is there already")
        self._parts[name] = part = _Part()
        part.add(content)

    def finish(self, manifest: Mapping[str, Any]) -> ArchiveReport:
        lines = {name: part.lines for name, part in sorted(self._parts.items()) if part.lines}
        sums = {name: part.sha256 for name, part in sorted(self._parts.items())}
        listed = {**manifest, "lines": lines, "sha256": sums}
        text = json.dumps(listed, ensure_ascii=False, indent=1, default=str) + "\n"
        fresh = self._path.with_name(self._path.name + ".part")
        try:
            self._write(fresh, text.encode())
            _read_back(fresh, sums)
            fresh.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise _explain(error) from error
        finally:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
        return ArchiveReport(
            path=self._path,
            lines=lines,
            sha256=sums,
            left_out=int(manifest.get("restricted_left_out", 0)),
        )

    def _write(self, fresh: Path, manifest: bytes) -> None:
        with fresh.open("wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
                with made.open(_entry("manifest.json"), "w") as entry:
                    entry.write(manifest)
                for name, part in sorted(self._parts.items()):
                    with made.open(_entry(name), "w", force_zip64=True) as entry:
                        for chunk in part.chunks():
                            entry.write(chunk)
            file.flush()
            os.fsync(file.fileno())


class ZipArchives:
    """Implements :class:`station_emr.services.export_ports.Archives`."""

    @contextlib.contextmanager
    def create(self, path: Path) -> Iterator[ZipArchive]:
        if not path.parent.is_dir():
            raise EnvironmentFailure(
                f"Không có thư mục {path.parent}. Hồ sơ trên máy vẫn nguyên. Hãy chọn thư mục khác."
            )
        if path.exists():
            raise EnvironmentFailure(
                f"Đã có tệp {path.name} ở đó. Tệp cũ được giữ nguyên. Hãy chọn tên khác."
            )
        yield ZipArchive(path)

    def keep(self, folder: Path, name: str, content: bytes) -> Path:
        path, fresh = folder / name, folder / f"{name}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise _explain(error) from error
        return path


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def _read_back(path: Path, sums: Mapping[str, str]) -> None:
    """What lies on the disk is what was written, or the file does not get its name."""
    try:
        with zipfile.ZipFile(path) as made:
            for name, expected in sums.items():
                if _sum_of(made, name) != expected:
                    raise EnvironmentFailure(_DAMAGED)
    except (zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise EnvironmentFailure(_DAMAGED) from error


def _sum_of(made: zipfile.ZipFile, name: str) -> str:
    found = hashlib.sha256()
    with made.open(name) as entry:
        while chunk := entry.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _explain(error: OSError) -> EnvironmentFailure:
    if error.errno in _NO_ROOM:
        return DiskFull(
            "Ổ đĩa không đủ chỗ cho tệp xuất. Chưa có tệp nào được ghi, hồ sơ trên máy vẫn nguyên. "
            "Hãy dọn bớt chỗ hoặc chọn ổ khác."
        )
    return EnvironmentFailure(
        f"Không ghi được tệp xuất ({os_words(error)}). Hồ sơ trên máy vẫn nguyên. Hãy chọn nơi khác."
    )

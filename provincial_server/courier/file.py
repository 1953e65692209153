"""The courier file: who may read it, who wrote it, and whether a byte of it was changed.

Layout and rules stand in docs/courier.md. Nothing here knows a record: lines go in, lines come
out. Neither way is a file ever held in memory, and reading changes nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import pyrage
import zstandard
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_der_public_key

from provincial_server.courier.faults import CourierRefused, EnvironmentFailure

MAGIC: Final = b"SEMR\r\n\x1a\n"  # a transfer that rewrites line ends destroys it at once
END: Final = b"SEMR-END"
VERSION: Final = 1
SUFFIX: Final = ".semr"
UNITS, REPLY, SNAPSHOT = "units", "reply", "snapshot"
LINE_LIMIT: Final = 16 * 1024 * 1024
LINES_LIMIT: Final = 2_000_000  # several times what the largest station writes in twenty years
PREAMBLE_LIMIT: Final = 4096
_SIGNATURE: Final = 96
HEAD: Final = struct.Struct(">8sHI")
TAIL: Final = struct.Struct(f">Q{_SIGNATURE}s8s")
SIGNED_AS: Final = b"station-emr courier file\x00"  # so that it is no signature of anything else
_CHUNK: Final = 256 * 1024
_SLICE: Final = 512  # compressed bytes taken at once: bounds what a hostile file can unfold to
_WINDOW: Final = 8 * 1024 * 1024

NOT_OURS: Final = "Tệp này không phải tệp chuyển tay của chương trình. Chưa có gì thay đổi."
CUT: Final = (
    "Tệp này không trọn vẹn: việc chép đã bị ngắt giữa chừng hoặc tệp đã bị đổi. Chưa có gì thay "
    "đổi. Hãy chép lại tệp, hoặc xuất lại vào một USB khác."
)
CHANGED: Final = (
    "Nội dung tệp không còn đúng với chữ ký: tệp bị hỏng hoặc đã bị sửa. Chưa có gì thay đổi. "
    "Hãy xuất lại tệp ở nơi gửi."
)
NEWER: Final = (
    "Tệp này do một phiên bản mới hơn của chương trình lập ra. Chưa có gì thay đổi. "
    "Hãy cập nhật chương trình ở máy này rồi nhập lại."
)
REWRAPPED: Final = (
    "Phần được khóa trong tệp không thuộc về người ký tệp: có người đã lấy nó từ tệp của máy khác. "
    "Chưa có gì thay đổi. Hãy báo người phụ trách công nghệ thông tin và giữ lại tệp này."
)
WRONG_KEY: Final = (
    "Tệp này được khóa cho một máy khác, máy này không mở được. Chưa có gì thay đổi. "
    "Hãy nhập tệp ở đúng máy, hoặc xin tệp khóa cho máy này."
)
UNREADABLE: Final = (
    "Tệp đúng chữ ký nhưng nội dung bên trong không đọc được. Chưa có gì thay đổi. "
    "Hãy xuất lại tệp ở nơi gửi, hoặc báo bộ phận hỗ trợ phần mềm."
)
TOO_MANY: Final = (
    "Tệp có hơn {limit} dòng, nhiều hơn bất kỳ trạm nào có thể có, nên việc nhập đã dừng lại. "
    "Phần đã nhập trước đó vẫn đúng và được giữ. Hãy giữ lại tệp này và báo bộ phận hỗ trợ phần mềm."
)
NOT_READ: Final = "Không đọc được tệp. Dữ liệu đã lưu còn nguyên. Hãy kiểm tra USB rồi thử lại."


@dataclass(frozen=True, slots=True, kw_only=True)
class Preamble:
    """What stands in clear: enough to sort files, nothing of a person.

    ``device`` is empty when the province wrote the file. ``recipient`` is the age key it is
    encrypted to, ``reply_to`` the one that an answer is to be encrypted to. ``answers`` is the
    number of the file that this one replies to.
    """

    kind: str
    facility: str
    device: str
    created: str
    number: int
    recipient: str
    reply_to: str = ""
    answers: int = 0


def fingerprint(public_der: bytes) -> str:
    """How people compare keys: 32 hexadecimal digits of the public half's SHA-256."""
    return hashlib.sha256(public_der).hexdigest()[:32]


def grouped(print_of_key: str) -> str:
    """A fingerprint for reading aloud."""
    return " ".join(print_of_key[place : place + 4] for place in range(0, len(print_of_key), 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierFile:
    """A file that is whole and was signed by the holder of ``signer_key``. Whether that is somebody
    to believe is the caller's question. ``pieces`` are the hashes of what was checked, so that a
    stick cannot show other bytes when it is read again. ``seal`` is the first line of the encrypted
    part, which is not given on.
    """

    path: Path
    preamble: Preamble
    signer_key: bytes
    size: int
    start: int
    end: int
    pieces: tuple[bytes, ...]
    seal: bytes

    @property
    def signer(self) -> str:
        return fingerprint(self.signer_key)

    @property
    def digest(self) -> str:
        """Names exactly this file."""
        return hashlib.sha256(b"".join(self.pieces)).hexdigest()

    def read(self, identity: str, receive: Callable[[bytes], None]) -> None:
        """Give every line to ``receive``, in order. What that raises comes out unchanged. ``identity``
        holds one key per line.

        Raises CourierRefused. By then lines may have been given: a caller that must change nothing
        on a bad file collects them in one transaction.
        """
        lines = _Lines(_Sealed(self.seal, receive))
        try:
            keys = [pyrage.x25519.Identity.from_str(line) for line in identity.split()]
        except pyrage.IdentityError as error:
            raise ValueError("this is no age identity") from error
        source: _Checked | None = None
        try:
            with self.path.open("rb") as file:
                source = _Checked(file, self)
                pyrage.decrypt_io(source, lines, keys)
        except Exception as error:
            # The library wraps what our side raised: that is the true cause.
            ours = lines.failure or (source.failure if source is not None else None)
            raise ours or _refusal(error) from error
        if lines.failure is not None:  # the library says nothing of a last write that failed
            raise lines.failure
        lines.close()


def _refusal(error: Exception) -> Exception:
    if "No matching keys" in str(error):
        return CourierRefused("wrong-key", WRONG_KEY)
    if isinstance(error, OSError) and error.errno is not None:
        return EnvironmentFailure(NOT_READ)
    return CourierRefused("unreadable", UNREADABLE)


def seal_of(clear: bytes) -> bytes:
    """The first line inside the cipher: it belongs to this head and preamble and to no other, so
    nobody can put his own name on what somebody else encrypted.
    """
    return json.dumps({"sealed": hashlib.sha256(clear).hexdigest()}).encode("ascii")


def open_file(path: Path) -> CourierFile:
    """Check a file from its first byte to its last. Raises CourierRefused, EnvironmentFailure."""
    try:
        with path.open("rb") as file:
            return _check(path, file)
    except OSError as error:
        raise EnvironmentFailure(NOT_READ) from error


def _check(path: Path, file: IO[bytes]) -> CourierFile:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(HEAD.size)
    if head[: len(MAGIC)] != MAGIC[: len(head)] or not head:
        raise CourierRefused("not-ours", NOT_OURS)
    if len(head) < HEAD.size:
        raise CourierRefused("cut", CUT)
    _magic, version, length = HEAD.unpack(head)
    if version > VERSION:
        raise CourierRefused("newer", NEWER)
    start = HEAD.size + length
    end = size - TAIL.size
    if version < 1 or length > PREAMBLE_LIMIT:
        raise CourierRefused("changed", CHANGED)
    if start >= end:
        raise CourierRefused("cut", CUT)
    text = file.read(length)
    file.seek(end)
    tail = file.read(TAIL.size)
    if len(tail) < TAIL.size or tail[-len(END) :] != END:
        raise CourierRefused("cut", CUT)
    said, signature, _end = TAIL.unpack(tail)
    if said != end:
        raise CourierRefused("cut", CUT)
    preamble, key = _read_preamble(text)
    digest = hashlib.sha384()
    pieces = []
    file.seek(0)
    for piece in _pieces(file, end):
        digest.update(piece)
        pieces.append(hashlib.sha256(piece).digest())
        if len(pieces) == 1 and piece[:start] != head + text:
            raise CourierRefused("changed", CHANGED)
    digest.update(tail[:8])
    if not verifies(key, signature, SIGNED_AS + digest.digest()):
        raise CourierRefused("changed", CHANGED)
    return CourierFile(
        path=path,
        preamble=preamble,
        signer_key=key,
        size=size,
        start=start,
        end=end,
        pieces=tuple(pieces),
        seal=seal_of(head + text),
    )


def _pieces(file: IO[bytes], end: int) -> Iterator[bytes]:
    place = 0
    while place < end:
        piece = file.read(min(_CHUNK, end - place))
        if not piece:
            raise CourierRefused("cut", CUT)
        place += len(piece)
        yield piece


def _read_preamble(text: bytes) -> tuple[Preamble, bytes]:
    """Keys of a later program are ignored: they were covered by the signature all the same."""
    try:
        said = json.loads(text)
        strings = {
            name: _text(said.get(name, ""))
            for name in ("kind", "facility", "device", "created", "recipient", "reply_to")
        }
        numbers = {name: _count(said.get(name, 0)) for name in ("number", "answers")}
        key = base64.b64decode(_text(said["key"]), validate=True)
    except (ValueError, KeyError, AttributeError, RecursionError) as error:
        raise CourierRefused("changed", CHANGED) from error
    return Preamble(**strings, **numbers), key  # type: ignore[arg-type]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("not a text that can be shown")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise ValueError("not a number")
    return value


def verifies(public_der: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the holder of the P-384 key signed this; never raises."""
    try:
        key = load_der_public_key(public_der)
    except (ValueError, UnsupportedAlgorithm):
        return False
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        return False
    half = _SIGNATURE // 2
    pair = encode_dss_signature(
        int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    )
    try:
        key.verify(pair, message, ec.ECDSA(SHA384()))
    except InvalidSignature:
        return False
    return True


class _Checked:
    """The encrypted part, every piece of it compared with what the signature was checked over."""

    def __init__(self, file: IO[bytes], courier: CourierFile) -> None:
        self._source = self._pieces_of(file, courier)
        self._left = b""
        self.failure: BaseException | None = None

    @staticmethod
    def _pieces_of(file: IO[bytes], courier: CourierFile) -> Iterator[bytes]:
        skip = courier.start
        for known, piece in zip(courier.pieces, _pieces(file, courier.end), strict=True):
            if hashlib.sha256(piece).digest() != known:
                raise CourierRefused("changed", CHANGED)
            if skip < len(piece):
                yield piece[skip:]
            skip = max(0, skip - len(piece))

    def read(self, size: int = -1) -> bytes:
        try:
            self._left = self._left or next(self._source, b"")
        except BaseException as error:
            self.failure = error
            raise
        size = len(self._left) if size < 0 else size
        piece, self._left = self._left[:size], self._left[size:]
        return piece


class _Sealed:
    """Passes lines on once the first has proven that they belong to what stands in clear."""

    def __init__(self, seal: bytes, receive: Callable[[bytes], None]) -> None:
        self._seal = seal
        self._receive = receive
        self._count = 0
        self.proven = False

    def __call__(self, line: bytes) -> None:
        if self.proven:
            self._count += 1
            if self._count > LINES_LIMIT:
                limit = f"{LINES_LIMIT:,}".replace(",", ".")
                raise CourierRefused("too-many", TOO_MANY.format(limit=limit))
            self._receive(line)
        elif line == self._seal:
            self.proven = True
        else:
            raise CourierRefused("changed", REWRAPPED)


class _Lines:
    """Unpacks what the cipher gives and cuts it into lines."""

    def __init__(self, receive: _Sealed) -> None:
        self._receive = receive
        self._unpack = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        self._parts: list[bytes] = []
        self._held = 0
        self.failure: BaseException | None = None

    def write(self, piece: bytes) -> int:
        if self.failure is not None:  # the library flushes what it had left
            raise self.failure
        try:
            for place in range(0, len(piece), _SLICE):
                self._take(piece[place : place + _SLICE])
        except zstandard.ZstdError as error:
            self.failure = CourierRefused("unreadable", UNREADABLE)
            raise self.failure from error
        except BaseException as error:
            self.failure = error
            raise
        return len(piece)

    def flush(self) -> None:
        """Nothing to do: lines leave as they are complete."""

    def _take(self, packed: bytes) -> None:
        if self._unpack.eof:
            raise CourierRefused("unreadable", UNREADABLE)
        *whole, rest = self._unpack.decompress(packed).split(b"\n")
        for line in whole:
            self._receive(b"".join((*self._parts, line)))
            self._parts, self._held = [], 0
        if rest:
            self._parts.append(rest)
            self._held += len(rest)
        if self._held > LINE_LIMIT:
            raise CourierRefused("unreadable", UNREADABLE)

    def close(self) -> None:
        """The last line is complete and the packing ended where it should."""
        ended = self._unpack.eof and not self._unpack.unused_data and not self._held
        if not (ended and self._receive.proven):
            raise CourierRefused("unreadable", UNREADABLE)

"""Bodies of the exchange, packed and unpacked: zstd with the protocol's dictionary, zstd, gzip or
nothing. Unpacking never makes more bytes than the limit."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import zstandard

from provincial_server.faults import refuse
from provincial_server.transport import gunzip

MEDIA_TYPE = "application/vnd.station-emr.exchange"
DICTIONARY_HEADER = "X-Exchange-Dictionary"
_NEWEST = 1
_NOT_WORTH_PACKING = 100
_FIRM_UP_TO = 256 * 1024
_THREAD = threading.local()
_LARGEST_WINDOW = 32 * 1024 * 1024


@cache
def dictionary(number: int) -> zstandard.ZstdCompressionDict | None:
    """None when this server does not have it."""
    return copy_of(number)


def copy_of(number: int) -> zstandard.ZstdCompressionDict | None:
    """The same for whoever prepares it for one level, which would hold for everybody who shares it."""
    if not 1 <= number <= _NEWEST:
        return None
    file = resources.files("provincial_server.exchange").joinpath(f"dictionary-{number}.zdict")
    if not file.is_file():
        return None
    return zstandard.ZstdCompressionDict(file.read_bytes(), dict_type=zstandard.DICT_TYPE_FULLDICT)


def dictionaries() -> list[int]:
    """The numbers that this server offers."""
    return [number for number in range(1, _NEWEST + 1) if dictionary(number)]


@dataclass(frozen=True)
class Packing:
    """How a body goes; dictionary 0 is none."""

    encoding: str = ""
    dictionary: int = 0


def request_packing(headers: Mapping[str, str]) -> Packing:
    """How the body came; 415 for what this server cannot unpack."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in {"", "identity"}:
        return Packing()
    if encoding == "gzip":
        return Packing("gzip")
    if encoding != "zstd":
        raise refuse(415, "not-supported", "the content encodings are zstd and gzip")
    return Packing("zstd", _number(headers))


def answer_packing(headers: Mapping[str, str]) -> Packing:
    """The best packing that the asker can read. A dictionary it names and we lack is not used."""
    accepted = {
        name.strip()
        for part in headers.get("accept-encoding", "").lower().split(",")
        for name, _, weight in [part.partition(";")]
        if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    }
    if "zstd" in accepted:
        named = headers.get(DICTIONARY_HEADER.lower(), "")
        known = named.isascii() and named.isdigit() and len(named) < 4 and dictionary(int(named))
        return Packing("zstd", int(named) if known else 0)
    return Packing("gzip" if "gzip" in accepted else "")


def _number(headers: Mapping[str, str]) -> int:
    named = headers.get(DICTIONARY_HEADER.lower())
    if named is None:
        return 0
    named = named.strip()
    if not (named.isascii() and named.isdigit() and len(named) < 4) or (
        int(named) and dictionary(int(named)) is None
    ):
        raise refuse(415, "not-supported", "this dictionary is not known here; gzip is")
    return int(named)


def unpack(body: bytes, packing: Packing, limit: int) -> bytes:
    """The plain bytes; 413 when there are more than `limit`, 400 when they are not whole."""
    if packing.encoding == "gzip":
        return gunzip(body, limit)
    if packing.encoding == "zstd":
        return _unzstd(body, packing.dictionary, limit)
    if len(body) > limit:
        raise refuse(413, "too-long", "the body is too large")
    return body


def _unzstd(body: bytes, number: int, limit: int) -> bytes:
    unpacking = zstandard.ZstdDecompressor(
        dict_data=dictionary(number), max_window_size=_LARGEST_WINDOW
    ).decompressobj(read_across_frames=False)
    # In slices: a frame may lie about its size, and a slice of the input cannot explode unseen.
    plain = bytearray()
    try:
        size = zstandard.frame_content_size(body)
        if size > limit:
            raise refuse(413, "too-long", "the unpacked body is too large")
        for start in range(0, len(body), _slice(size)):
            plain += unpacking.decompress(body[start : start + _slice(size)])
            if len(plain) > limit:
                raise refuse(413, "too-long", "the unpacked body is too large")
            if unpacking.eof:
                break
    except zstandard.ZstdError:
        raise refuse(400, "structure", "the body is not valid zstd") from None
    if not unpacking.eof or unpacking.unused_data:
        raise refuse(400, "structure", "the zstd body is cut short or has a tail")
    return bytes(plain)


def _slice(size: int) -> int:
    """zstd packs at most 128 kB into a block of 4 bytes: a small slice holds a bounded explosion.
    A frame that names its size cannot unpack to more than that."""
    return 64 if size < 0 else 1 << 30


def pack(plain: bytes, packing: Packing) -> tuple[bytes, dict[str, str]]:
    """The body of an answer and the headers that say how it is packed."""
    headers = {"Content-Type": MEDIA_TYPE, "Vary": f"Accept-Encoding, {DICTIONARY_HEADER}"}
    if len(plain) < _NOT_WORTH_PACKING or not packing.encoding:
        return plain, headers
    headers["Content-Encoding"] = packing.encoding
    if packing.encoding == "gzip":
        return gzip.compress(plain, 9 if len(plain) <= _FIRM_UP_TO else 6, mtime=0), headers
    if packing.dictionary:
        headers[DICTIONARY_HEADER] = str(packing.dictionary)
    level = 12 if len(plain) <= _FIRM_UP_TO else 6
    return _compressor(packing.dictionary, level).compress(plain), headers


def _compressor(number: int, level: int) -> zstandard.ZstdCompressor:
    """This thread's own, kept: preparing a dictionary takes longer than packing a short answer."""
    name = f"{number}/{level}"
    made: zstandard.ZstdCompressor | None = getattr(_THREAD, name, None)
    if made is None:
        made = zstandard.ZstdCompressor(
            level=level, dict_data=dictionary(number), write_checksum=True
        )
        setattr(_THREAD, name, made)
    return made

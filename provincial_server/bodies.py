"""Bodies of plain FHIR requests: JSON, plain or packed as gzip or zstd, never larger than allowed."""

from __future__ import annotations

from fastapi import Request

from provincial_server.exchange import packing
from provincial_server.faults import refuse
from provincial_server.negotiation import check_content_type
from provincial_server.settings import Limits
from provincial_server.transport import read_bytes

_ENCODINGS = {"", "identity", "gzip", "zstd"}


async def read_body(request: Request, limits: Limits) -> bytes:
    """The unpacked body; 413 or 415 before more than the limit is in memory."""
    check_content_type(request)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        problem = "the content encodings are gzip and zstd"
        raise refuse(415, "not-supported", problem, "http.content-encoding")
    received = await read_bytes(request, limits)
    packed = packing.Packing("" if encoding == "identity" else encoding)
    return packing.unpack(received, packed, limits.body_bytes)

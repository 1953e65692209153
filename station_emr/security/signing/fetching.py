"""Asking an authority over HTTP, with limits. What it answers is signed, so plain HTTP is its usual way."""

from __future__ import annotations

from typing import Final, Protocol

import requests

from station_emr.domain.errors import NetworkFailure

_TIMEOUTS: Final = (4.0, 6.0)  # to connect, between two pieces
_LARGEST: Final = 8 * 1024 * 1024
_PIECE: Final = 64 * 1024


class Fetch(Protocol):
    def __call__(self, url: str, body: bytes | None = None, content_type: str = "") -> bytes:
        """The answer's bytes. Raises NetworkFailure."""


def fetch(url: str, body: bytes | None = None, content_type: str = "") -> bytes:
    """GET, or POST with a body; never from the window's thread."""
    if not url.startswith(("http://", "https://")):
        raise NetworkFailure("Địa chỉ của nơi cấp chứng thư không dùng được.")
    headers = {"Content-Type": content_type} if content_type else {}
    try:
        with requests.request(
            "GET" if body is None else "POST",
            url,
            data=body,
            headers=headers,
            timeout=_TIMEOUTS,
            stream=True,
            allow_redirects=False,
        ) as answer:
            if answer.status_code != requests.codes.ok:
                raise NetworkFailure("Nơi cấp chứng thư chưa trả lời được.")
            found = bytearray()
            for piece in answer.iter_content(_PIECE):
                found += piece
                if len(found) > _LARGEST:
                    raise NetworkFailure("Trả lời của nơi cấp chứng thư quá lớn.")
            return bytes(found)
    except requests.RequestException:
        raise NetworkFailure("Không nối được với nơi cấp chứng thư.") from None

"""One request to a national gateway, and what is certain afterwards.

The gateways document no idempotency, so it matters more than anything whether a request can have
arrived: :class:`NotReached` says that nothing of it left this machine, :class:`NoAnswer` that it may
have. Every request has a connection of its own: a kept one that the other end had closed meanwhile
would make an unsent request look like a sent one.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import requests
import urllib3

from station_emr.domain.errors import NetworkFailure, UserError
from station_emr.sync.client import SystemTrust, checked_base_url, trusted_context
from station_emr.sync.peer import Traffic
from station_emr.sync.retry_after import DAY, pause_of

_LARGEST: Final = 4 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_BEFORE_SENDING: Final = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.NameResolutionError,
    urllib3.exceptions.ConnectTimeoutError,
)
_HANDSHAKE: Final = ("CERTIFICATE", "HANDSHAKE", "WRONG_VERSION", "UNKNOWN_PROTOCOL", "HOSTNAME")

_SAFE: Final = "Mọi thứ vẫn lưu ở trạm."
AWAY: Final = f"Không kết nối được cổng. {_SAFE} Chương trình sẽ tự gửi lại."
UNTRUSTED: Final = (
    f"Không xác minh được chứng chỉ của cổng, nên không gửi gì. {_SAFE} "
    "Hãy xem ngày giờ của máy này, rồi báo người phụ trách công nghệ thông tin."
)
STALLED: Final = (
    "Đã gửi nhưng cổng không trả lời kịp, nên không rõ cổng đã nhận chưa. "
    "Hãy tra trên trang của cổng rồi chọn: đã nhận, hoặc gửi lại."
)
CUT: Final = (
    "Đường truyền đứt sau khi đã gửi, nên không rõ cổng đã nhận chưa. "
    "Hãy tra trên trang của cổng rồi chọn: đã nhận, hoặc gửi lại."
)
NONSENSE: Final = (
    "Cổng trả lời không đọc được, nên không rõ cổng đã nhận chưa. "
    "Hãy tra trên trang của cổng rồi chọn: đã nhận, hoặc gửi lại."
)
PORTAL: Final = (
    "Mạng đang dùng trả về một trang web thay vì cổng (thường là trang đăng nhập Wi-Fi). "
    f"Hãy mở trình duyệt để đăng nhập mạng. {_SAFE} Chương trình sẽ tự gửi lại."
)
BAD_ADDRESS: Final = (
    "Địa chỉ của cổng không dùng được, nên không gửi gì. Nhờ giám đốc xem lại trong Quản trị, "
    "mục Cổng BHYT và đơn thuốc."
)


class NotReached(NetworkFailure):
    """Nothing of the request left this machine."""


class NoAnswer(NetworkFailure):
    """The request may have arrived; no usable answer came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPatience:
    """Seconds: to connect, of silence, and for the whole answer (a server may drip for ever)."""

    connect: float = 10.0
    stall: float = 45.0
    whole: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """``body`` is the JSON object, None when the answer was none. ``page``: it was a web page, or a
    redirect to one.
    """

    status: int
    body: Mapping[str, Any] | None
    page: bool
    retry_after: float | None = None


class GatewayWire:
    """Requests to one address, from any thread."""

    def __init__(self, base_url: str, patience: GatewayPatience, traffic: Traffic) -> None:
        self._base = base_url
        self._patience = patience
        self._traffic = traffic
        self._aborted = threading.Event()
        self._trust: ssl.SSLContext | None = None

    def abort(self) -> None:
        self._aborted.set()

    def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """Raises NotReached or NoAnswer."""
        base = self._checked()
        if self._aborted.is_set():
            raise NotReached(AWAY)
        with requests.Session() as session:
            session.trust_env = False  # no proxy of the environment may see a record
            if base.startswith("https:"):
                self._trust = self._trust or trusted_context()
                session.mount("https://", SystemTrust(self._trust))
            try:
                return self._exchange(session, f"{base}{path}", body, headers, query)
            except requests.exceptions.ConnectTimeout as error:
                raise NotReached(AWAY) from error
            except requests.exceptions.SSLError as error:
                raise _of_tls(error) from error
            except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
                raise NoAnswer(STALLED) from error
            except requests.exceptions.ConnectionError as error:
                raise _of_connection(error) from error
            except (
                requests.exceptions.RequestException,
                urllib3.exceptions.HTTPError,
                OSError,
            ) as error:
                raise NoAnswer(CUT) from error

    def _checked(self) -> str:
        try:
            return checked_base_url(self._base)
        except (UserError, ValueError):
            raise NotReached(BAD_ADDRESS) from None

    def _exchange(
        self,
        session: requests.Session,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None,
    ) -> Reply:
        until = time.monotonic() + self._patience.whole
        self._traffic.up += len(body)
        with session.post(
            url,
            params=query,
            data=body,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Connection": "close",
                "User-Agent": "station-emr",
                **headers,
            },
            timeout=(self._patience.connect, self._patience.stall),
            allow_redirects=False,
            stream=True,
        ) as response:
            self._traffic.count(response.request.headers, response.headers)
            content = self._read(response, until)
            return _understood(response, content)

    def _read(self, response: requests.Response, until: float) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(_CHUNK):
            self._traffic.down += len(chunk)
            content += chunk
            if len(content) > _LARGEST:
                raise NoAnswer(NONSENSE)
            if time.monotonic() > until or self._aborted.is_set():
                raise NoAnswer(STALLED)
        said = response.headers.get("Content-Length", "")
        if said.isdigit() and int(said) > len(content):
            raise NoAnswer(CUT)
        return bytes(content)


def _of_tls(error: requests.exceptions.SSLError) -> NetworkFailure:
    """Before the handshake is done nothing has been sent."""
    told = str(error).upper()
    if any(word in told for word in _HANDSHAKE):
        return NotReached(UNTRUSTED)
    return NoAnswer(CUT)


def _of_connection(error: requests.exceptions.ConnectionError) -> NetworkFailure:
    reason: object = error.args[0] if error.args else None
    inner = getattr(reason, "reason", reason)
    if isinstance(inner, _BEFORE_SENDING):
        return NotReached(AWAY)
    return NoAnswer(CUT)


def _understood(response: requests.Response, content: bytes) -> Reply:
    status = response.status_code
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    body: Any = None
    try:
        body = msgspec.json.decode(content) if content.strip() else None
    except (msgspec.DecodeError, UnicodeError):
        body = None
    page = 300 <= status < 400 or status == 511
    page = page or (body is None and (kind == "text/html" or b"<html" in content[:2000].lower()))
    return Reply(
        status=status,
        body=body if isinstance(body, dict) else None,
        page=page,
        retry_after=pause_of(
            response.headers.get("Retry-After"), response.headers.get("Date"), DAY
        ),
    )

"""HTTP to one FHIR server: bounded waits, verified TLS, counted bytes, no faith in status 200."""

from __future__ import annotations

import gzip
import ipaddress
import platform
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import requests
import truststore
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from station_emr.domain.errors import NetworkFailure, UserError
from station_emr.services.ports import Clock

from .capabilities import ServerFacts
from .peer import Traffic
from .retry_after import pause_of
from .tokens import FixedToken, TokenSource

_FHIR: Final = "application/fhir+json"
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_EXACT: Final = msgspec.json.Decoder(float_hook=Decimal)
_WORTH_PACKING: Final = 1024
_CHUNK: Final = 64 * 1024
_LARGEST_ANSWER: Final = 64 * 1024 * 1024
_LAST_YEAR: Final = 2999  # a later Date is a fault, and adding to it may overflow
_MAYBE_GZIP: Final = frozenset({400, 415, 500})

_SAFE: Final = "Dữ liệu vẫn an toàn ở trạm và sẽ tự gửi lại."
UNREACHABLE: Final = f"Không kết nối được máy chủ tỉnh. {_SAFE}"
STALLED: Final = f"Máy chủ tỉnh không trả lời kịp. {_SAFE}"
CUT: Final = f"Đường truyền đứt giữa chừng. {_SAFE}"
UNTRUSTED: Final = (
    "Không xác minh được chứng chỉ của máy chủ tỉnh, nên không gửi gì. Dữ liệu vẫn an toàn ở trạm. "
    "Hãy xem ngày giờ của máy này. Nếu mạng này cần đăng nhập (Wi-Fi), hãy mở trình duyệt để đăng "
    "nhập. Vẫn vậy thì báo người phụ trách công nghệ thông tin."
)
PORTAL: Final = (
    "Mạng đang dùng trả về một trang web thay vì máy chủ tỉnh (thường là trang đăng nhập Wi-Fi). "
    f"Hãy mở trình duyệt để đăng nhập mạng. {_SAFE}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds. ``stall`` is the longest silence allowed, not the length of a transfer."""

    connect: float = 10.0
    stall: float = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is None for an empty answer and for an error page that is not JSON. ``raw`` holds the
    bytes as they came, with their ``headers``, only where a media type of our own was asked for
    and given.
    """

    status: int
    body: Any
    etag: str = ""
    retry_after: float | None = None
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class SystemTrust(HTTPAdapter):
    """TLS by what the machine trusts: on Windows its own store, which a province can manage."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=4)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002
        """The context alone decides; requests would add its own bundle of certificates."""
        conn.cert_reqs = "CERT_REQUIRED"


def trusted_context(ca_file: str = "", authority: str = "") -> ssl.SSLContext:
    """A context that always verifies; ``ca_file`` (a path) or ``authority`` (PEM text) adds a
    province's private authority.
    """
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file or authority:
        context.load_verify_locations(cafile=ca_file or None, cadata=authority or None)
    elif platform.system() != "Windows":
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def checked_base_url(url: str) -> str:
    """The FHIR base without a trailing slash. Raises UserError for anything but https, except on
    this machine itself: a record or a token never crosses a network in the clear.
    """
    parts = urlsplit(url.strip())
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return url.strip().rstrip("/")
    if parts.scheme == "http" and _is_this_machine(host):
        return url.strip().rstrip("/")
    raise UserError(
        "Địa chỉ máy chủ tỉnh phải bắt đầu bằng https://, ví dụ https://may-chu.example/fhir. "
        "Hãy xem lại địa chỉ do Sở Y tế cấp."
    )


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class FhirClient:
    """One kept-alive connection to one server. Used by one thread at a time; :meth:`abort` may be
    called from any other.
    """

    def __init__(
        self,
        base_url: str,
        token: str | TokenSource,
        clock: Clock,
        *,
        ca_file: str = "",
        authority: str = "",
        patience: Patience | None = None,
        program: str = "station-emr",
    ) -> None:
        self.base = checked_base_url(base_url)
        self.traffic = Traffic()
        self.facts = ServerFacts(url=self.base)
        self.clock_skew: timedelta | None = None
        self._clock = clock
        self._tokens = FixedToken(token) if isinstance(token, str) else token
        self._patience = patience or Patience()
        self._aborted = threading.Event()
        self._session = requests.Session()
        # The environment's proxies and certificate bundles must not redirect records.
        self._session.trust_env = False
        if self.base.startswith("https:"):
            self._session.mount("https://", SystemTrust(trusted_context(ca_file, authority)))
        self._session.headers.update(
            {
                "Accept": _FHIR,
                "Accept-Encoding": "gzip",
                "User-Agent": program,
            }
        )

    def abort(self) -> None:
        """Give up the answer under way, and every later request: the program is ending."""
        self._aborted.set()

    def close(self) -> None:
        self._session.close()

    def get(self, path: str, **query: str) -> Answer:
        return self._send("GET", path, query=query)

    def fetch(self, path: str, media_type: str, headers: Mapping[str, str], **query: str) -> Answer:
        """GET bytes of a media type of our own; they come back unread."""
        own = {**headers, "Accept": media_type, "Accept-Encoding": "identity"}
        return self._send("GET", path, query=query, own=own)

    def follow(self, url: str) -> Answer | None:
        """GET an address that the server itself named; None when it is on another server, which
        must receive neither a token nor a question about anybody.
        """
        parts, own = urlsplit(url), urlsplit(self.base)
        if (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
            return None
        token = self._tokens.current(self)
        answer = self.ask("GET", url, token=token)
        if answer.status == 401 and self._tokens.discard(token):
            answer = self.ask("GET", url, token=self._tokens.current(self))
        return answer

    def transaction(self, bundle: Mapping[str, Any]) -> Answer:
        """POST a transaction, compressed unless this server was seen to choke on it."""
        plain = _ENCODER.encode(bundle)
        if self.facts.gzip is False or len(plain) < _WORTH_PACKING:
            return self._send("POST", "", body=plain)
        packed = gzip.compress(plain, 6, mtime=0)
        answer = self._send("POST", "", body=packed, packed=True)
        if answer.status < 300:
            self.facts = replace(self.facts, gzip=True)
        elif self.facts.gzip is None and answer.status in _MAYBE_GZIP:
            # Either the content or the compression was refused. A transaction is whole or nothing,
            # so sending it once more plainly is harmless and tells which.
            again = self._send("POST", "", body=plain)
            if again.status != answer.status:
                self.facts = replace(self.facts, gzip=False)
            return again
        return answer

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST a body of another media type than FHIR, packed by the caller. An answer of the type
        in ``Accept`` comes back unread; any other is understood like every answer.
        """
        return self._send("POST", path, body=body, own=headers)

    def put(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """PUT a body as the caller made it; the answer is understood like every answer."""
        return self._send("PUT", path, body=body, own=headers)

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        packed: bool = False,
        own: Mapping[str, str] | None = None,
    ) -> Answer:
        headers = dict(own or {})
        if body is not None and own is None:
            headers = {"Content-Type": _FHIR, "Prefer": "return=minimal"}
        if packed:
            headers["Content-Encoding"] = "gzip"
        url = f"{self.base}{path}"
        token = self._tokens.current(self)
        answer = self.ask(method, url, query=query, body=body, headers=headers, token=token)
        if answer.status == 401 and self._tokens.discard(token):
            # The token had run out, or the server was restored: once more with a new one.
            token = self._tokens.current(self)
            answer = self.ask(method, url, query=query, body=body, headers=headers, token=token)
        return answer

    def now(self) -> datetime:
        return self._clock.now()

    def corrected_now(self) -> datetime:
        """The machine's clock, corrected by what the server's last answer said."""
        return self._clock.now() + (self.clock_skew or timedelta())

    def ask(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        token: str = "",
    ) -> Answer:
        """One request to any address of the server, with a token only where one is given.

        Raises NetworkFailure when no usable answer came.
        """
        if not self._is_safe(url):
            raise NetworkFailure(UNTRUSTED)
        if self._aborted.is_set():
            raise NetworkFailure(CUT)
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        try:
            return self._exchange(method, url, query, body, sent)
        except requests.exceptions.SSLError as error:
            raise NetworkFailure(UNTRUSTED) from error
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise NetworkFailure(STALLED) from error
        except (
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
            urllib3.exceptions.ProtocolError,
            urllib3.exceptions.DecodeError,
        ) as error:
            raise NetworkFailure(CUT) from error
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            raise NetworkFailure(UNREACHABLE) from error

    def _is_safe(self, url: str) -> bool:
        """An address that the server named itself (its token endpoint) keeps to the same rules."""
        try:
            same_kind = urlsplit(url).scheme == urlsplit(self.base).scheme
            return same_kind and bool(checked_base_url(url))
        except (UserError, ValueError):
            return False

    def _exchange(
        self,
        method: str,
        url: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        asked_at = self._clock.now()
        self.traffic.up += len(body or b"")
        with self._session.request(
            method,
            url,
            params=query,
            data=body,
            headers=headers,
            timeout=(self._patience.connect, self._patience.stall),
            allow_redirects=False,
            stream=True,
        ) as response:
            self.traffic.count(response.request.headers, response.headers)
            own = _kind_of(response) == headers.get("Accept")
            content = self._read(response, unpacking=not own)
            self._note_clock(response.headers.get("Date"), asked_at)
            if own:
                after = _pause_of(response)
                return Answer(response.status_code, None, "", after, content, response.headers)
            return _understood(response, content)

    def _read(self, response: requests.Response, *, unpacking: bool) -> bytes:
        content = bytearray()
        before = 0
        for chunk in response.raw.stream(_CHUNK, decode_content=unpacking):
            received = response.raw.tell()
            self.traffic.down += received - before
            before = received
            content += chunk
            if self._aborted.is_set() or len(content) > _LARGEST_ANSWER:
                raise NetworkFailure(CUT)
        return bytes(content)

    def _note_clock(self, date: str | None, asked_at: Any) -> None:
        """The Date header has whole seconds: half a second is added to be right on average."""
        if not date:
            return
        try:
            theirs = parsedate_to_datetime(date)
        except (ValueError, OverflowError):
            return
        if theirs.tzinfo is None or theirs.year > _LAST_YEAR:
            return
        ours = asked_at + (self._clock.now() - asked_at) / 2
        self.clock_skew = theirs + timedelta(seconds=0.5) - ours


def _understood(response: requests.Response, content: bytes) -> Answer:
    """Raises NetworkFailure for a redirect or a page: that was not the server speaking."""
    status = response.status_code
    if 300 <= status < 400 or status == 511:
        raise NetworkFailure(PORTAL)
    kind = _kind_of(response)
    body: Any = None
    if content.strip():
        is_json = kind.endswith("json")
        try:
            body = msgspec.json.decode(content) if is_json else None
            if isinstance(body, dict) and body.get("type") == "searchset":
                body = _EXACT.decode(content)  # digits stay as they were written
        except (msgspec.DecodeError, UnicodeError) as error:
            if status < 300:
                raise NetworkFailure(CUT) from error
        if body is None and status < 300:
            raise NetworkFailure(CUT if is_json else PORTAL)
    return Answer(
        status,
        body,
        response.headers.get("ETag", ""),
        _pause_of(response),
        headers=response.headers,
    )


def _kind_of(response: requests.Response) -> str:
    return str(response.headers.get("Content-Type", "")).split(";")[0].strip().lower()


def _pause_of(response: requests.Response) -> float | None:
    return pause_of(response.headers.get("Retry-After"), response.headers.get("Date"))

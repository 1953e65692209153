"""Access tokens: SMART Backend Services (``private_key_jwt``), or the fixed one of the first release.

A token lives in memory only. It is asked for with an assertion that the device's key signs; the key
itself stays behind :class:`Signer`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from station_emr.domain.errors import NetworkFailure

from .peer import Busy, Refused

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REVOKED: Final = (
    "Máy này đã bị thu hồi quyền kết nối với máy chủ tỉnh, nên không gửi gì thêm. "
    "Mọi hồ sơ vẫn còn nguyên trên máy này. Nếu máy vẫn được dùng, hãy xin mã ghi danh mới của tỉnh "
    "rồi ghi danh lại."
)
KEY_NOT_HERE: Final = (
    "Khóa của máy này không còn ở đây (dữ liệu được chép từ máy khác, hoặc kho khóa của Windows đã "
    "bị xóa), nên chưa gửi được. Mọi hồ sơ vẫn còn nguyên trên máy này. "
    "Hãy xin mã ghi danh mới của tỉnh rồi ghi danh lại máy này."
)
NOT_UNDERSTOOD: Final = (
    "Máy chủ tỉnh không nhận cách đăng nhập bằng khóa của máy này. Hồ sơ vẫn an toàn ở trạm. "
    "Hãy báo người quản trị máy chủ tỉnh."
)
_BUSY: Final = "Máy chủ tỉnh đang bận. Dữ liệu vẫn an toàn ở trạm và sẽ tự gửi lại."
NO_TOKEN: Final = (
    "Máy chủ tỉnh trả lời không đúng quy cách. Dữ liệu vẫn an toàn ở trạm và sẽ tự gửi lại."  # noqa: S105  a sentence
)

_LIFE: Final = timedelta(minutes=4)
_SPARE: Final = timedelta(seconds=20)
_LONGEST: Final = timedelta(hours=1)
_NOTABLE: Final = timedelta(seconds=20)
# A refusal may come as an OperationOutcome.
_JSON_OR_FHIR: Final = "application/json, application/fhir+json;q=0.5"
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": _JSON_OR_FHIR}
_JSON: Final = {"Accept": _JSON_OR_FHIR}


class TokenAnswer(Protocol):
    """What came back; ``body`` is decoded JSON."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> Any: ...
    @property
    def retry_after(self) -> float | None: ...


class Line(Protocol):
    """The client, as far as asking for a token needs it."""

    base: str

    def corrected_now(self) -> datetime: ...
    def ask(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TokenAnswer: ...


class Signer(Protocol):
    """The device's key: signs and is never seen."""

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWS with the algorithm ES384."""


class TokenSource(Protocol):
    def current(self, line: Line) -> str:
        """A token that should be good now. Raises NetworkFailure, Refused or Busy."""

    def discard(self, token: str) -> bool:
        """The server answered 401 to it; True when another can be asked for."""


class FixedToken:
    """The token that a device of the first release got at its enrolment."""

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self, line: Line) -> str:  # noqa: ARG002  the port
        return self._token

    def discard(self, token: str) -> bool:  # noqa: ARG002  the port
        return False


class LostKey:
    """The settings name a key that this machine does not hold: the data folder came from another
    machine, or the key store of the operating system was emptied.
    """

    def current(self, line: Line) -> str:  # noqa: ARG002  the port
        raise Refused(KEY_NOT_HERE)

    def discard(self, token: str) -> bool:  # noqa: ARG002  the port
        return False


class KeyTokens:
    """Tokens for the holder of an enrolled key. ``token_url`` is found by SMART discovery when the
    enrolment did not say it.
    """

    def __init__(self, device_id: str, signer: Signer, token_url: str = "") -> None:
        self._device_id = device_id
        self._signer = signer
        self._url = token_url
        self._token = ""
        self._ends: datetime | None = None

    def current(self, line: Line) -> str:
        # Against the machine's clock a token may look too old or too young after a jump; the
        # server's 401 settles that.
        if self._token and self._ends is not None:
            left = self._ends - line.corrected_now()
            if _SPARE < left <= _LONGEST:
                return self._token
        self._fetch(line)
        return self._token

    def discard(self, token: str) -> bool:
        if token == self._token:
            self._token = ""
        return True

    def _fetch(self, line: Line) -> None:
        if not self._url:
            self._url = discover(line)
        assumed = line.corrected_now()
        answer = self._ask(line, assumed)
        if answer.status in {400, 401}:
            seen = line.corrected_now()
            # A wrong clock of this machine is known from the answer's Date; a refusal that is not
            # about the device itself may have met an assertion delivered twice.
            if abs(seen - assumed) > _NOTABLE or error_of(answer) != "invalid_client":
                answer = self._ask(line, seen)
        if answer.status in {400, 401, 403} and error_of(answer):
            raise Refused(REVOKED if error_of(answer) == "invalid_client" else NOT_UNDERSTOOD)
        if answer.status in {408, 425, 429} or answer.status >= 500:
            raise Busy(_BUSY, answer.retry_after)
        if answer.status != 200:  # a box on the way said it: a token endpoint names its error
            raise NetworkFailure(NO_TOKEN)
        self._keep(answer.body, line.corrected_now())

    def _ask(self, line: Line, now: datetime) -> TokenAnswer:
        at = int(now.timestamp())
        claims = {
            "iss": self._device_id,
            "sub": self._device_id,
            "aud": self._url,
            "iat": at,
            "exp": at + int(_LIFE.total_seconds()),
            "jti": secrets.token_urlsafe(24),
        }
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.cruds",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._signer.sign(claims),
        }
        return line.ask("POST", self._url, body=urlencode(form).encode("ascii"), headers=_FORM)

    def _keep(self, body: Any, now: datetime) -> None:
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(token, str) or not token or not token.isascii():
            raise NetworkFailure(NO_TOKEN)
        seconds = body.get("expires_in", 60)
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            seconds = 60
        self._token = token
        self._ends = now + min(timedelta(seconds=max(0, min(seconds, 86400))), _LONGEST)


def discover(line: Line) -> str:
    """The token endpoint that the server publishes. Raises Refused when it publishes none."""
    answer = line.ask("GET", f"{line.base}/.well-known/smart-configuration", headers=_JSON)
    if answer.status in {408, 425, 429} or answer.status >= 500:
        raise Busy(_BUSY, answer.retry_after)
    url = answer.body.get("token_endpoint") if isinstance(answer.body, dict) else None
    if answer.status != 200 or not isinstance(url, str) or not url:
        raise Refused(NOT_UNDERSTOOD)
    return url


def error_of(answer: TokenAnswer) -> str:
    """The ``error`` of an OAuth refusal."""
    found = answer.body.get("error") if isinstance(answer.body, dict) else None
    return found if isinstance(found, str) else ""

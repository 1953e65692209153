"""The insurance's gateway: token, check-in and record files, looking a card up."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from station_emr.domain.errors import NetworkFailure
from station_emr.domain.gateway import (
    CardQuestion,
    Gateway,
    GatewayAnswer,
    MessageKind,
    Outcome,
)
from station_emr.services.gateway_data import passes, path, result_words, send_path
from station_emr.services.gateway_ports import InsuranceAccount
from station_emr.services.ports import Clock

from .line import AWAY, NONSENSE, PORTAL, GatewayWire, NoAnswer, NotReached, Reply

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
_SPARE: Final = timedelta(seconds=30)
_ASSUMED: Final = timedelta(minutes=10)
_LONGEST: Final = timedelta(hours=12)
_TAKEN: Final = "200"
_RENEW: Final = "401"
_FORMAT: Final = "205"
_UNDONE: Final = {"401", "403"}  # nothing was taken, and a person has to mend the account
_BUSY: Final = (429, 503)

NO_RECEIPT: Final = (
    "Cổng báo đã nhận nhưng không cho mã giao dịch, nên chưa chắc chắn. "
    "Hãy tra trên trang của cổng rồi chọn: đã nhận, hoặc gửi lại."
)
CHECK_FAILED: Final = "Cổng trả lời không đúng quy cách khi đăng nhập. Chưa gửi gì."
BUSY: Final = "Cổng đang bận và chưa nhận. Chương trình sẽ tự gửi lại."
NOT_UNDERSTOOD: Final = (
    "Cổng không nhận yêu cầu (HTTP {status}) và chưa nhận hồ sơ. Hãy xem địa chỉ của cổng trong "
    "Quản trị; nếu đúng, báo bộ phận hỗ trợ phần mềm."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    access: str
    identity: str
    ends: datetime

    def __repr__(self) -> str:
        return "Token(…)"


class TokenRefused(Exception):
    """The gateway did not log the facility in; ``answer`` says why."""

    def __init__(self, answer: GatewayAnswer) -> None:
        super().__init__(answer.code)
        self.answer = answer


def password_hash(password: str) -> str:
    """As the gateway wants it: MD5, upper-case hexadecimal. A rule of the other end, no protection."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest().upper()


class InsuranceOverHttp:
    """Implements :class:`station_emr.services.gateway_ports.InsuranceLine` for one account."""

    def __init__(self, wire: GatewayWire, account: InsuranceAccount, clock: Clock) -> None:
        self._wire = wire
        self._account = account
        self._clock = clock
        self._hash = password_hash(account.password)
        self._token: Token | None = None
        self._refused: GatewayAnswer | None = None

    def send(self, kind: MessageKind, standard: str, content: bytes) -> GatewayAnswer:
        """One file. What the other end does is in the answer, whatever it does."""
        form = {
            "username": self._account.username,
            "loaiHoSo": path(
                Gateway.INSURANCE,
                "check_in_type" if kind is MessageKind.CHECK_IN else "record_type",
            ),
            "maTinh": self._account.facility_code[:2],
            "maCSKCB": self._account.facility_code,
            "fileHSBase64": base64.b64encode(content).decode("ascii"),
        }
        body = urlencode(form).encode("ascii")
        try:
            token = self._current()
        except TokenRefused as refused:
            return refused.answer
        except NetworkFailure as failure:  # only the log-in left this machine
            return GatewayAnswer(outcome=Outcome.AWAY, reason=_before(failure))
        try:
            reply = self._post_file(send_path(kind, standard), body, token)
            if _code(reply) == _RENEW or reply.status == 401:
                reply = self._post_file(send_path(kind, standard), body, self._renewed())
        except TokenRefused as refused:
            return refused.answer
        except NotReached as failure:
            return GatewayAnswer(outcome=Outcome.AWAY, reason=str(failure))
        except NoAnswer as failure:
            return GatewayAnswer(outcome=Outcome.UNKNOWN, reason=str(failure))
        return self._judge(reply)

    def _post_file(self, where: str, body: bytes, token: Token) -> Reply:
        headers = {
            **_FORM,
            "accessToken": token.access,
            "tokenId": token.identity,
            "passwordHash": self._hash,
        }
        return self._wire.post(where, body, headers)

    def _judge(self, reply: Reply) -> GatewayAnswer:
        code = _code(reply)
        status = reply.status
        if code == _TAKEN and status < 300:
            return _taken(reply)
        if code:
            return _not_taken(code, reply)
        if reply.page:
            return self._page(reply)
        if status in _BUSY:
            return GatewayAnswer(
                outcome=Outcome.NOT_TAKEN,
                code=str(status),
                reason=BUSY,
                retry_after=reply.retry_after,
            )
        if 400 <= status < 500:
            return GatewayAnswer(
                outcome=Outcome.NOT_TAKEN,
                code=str(status),
                reason=NOT_UNDERSTOOD.format(status=status),
            )
        return GatewayAnswer(outcome=Outcome.UNKNOWN, code=str(status), reason=NONSENSE)

    def _page(self, reply: Reply) -> GatewayAnswer:
        """A web page came. When the log-in gives a page as well, something stands between us and
        the gateway and nothing has reached it; else nobody knows.
        """
        if 300 <= reply.status < 400 or reply.status == 511 or self._portal_in_front():
            self._token = None
            return GatewayAnswer(outcome=Outcome.AWAY, code=str(reply.status), reason=PORTAL)
        return GatewayAnswer(outcome=Outcome.UNKNOWN, code=str(reply.status), reason=NONSENSE)

    def _portal_in_front(self) -> bool:
        try:
            return self._ask_token().page
        except NetworkFailure:
            return False

    def test(self) -> GatewayAnswer:
        """Log in anew."""
        self._refused = None
        try:
            self._renewed()
        except TokenRefused as refused:
            return refused.answer
        except NetworkFailure as failure:
            return GatewayAnswer(outcome=Outcome.AWAY, reason=_before(failure))
        return GatewayAnswer(outcome=Outcome.ACCEPTED, code=_TAKEN)

    def forgive(self) -> None:
        """A person asked: a refused password may be tried once more."""
        self._refused = None

    # Cards --------------------------------------------------------------------------------

    def look_up(self, question: CardQuestion) -> tuple[GatewayAnswer, dict[str, Any]]:
        """Asks with the birth date as dd/MM/yyyy, and without the strokes where the gateway calls
        that form wrong: its own paper writes both.
        """
        try:
            reply = self._ask_card(question, self._current())
            if _code(reply) == _RENEW or reply.status == 401:
                reply = self._ask_card(question, self._renewed())
            if _code(reply) == _FORMAT and "/" in question.birth:
                plain = CardQuestion(
                    card=question.card,
                    full_name=question.full_name,
                    birth=question.birth.replace("/", ""),
                )
                reply = self._ask_card(plain, self._current())
        except TokenRefused as refused:
            return refused.answer, {}
        except NetworkFailure as failure:
            return GatewayAnswer(outcome=Outcome.AWAY, reason=_before(failure)), {}
        code = _code(reply)
        if code and reply.body is not None:
            return GatewayAnswer(outcome=Outcome.ACCEPTED, code=code), dict(reply.body)
        reason = PORTAL if reply.page else BUSY if reply.status in _BUSY else CHECK_FAILED
        return (
            GatewayAnswer(
                outcome=Outcome.AWAY,
                code=str(reply.status),
                reason=reason,
                retry_after=reply.retry_after,
            ),
            {},
        )

    def _ask_card(self, question: CardQuestion, token: Token) -> Reply:
        body = {
            "maThe": question.card,
            "hoTen": question.full_name,
            "ngaySinh": question.birth,
            "hoTenCb": self._account.clerk_name,
            "cccdCb": self._account.clerk_id,
        }
        return self._wire.post(
            path(Gateway.INSURANCE, "card"),
            json.dumps(body, ensure_ascii=False).encode(),
            _JSON,
            {
                "token": token.access,
                "id_token": token.identity,
                "username": self._account.username,
                "password": self._hash,
            },
        )

    # Tokens -------------------------------------------------------------------------------

    def _current(self) -> Token:
        if self._token is not None and self._clock.now() + _SPARE < self._token.ends:
            return self._token
        return self._renewed()

    def _renewed(self) -> Token:
        """Raises TokenRefused, NotReached, NoAnswer. A refused password is not tried again by
        itself: gateways close accounts for that.
        """
        self._token = None
        if self._refused is not None:
            raise TokenRefused(self._refused)
        reply = self._ask_token()
        code = _code(reply)
        if code == _TAKEN:
            self._token = _token(reply, self._clock.now())
            return self._token
        if reply.page:
            raise NotReached(PORTAL)
        if code in _UNDONE or reply.status in (401, 403):
            code = code or str(reply.status)
            answer = GatewayAnswer(outcome=Outcome.NOT_TAKEN, code=code, reason=result_words(code))
            self._refused = answer
            raise TokenRefused(answer)
        reason = BUSY if reply.status in _BUSY or passes(code) else CHECK_FAILED
        raise TokenRefused(
            GatewayAnswer(
                outcome=Outcome.NOT_TAKEN,
                code=code or str(reply.status),
                reason=reason,
                retry_after=reply.retry_after,
            )
        )

    def _ask_token(self) -> Reply:
        form = urlencode({"username": self._account.username, "password": self._hash})
        return self._wire.post(path(Gateway.INSURANCE, "token"), form.encode("ascii"), _FORM)


def _token(reply: Reply, now: datetime) -> Token:
    found = (reply.body or {}).get("APIKey")
    if not isinstance(found, dict):
        raise NotReached(CHECK_FAILED)
    access, identity = found.get("access_token"), found.get("id_token")
    if not (_is_word(access) and _is_word(identity)):
        raise NotReached(CHECK_FAILED)
    return Token(
        access=str(access), identity=str(identity), ends=_end(found.get("expires_in"), now)
    )


def _is_word(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value.isascii() and value.isprintable()


def _end(text: object, now: datetime) -> datetime:
    """``expires_in`` is a moment in UTC; what cannot be read counts as ten minutes."""
    try:
        ends = datetime.fromisoformat(str(text))
    except ValueError:
        return now + _ASSUMED
    ends = ends if ends.tzinfo else ends.replace(tzinfo=UTC)
    return min(ends, now + _LONGEST)


def _code(reply: Reply) -> str:
    found = (reply.body or {}).get("maKetQua")
    return str(found).strip() if isinstance(found, (str, int)) else ""


def _words(reply: Reply, name: str) -> str:
    found = (reply.body or {}).get(name)
    return str(found).strip()[:500] if isinstance(found, (str, int)) else ""


def _taken(reply: Reply) -> GatewayAnswer:
    receipt = _words(reply, "maGiaoDich")
    return GatewayAnswer(
        outcome=Outcome.ACCEPTED if receipt else Outcome.UNKNOWN,
        code=_TAKEN,
        receipt=receipt,
        received_at=_words(reply, "thoiGianTiepNhan"),
        reason="" if receipt else NO_RECEIPT,
    )


def _not_taken(code: str, reply: Reply) -> GatewayAnswer:
    told = _words(reply, "thongDiep") or _words(reply, "ghiChu")
    passing = passes(code) or code in _UNDONE
    words = result_words(code)
    return GatewayAnswer(
        outcome=Outcome.NOT_TAKEN if passing else Outcome.REFUSED,
        code=code,
        reason=f"{words} Cổng ghi: {told}" if told else words,
        retry_after=reply.retry_after,
    )


def _before(failure: NetworkFailure) -> str:
    """A failure before anything of ours left is no unknown one, whatever it was."""
    return str(failure) if isinstance(failure, NotReached) else AWAY

"""The national e-prescription system: the facility's and the prescriber's log-in, one prescription."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from station_emr.domain.errors import NetworkFailure
from station_emr.domain.gateway import FieldFault, Gateway, GatewayAnswer, Outcome
from station_emr.services.gateway_data import path, prescription_fault
from station_emr.services.gateway_ports import PrescriberAccount
from station_emr.services.ports import Clock

from .line import AWAY, NONSENSE, PORTAL, GatewayWire, NoAnswer, NotReached, Reply

_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
_LIFE: Final = timedelta(minutes=30)  # the system tells no end; a 401 renews
_BUSY: Final = (429, 503)
_REFUSED_LOG_IN: Final = (400, 401, 403, 422)

WRONG_FACILITY: Final = (
    "Hệ thống đơn thuốc quốc gia không nhận mã liên thông hoặc mật khẩu của trạm. "
    "Hãy xem lại trong Quản trị, mục Cổng BHYT và đơn thuốc."
)
WRONG_DOCTOR: Final = (
    "Hệ thống đơn thuốc quốc gia không nhận mã liên thông hoặc mật khẩu của người kê đơn. "
    "Hãy xem lại trong Quản trị, mục Cổng BHYT và đơn thuốc."
)
BUSY: Final = "Hệ thống đơn thuốc quốc gia đang bận và chưa nhận. Chương trình sẽ tự gửi lại."
REFUSED: Final = (
    "Hệ thống đơn thuốc quốc gia từ chối đơn này. Đơn đã ký không sửa được: hãy mở lượt khám và kê "
    "đơn mới thay đơn này."
)
NOT_UNDERSTOOD: Final = (
    "Hệ thống đơn thuốc quốc gia không nhận yêu cầu (HTTP {status}), đơn chưa được nhận. Hãy xem địa "
    "chỉ trong Quản trị; nếu đúng, báo bộ phận hỗ trợ phần mềm."
)
UNCLEAR_LOG_IN: Final = (
    "Hệ thống đơn thuốc quốc gia trả lời không đúng quy cách khi đăng nhập. Chưa gửi gì."
)


class LogInRefused(Exception):
    def __init__(self, answer: GatewayAnswer) -> None:
        super().__init__(answer.code)
        self.answer = answer


class PrescriptionsOverHttp:
    """Implements :class:`station_emr.services.gateway_ports.PrescriptionLine` for one prescriber."""

    def __init__(self, wire: GatewayWire, account: PrescriberAccount, clock: Clock) -> None:
        self._wire = wire
        self._account = account
        self._clock = clock
        self._token = ""
        self._ends: datetime | None = None
        self._refused: GatewayAnswer | None = None

    def send(self, content: bytes) -> GatewayAnswer:
        """One prescription, once. What the other end does is in the answer."""
        try:
            token = self._current()
        except LogInRefused as refused:
            return refused.answer
        except NetworkFailure as failure:
            return GatewayAnswer(outcome=Outcome.AWAY, reason=_before(failure))
        try:
            reply = self._post(content, token)
            if reply.status == 401:
                reply = self._post(content, self._renewed())
        except LogInRefused as refused:
            return refused.answer
        except NotReached as failure:
            return GatewayAnswer(outcome=Outcome.AWAY, reason=str(failure))
        except NoAnswer as failure:
            return GatewayAnswer(outcome=Outcome.UNKNOWN, reason=str(failure))
        return self._judge(reply)

    def test(self) -> GatewayAnswer:
        """Log the facility in, and the prescriber where an account is filled in."""
        self._refused = None
        try:
            self._facility()
            if self._account.doctor:
                self._renewed()
        except LogInRefused as refused:
            return refused.answer
        except NetworkFailure as failure:
            return GatewayAnswer(outcome=Outcome.AWAY, reason=_before(failure))
        return GatewayAnswer(outcome=Outcome.ACCEPTED, code="200")

    def forgive(self) -> None:
        """A person asked: a refused password may be tried once more."""
        self._refused = None

    def _post(self, content: bytes, token: str) -> Reply:
        headers = {**_JSON, "Authorization": f"Bearer {token}"}
        return self._wire.post(path(Gateway.PRESCRIPTION, "send"), content, headers)

    def _judge(self, reply: Reply) -> GatewayAnswer:
        status = reply.status
        if status == 200 and reply.body is not None and "success" in reply.body:
            receipt = str(reply.body.get("checksum") or "")
            return GatewayAnswer(outcome=Outcome.ACCEPTED, code="200", receipt=receipt[:200])
        if status == 422 and reply.body is not None:
            faults = _faults(reply.body)
            told = " ".join(fault.message for fault in faults if fault.message)
            return GatewayAnswer(
                outcome=Outcome.REFUSED,
                code="422",
                reason=f"{REFUSED} {told}".strip(),
                faults=faults,
            )
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
            reason = WRONG_DOCTOR if status in (401, 403) else NOT_UNDERSTOOD.format(status=status)
            return GatewayAnswer(outcome=Outcome.NOT_TAKEN, code=str(status), reason=reason)
        return GatewayAnswer(outcome=Outcome.UNKNOWN, code=str(status), reason=NONSENSE)

    def _page(self, reply: Reply) -> GatewayAnswer:
        """See :meth:`InsuranceOverHttp._page`."""
        try:
            in_front = self._ask_facility().page
        except NetworkFailure:
            in_front = False
        if 300 <= reply.status < 400 or reply.status == 511 or in_front:
            self._token = ""
            return GatewayAnswer(outcome=Outcome.AWAY, code=str(reply.status), reason=PORTAL)
        return GatewayAnswer(outcome=Outcome.UNKNOWN, code=str(reply.status), reason=NONSENSE)

    # Log-in -------------------------------------------------------------------------------

    def _current(self) -> str:
        if self._token and self._ends is not None and self._clock.now() < self._ends:
            return self._token
        return self._renewed()

    def _renewed(self) -> str:
        self._token = ""
        if self._refused is not None:
            raise LogInRefused(self._refused)
        reply = self._wire.post(
            path(Gateway.PRESCRIPTION, "doctor_log_in"),
            _plain(
                ma_lien_thong_bac_si=self._account.doctor,
                ma_lien_thong_co_so_kham_chua_benh=self._account.facility,
                password=self._account.doctor_password,
            ),
            _JSON,
        )
        self._token = self._token_of(reply, WRONG_DOCTOR)
        self._ends = self._clock.now() + _LIFE
        return self._token

    def _facility(self) -> None:
        self._token_of(self._ask_facility(), WRONG_FACILITY)

    def _ask_facility(self) -> Reply:
        return self._wire.post(
            path(Gateway.PRESCRIPTION, "facility_log_in"),
            _plain(
                ma_lien_thong_co_so_kham_chua_benh=self._account.facility,
                password=self._account.facility_password,
            ),
            _JSON,
        )

    def _token_of(self, reply: Reply, wrong: str) -> str:
        """Raises LogInRefused or NotReached."""
        token = (reply.body or {}).get("token")
        if reply.status == 200 and isinstance(token, str) and token and token.isascii():
            return token
        if reply.page:
            raise NotReached(PORTAL)
        code = str(reply.status)
        if reply.status in _REFUSED_LOG_IN:
            self._refused = GatewayAnswer(outcome=Outcome.NOT_TAKEN, code=code, reason=wrong)
            raise LogInRefused(self._refused)
        raise LogInRefused(
            GatewayAnswer(
                outcome=Outcome.NOT_TAKEN,
                code=code,
                reason=BUSY if reply.status in _BUSY or reply.status >= 500 else UNCLEAR_LOG_IN,
                retry_after=reply.retry_after,
            )
        )


def _plain(**fields: str) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode()


def _faults(body: Mapping[str, Any]) -> tuple[FieldFault, ...]:
    found = body.get("danh_sach_cac_loi")
    rows = found if isinstance(found, list) else []
    return tuple(
        prescription_fault(
            str(row.get("truong", ""))[:200],
            str(row.get("ma_loi", ""))[:50],
            str(row.get("thong_bao", ""))[:500],
        )
        for row in rows[:100]
        if isinstance(row, dict)
    )


def _before(failure: NetworkFailure) -> str:
    return str(failure) if isinstance(failure, NotReached) else AWAY

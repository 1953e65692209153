"""An imitation of the insurance's gateway on loopback, written from its published description.

It keeps what it takes in memory only, knows one account and a few made-up cards.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from station_emr.services.clock import VIETNAM, SystemClock

from .gateways_serving import AFTER_TAKING, Asked, Fault, GatewayImitation, Given, Taken

TOKEN: Final = "/api/token/take"  # noqa: S105  a path
CARD: Final = "/api/egw/KQNhanLichSuKCB2024"
CHECK_INS: Final = frozenset(
    f"/api/qd130/checkInKcbQd{standard}" for standard in ("130", "4750", "3176")
)
RECORDS: Final = frozenset(
    f"/api/qd130/guiHoSoXmlQD{standard}" for standard in ("130", "4750", "3176")
)
_YEAR: Final = 4  # the year alone is understood
_LIFE: Final = timedelta(hours=1)


def demo_cards() -> dict[str, dict[str, str]]:
    """Answers by card number; any other card is in order."""
    return {
        "GD4520000000003": {
            "maKetQua": "003",
            "ghiChu": "Thẻ cũ hết giá trị",
            "maTheMoi": "GD4520000000099",
            "gtTheTuMoi": "01/01/2026",
            "gtTheDenMoi": "31/12/2026",
        },
        "GD4520000000010": {"maKetQua": "010", "ghiChu": "Thẻ hết giá trị sử dụng"},
        "GD4520000000060": {"maKetQua": "060", "ghiChu": "Sai họ tên"},
    }


class InsuranceImitation(GatewayImitation):
    """One facility's account. ``refusal`` is the code and the words of the next refusals."""

    def __init__(
        self,
        facility: str,
        username: str,
        password: str,
        clerk_id: str = "",
        now: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__()
        self._now = now or SystemClock().now
        self.facility = facility
        self.username = username
        self.hash = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest().upper()
        self.clerk_id = clerk_id
        self.cards = demo_cards()
        self.refusal = ("205", "Sai định dạng tệp")
        self.dates_without_strokes = False
        self.series = ""  # another for each start: the station remembers every receipt
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self.tokens_given = 0

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def answer(self, asked: Asked) -> tuple[Given, Fault | None]:
        if asked.path == TOKEN:
            return self._give_token(asked), None
        if asked.path == CARD:
            fault = self.take_fault()
            return self._card(asked), fault
        if asked.path in CHECK_INS or asked.path in RECORDS:
            return self._file(asked)
        return Given(404, {"message": "no such path"}), None

    # Tokens -------------------------------------------------------------------------------

    def _give_token(self, asked: Asked) -> Given:
        form = parse_qs(asked.body.decode("ascii", "replace"))
        if _one(form, "username") != self.username or _one(form, "password") != self.hash:
            return Given(200, {"maKetQua": "401", "APIKey": None})
        self.tokens_given += 1
        access, identity = f"access-{self.tokens_given}", f"id-{self.tokens_given}"
        ends = self._now().astimezone(UTC) + _LIFE
        self._tokens[access] = (identity, ends)
        return Given(
            200,
            {
                "maKetQua": "200",
                "APIKey": {
                    "access_token": access,
                    "id_token": identity,
                    "token_type": "bearer",
                    "username": self.username,
                    "expires_in": ends.isoformat().replace("+00:00", "Z"),
                },
            },
        )

    def _known(self, access: str, identity: str) -> bool:
        return self._tokens.get(access, ("", None))[0] == identity != ""

    # Files --------------------------------------------------------------------------------

    def _file(self, asked: Asked) -> tuple[Given, Fault | None]:
        headers = asked.headers
        if not (
            self._known(headers.get("accesstoken", ""), headers.get("tokenid", ""))
            and headers.get("passwordhash") == self.hash
        ):
            return _result("401", "Chưa xác thực"), None
        fault = self.take_fault()
        if fault is Fault.EXPIRED:
            self.expire_tokens()
            return _result("401", "Hết phiên làm việc"), None
        if fault is Fault.FAILED:
            return _result("500", "Lỗi hệ thống"), None
        if fault is Fault.REFUSED:
            return _result(*self.refusal), None
        if fault is not None and fault not in AFTER_TAKING:
            return Given(200, {}), fault
        return self._take(asked, fault)

    def _take(self, asked: Asked, fault: Fault | None) -> tuple[Given, Fault | None]:
        form = parse_qs(asked.body.decode("ascii", "replace"))
        wanted = "0" if asked.path in CHECK_INS else "130"
        if (
            _one(form, "maCSKCB") != self.facility
            or _one(form, "maTinh") != self.facility[:2]
            or _one(form, "username") != self.username
        ):
            return _result("403", "Cơ sở không khớp tài khoản"), None
        if _one(form, "loaiHoSo") != wanted:
            return _result("205", "Sai loại hồ sơ"), None
        try:
            content = base64.b64decode(_one(form, "fileHSBase64"), validate=True)
        except binascii.Error:
            return _result("205", "Tệp không đúng base64"), None
        if (b"CHI_TIEU_TRANG_THAI_KCB" if wanted == "0" else b"GIAMDINHHS") not in content:
            return _result("205", "Tệp không đúng cấu trúc"), None
        number = f"{len(self.taken) + 1:08d}"
        receipt = f"{self.facility}{self.series}{number[-4:] if self.series else number}"
        if fault is Fault.DUPLICATE and self.taken:
            receipt = self.taken[-1].receipt
        self.taken.append(Taken(kind=wanted, content=content, receipt=receipt))
        if fault is Fault.NONSENSE:
            return Given(200, {"xin": "chào"}), None
        body: dict[str, Any] = {
            "maKetQua": "200",
            "maGiaoDich": receipt,
            "thoiGianTiepNhan": f"{self._now().astimezone(VIETNAM):%Y%m%d%H%M%S}",
            "thongDiep": "Thành công",
        }
        if fault is Fault.NO_RECEIPT:
            del body["maGiaoDich"]
        return Given(200, body), fault

    # Cards --------------------------------------------------------------------------------

    def _card(self, asked: Asked) -> Given:
        query = parse_qs(asked.query)
        if not (
            self._known(_one(query, "token"), _one(query, "id_token"))
            and _one(query, "password") == self.hash
            and _one(query, "username") == self.username
        ):
            return _result("401", "Chưa xác thực")
        try:
            question = json.loads(asked.body)
            card, name, birth = question["maThe"], question["hoTen"], question["ngaySinh"]
            clerk = question["cccdCb"]
        except (ValueError, KeyError, TypeError):
            return Given(200, {"maKetQua": "205", "ghiChu": "Sai tham số"})
        if self.clerk_id and clerk != self.clerk_id:
            return Given(200, {"maKetQua": "054", "ghiChu": "CCCD cán bộ chưa đăng ký"})
        if len(birth) != _YEAR and ("/" in birth) == self.dates_without_strokes:
            return Given(200, {"maKetQua": "205", "ghiChu": "Sai định dạng ngày sinh"})
        if card in self.cards:
            return Given(200, {"maThe": card, "hoTen": name, **self.cards[card]})
        return Given(
            200,
            {
                "maKetQua": "000",
                "ghiChu": "",
                "maThe": card,
                "hoTen": name,
                "ngaySinh": birth,
                "maDKBD": self.facility,
                "gtTheTu": "01/01/2026",
                "gtTheDen": "31/12/2026",
                "ngayDu5Nam": "01/01/2025",
                "maKV": "",
                "dsLichSuKCB2018": [],
                "dsLichSuKT2018": [],
            },
        )


def _result(code: str, words: str) -> Given:
    return Given(200, {"maKetQua": code, "thongDiep": words})


def _one(form: dict[str, list[str]], name: str) -> str:
    return form.get(name, [""])[0]

"""An imitation of the national e-prescription system on loopback, written from its description."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final

from .gateways_serving import AFTER_TAKING, Asked, Fault, GatewayImitation, Given, Taken

FACILITY_LOG_IN: Final = "/api/auth/dang-nhap-co-so-kham-chua-benh"
DOCTOR_LOG_IN: Final = "/api/auth/dang-nhap-bac-si"
SEND: Final = "/api/v1/gui-don-thuoc"
_CODE: Final = re.compile(r"[0-9A-Za-z]{5}[0-9a-z]{7}-[NHCYTnhcyt]")
_DAY: Final = re.compile(r"\d{2}/\d{2}/\d{4}")
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
_NEEDED: Final = (
    "loai_don_thuoc",
    "ma_don_thuoc",
    "ho_ten_benh_nhan",
    "ngay_sinh_benh_nhan",
    "gioi_tinh",
    "dia_chi",
    "chan_doan",
    "thong_tin_don_thuoc",
    "ngay_gio_ke_don",
)


class PrescriptionImitation(GatewayImitation):
    """One facility and its prescribers, by their codes."""

    def __init__(self, facility: str, password: str, doctors: dict[str, str]) -> None:
        super().__init__()
        self.facility = facility
        self.password = password
        self.doctors = doctors
        self.codes: set[str] = set()
        self._tokens: set[str] = set()
        self.tokens_given = 0

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def answer(self, asked: Asked) -> tuple[Given, Fault | None]:
        try:
            body = json.loads(asked.body)
        except ValueError:
            return Given(400, {"message": "Bad Request"}), None
        if not isinstance(body, dict):
            return Given(400, {"message": "Bad Request"}), None
        if asked.path == FACILITY_LOG_IN:
            return self._facility(body), None
        if asked.path == DOCTOR_LOG_IN:
            return self._doctor(body), None
        if asked.path == SEND:
            return self._prescription(asked, body)
        return Given(404, {"message": "Not Found"}), None

    def _facility(self, body: dict[str, Any]) -> Given:
        right = body.get("ma_lien_thong_co_so_kham_chua_benh") == self.facility
        if not (right and body.get("password") == self.password):
            return Given(401, {"error": "Sai mã liên thông hoặc mật khẩu"})
        return Given(200, {"token": "facility-token", "token_type": "bearer"})

    def _doctor(self, body: dict[str, Any]) -> Given:
        name = str(body.get("ma_lien_thong_bac_si", ""))
        right = body.get("ma_lien_thong_co_so_kham_chua_benh") == self.facility
        if not (right and self.doctors.get(name) and self.doctors[name] == body.get("password")):
            return Given(401, {"error": "Sai mã liên thông hoặc mật khẩu"})
        self.tokens_given += 1
        token = f"doctor-{self.tokens_given}"
        self._tokens.add(token)
        return Given(200, {"token": token, "token_type": "bearer"})

    def _prescription(self, asked: Asked, body: dict[str, Any]) -> tuple[Given, Fault | None]:
        kind, _space, token = asked.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self._tokens:
            return Given(401, {"message": "Unauthenticated."}), None
        fault = self.take_fault()
        if fault is Fault.EXPIRED:
            self.expire_tokens()
            return Given(401, {"message": "Unauthenticated."}), None
        if fault is Fault.FAILED:
            return Given(503, {"message": "Service Unavailable"}, {"Retry-After": "7"}), None
        found = self._wrong_in(body)
        if fault is Fault.REFUSED:
            found.append(_fault("thong_tin_don_thuoc.0.so_luong", "E07", "Số lượng không hợp lệ"))
        if found:
            return Given(422, {"success": "", "danh_sach_cac_loi": found, "checksum": ""}), None
        if fault is not None and fault not in AFTER_TAKING:
            return Given(200, {}), fault
        self.codes.add(body["ma_don_thuoc"])
        checksum = hashlib.sha256(asked.body).hexdigest()[:32]
        self.taken.append(Taken(kind="prescription", content=asked.body, receipt=checksum))
        if fault is Fault.NONSENSE:
            return Given(200, {"xin": "chào"}), None
        return Given(200, {"success": "Gửi đơn thuốc thành công", "checksum": checksum}), fault

    def _wrong_in(self, body: dict[str, Any]) -> list[dict[str, str]]:
        found = [
            _fault(name, "E01", f"Thiếu trường {name}") for name in _NEEDED if not body.get(name)
        ]
        code = str(body.get("ma_don_thuoc", ""))
        if code and not _CODE.fullmatch(code):
            found.append(_fault("ma_don_thuoc", "E02", "Mã đơn thuốc sai định dạng"))
        if code in self.codes:
            found.append(_fault("ma_don_thuoc", "E03", "Mã đơn thuốc đã tồn tại"))
        if body.get("gioi_tinh") not in (1, 2, 3):
            found.append(_fault("gioi_tinh", "E04", "Giới tính không hợp lệ"))
        if not _DAY.fullmatch(str(body.get("ngay_sinh_benh_nhan", ""))):
            found.append(_fault("ngay_sinh_benh_nhan", "E05", "Ngày sinh sai định dạng"))
        if not _MOMENT.fullmatch(str(body.get("ngay_gio_ke_don", ""))):
            found.append(_fault("ngay_gio_ke_don", "E06", "Ngày giờ kê đơn sai định dạng"))
        lines = body.get("thong_tin_don_thuoc")
        for place, line in enumerate(lines if isinstance(lines, list) else []):
            found += [
                _fault(f"thong_tin_don_thuoc.{place}.{name}", "E01", f"Thiếu trường {name}")
                for name in ("biet_duoc", "ten_thuoc", "don_vi_tinh", "so_luong", "cach_dung")
                if not (isinstance(line, dict) and line.get(name))
            ]
        return found


def _fault(element: str, code: str, message: str) -> dict[str, str]:
    return {"truong": element, "ma_loi": code, "thong_bao": message}

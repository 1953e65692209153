"""Making this machine known to the province with a one-time code and a key of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from station_emr.domain.errors import NetworkFailure, UserError
from station_emr.services.enrolment import Enrolled
from station_emr.services.ports import Clock

from .client import UNTRUSTED, Answer, FhirClient, Patience, checked_base_url
from .peer import Busy
from .province_key import ProvinceKey

WRONG_CODE: Final = (
    "Mã ghi danh sai, đã dùng hoặc đã hết hạn. Chưa có gì thay đổi. "
    "Hãy so lại từng ký tự, hoặc xin mã mới từ quản trị của tỉnh."
)
NO_LONGER_KNOWN: Final = (
    "Máy chủ tỉnh không còn nhận mã truy cập đang dùng, nên chưa đổi sang khóa của máy được. "
    "Hãy xin mã ghi danh của tỉnh rồi ghi danh máy này."
)
NOT_A_SERVER: Final = (
    "Ở địa chỉ này không có nơi ghi danh thiết bị. Chưa có gì thay đổi. "
    "Hãy xem lại địa chỉ máy chủ do Sở Y tế cấp."
)
UNREACHED: Final = (
    "Chưa ghi danh được vì không kết nối được máy chủ tỉnh. Chưa có gì thay đổi và mã vẫn dùng được. "
    "Hãy kiểm tra mạng và địa chỉ rồi làm lại."
)
_BUSY: Final = "Máy chủ tỉnh đang bận nên chưa ghi danh được. Mã vẫn dùng được, hãy làm lại sau."
# A refusal comes as an OperationOutcome.
_JSON_OR_FHIR: Final = "application/json, application/fhir+json;q=0.5"
_JSON: Final = {"Content-Type": "application/json", "Accept": _JSON_OR_FHIR}


class Registrar:
    """Speaks to a server that does not know this machine yet."""

    def __init__(self, clock: Clock, *, patience: Patience | None = None) -> None:
        self._clock = clock
        self._patience = patience

    def enrol(
        self, server: str, code: str, device_name: str, public_key: str, *, authority: str = ""
    ) -> Enrolled:
        """Trade the code for the enrolment of a key. Raises UserError, NetworkFailure or Busy."""
        body = {"code": code.strip(), "device_name": device_name, "public_key": public_key}
        return self._post(server, "/enrol", body, WRONG_CODE, authority)

    def add_key(self, server: str, token: str, public_key: str, *, authority: str = "") -> Enrolled:
        """Give a device of the first release a key. Raises as :meth:`enrol` does."""
        body = {"public_key": public_key}
        return self._post(server, "/enrol-key", body, NO_LONGER_KNOWN, authority, token)

    def _post(
        self,
        server: str,
        path: str,
        body: Mapping[str, str],
        refused: str,
        authority: str,
        token: str = "",
    ) -> Enrolled:
        client = FhirClient(
            root_of(server), "", self._clock, authority=authority, patience=self._patience
        )
        try:
            answer = client.ask(
                "POST",
                f"{client.base}{path}",
                body=msgspec.json.encode(body),
                headers=_JSON,
                token=token,
            )
            courier_key = _courier_key(client) if answer.status in {200, 201} else ""
        except NetworkFailure as error:
            if str(error) == UNTRUSTED:
                raise
            raise NetworkFailure(UNREACHED) from error
        finally:
            client.close()
        if answer.status in {401, 403}:
            raise UserError(refused)
        if answer.status in {408, 425, 429} or answer.status >= 500:
            raise Busy(_BUSY, answer.retry_after)
        return replace(_enrolled(answer), courier_key=courier_key)


def _courier_key(client: FhirClient) -> str:
    """What files for the province are encrypted to; nobody is kept from enrolling by its absence."""
    try:
        answer = client.ask("GET", f"{client.base}/courier-key", headers=_JSON)
    except NetworkFailure:
        return ""
    key = ProvinceKey.parse(msgspec.json.encode(answer.body).decode())
    return key.keep() if answer.status == 200 and key is not None else ""


def root_of(server: str) -> str:
    """The server's own address from what somebody typed, which may be that of its FHIR part.

    Raises UserError for an address in the clear.
    """
    return checked_base_url(server).removesuffix("/fhir")


def _enrolled(answer: Answer) -> Enrolled:
    """Raises UserError when this is no enrolment: another kind of server."""
    body: Any = answer.body if isinstance(answer.body, dict) else {}
    facility = body.get("facility")
    found = {
        "device_id": body.get("device_id"),
        "server_url": body.get("fhir_base"),
        "token_url": body.get("token_url"),
        "facility_code": facility.get("code") if isinstance(facility, dict) else None,
    }
    texts = {name: text for name, text in found.items() if isinstance(text, str) and text}
    if answer.status not in {200, 201} or texts.keys() != found.keys():
        raise UserError(NOT_A_SERVER)
    name = facility.get("name") if isinstance(facility, dict) else ""
    for url in ("server_url", "token_url"):
        checked_base_url(texts[url])
    return Enrolled(facility_name=str(name or ""), **texts)

"""Asks the province for what other stations wrote of a person; one request on a connection of its own."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from station_emr.domain.errors import UserError

from .client import Answer, FhirClient
from .peer import Busy

NOT_OFFERED: Final = "Máy chủ này không cho xem hồ sơ ở trạm khác. Chưa có gì được gửi đi."
_BUSY: Final = "Máy chủ tỉnh đang bận. Hãy thử lại sau ít phút."
_REFUSED: Final = "Máy chủ tỉnh không cho xem. Chưa có hồ sơ nào được xem."
_NOT_TAKEN: Final = "Máy chủ tỉnh chưa nhận việc rút lại. Trên máy này đã ghi, sẽ báo tỉnh lần sau."
_NO_LIST: Final = (
    "Máy chủ này không cho biết trạm nào đã xem hồ sơ. Danh sách đã có vẫn giữ nguyên."
)
_HEADERS: Final = {"Content-Type": "application/fhir+json", "Accept": "application/json"}


class HistoryOverHttp:
    """The client is for the server's root, not for its FHIR part; it is closed after the answer."""

    def __init__(self, client: FhirClient) -> None:
        self._client = client

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The bundle. Raises UserError with the server's own sentence, NetworkFailure or Busy."""
        try:
            answer = self._client.post("/people/history", msgspec.json.encode(question), _HEADERS)
        finally:
            self._client.close()
        body = _body(answer)
        if answer.status == 200 and body.get("resourceType") == "Bundle":
            return body
        raise UserError(_sentence(body) or (_REFUSED if answer.status == 403 else NOT_OFFERED))

    def withdraw(self, consent_id: str) -> None:
        """Take a consent back; the province may never have heard of it."""
        try:
            answer = self._client.post(f"/people/consent/{consent_id}/withdraw", b"", _HEADERS)
        finally:
            self._client.close()
        body = _body(answer)
        if answer.status not in {200, 404}:
            raise UserError(_sentence(body) or _NOT_TAKEN)

    def looks(self, after: int) -> dict[str, Any]:
        """Who of other facilities looked at this one's charts, by number."""
        try:
            answer = self._client.get("/people/access-log", after=str(after))
        finally:
            self._client.close()
        body = _body(answer)
        if answer.status == 200 and isinstance(body.get("entries"), list):
            return body
        raise UserError(_sentence(body) or _NO_LIST)


def _body(answer: Answer) -> dict[str, Any]:
    """What was said. Raises Busy when the province asks for another time."""
    if answer.status in {408, 425, 429} or answer.status >= 500:
        raise Busy(_BUSY, answer.retry_after)
    return answer.body if isinstance(answer.body, dict) else {}


def _sentence(outcome: dict[str, Any]) -> str:
    """What the province's server says to the person, if it is one that speaks so."""
    issues = outcome.get("issue")
    first = issues[0] if isinstance(issues, list) and issues else None
    details = first.get("details") if isinstance(first, dict) else None
    text = details.get("text") if isinstance(details, dict) else None
    return text[:500] if isinstance(text, str) else ""

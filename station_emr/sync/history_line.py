"""Asks the province for what other stations wrote of a person; one request on a connection of its own."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from station_emr.domain.errors import UserError

from .client import FhirClient
from .peer import Busy

NOT_OFFERED: Final = "Máy chủ này không cho xem hồ sơ ở trạm khác. Chưa có gì được gửi đi."
_BUSY: Final = "Máy chủ tỉnh đang bận. Hãy thử lại sau ít phút."
_REFUSED: Final = "Máy chủ tỉnh không cho xem. Chưa có hồ sơ nào được xem."
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
        body = answer.body if isinstance(answer.body, dict) else {}
        if answer.status == 200 and body.get("resourceType") == "Bundle":
            return body
        if answer.status in {408, 425, 429} or answer.status >= 500:
            raise Busy(_BUSY, answer.retry_after)
        raise UserError(_sentence(body) or (_REFUSED if answer.status == 403 else NOT_OFFERED))


def _sentence(outcome: dict[str, Any]) -> str:
    """What the province's server says to the person, if it is one that speaks so."""
    issues = outcome.get("issue")
    first = issues[0] if isinstance(issues, list) and issues else None
    details = first.get("details") if isinstance(first, dict) else None
    text = details.get("text") if isinstance(details, dict) else None
    return text[:500] if isinstance(text, str) else ""

"""The province's desk for the ends of the log: not FHIR, on the address that the station keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from station_emr.domain.audit import ChainHead
from station_emr.domain.errors import NetworkFailure
from station_emr.services.audit_evidence import AnchorAnswer
from station_emr.services.ports import Clock

from .client import Answer, FhirClient
from .peer import Busy

NOT_OFFERED: Final = (
    "Máy chủ tỉnh không giữ mốc nhật ký. Hãy in mốc nhật ký và lưu cùng hồ sơ giấy của trạm."
)
_BUSY: Final = "Máy chủ tỉnh đang bận. Mốc nhật ký sẽ được gửi ở lần đồng bộ sau."
_HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/fhir+json"}
_PATH: Final = "/$audit-anchors"


class AnchorsOverHttp:
    """See :class:`station_emr.services.audit_evidence.AnchorLine`."""

    def __init__(self, client: FhirClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def anchors(self) -> tuple[ChainHead, ...]:
        answer = self._client.get(_PATH)
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise _failure(answer)
        try:
            return tuple(_head(one) for one in answer.body["anchors"])
        except (KeyError, TypeError, ValueError) as error:
            raise NetworkFailure(NOT_OFFERED) from error

    def show(self, head: ChainHead, continues: ChainHead | None) -> AnchorAnswer:
        body: dict[str, Any] = {
            "incarnation": head.incarnation,
            "seq": head.seq,
            "hash": head.hash,
            "at": self._clock.now().isoformat(timespec="seconds"),
        }
        if continues is not None:
            body["continues"] = {"seq": continues.seq, "hash": continues.hash}
        answer = self._client.post(_PATH, msgspec.json.encode(body), _HEADERS)
        said = answer.body
        if answer.status not in {200, 409} or not isinstance(said, dict) or "accepted" not in said:
            raise _failure(answer)
        try:
            return AnchorAnswer(
                accepted=answer.status == 200 and said["accepted"] is True,
                unproven=said.get("reason") == "unproven",
                last=_head(said["last"]) if said.get("last") else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NetworkFailure(NOT_OFFERED) from error

    def close(self) -> None:
        self._client.close()


def _head(said: Any) -> ChainHead:
    return ChainHead(
        seq=int(said["seq"]),
        hash=str(said["hash"]),
        incarnation=str(said["incarnation"]),
        at=datetime.fromisoformat(str(said["at"])),
    )


def _failure(answer: Answer) -> NetworkFailure | Busy:
    if answer.status in {408, 425, 429} or answer.status >= 500:
        return Busy(_BUSY, answer.retry_after)
    return NetworkFailure(NOT_OFFERED)

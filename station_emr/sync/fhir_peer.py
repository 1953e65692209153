"""Any FHIR R4 server as the engine's peer: one ``transaction`` of PUTs per unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from station_emr.domain.errors import NetworkFailure
from station_emr.domain.record import RecordKind

from .capabilities import ServerFacts, read_statement
from .client import PORTAL, Answer, FhirClient
from .peer import Busy, Held, Refused, Traffic, Verdict, VerdictKind
from .plain_types import NEEDED, USED, kinds_without
from .unit import Resource, Unit, key_of
from .verdicts import COME_BACK, NOT_ALLOWED, UNREADABLE, judge, kind_of_status

OUR_SERVER: Final = "provincial-server"
NOT_OURS: Final = (
    "Địa chỉ đã khai báo không phải máy chủ FHIR R4. Hãy xem lại địa chỉ máy chủ tỉnh."
)
NO_TRANSACTIONS: Final = (
    "Máy chủ tỉnh không nhận giao dịch trọn gói hoặc không cho dùng mã hồ sơ của trạm. "
    "Hãy báo người quản trị máy chủ tỉnh."
)


_NO_SUCH_SEARCH: Final = frozenset({400, 404, 405, 422, 501})


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a search; ``next`` is empty on the last one."""

    resources: tuple[Resource, ...]
    next: str


class FhirPeer:
    """See :class:`station_emr.sync.peer.Peer`."""

    def __init__(self, client: FhirClient) -> None:
        self._client = client

    @property
    def name(self) -> str:
        return self._client.base

    @property
    def traffic(self) -> Traffic:
        return self._client.traffic

    @property
    def clock_skew(self) -> timedelta | None:
        return self._client.clock_skew

    @property
    def facts(self) -> str:
        return self._client.facts.to_text()

    @property
    def software(self) -> str:
        return self._client.facts.software

    @property
    def stays(self) -> frozenset[RecordKind]:
        facts = self._client.facts
        return frozenset() if facts.exchange else kinds_without(facts.lacks)

    def recall(self, facts: str) -> None:
        self._client.facts = ServerFacts.from_text(facts, self._client.base)

    def abort(self) -> None:
        self._client.abort()

    def close(self) -> None:
        self._client.close()

    def greet(self) -> None:
        answer = self._client.get("/metadata")
        self._raise_for(answer)
        found = read_statement(answer.body, USED)
        if found is None:
            raise Refused(NOT_OURS)
        facts = self._client.facts
        if found.software != facts.software:
            facts = replace(facts, gzip=None, zstd=None)  # a new release may have learnt to unpack
        if found.dictionaries != facts.dictionaries:
            facts = replace(facts, zstd=None)
        self._client.facts = replace(
            facts,
            software=found.software,
            transaction=found.transaction,
            update_create=NEEDED.isdisjoint(found.lacks),
            lacks=found.lacks,
            exchange=found.exchange,
            short=found.short,
            dictionaries=found.dictionaries,
            pieces=found.pieces,
            binaries=found.binaries,
            tally=found.tally,
            seen_at=self._client.now(),
        )
        if not found.exchange and not (found.transaction and NEEDED.isdisjoint(found.lacks)):
            raise Refused(NO_TRANSACTIONS)

    def probe(self) -> None:
        self.count(("Patient",))

    def send(self, unit: Unit) -> Verdict:
        answer = self._client.transaction(self._bundle(unit))
        try:
            return judge(answer.status, answer.body, unit, answer.retry_after)
        except (TypeError, AttributeError, KeyError, ValueError) as error:
            # JSON of no shape that R4 knows: not the server's word, so nothing was acknowledged.
            raise NetworkFailure(UNREADABLE) from error

    def held(self, key: str) -> Held | None:
        answer = self._client.get(f"/{key}")
        if answer.status in {404, 410}:
            return None
        self._raise_for(answer)
        if not isinstance(answer.body, dict) or key_of_or_none(answer.body) != key:
            raise NetworkFailure(PORTAL)
        version = (answer.body.get("meta") or {}).get("versionId")
        return Held(answer.body, answer.etag or (f'W/"{version}"' if version else ""))

    def search(self, kind: str, **query: str) -> Page | None:
        """The first page of a search; None when this server does not know the type or the way."""
        return self._page(self._client.get(f"/{kind}", **query))

    def follow(self, link: str) -> Page | None:
        """The page behind a next link; None when that is on another server."""
        answer = self._client.follow(link)
        return None if answer is None else self._page(answer)

    def _page(self, answer: Answer) -> Page | None:
        if answer.status in _NO_SUCH_SEARCH:
            return None
        self._raise_for(answer)
        body = answer.body
        if not isinstance(body, dict) or body.get("type") != "searchset":
            raise NetworkFailure(PORTAL)
        try:
            return Page(
                resources=tuple(
                    entry["resource"] for entry in body.get("entry") or () if "resource" in entry
                ),
                next=next(
                    (
                        str(one["url"])
                        for one in body.get("link") or ()
                        if one["relation"] == "next"
                    ),
                    "",
                ),
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise NetworkFailure(UNREADABLE) from error

    def count(self, kinds: Iterable[str]) -> dict[str, int]:
        counts: dict[str, int] = {}
        for kind in kinds:
            answer = self._client.get(f"/{kind}", _summary="count")
            self._raise_for(answer)
            total = answer.body.get("total") if isinstance(answer.body, dict) else None
            if not isinstance(total, int):
                raise NetworkFailure(PORTAL)
            counts[kind] = total
        return counts

    def _bundle(self, unit: Unit) -> Mapping[str, Any]:
        return {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [self._entry(resource, unit.etags) for resource in unit.resources],
        }

    def _entry(self, resource: Resource, etags: Mapping[str, str]) -> Mapping[str, Any]:
        """``fullUrl`` agrees with the id, as R4 asks; children's ids are not UUIDs, so no urn."""
        key = key_of(resource)
        request = {"method": "PUT", "url": key}
        if etags.get(key):
            request["ifMatch"] = etags[key]
        elif key not in etags and self._client.facts.software.startswith(OUR_SERVER):
            # Never acknowledged, so it should not be there: a database restored from an old backup
            # must not put the past over the present. R4 leaves this open for updates, so only the
            # server known to answer a replay of the same content with "unchanged" is asked.
            request["ifNoneMatch"] = "*"
        return {"fullUrl": f"{self._client.base}/{key}", "resource": resource, "request": request}

    def _raise_for(self, answer: Answer) -> None:
        """For requests other than transactions: anything but success ends this run."""
        kind = kind_of_status(answer.status, answer.body)
        if kind is VerdictKind.ACCEPTED:
            return
        if kind is VerdictKind.REFUSED:
            raise Refused(NOT_ALLOWED)
        if kind in {VerdictKind.BUSY, VerdictKind.RETRY}:
            raise Busy(COME_BACK, answer.retry_after)
        raise Refused(NOT_OURS)


def key_of_or_none(body: Mapping[str, Any]) -> str | None:
    kind, resource_id = body.get("resourceType"), body.get("id")
    return f"{kind}/{resource_id}" if kind and resource_id else None

"""Reads one waiting item's content, exactly as it was committed, and what it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from station_emr.domain.record import RecordKind
from station_emr.domain.sync import OutboxItem
from station_emr.services.ports import RecordStore, Work
from station_emr.services.record_stores import parents_of

from .conflicts import decided


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """``earlier`` are the older versions, oldest first. ``parents_held`` is False while the server
    has not acknowledged the person, the visit or the letter that this record hangs on.
    """

    record: Any
    earlier: tuple[Any, ...]
    etags: Mapping[str, str]
    parents_held: bool


def load(work: Work, item: OutboxItem) -> Loaded:
    """Raises NotFound when the version is not in the store."""
    record, earlier = _versions(work, item)
    return Loaded(
        record=record,
        earlier=earlier,
        etags={**work.outbox.etags(item.record_id), **decided(work, item)},
        parents_held=all(work.outbox.etags(parent) for parent in _parents(item, record)),
    )


def newest_version(work: Work, item: OutboxItem) -> int:
    """The version that the record has by now, which may be later than the item's."""
    if item.kind in {RecordKind.PRACTITIONER, RecordKind.FACILITY}:
        return item.version
    return _store(work, item.kind).get(item.record_id).version


def content_of(work: Work, kind: RecordKind, record_id: str, version: int) -> Any:
    """One version's content, whatever was written since."""
    if kind is RecordKind.PRACTITIONER:
        return work.users.at_version(record_id, version)
    if kind is RecordKind.FACILITY:
        return work.settings.station_at(record_id, version)
    return _store(work, kind).at_version(record_id, version)


def _versions(work: Work, item: OutboxItem) -> tuple[Any, tuple[Any, ...]]:
    if item.kind in {RecordKind.PRACTITIONER, RecordKind.FACILITY}:
        return content_of(work, item.kind, item.record_id, item.version), ()
    store = _store(work, item.kind)
    numbers = sorted(
        info.version
        for info in store.versions(item.record_id)
        if info.version < item.version and info.status.is_final
    )
    earlier = tuple(store.at_version(item.record_id, number) for number in numbers)
    return store.at_version(item.record_id, item.version), earlier


def _store(work: Work, kind: RecordKind) -> RecordStore[Any]:
    stores: dict[RecordKind, RecordStore[Any]] = {
        RecordKind.PATIENT: work.patients,
        RecordKind.ENCOUNTER: work.encounters,
        RecordKind.PRESCRIPTION: work.prescriptions,
        RecordKind.REFERRAL: work.referrals,
        RecordKind.APPOINTMENT: work.appointments,
        RecordKind.LINK: work.links,
        RecordKind.FEEDBACK: work.feedback,
        RecordKind.SIGNATURE: work.signatures,
        RecordKind.CONSENT: work.consents,
        RecordKind.CERTIFICATE: work.certificates,
        RecordKind.NOTIFICATION: work.notifications,
        RecordKind.BILL: work.bills,
        RecordKind.RIGHTS: work.rights,
        RecordKind.STANDING: work.standings,
        RecordKind.REQUEST: work.requests,
        RecordKind.BREACH: work.breaches,
    }
    return stores[kind]


def _parents(item: OutboxItem, record: Any) -> tuple[str, ...]:
    return tuple(name for _, name in parents_of(item.kind, record) if name)

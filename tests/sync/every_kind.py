"""One record of every kind that travels, of a person of its own, and a change to each."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import SyncRun
from station_emr.services.record_stores import record_store
from tests.interop import fhir_records as sample
from tests.interop.rich_records import SAMPLES
from tests.sync.exchange_machines import Machine
from tests.sync.plain_machines import PlainMachine

# Written by those in charge or by one machine: sent to a foreign server and never asked for there.
STAY: Final = frozenset(
    {RecordKind.RIGHTS, RecordKind.STANDING, RecordKind.PRACTITIONER, RecordKind.FACILITY}
)
COME: Final = tuple(kind for kind in RecordKind if kind not in STAY)
_PERSON, _TWIN, _VISIT, _LETTER = range(4)
_CHANGES: Final[dict[RecordKind, dict[str, Any]]] = {
    RecordKind.PATIENT: {"phone": "0900000077"},
    RecordKind.ENCOUNTER: {"advice": "Uống nhiều nước ấm."},
    RecordKind.PRESCRIPTION: {"advice": "Uống sau ăn."},
    RecordKind.REFERRAL: {"transport": "Xe của trạm"},
    RecordKind.APPOINTMENT: {"note": "Nhớ mang sổ khám."},
    RecordKind.LINK: {"reason": "Cùng số thẻ"},
    RecordKind.FEEDBACK: {"advice": "Tập thở mỗi sáng"},
    RecordKind.CONSENT: {"paper_number": "ĐY-2"},
    RecordKind.CERTIFICATE: {"workplace": "Xưởng Mẫu"},
    RecordKind.NOTIFICATION: {"home_address": "Làng Mẫu Hai"},
    RecordKind.BILL: {"visit_number": "A-0002"},
    RecordKind.REQUEST: {"answer": "Đã giao bản sao thứ hai"},
    RecordKind.BREACH: {"done": "Đã tìm lại ổ nhớ"},
}
CHANGED: Final = tuple(_CHANGES)
"""A signature is written once."""


def every_kind(number: int) -> dict[RecordKind, Any]:
    """Each of the samples under ids of its own, so that tests can share a server."""

    def made(place: int) -> str:
        return sample.made_id(7000 + 50 * number + place)

    ids = {kind: made(10 + place) for place, kind in enumerate(RecordKind)}
    ids |= {RecordKind.PATIENT: made(_PERSON), RecordKind.ENCOUNTER: made(_VISIT)}
    ids |= {RecordKind.REFERRAL: made(_LETTER)}
    about: dict[str, str] = {
        "patient_id": made(_PERSON),
        "encounter_id": made(_VISIT),
        "referral_id": made(_LETTER),
        "survivor_id": made(_PERSON),
        "duplicate_id": made(_TWIN),
        "target_id": made(_LETTER),
    }
    station = sample.STATION.facility_id  # also where it would be taken for ours by that
    rights = SAMPLES[RecordKind.RIGHTS]
    named = {
        RecordKind.RIGHTS: replace(rights, cells=(replace(rights.cells[0], device=station),)),
        RecordKind.STANDING: replace(SAMPLES[RecordKind.STANDING], shut_by=station),
    }
    return {
        kind: replace(
            record,
            id=ids[kind],
            **{name: value for name, value in about.items() if name in record.__dataclass_fields__},
        )
        for kind, record in (SAMPLES | named).items()
        if kind not in {RecordKind.PRACTITIONER, RecordKind.FACILITY}
    }


def twin_of(records: dict[RecordKind, Any]) -> Any:
    """The other chart of the person, which the link joins."""
    return replace(records[RecordKind.PATIENT], id=records[RecordKind.LINK].duplicate_id)


@dataclass(frozen=True)
class Shown:
    """What a machine shows of a record."""

    record: Any
    status: RecordStatus
    versions: int


def sign(machine: Machine, kind: RecordKind, record: Any, *, version: int = 1) -> None:
    with machine.store.write() as work:
        record_store(work, kind).add_version(
            record,
            RecordStatus.SIGNED if version == 1 else RecordStatus.AMENDED,
            author=sample.DOCTOR,
            at=sample.AT,
            reason="" if version == 1 else "Sửa theo người bệnh",
            expected_version=version - 1,
        )


def sign_all(machine: Machine, records: dict[RecordKind, Any]) -> None:
    """As a station writes them: those that others hang on first, rights and staff too."""
    with machine.store.write() as work:
        work.users.save(sample.USER, author=None, at=sample.AT)
    sign(machine, RecordKind.PATIENT, records[RecordKind.PATIENT])
    sign(machine, RecordKind.PATIENT, twin_of(records))
    for kind, record in records.items():
        if kind is not RecordKind.PATIENT:
            sign(machine, kind, record)


def change_all(
    machine: Machine, records: dict[RecordKind, Any], kinds: Collection[RecordKind]
) -> dict[RecordKind, Any]:
    changed = {kind: replace(records[kind], **_CHANGES[kind]) for kind in kinds}
    for kind, record in changed.items():
        sign(machine, kind, record, version=2)
    return changed


def shown(machine: Machine, kind: RecordKind, record_id: str) -> Shown | None:
    with machine.store.read() as work:
        store = record_store(work, kind)
        found = store.find(record_id)
        if found is None:
            return None
        return Shown(found.record, found.status, len(store.lineage(record_id)))


@dataclass(frozen=True)
class Journey:
    """What was written at one PC, what another made of it, and what came home."""

    written: dict[RecordKind, Any]
    arrived: dict[RecordKind, Shown | None]
    changed: dict[RecordKind, Any]
    home: dict[RecordKind, Shown | None]


def travel(
    one: PlainMachine,
    other: PlainMachine,
    number: int,
    stay: frozenset[RecordKind] = frozenset(),
) -> Journey:
    """There, and a change to each of them back, but for kinds that the server does not take."""
    written = every_kind(number)
    sign_all(one, written)
    _sync_each((one, other), stay)
    arrived = {kind: shown(other, kind, written[kind].id) for kind in written}
    changed = change_all(other, written, [kind for kind in CHANGED if kind not in stay])
    _to_rest(other, one, stay=stay)
    home = {kind: shown(one, kind, written[kind].id) for kind in written}
    return Journey(written, arrived, changed, home)


def _to_rest(*machines: PlainMachine, stay: frozenset[RecordKind]) -> None:
    for _ in range(5):
        runs = _sync_each(machines, stay)
        if not any(run.sent or run.received for run in runs):
            break
    else:
        raise AssertionError(f"it does not come to rest: {runs}")
    for machine in machines:
        with machine.store.read() as work:
            assert (work.operations.parked(), work.operations.unreadables(9)) == (0, ())


def _sync_each(machines: Iterable[PlainMachine], stay: frozenset[RecordKind]) -> list[SyncRun]:
    runs = []
    for machine in machines:
        run = machine.sync()
        left = {kind for kind, _ in machine.waiting()}
        assert left <= stay
        outcome = "partial" if left else "complete"
        assert (run.outcome, run.detail, machine.quarantined()) == (outcome, "", {})
        runs.append(run)
    return runs

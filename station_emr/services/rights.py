"""What one person may do at this moment: the station's table, rights for a time, a closed account.

Read anew for every use case, so that a change holds from the next one on, for everybody who works
with this database. :mod:`guards` asks :func:`held`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from station_emr.domain.access import Grant, GrantKind, Rights, overrides_of
from station_emr.domain.errors import NotFound
from station_emr.domain.permissions import DEFAULT_TABLE, Action, PermissionTable, with_overrides
from station_emr.domain.record import RecordKind
from station_emr.domain.user import Actor

from .ports import Store, Work
from .record_stores import patient_of, record_store
from .timekeeping import station_time

_DEFAULT: Final = Rights(table=DEFAULT_TABLE)
_held: ContextVar[Rights] = ContextVar("rights", default=_DEFAULT)

OPEN_IN_EMERGENCY: Final = frozenset(
    {
        "appointments.of_encounter",
        "encounters.get",
        "patients.card",
        "patients.get",
        "patients.standing",
        "people.emergency.record",
        "prescriptions.current_lines",
        "prescriptions.get",
        "prescriptions.of_encounter",
        "referrals.feedback",
        "referrals.get",
        "referrals.of_encounter",
        "referrals.row",
    }
)
"""The use cases that show one patient's record. Lists, papers, files and every change stay shut."""
_OF_VISIT: Final = frozenset(
    {
        "appointments.of_encounter",
        "encounters.get",
        "prescriptions.of_encounter",
        "referrals.of_encounter",
    }
)


def held() -> Rights:
    """The rights of whoever runs the present use case; the safe default outside of one."""
    return _held.get()


@contextmanager
def holding(rights: Rights) -> Iterator[None]:
    """Everything inside is judged by these."""
    token = _held.set(rights)
    try:
        yield
    finally:
        _held.reset(token)


def station_table(work: Work) -> PermissionTable:
    """The default with the station's own changes; the walls stand."""
    changes = work.access.role_changes()
    return with_overrides(overrides_of(changes)) if changes else DEFAULT_TABLE


def rights_of(work: Work, actor: Actor, now: datetime, patient_id: str = "") -> Rights:
    """``patient_id`` is of whom the use case shows the record, where it is one that the emergency
    door opens.
    """
    moment = station_time(work, now)
    table = station_table(work)
    closed = work.access.state(actor.user.id).refusal(moment.date())
    extra = frozenset[Action]()
    for grant in work.access.grants_of(actor.user.id, moment):
        if _counts(grant, patient_id):
            extra |= grant.allowed(actor.role)
    if extra:
        table = MappingProxyType({**table, actor.role: table[actor.role] | extra})
    return Rights(table=table, closed=closed)


def _counts(grant: Grant, patient_id: str) -> bool:
    if grant.kind is GrantKind.RIGHT:
        return True
    return bool(patient_id) and grant.patient_id == patient_id


def for_use_case(store: Store, now: datetime, name: str, given: Mapping[str, Any]) -> Rights:
    """What holds while ``name`` runs with what it was ``given``; nobody's use case has the default."""
    actor = next((one for one in given.values() if isinstance(one, Actor)), None)
    if actor is None:
        return _DEFAULT
    with store.read() as work:
        patient = _patient(work, name, given) if name in OPEN_IN_EMERGENCY else ""
        return rights_of(work, actor, now, patient)


def _patient(work: Work, name: str, given: Mapping[str, Any]) -> str:
    if isinstance(given.get("patient_id"), str):
        return str(given["patient_id"])
    kind = RecordKind.ENCOUNTER if name in _OF_VISIT else _kind_of(name)
    record_id = next((v for k, v in given.items() if k.endswith("_id") and isinstance(v, str)), "")
    if kind is None or not record_id:
        return ""
    try:
        return patient_of(kind, record_store(work, kind).get(record_id).record)
    except NotFound:
        return ""


def _kind_of(name: str) -> RecordKind | None:
    return {
        "prescriptions": RecordKind.PRESCRIPTION,
        "referrals": RecordKind.REFERRAL,
        "billing": RecordKind.BILL,
    }.get(name.partition(".")[0])

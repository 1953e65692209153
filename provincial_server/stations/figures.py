"""What the overview shows, read from rows that are few: stations, machines and days."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from provincial_server.anchors.watching import NO_LOG, LogState, log_states
from provincial_server.catalogs.tables import ProgramNotice
from provincial_server.dates import VIETNAM
from provincial_server.exchange.tables import DeviceState
from provincial_server.stations.plan import Plan
from provincial_server.stations.tables import (
    CONTACT,
    ENCOUNTER,
    RECEIVED,
    CountedUpTo,
    DailyCount,
)
from provincial_server.stations.turnaround import Turnaround, turnarounds
from provincial_server.store import Device, Facility
from provincial_server.web.accounts import RECEIVER, WebUser

_DAY = 86_400_000
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Machine:
    """One device as it last spoke; `skew` is how many seconds its clock is ahead of ours."""

    id: str
    name: str
    is_revoked: bool
    last_contact: int | None
    program: str
    catalog: str
    told_at: int | None
    waiting: int = 0
    oldest: int | None = None
    refused: int = 0
    conflicts: int = 0
    skew: int | None = None
    log: LogState = NO_LOG


@dataclass(frozen=True)
class _Counted:
    """What the counts say of one station."""

    visits: tuple[int, ...]
    contacts: tuple[bool, ...]
    received: int
    """Visits that came within the days in which a station is live."""


@dataclass(frozen=True)
class Station:
    """One row of the overview. ``waiting`` is what its machines said, added up: a record that one
    machine holds for another is in the words of both, so it may be too much, never too little."""

    code: str
    name: str
    machines: tuple[Machine, ...]
    last_contact: int | None
    waiting: int
    oldest: int | None
    refused: int
    skipped: int
    """Lines that the province keeps but could not show: a fault of this program."""
    conflicts: int
    skew: int | None
    program: str
    catalog: str
    days: tuple[int, ...]
    """Visits of each of the last days, today last."""
    contact_days: tuple[bool, ...]
    received_week: int
    turnaround: Turnaround
    is_live: bool
    reasons: tuple[str, ...] = ()
    """Why somebody should call."""

    @property
    def rejected(self) -> int:
        """What people read as refused: by the province at once, or when it came to be shown."""
        return self.refused + self.skipped

    @property
    def visits(self) -> int:
        return sum(self.days)

    @property
    def days_away(self) -> int:
        return self.contact_days.count(False)


@dataclass(frozen=True)
class Figures:
    """The whole page, at one moment."""

    now: int
    counted_at: int | None
    plan: Plan
    stations: tuple[Station, ...]
    day_labels: tuple[str, ...]
    weeks: tuple[tuple[str, int], ...]
    """First day of each week and the stations that were live in it; this week last."""

    @property
    def live(self) -> int:
        return sum(station.is_live for station in self.stations)

    @property
    def to_call(self) -> tuple[Station, ...]:
        return tuple(station for station in self.stations if station.reasons)

    @property
    def visits_by_day(self) -> tuple[int, ...]:
        return tuple(map(sum, zip(*(one.days for one in self.stations), strict=True))) or tuple(
            0 for _ in self.day_labels
        )


def read_figures(session: Session, plan: Plan, now: int, codes: Iterable[str] = ()) -> Figures:
    """All stations, or those that are named."""
    wanted = set(codes)
    today = datetime.fromtimestamp(now / 1000, VIETNAM).date()
    days = [today - timedelta(days=back) for back in reversed(range(plan.days))]
    machines = _machines(session, now)
    counts = _counts(session, days, days[-plan.live_days :][0], wanted)
    nothing = _Counted(tuple(0 for _ in days), tuple(False for _ in days), 0)
    turns = turnarounds(session, now - 90 * _DAY)
    hospitals = _hospitals(session, machines)
    facilities = [
        row
        for row in session.scalars(select(Facility).order_by(Facility.code))
        if (row.code in machines or row.operation_sequence)
        and row.code not in hospitals
        and (not wanted or row.code in wanted)
    ]
    newest = plan.program or _announced(session) or _newest_used(machines)
    stations = tuple(
        _with_reasons(
            _station(
                facility,
                machines.get(facility.code, ()),
                counts.get(facility.code, nothing),
                turns.get(facility.code, Turnaround()),
            ),
            plan,
            newest,
            now,
        )
        for facility in facilities
    )
    return Figures(
        now=now,
        counted_at=session.scalar(select(func.max(CountedUpTo.counted_at))),
        plan=plan,
        stations=stations,
        day_labels=tuple(day.isoformat() for day in days),
        weeks=_weeks(session, today, plan),
    )


def version_key(program: str) -> tuple[int, ...]:
    """`station-emr/0.10.2` comes after `station-emr/0.9`."""
    return tuple(int(part) for part in _NUMBER.findall(program)[:4])


def _hospitals(session: Session, machines: Mapping[str, Sequence[Machine]]) -> set[str]:
    """Facilities that receive and do not work with the program: none of the plan's stations."""
    receiving = session.scalars(
        select(WebUser.facility_code).where(
            WebUser.role == RECEIVER, WebUser.facility_code.is_not(None)
        )
    )
    told = {code for code, found in machines.items() if any(one.told_at for one in found)}
    return {code for code in receiving if code is not None} - told


def _announced(session: Session) -> str:
    """The version that the province told stations to get; empty when it told of none."""
    manifest = session.scalars(
        select(ProgramNotice.manifest).order_by(ProgramNotice.number.desc()).limit(1)
    ).first()
    return _word(json.loads(manifest).get("version")) if manifest else ""


def _newest_used(machines: Mapping[str, Sequence[Machine]]) -> str:
    """Of the machines that speak of themselves: other clients count their versions in other ways."""
    programs = (one.program for found in machines.values() for one in found if one.told_at)
    return max(programs, key=version_key, default="")


def _machines(session: Session, now: int) -> dict[str, tuple[Machine, ...]]:
    states = {row.device_id: row for row in session.scalars(select(DeviceState))}
    logs = log_states(session, now)
    found: dict[str, list[Machine]] = defaultdict(list)
    for device in session.scalars(select(Device).order_by(Device.enrolled_at, Device.id)):
        machine = _machine(device, states.get(device.id))
        log = logs.get(device.id, NO_LOG)
        found[device.facility_code].append(replace(machine, log=log))
    return {code: tuple(items) for code, items in found.items()}


def _machine(device: Device, row: DeviceState | None) -> Machine:
    known = Machine(
        id=device.id,
        name=device.name,
        is_revoked=device.revoked_at is not None,
        last_contact=device.last_contact_at,
        program=device.program or "",
        catalog="",
        told_at=None,
    )
    if row is None:
        return known
    state: dict[str, Any] = json.loads(row.state)
    clock = _moment(state.get("clock"))
    return replace(
        known,
        program=_word(state.get("program")) or known.program,
        catalog=_word(state.get("catalog")),
        told_at=row.received_at,
        waiting=_whole(state.get("waiting")),
        oldest=_moment(state.get("oldest")),
        refused=_whole(state.get("refused")),
        conflicts=_whole(state.get("conflicts")),
        skew=None if clock is None else round((clock - row.received_at) / 1000),
    )


def _whole(value: object) -> int:
    """What a machine says may be anything: only a sensible number counts."""
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
    return int(value) if fits and isinstance(value, int) else 0


def _word(value: object) -> str:
    return value[:100] if isinstance(value, str) and value.isprintable() else ""


def _moment(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=VIETNAM)
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _counts(
    session: Session, days: Sequence[date], live_from: date, codes: Iterable[str]
) -> dict[str, _Counted]:
    """Of all stations or those that are named. Rows come bare: of ten thousand stations they are
    some hundred thousand."""
    of_these = [DailyCount.facility_code.in_(sorted(codes))] if codes else []
    places = {day.isoformat(): place for place, day in enumerate(days)}
    first = days[0].isoformat()
    found = {
        ENCOUNTER: defaultdict[str, list[int]](lambda: [0] * len(places)),
        CONTACT: defaultdict[str, list[int]](lambda: [0] * len(places)),
    }
    for code, kind, day, count in session.execute(
        select(DailyCount.facility_code, DailyCount.kind, DailyCount.day, DailyCount.count).where(
            DailyCount.kind.in_(list(found)), DailyCount.day >= first, *of_these
        )
    ):
        if day in places:  # a visit may be dated tomorrow
            found[kind][code][places[day]] = count
    came = session.execute(
        select(DailyCount.facility_code, func.sum(DailyCount.count))
        .where(DailyCount.kind == RECEIVED, DailyCount.day >= live_from.isoformat(), *of_these)
        .group_by(DailyCount.facility_code)
    )
    received = {code: int(count) for code, count in came}
    return {
        code: _Counted(
            visits=tuple(found[ENCOUNTER][code]),
            contacts=tuple(map(bool, found[CONTACT][code])),
            received=received.get(code, 0),
        )
        for code in {*found[ENCOUNTER], *found[CONTACT], *received}
    }


def _station(
    facility: Facility,
    machines: Sequence[Machine],
    counted: _Counted,
    turnaround: Turnaround,
) -> Station:
    used = [one for one in machines if not one.is_revoked]
    contacts = [one.last_contact for one in machines if one.last_contact is not None]
    skews = [one.skew for one in used if one.skew is not None]
    return Station(
        code=facility.code,
        name=facility.name,
        machines=tuple(machines),
        last_contact=max(contacts, default=None),
        waiting=sum(one.waiting for one in used),
        oldest=min((one.oldest for one in used if one.oldest is not None), default=None),
        refused=sum(one.refused for one in used),
        skipped=facility.skipped_operations,
        conflicts=max((one.conflicts for one in used), default=0),
        skew=max(skews, key=abs, default=None),
        program=min(
            (one.program for one in used if one.program and one.told_at),
            key=version_key,
            default="",
        ),
        catalog=min((one.catalog for one in used if one.catalog), default=""),
        days=counted.visits,
        contact_days=counted.contacts,
        received_week=counted.received,
        turnaround=turnaround,
        is_live=counted.received > 0,
    )


def _with_reasons(station: Station, plan: Plan, newest: str, now: int) -> Station:
    reasons = []
    if station.last_contact is None:
        reasons.append("chưa liên lạc lần nào")
    elif now - station.last_contact > plan.silent_days * _DAY:
        reasons.append(f"im lặng {(now - station.last_contact) // _DAY} ngày")
    wrong = {one.log.wrong for one in station.machines if not one.is_revoked} - {""}
    reasons += sorted(wrong)
    if station.waiting > plan.backlog:
        reasons.append(f"còn {station.waiting} hồ sơ chưa gửi")
    if station.refused > 0:
        reasons.append(f"{station.refused} hồ sơ bị từ chối")
    if station.skipped > 0:
        reasons.append(f"máy chủ chưa đọc được {station.skipped} hồ sơ")
    if station.program and version_key(station.program) < version_key(newest):
        reasons.append("chương trình cũ")
    return replace(station, reasons=tuple(reasons))


def _weeks(session: Session, today: date, plan: Plan) -> tuple[tuple[str, int], ...]:
    """Stations of which the province got a signed visit, by week from Monday."""
    monday = today - timedelta(days=today.weekday())
    weeks = []
    for back in reversed(range(plan.weeks)):
        first = monday - timedelta(weeks=back)
        live = session.scalar(
            select(func.count(DailyCount.facility_code.distinct())).where(
                DailyCount.kind == RECEIVED,
                DailyCount.day >= first.isoformat(),
                DailyCount.day < (first + timedelta(weeks=1)).isoformat(),
                DailyCount.count > 0,
            )
        )
        weeks.append((first.isoformat(), live or 0))
    return tuple(weeks)

"""What the province sees of its stations: counts and times, never a record."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from provincial_server import __version__, wire
from provincial_server.anchors.watching import LogState, log_states
from provincial_server.exchange.tables import DeviceState
from provincial_server.store import Device, Facility, ResourceHead


def overview(session: Session, epoch: str, now: int) -> dict[str, Any]:
    counts: dict[str, dict[str, int]] = {}
    for code, resource_type, count in session.execute(
        select(ResourceHead.facility_code, ResourceHead.resource_type, func.count()).group_by(
            ResourceHead.facility_code, ResourceHead.resource_type
        )
    ):
        counts.setdefault(code, {})[resource_type] = count
    devices: dict[str, list[Device]] = {}
    for device in session.scalars(select(Device).order_by(Device.enrolled_at)):
        devices.setdefault(device.facility_code, []).append(device)
    states = {row.device_id: row for row in session.scalars(select(DeviceState))}
    logs = log_states(session, now)
    return {
        "server": __version__,
        "epoch": epoch,
        "time": wire.instant(now),
        "facilities": [
            _facility(
                facility,
                counts.get(facility.code, {}),
                devices.get(facility.code, []),
                states,
                logs,
            )
            for facility in session.scalars(select(Facility).order_by(Facility.code))
        ],
    }


def _facility(
    facility: Facility,
    counts: dict[str, int],
    devices: list[Device],
    states: dict[str, DeviceState],
    logs: dict[str, LogState],
) -> dict[str, Any]:
    contacts = [device.last_contact_at for device in devices if device.last_contact_at]
    return {
        "code": facility.code,
        "name": facility.name,
        "resources": counts,
        "changes": facility.last_sequence,
        "operations": facility.operation_sequence,
        "skipped_operations": facility.skipped_operations,
        "last_contact": _time(max(contacts, default=None)),
        "last_write": _time(facility.last_write_at or None),
        "devices": [
            {
                "id": device.id,
                "name": device.name,
                "program": device.program,
                "last_contact": _time(device.last_contact_at),
                "revoked": device.revoked_at is not None,
                "state": _state(states.get(device.id)),
                "log": _log(logs.get(device.id)),
            }
            for device in devices
        ],
    }


def _state(row: DeviceState | None) -> dict[str, Any] | None:
    """What the device said of itself, and when."""
    if row is None:
        return None
    return {**json.loads(row.state), "at": wire.instant(row.received_at)}


def _log(state: LogState | None) -> dict[str, Any] | None:
    """Where the device's audit log stood when it last told, and what does not fit."""
    if state is None:
        return None
    return {"line": state.line, "at": _time(state.at), "wrong": state.wrong}


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else wire.instant(milliseconds)

"""What the province sees of its stations: counts and times, never a record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from provincial_server import __version__, wire
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
    return {
        "server": __version__,
        "epoch": epoch,
        "time": wire.instant(now),
        "facilities": [
            _facility(facility, counts.get(facility.code, {}), devices.get(facility.code, []))
            for facility in session.scalars(select(Facility).order_by(Facility.code))
        ],
    }


def _facility(facility: Facility, counts: dict[str, int], devices: list[Device]) -> dict[str, Any]:
    contacts = [device.last_contact_at for device in devices if device.last_contact_at]
    return {
        "code": facility.code,
        "name": facility.name,
        "resources": counts,
        "changes": facility.last_sequence,
        "last_contact": _time(max(contacts, default=None)),
        "last_write": _time(facility.last_write_at or None),
        "devices": [
            {
                "id": device.id,
                "name": device.name,
                "program": device.program,
                "last_contact": _time(device.last_contact_at),
                "revoked": device.revoked_at is not None,
            }
            for device in devices
        ],
    }


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else wire.instant(milliseconds)

"""The commands that make this machine known to the province."""

from __future__ import annotations

import argparse

from station_emr.services.enrolment import Enrolment

from .commands import opened_station, say


def enrol(options: argparse.Namespace) -> int:
    """Trade a one-time code for the enrolment of this machine's own key."""
    with opened_station(options) as station:
        enrolments = station.services.enrolments
        if options.ca_file is not None:
            enrolments.trust_authority(station.actor, str(options.ca_file))
        _tell(options, enrolments.enrol(station.actor, options.server, options.code))
    return 0


def enrol_key(options: argparse.Namespace) -> int:
    """Change from the fixed token of the first release to a key."""
    with opened_station(options) as station:
        _tell(options, station.services.enrolments.add_key(station.actor))
    return 0


def _tell(options: argparse.Namespace, state: Enrolment) -> None:
    say(
        options,
        {"server_url": state.server_url, "device_id": state.device_id, "enrolled": state.enrolled},
        f"Máy này đã được ghi danh ở {state.server_url} với mã thiết bị {state.device_id}.\n"
        "Khóa của máy nằm trên máy này và không có trong bản sao lưu.",
    )

"""The scripted day from an empty folder to the province and back, with its figures."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from station_emr.domain.errors import StateError
from station_emr.domain.user import Actor
from station_emr.services.enrolment import SERVER_TOKEN, SERVER_URL
from station_emr.station import (
    DATABASE,
    OpenStation,
    create_station,
    open_station,
    station_exists,
)

from .day import ScriptedDay
from .pictures import take_pictures
from .province import DemoProvince
from .station import DEMO_PASSWORD, demo_people, demo_profile

DOCTOR, NURSE, DIRECTOR = "bshoa", "ddmai", "giamdoc"


def run_scripted_day(folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Run the whole day; gives the figures of the last line.

    The server is down while the day is worked, then it starts on a free loopback port and the
    station syncs twice. Raises StateError when the folder already holds a station.
    """
    started = time.monotonic()
    if station_exists(folder):
        raise StateError(f"Thư mục {folder} đã có một trạm. Hãy chọn thư mục khác hoặc xóa nó.")
    say(f"Tạo trạm mã hóa trong {folder}")
    create_demo_station(folder)
    province = DemoProvince(folder / "province", demo_profile("").code)
    with province:
        port = _free_port()  # the address is known, the server is down: the day is worked offline
        configure_province(folder, f"http://127.0.0.1:{port}/fhir", province.token)
        station = open_station(folder, DOCTOR, DEMO_PASSWORD)
        try:
            return _day(station, province, port, folder, started, say)
        finally:
            station.close()


def _day(
    station: OpenStation,
    province: DemoProvince,
    port: int,
    folder: Path,
    started: float,
    say: Callable[[str], None],
) -> dict[str, Any]:
    nurse = actor_named(station, NURSE)
    day = ScriptedDay(station.services, station.actor, nurse)
    say("Máy chủ tỉnh đang tắt: đăng ký, khám, kê đơn, chuyển tuyến, hẹn khám và ký")
    papers = day.work()
    pdf = day.print_all(papers, folder / "papers")
    offline = station.sync_now()
    say(f"Thử gửi khi mất mạng: {offline.outcome}, không mất gì")
    province.start(port)
    first = station.sync_now()
    say(f"Có mạng: đã gửi {first.sent} mục ({first.bytes_up} byte)")
    with station.store.write() as work:
        work.outbox.requeue_all()
    second = station.sync_now()
    say(f"Gửi lại tất cả lần nữa: máy chủ thay đổi {second.changed} tài nguyên")
    with station.store.read() as work:
        counts = work.counts()
    server = station.count_on_server()
    pictures = take_pictures(folder, folder / "screenshots", say)
    return {
        "patients": counts.patients,
        "encounters": counts.encounters,
        "referrals": counts.referrals,
        "server": server,
        "resent": second.changed,
        "outbox": counts.outbox,
        "pdf": pdf,
        "ids": {
            "referral": papers.referral_id,
            "prescription": papers.prescription_id,
            "appointment": papers.appointment_id,
        },
        "screenshots": pictures,
        "database": str(folder / DATABASE),
        "user": DOCTOR,
        "password": DEMO_PASSWORD,
        "seconds": round(time.monotonic() - started, 1),
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def create_demo_station(folder: Path) -> None:
    """A fresh station with its three people."""
    director, *others = demo_people()
    create_station(folder, demo_profile(""), director.user, director.password)
    station = open_station(folder, director.user.username, director.password)
    try:
        for person in others:
            station.services.accounts.add_user(station.actor, person.user, person.password)
    finally:
        station.close()


def configure_province(folder: Path, url: str, token: str) -> None:
    """Tell the station where its province is."""
    station = open_station(folder, DIRECTOR, DEMO_PASSWORD)
    try:
        with station.store.write() as work:
            work.settings.put(SERVER_URL, url)
            work.settings.put(SERVER_TOKEN, token)
    finally:
        station.close()


def actor_named(station: OpenStation, username: str) -> Actor:
    """Another person of the demo at the same machine; only the demo may do this."""
    with station.store.read() as work:
        user = work.users.by_username(username)
    if user is None:
        raise LookupError(username)
    return Actor(user=user, device=station.actor.device)

"""Try what a damaged or incomplete installation would miss: cipher, search, fonts, lists, keys."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from station_emr.catalogs.starter import starter_rows
from station_emr.demo.people import People
from station_emr.demo.station import DEMO_PASSWORD, demo_people, demo_profile
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.errors import StationError, WrongPassword
from station_emr.security.device_key import DeviceKeys, os_vault
from station_emr.services.guards import confirmation_key
from station_emr.station import DATABASE, OpenStation, create_station, open_station

MARK = "Người Bệnh Tự Kiểm Tra"


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    passed: bool
    detail: str = ""


def run_selftest() -> tuple[Check, ...]:
    """Run every check in a temporary folder; a failing check never stops the others."""
    with tempfile.TemporaryDirectory(prefix="station-emr-") as name:
        folder = Path(name)
        checks: list[tuple[str, Callable[[], str]]] = [
            ("danh mục khởi đầu", _starter_lists),
            ("tạo và mở cơ sở dữ liệu mã hóa", lambda: _encrypted_store(folder)),
            ("sai mật khẩu bị từ chối", lambda: _wrong_password(folder)),
            ("tìm người bệnh không dấu", lambda: _search(folder)),
            ("không đọc được tên trong tệp dữ liệu", lambda: _unreadable(folder)),
            ("in giấy ra PDF", lambda: _documents(folder)),
            ("khóa của máy ký được", lambda: _device_key(folder)),
        ]
        return tuple(_attempt(label, check) for label, check in checks)


def _attempt(label: str, check: Callable[[], str]) -> Check:
    try:
        return Check(label, passed=True, detail=check())
    except (StationError, OSError, AssertionError, LookupError, ValueError, ImportError) as failure:
        return Check(label, passed=False, detail=f"{type(failure).__name__}: {failure}")


def _starter_lists() -> str:
    counts: dict[CatalogKind, int] = {}
    for row in starter_rows():
        counts[row.kind] = counts.get(row.kind, 0) + 1
    for kind, least in (
        (CatalogKind.ICD10, 700),
        (CatalogKind.DRUG, 200),
        (CatalogKind.COMMUNE, 3321),
    ):
        if counts.get(kind, 0) < least:
            raise LookupError(f"{kind} chỉ có {counts.get(kind, 0)} dòng")
    return f"{sum(counts.values())} dòng"


def _encrypted_store(folder: Path) -> str:
    director = demo_people()[0]
    create_station(folder, demo_profile(""), director.user, director.password)
    station = _open(folder)
    try:
        person = People(1, station.services.clock.now().date()).next()
        patient = replace(person, full_name=MARK)
        yes = [confirmation_key(p) for p in station.services.patients.check(patient)]
        station.services.patients.register(station.actor, patient, yes)
    finally:
        station.close()
    return f"{(folder / DATABASE).stat().st_size // 1024} KiB"


def _wrong_password(folder: Path) -> str:
    try:
        open_station(folder, demo_people()[0].user.username, "sai mật khẩu").close()
    except WrongPassword:
        return ""
    raise AssertionError("mở được bằng mật khẩu sai")


def _search(folder: Path) -> str:
    station = _open(folder)
    try:
        rows = station.services.patients.search(station.actor, "tu kiem tra nguoi", 5)
    finally:
        station.close()
    if [row.full_name for row in rows] != [MARK]:
        raise AssertionError("không tìm thấy người vừa đăng ký")
    return ""


def _unreadable(folder: Path) -> str:
    for path in folder.iterdir():
        if MARK.encode() in path.read_bytes():
            raise AssertionError(f"đọc được tên trong {path.name}")
    return ""


def _device_key(folder: Path) -> str:
    """In a place of its own: the key store of the system keeps what a real station put there."""
    os_vault()  # finding it must not fail, whatever the machine has
    keys = DeviceKeys(
        folder, "selftest", bytes(32), machine="selftest", random=os.urandom, vault=lambda: None
    )
    key = keys.candidate("")
    if key.sign({"sub": "selftest"}).count(".") != 2 or keys.find(key.key_id) is None:
        raise LookupError("khóa vừa tạo không còn")
    return key.public_jwk()["crv"]


def _documents(folder: Path) -> str:
    station = _open(folder)
    try:
        pdf = station.recovery_sheet("AAAA-AAAA")
    finally:
        station.close()
    if not pdf.startswith(b"%PDF"):
        raise AssertionError("không phải PDF")
    return f"{len(pdf) // 1024} KiB"


def _open(folder: Path) -> OpenStation:
    return open_station(folder, demo_people()[0].user.username, DEMO_PASSWORD)

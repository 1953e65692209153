"""`provincial-server facility …` and `provincial-server device …`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from provincial_server import auth, wire
from provincial_server.database import Database
from provincial_server.settings import system_clock
from provincial_server.store import EVERY_FACILITY, Device, Facility
from provincial_server.structure import ID
from provincial_server.web.access_log import note_operator

Subcommands = Any  # argparse has no public name for it
_LONGEST_NAME = 300
_NAME_WANTED = f"Tên cơ sở có từ 1 đến {_LONGEST_NAME} chữ, trên một dòng. Chưa có gì thay đổi."


def add_commands(commands: Subcommands, shared: argparse.ArgumentParser) -> None:
    """Put the commands beside those of the server."""
    facility = commands.add_parser("facility", help="cơ sở y tế")
    inner = facility.add_subparsers(required=True, metavar="LỆNH")
    add = inner.add_parser("add", parents=[shared], help="thêm một cơ sở")
    add.add_argument("code", metavar="MÃ")
    add.add_argument("name", metavar="TÊN")
    add.set_defaults(run=_facility_add)
    rename = inner.add_parser("rename", parents=[shared], help="đổi tên một cơ sở")
    rename.add_argument("code", metavar="MÃ")
    rename.add_argument("name", metavar="TÊN_MỚI")
    rename.set_defaults(run=_facility_rename)
    listing = inner.add_parser("list", parents=[shared], help="danh sách cơ sở")
    listing.set_defaults(run=_facility_list)

    device = commands.add_parser("device", help="thiết bị")
    inner = device.add_subparsers(required=True, metavar="LỆNH")
    enrol = inner.add_parser("enrol-code", parents=[shared], help="in một mã ghi danh dùng một lần")
    enrol.add_argument("facility", metavar="MÃ_CƠ_SỞ")
    enrol.set_defaults(run=_enrol_code)
    devices = inner.add_parser("list", parents=[shared], help="danh sách thiết bị")
    devices.set_defaults(run=_device_list)
    revoke = inner.add_parser("revoke", parents=[shared], help="thu hồi một thiết bị")
    revoke.add_argument("device", metavar="MÃ_THIẾT_BỊ")
    revoke.set_defaults(run=_device_revoke)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _fail(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1


def _note(session: Session, action: str, kind: str, name: str, facility_code: str) -> None:
    note_operator(session, action, kind, name, system_clock(), facility_code=facility_code)


def _facility_add(options: argparse.Namespace) -> int:
    if not ID.fullmatch(options.code) or len(options.code) > 32:
        return _fail("Mã cơ sở chỉ gồm chữ không dấu, số, dấu gạch ngang, tối đa 32 ký tự.")
    if not _is_name(options.name):
        return _fail(_NAME_WANTED)
    database = Database(options.database)
    with database.write(EVERY_FACILITY) as session:
        known = session.get(Facility, options.code)
        name = known.name if known else None
        if known is None:
            auth.add_facility(session, options.code, options.name, system_clock())
            _note(session, "facility-add", "facility", options.code, options.code)
    database.close()
    if name is None:
        _say(f"Đã thêm cơ sở {options.code}.")
        return 0
    if name == options.name:
        _say(f"Đã có cơ sở {options.code}.")
        return 0
    return _fail(
        f"Mã {options.code} đã là của cơ sở “{name}”. Chưa có gì thay đổi. Nếu cơ sở đổi tên, hãy "
        f"dùng lệnh facility rename {options.code} TÊN_MỚI; nếu gõ nhầm mã, hãy thêm lại với mã đúng."
    )


def _facility_rename(options: argparse.Namespace) -> int:
    if not _is_name(options.name):
        return _fail(_NAME_WANTED)
    database = Database(options.database)
    with database.write(EVERY_FACILITY) as session:
        found = session.get(Facility, options.code, with_for_update=True)
        before = found.name if found else None
        if found is not None:
            found.name = options.name
            _note(session, "facility-rename", "facility", options.code, options.code)
    database.close()
    if before is None:
        return _fail(f"Chưa có cơ sở {options.code}. Hãy thêm bằng lệnh facility add.")
    _say(
        f"Cơ sở {options.code} giờ tên là “{options.name}” (trước đây “{before}”). Hồ sơ và thư "
        "chuyển tuyến đã có giữ tên cũ."
    )
    return 0


def _is_name(text: str) -> bool:
    return bool(text.strip()) and text.isprintable() and len(text) <= _LONGEST_NAME


def _facility_list(options: argparse.Namespace) -> int:
    database = Database(options.database)
    with database.read(EVERY_FACILITY) as session:
        for facility in session.scalars(select(Facility).order_by(Facility.code)):
            _say(f"{facility.code}\t{facility.name}")
    database.close()
    return 0


def _enrol_code(options: argparse.Namespace) -> int:
    hours = options.configuration.enrol_code_hours
    database = Database(options.database)
    try:
        with database.write(EVERY_FACILITY) as session:
            code = auth.new_enrolment_code(session, options.facility, system_clock(), hours)
            _note(session, "enrol-code", "facility", options.facility, options.facility)
    except LookupError:
        return _fail(f"Chưa có cơ sở {options.facility}. Hãy thêm bằng lệnh facility add.")
    finally:
        database.close()
    _say(code)
    return 0


def _device_list(options: argparse.Namespace) -> int:
    database = Database(options.database)
    with database.read(EVERY_FACILITY) as session:
        for device in session.scalars(
            select(Device).order_by(Device.facility_code, Device.enrolled_at)
        ):
            state = "đã thu hồi" if device.revoked_at else "đang dùng"
            contact = wire.instant(device.last_contact_at) if device.last_contact_at else "chưa"
            _say(f"{device.id}\t{device.facility_code}\t{device.name}\t{state}\t{contact}")
    database.close()
    return 0


def _device_revoke(options: argparse.Namespace) -> int:
    database = Database(options.database)
    with database.write(EVERY_FACILITY) as session:
        done = auth.revoke_device(session, options.device, system_clock())
        if done:
            home = session.get_one(Device, options.device).facility_code
            _note(session, "device-revoke", "device", options.device, home)
    database.close()
    if not done:
        return _fail("Không có thiết bị đang dùng nào với mã này.")
    _say(f"Đã thu hồi thiết bị {options.device}. Máy chủ từ chối nó từ yêu cầu kế tiếp.")
    return 0

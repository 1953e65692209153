"""`provincial-server init`, `new-epoch`, `backup`, `restore`, `verify`, `reread`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from provincial_server import auth
from provincial_server.courier.keys import courier_keys
from provincial_server.database import Database
from provincial_server.exchange.indexing import reread
from provincial_server.operation import backup as backups
from provincial_server.operation import dumps
from provincial_server.operation.archive import BackupFault
from provincial_server.operation.configuration import (
    IDENTITY_VARIABLE,
    OWNER_VARIABLE,
    Configuration,
    read_secret,
)
from provincial_server.operation.verify import Unsound, verify
from provincial_server.postgres.commands import owner_of
from provincial_server.settings import system_clock
from provincial_server.store import EVERY_FACILITY, Facility
from provincial_server.web.access_log import note_operator

Subcommands = Any  # argparse has no public name for it


def add_commands(commands: Subcommands, shared: argparse.ArgumentParser) -> None:
    """Put the commands beside those of the server."""
    init = commands.add_parser(
        "init", parents=[shared], help="tạo cơ sở dữ liệu và các khóa của tỉnh"
    )
    renewing = init.add_mutually_exclusive_group()
    renewing.add_argument("--new-admin-token", action="store_true", help="thay mã quản trị")
    renewing.add_argument("--new-backup-key", action="store_true", help="thay khóa sao lưu")
    init.set_defaults(run=_init, begins=True)
    epoch = commands.add_parser(
        "new-epoch",
        parents=[shared],
        help="sau khi khôi phục từ bản sao lưu: để các trạm đối chiếu và gửi lại phần bị thiếu",
    )
    epoch.set_defaults(run=_new_epoch)
    backup = commands.add_parser("backup", parents=[shared], help="sao lưu, có mã hóa")
    backup.add_argument("folder", type=Path, nargs="?", metavar="THƯ_MỤC")
    backup.set_defaults(run=_telling(_backup))
    restore = commands.add_parser(
        "restore", parents=[shared], help="khôi phục vào một cơ sở dữ liệu trống"
    )
    restore.add_argument("file", type=Path, metavar="TỆP")
    restore.add_argument(
        "--identity",
        type=Path,
        metavar="TỆP_KHÓA",
        help=f"tệp chứa khóa sao lưu bí mật (hoặc biến {IDENTITY_VARIABLE})",
    )
    restore.set_defaults(run=_telling(_restore), begins=True)
    checking = commands.add_parser("verify", parents=[shared], help="kiểm tra toàn bộ dữ liệu")
    checking.add_argument("--facility", metavar="MÃ", help="chỉ một cơ sở")
    checking.set_defaults(run=_verify)
    reading = commands.add_parser(
        "reread", parents=[shared], help="đọc lại các hồ sơ mà máy chủ đã giữ nhưng chưa đọc được"
    )
    reading.add_argument("--facility", metavar="MÃ", help="chỉ một cơ sở")
    reading.set_defaults(run=_reread)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _fail(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1


def _telling(work: Any) -> Any:
    def run(options: argparse.Namespace) -> int:
        try:
            _say(work(options))
        except BackupFault as fault:
            return _fail(str(fault))
        return 0

    return run


def _note(session: Session, action: str, name: str = "") -> None:
    note_operator(session, action, "server", name, system_clock())


def _init(options: argparse.Namespace) -> int:
    database = Database(options.database)
    try:
        with database.write(EVERY_FACILITY) as session:
            known = auth.has_admin_token(session)
            if known and not (options.new_admin_token or options.new_backup_key):
                return _fail(
                    "Máy chủ này đã được khởi tạo. Chưa có gì thay đổi, mã và khóa cũ vẫn dùng "
                    "được. Muốn thay: init --new-admin-token hoặc init --new-backup-key."
                )
            token = key = ""
            if not known or options.new_admin_token:
                token = auth.new_admin_token(session)
            if not known or options.new_backup_key:
                key = backups.new_backup_key(session)
            if not known:
                _note(session, "init")
            elif token:
                _note(session, "new-admin-token")
            else:
                _note(session, "new-backup-key")
            print_of_keys = courier_keys(session).public()["fingerprint"]
    finally:
        database.close()
    if not known:
        _say(f"Cơ sở dữ liệu đã sẵn sàng, kỷ nguyên {database.epoch}.")
        _say(f"Dấu vân tay khóa của tỉnh: {print_of_keys}")
    if token:
        _say(f"Mã quản trị (chỉ hiện lần này): {token}")
    if key:
        _say(f"Khóa sao lưu bí mật (chỉ hiện lần này, máy chủ không giữ): {key}")
        _say(
            "Hãy chép khóa sao lưu ra giấy hoặc USB và cất ngoài máy chủ, ở hai nơi: thiếu khóa này "
            "thì không bản sao lưu nào mở được."
        )
    if not known:
        _say(_NEXT)
    return 0


_NEXT = """Việc tiếp theo:
  1. facility add MÃ TÊN          thêm từng cơ sở
  2. device enrol-code MÃ         lấy mã ghi danh cho từng máy của trạm
  3. user add …                   tài khoản mở trang web
  4. serve --public-url https://… chạy máy chủ
  5. backup THƯ_MỤC               sao lưu hằng ngày"""


def _new_epoch(options: argparse.Namespace) -> int:
    database = Database(options.database)
    with database.write(EVERY_FACILITY) as session:
        epoch = database.new_epoch(session)
        _note(session, "new-epoch")
    database.close()
    _say(f"Kỷ nguyên mới: {epoch}. {_STATIONS}")
    return 0


_STATIONS = (
    "Ở lần đồng bộ tới, mỗi trạm sẽ đối chiếu và gửi lại phần máy chủ còn thiếu; "
    "không phải làm gì thêm."
)


def _owner(options: argparse.Namespace) -> str:
    return owner_of(options.database, os.environ.get(OWNER_VARIABLE, ""))


def _backup(options: argparse.Namespace) -> str:
    configured: Configuration = options.configuration
    folder = options.folder or configured.backup_folder
    if folder is None:
        raise BackupFault("Chưa nói sao lưu vào đâu. Hãy ghi thư mục, hoặc đặt khóa backup_folder.")
    done = backups.make_backup(
        options.database,
        folder,
        system_clock,
        recipient=configured.backup_recipient,
        programs=configured.postgres_programs,
        owner=_owner(options),
    )
    unnoted = ""
    try:
        # Without opening the database as a server does, which would bring an older one up to date.
        with dumps.noting(options.database) as session:
            _note(session, "backup", done.path.name)
    except DBAPIError:  # the file is good all the same
        unnoted = " Lần sao lưu này chưa ghi được vào nhật ký truy cập: cơ sở dữ liệu đang bận."
    held = done.manifest.holdings
    operations = sum(counts.get("operations", 0) for counts in held.facilities.values())
    return (
        f"Đã ghi {done.path} ({done.size / 1_000_000:.1f} MB): {len(held.facilities)} cơ sở, "
        f"{operations} mục. Đã mở lại và đối chiếu đúng. "
        f"Hãy chép tệp ra ngoài máy chủ này.{unnoted}"
    )


def _restore(options: argparse.Namespace) -> str:
    configured: Configuration = options.configuration
    done = backups.restore(
        options.file,
        _identity(options),
        options.database,
        programs=configured.postgres_programs,
        owner=_owner(options),
    )
    with dumps.noting(options.database) as session:
        _note(session, "restore", options.file.name)
    return (
        f"Đã khôi phục bản sao lúc {done.manifest.made_at}: {done.checked.facilities} cơ sở, "
        f"{done.checked.operations} mục, đã kiểm tra đúng.\n"
        f"Kỷ nguyên mới: {done.epoch}. {_STATIONS}\n"
        "Các máy bị thu hồi sau lúc sao lưu cần được thu hồi lại (device list, device revoke)."
    )


def _identity(options: argparse.Namespace) -> str:
    """Never an argument: every user of the machine can list the arguments of a process."""
    path = options.identity or options.configuration.backup_identity_file
    given = os.environ.pop(IDENTITY_VARIABLE, "")
    if options.identity is None and given:
        return given
    if path is None:
        raise BackupFault(
            f"Chưa có khóa sao lưu bí mật. Hãy ghi --identity TỆP_KHÓA hoặc đặt biến "
            f"{IDENTITY_VARIABLE}. Chưa có gì thay đổi."
        )
    return read_secret(path, "backup_identity_file")


def _verify(options: argparse.Namespace) -> int:
    database = Database(options.database)
    try:
        with database.read(EVERY_FACILITY) as session:
            done = verify(session, options.facility)
    except Unsound as fault:
        return _fail(f"{fault} Hãy giữ nguyên cơ sở dữ liệu này và khôi phục từ bản sao lưu.")
    finally:
        database.close()
    _say(
        f"Dữ liệu đúng: {done.facilities} cơ sở, {done.operations} mục, {done.changes} thay đổi, "
        f"{done.forms} bản in, {done.guards} khóa chống sửa."
    )
    return 0


def _reread(options: argparse.Namespace) -> int:
    database = Database(options.database)
    query = select(Facility).order_by(Facility.code)
    if options.facility is not None:
        query = query.where(Facility.code == options.facility)
    try:
        with database.read(EVERY_FACILITY) as session:
            unread = {one.code: one.skipped_operations for one in session.scalars(query)}
        if options.facility is not None and not unread:
            return _fail(f"Không có cơ sở {options.facility}.")
        read = {code: reread(database, system_clock, code) for code, left in unread.items() if left}
        with database.write(EVERY_FACILITY) as session:
            for code in read:
                note_operator(
                    session, "reread", "facility", code, system_clock(), facility_code=code
                )
            left = {one.code: one.skipped_operations for one in session.scalars(query)}
    finally:
        database.close()
    if not read:
        _say("Không có hồ sơ nào chưa đọc được.")
    for code, count in read.items():
        _say(f"Cơ sở {code}: {count} hồ sơ nay đọc được, còn {left[code]} hồ sơ chưa đọc được.")
    return 0

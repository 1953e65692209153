"""`provincial-server user …`: accounts of the people who open the pages."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from provincial_server.database import Database
from provincial_server.operation.configuration import USER_PASSWORD_VARIABLE
from provincial_server.settings import system_clock
from provincial_server.store import EVERY_FACILITY
from provincial_server.web import accounts
from provincial_server.web.access_log import note_operator
from provincial_server.web.accounts import ROLES, AccountRefused, WebUser


def add_commands(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Put the commands beside those of the server."""
    user = commands.add_parser("user", help="tài khoản mở trang web").add_subparsers(
        required=True, metavar="LỆNH"
    )
    told = f"mật khẩu hỏi trên màn hình, hoặc lấy từ biến {USER_PASSWORD_VARIABLE}"
    add = user.add_parser("add", parents=[shared], help="thêm một tài khoản", description=told)
    add.add_argument("username")
    add.add_argument("full_name", metavar="HỌ_TÊN")
    add.add_argument("--role", required=True, choices=list(ROLES))
    add.add_argument("--facility", metavar="MÃ", help="cơ sở của tài khoản nơi nhận")
    add.set_defaults(run=_add)
    password = user.add_parser(
        "password", parents=[shared], help="đặt lại mật khẩu, kết thúc mọi phiên", description=told
    )
    password.add_argument("username")
    password.set_defaults(run=_password)
    closing = user.add_parser("close", parents=[shared], help="đóng một tài khoản")
    closing.add_argument("username")
    closing.set_defaults(run=_close)
    listing = user.add_parser("list", parents=[shared], help="danh sách tài khoản")
    listing.set_defaults(run=_list)


def _ask_password() -> str:
    """Never an argument: every user of the machine can list the arguments of a process."""
    given = os.environ.pop(USER_PASSWORD_VARIABLE, None)
    if given is not None:
        return given
    try:
        first = getpass.getpass("Mật khẩu: ")
        again = getpass.getpass("Gõ lại mật khẩu: ")
    except EOFError:
        raise AccountRefused(
            f"Không có bàn phím để hỏi mật khẩu. Hãy đặt biến {USER_PASSWORD_VARIABLE}. Chưa có gì "
            "thay đổi."
        ) from None
    if again != first:
        raise AccountRefused("Hai lần gõ không giống nhau. Chưa có gì thay đổi.")
    return first


def _named(session: Session, username: str) -> WebUser:
    found = session.scalars(select(WebUser).where(WebUser.username == username.lower())).first()
    if found is None:
        raise AccountRefused(f"Không có tài khoản {username}.")
    return found


def _changing(options: argparse.Namespace, work: Any) -> int:
    """Opens the database around the work; says its answer, or the reason against it."""
    database = Database(options.database)
    try:
        with database.write(EVERY_FACILITY) as session:
            said = work(session)
    except AccountRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    finally:
        database.close()
    sys.stdout.write(f"{said}\n")
    return 0


def _with_password(options: argparse.Namespace, work: Any) -> int:
    """Asks before the database is opened: nobody's writing waits for somebody who types."""
    try:
        password = _ask_password()
    except AccountRefused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    return _changing(options, lambda session: work(session, password))


def _note(session: Session, user: WebUser, action: str) -> None:
    note_operator(session, action, "account", user.id, system_clock())


def _add(options: argparse.Namespace) -> int:
    def work(session: Session, password: str) -> str:
        user = accounts.add_user(
            session,
            options.username,
            options.full_name,
            options.role,
            password,
            system_clock(),
            facility_code=options.facility,
        )
        _note(session, user, "user-add")
        return f"Đã có tài khoản {user.username} ({ROLES[user.role]})."

    return _with_password(options, work)


def _password(options: argparse.Namespace) -> int:
    def work(session: Session, password: str) -> str:
        user = _named(session, options.username)
        accounts.change_password(session, user.id, password)
        _note(session, user, "user-password")
        return f"Đã đặt lại mật khẩu của {user.username}; mọi phiên đang mở đã kết thúc."

    return _with_password(options, work)


def _close(options: argparse.Namespace) -> int:
    def work(session: Session) -> str:
        user = _named(session, options.username)
        user.active = False
        accounts.close_all_sessions(session, user.id)
        _note(session, user, "user-close")
        return f"Đã đóng tài khoản {user.username}."

    return _changing(options, work)


def _list(options: argparse.Namespace) -> int:
    def work(session: Session) -> str:
        users = session.scalars(select(WebUser).order_by(WebUser.username))
        return "\n".join(
            "\t".join(
                (
                    user.username,
                    user.role,
                    user.facility_code or "-",
                    user.full_name,
                    "đang dùng" if user.active else "đã đóng",
                )
            )
            for user in users
        )

    return _changing(options, work)

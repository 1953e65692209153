"""`provincial-server postgres prepare`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from provincial_server.database import UnusableDatabase
from provincial_server.operation.configuration import OWNER_VARIABLE
from provincial_server.postgres.preparation import prepare

Subcommands = Any  # argparse has no public name for it


def add_commands(commands: Subcommands, shared: argparse.ArgumentParser) -> None:
    """Put the command beside those of the server."""
    inner = commands.add_parser("postgres", help="cơ sở dữ liệu PostgreSQL").add_subparsers(
        required=True, metavar="LỆNH"
    )
    preparing = inner.add_parser(
        "prepare",
        parents=[shared],
        help="tạo hoặc nâng cấp bảng và tường ngăn giữa các cơ sở, cho tài khoản phục vụ",
    )
    preparing.add_argument(
        "--owner-database",
        default=os.environ.get(OWNER_VARIABLE, ""),
        help=f"địa chỉ với tài khoản chủ sở hữu (biến {OWNER_VARIABLE})",
    )
    preparing.set_defaults(run=_prepare)


def owner_of(url: str, owner: str) -> str:
    """The owner's address where it is of the database that is served; empty where none is needed.
    Raises UnusableDatabase: a backup of another database would be found out when it is too late."""
    served = make_url(url)
    if not owner or served.get_backend_name() != "postgresql":
        return ""
    try:
        owned = make_url(owner)
    except ArgumentError:
        raise UnusableDatabase(
            f"Biến {OWNER_VARIABLE} phải là địa chỉ dạng postgresql://…"
        ) from None
    if owned.database != served.database:
        raise UnusableDatabase(
            f"Biến {OWNER_VARIABLE} nói về cơ sở dữ liệu “{owned.database}”, còn máy chủ dùng "
            f"“{served.database}”. Chưa có gì thay đổi."
        )
    return owner


def _prepare(options: argparse.Namespace) -> int:
    if not options.owner_database:
        sys.stderr.write(f"Thiếu địa chỉ với tài khoản chủ sở hữu (biến {OWNER_VARIABLE}).\n")
        return 1
    try:
        role = make_url(options.database).username
    except ArgumentError:
        role = None
    if role is None:
        raise UnusableDatabase(
            "Địa chỉ của máy chủ phải nêu tài khoản phục vụ: postgresql://tài-khoản:mật-khẩu@…"
        )
    prepare(owner_of(options.database, options.owner_database) or options.owner_database, role)
    sys.stdout.write(f"Cơ sở dữ liệu đã sẵn sàng cho tài khoản {role}.\n")
    return 0

"""The operator's command line: `python -m provincial_server COMMAND`."""

# ruff: noqa: E402 -- the collector of garbage rests while the program is loaded
from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

_collecting = gc.isenabled()
gc.disable()  # what is imported stays: looking through it for garbage took 0.3 s of each command

from sqlalchemy.exc import DatabaseError, OperationalError

from provincial_server.catalogs.commands import add_commands as add_catalog_commands
from provincial_server.courier.commands import add_commands as add_courier_commands
from provincial_server.database import DAMAGED, UnusableDatabase
from provincial_server.operation import logs
from provincial_server.operation.commands import add_commands as add_operation_commands
from provincial_server.operation.configuration import (
    FILE_VARIABLE,
    FORMATS,
    LEVELS,
    Configuration,
    WrongConfiguration,
    load,
)
from provincial_server.operation.explaining import explain, missing_database
from provincial_server.operation.parser import Parser
from provincial_server.operation.registry_commands import add_commands as add_registry_commands
from provincial_server.operation.serve_command import add_commands as add_serve_command
from provincial_server.postgres.commands import add_commands as add_postgres_commands
from provincial_server.web.commands import add_commands as add_user_commands

gc.freeze()
if _collecting:
    gc.enable()


_INTERRUPTED = 130
"""As a shell has it: 128 and the number of the signal."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    os.umask(0o077)  # the database and its log are for this account alone
    try:
        _configure(options)
        missing = None if _begins(options) else missing_database(options.database)
        if missing:
            return _fail(missing)
        return int(options.run(options))
    except (UnusableDatabase, WrongConfiguration) as problem:
        return _fail(str(problem))
    except OperationalError:
        return _fail("Cơ sở dữ liệu đang bận hoặc ổ đĩa đầy. Chưa có gì thay đổi, hãy thử lại.")
    except DatabaseError as problem:
        if type(problem) is not DatabaseError:  # of the kinds below it SQLite's damage is none
            raise
        return _fail(DAMAGED)
    except KeyboardInterrupt:
        _fail("\nĐã dừng theo yêu cầu.")
        return _INTERRUPTED
    except OSError as problem:
        return _fail(explain(problem))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="provincial-server", description="Máy chủ hồ sơ y tế tuyến tỉnh")
    commands = parser.add_subparsers(required=True, metavar="LỆNH", title="lệnh")
    shared = argparse.ArgumentParser(add_help=False)
    settings = shared.add_argument_group("cấu hình (tham số, rồi biến môi trường, rồi tệp)")
    settings.add_argument(
        "--config", type=Path, metavar="TỆP", help=f"tệp cấu hình TOML (biến {FILE_VARIABLE})"
    )
    settings.add_argument("--database", metavar="URL", help="địa chỉ SQLAlchemy của cơ sở dữ liệu")
    settings.add_argument("--log-level", choices=LEVELS, help="mức ghi nhật ký")
    settings.add_argument("--log-format", choices=FORMATS, help="dạng nhật ký")
    for add in (
        add_operation_commands,
        add_serve_command,
        add_registry_commands,
        add_courier_commands,
        add_catalog_commands,
        add_postgres_commands,
        add_user_commands,
    ):
        add(commands, shared)
    return parser


def _configure(options: argparse.Namespace) -> None:
    """Lays what was configured behind what was said; every command finds the whole of it in
    `options.configuration`."""
    configured = load(vars(options), os.environ, options.config)
    options.configuration = configured
    for key in fields(Configuration):
        setattr(options, key.name, getattr(configured, key.name))
    logs.configure(configured.log_level, configured.log_format)


def _begins(options: argparse.Namespace) -> bool:
    """Whether the command is one that makes a database where there is none."""
    return bool(getattr(options, "begins", False) or getattr(options, "demo_facility", None))


def _fail(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""`provincial-server serve`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from provincial_server import auth
from provincial_server.database import Database
from provincial_server.operation.configuration import DEMO_TOKEN_VARIABLE, Configuration
from provincial_server.operation.explaining import explain_listening
from provincial_server.settings import system_clock
from provincial_server.store import EVERY_FACILITY

Subcommands = Any  # argparse has no public name for it


def add_commands(commands: Subcommands, shared: argparse.ArgumentParser) -> None:
    """Put the command beside those of the server."""
    serve = commands.add_parser("serve", parents=[shared], help="chạy máy chủ")
    serve.add_argument("--host", metavar="ĐỊA_CHỈ", help="địa chỉ lắng nghe (mặc định 127.0.0.1)")
    serve.add_argument("--port", type=int, metavar="CỔNG", help="mặc định 8080; 0: cổng còn trống")
    serve.add_argument(
        "--port-file", type=Path, metavar="TỆP", help="ghi số cổng vào tệp này khi đã sẵn sàng"
    )
    serve.add_argument("--public-url", metavar="URL", help="địa chỉ mà các trạm nhìn thấy")
    serve.add_argument(
        "--stop-with-parent", action="store_true", help="dừng khi đầu vào chuẩn đóng lại"
    )
    serve.add_argument(
        "--demo-facility",
        metavar="MÃ",
        help=f"chỉ dùng thử, trên máy này; mã thiết bị lấy từ biến {DEMO_TOKEN_VARIABLE}",
    )
    serve.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> int:
    # Deferred: the other commands answer at once without loading the web framework.
    from provincial_server.app import create_app  # noqa: PLC0415
    from provincial_server.serving import CannotListen, is_loopback, serve  # noqa: PLC0415

    # Never an argument: every user of the machine can list the arguments of a process.
    token = os.environ.pop(DEMO_TOKEN_VARIABLE, "")
    if options.demo_facility and not (token and is_loopback(options.host)):
        sys.stderr.write(
            f"--demo-facility cần biến {DEMO_TOKEN_VARIABLE}, và chỉ với địa chỉ 127.0.0.1.\n"
        )
        return 1
    configured: Configuration = options.configuration
    database = Database(options.database)
    if options.demo_facility:
        now = system_clock()
        with database.write(EVERY_FACILITY) as session:
            auth.add_facility(session, options.demo_facility, "Trạm y tế dùng thử (mẫu)", now)
            auth.enrol_device(session, options.demo_facility, "Máy dùng thử", now, token=token)
    try:
        serve(
            create_app(configured.settings(), database),
            host=options.host,
            port=options.port,
            port_file=options.port_file,
            stop_with_parent=options.stop_with_parent,
            drain_seconds=configured.drain_seconds,
            grace_seconds=configured.grace_seconds,
        )
    except CannotListen as problem:
        said = explain_listening(options.host, options.port, problem.reason)
        sys.stderr.write(f"{said}\n")
        return 1
    finally:
        database.close()
    return 0

"""The operator's command line: `python -m provincial_server COMMAND`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from provincial_server import auth, wire
from provincial_server.courier.commands import add_commands as add_courier_commands
from provincial_server.database import Database, UnusableDatabase
from provincial_server.postgres.commands import add_commands as add_postgres_commands
from provincial_server.settings import Settings, system_clock
from provincial_server.store import EVERY_FACILITY, Device, Facility
from provincial_server.structure import ID
from provincial_server.web.commands import add_commands as add_user_commands

_DATABASE = "PROVINCIAL_SERVER_DATABASE"
_DEMO_TOKEN = "PROVINCIAL_SERVER_DEMO_TOKEN"  # noqa: S105  the name of a variable
_DEFAULT_DATABASE = "sqlite:///provincial-server.db"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    os.umask(0o077)  # the database and its log are for this account alone
    logging.basicConfig(
        level=options.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        return int(options.run(options))
    except UnusableDatabase as problem:
        return _fail(str(problem))
    except OperationalError:
        return _fail("Cơ sở dữ liệu đang bận hoặc ổ đĩa đầy. Chưa có gì thay đổi, hãy thử lại.")
    except OSError as problem:
        return _fail(f"Không chạy được: {problem}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="provincial-server", description="Máy chủ hồ sơ y tế tuyến tỉnh"
    )
    commands = parser.add_subparsers(required=True, metavar="LỆNH")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--database",
        default=os.environ.get(_DATABASE, _DEFAULT_DATABASE),
        help=f"địa chỉ SQLAlchemy của cơ sở dữ liệu (biến {_DATABASE})",
    )
    shared.add_argument(
        "--log-level", default="warning", choices=["debug", "info", "warning", "error"]
    )
    init = commands.add_parser("init", parents=[shared], help="tạo cơ sở dữ liệu")
    init.add_argument("--new-admin-token", action="store_true", help="thay mã quản trị")
    init.set_defaults(run=_init)
    epoch = commands.add_parser(
        "new-epoch",
        parents=[shared],
        help="sau khi khôi phục từ bản sao lưu: để các trạm đối chiếu và gửi lại phần bị thiếu",
    )
    epoch.set_defaults(run=_new_epoch)
    _add_serve(commands.add_parser("serve", parents=[shared], help="chạy máy chủ"))

    facility = commands.add_parser("facility", help="cơ sở y tế").add_subparsers(required=True)
    add = facility.add_parser("add", parents=[shared], help="thêm một cơ sở")
    add.add_argument("code")
    add.add_argument("name")
    add.set_defaults(run=_facility_add)
    listing = facility.add_parser("list", parents=[shared], help="danh sách cơ sở")
    listing.set_defaults(run=_facility_list)

    device = commands.add_parser("device", help="thiết bị").add_subparsers(required=True)
    enrol = device.add_parser(
        "enrol-code", parents=[shared], help="in một mã ghi danh dùng một lần"
    )
    enrol.add_argument("facility")
    enrol.set_defaults(run=_enrol_code)
    devices = device.add_parser("list", parents=[shared], help="danh sách thiết bị")
    devices.set_defaults(run=_device_list)
    revoke = device.add_parser("revoke", parents=[shared], help="thu hồi một thiết bị")
    revoke.add_argument("device")
    revoke.set_defaults(run=_device_revoke)
    add_courier_commands(commands, shared)
    add_postgres_commands(commands, shared)
    add_user_commands(commands, shared)
    return parser


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8080, help="0: một cổng còn trống")
    serve.add_argument("--port-file", type=Path, help="ghi số cổng vào tệp này khi đã sẵn sàng")
    serve.add_argument("--public-url", help="địa chỉ mà các trạm nhìn thấy")
    serve.add_argument(
        "--stop-with-parent", action="store_true", help="dừng khi đầu vào chuẩn đóng lại"
    )
    serve.add_argument(
        "--demo-facility",
        metavar="CODE",
        help=f"chỉ dùng thử, trên máy này; mã thiết bị lấy từ biến {_DEMO_TOKEN}",
    )
    serve.set_defaults(run=_serve)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _fail(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1


def _init(options: argparse.Namespace) -> int:
    database = Database(options.database)
    with database.write(EVERY_FACILITY) as session:
        fresh = options.new_admin_token or not auth.has_admin_token(session)
        token = auth.new_admin_token(session) if fresh else None
    database.close()
    _say(f"Cơ sở dữ liệu đã sẵn sàng, kỷ nguyên {database.epoch}.")
    if token:
        _say(f"Mã quản trị (chỉ hiện lần này): {token}")
    return 0


def _new_epoch(options: argparse.Namespace) -> int:
    database = Database(options.database)
    with database.write(EVERY_FACILITY) as session:
        epoch = database.new_epoch(session)
    database.close()
    _say(
        f"Kỷ nguyên mới: {epoch}. Ở lần đồng bộ tới, mỗi trạm sẽ đối chiếu và gửi lại phần "
        "máy chủ còn thiếu; không phải làm gì thêm."
    )
    return 0


def _serve(options: argparse.Namespace) -> int:
    # Deferred: the other commands answer at once without loading the web framework.
    from provincial_server.app import create_app  # noqa: PLC0415
    from provincial_server.serving import is_loopback, serve  # noqa: PLC0415

    # Never an argument: every user of the machine can list the arguments of a process.
    token = os.environ.pop(_DEMO_TOKEN, "")
    if options.demo_facility and not (token and is_loopback(options.host)):
        return _fail(f"--demo-facility cần biến {_DEMO_TOKEN}, và chỉ với địa chỉ 127.0.0.1.")
    database = Database(options.database)
    if options.demo_facility:
        now = system_clock()
        with database.write(EVERY_FACILITY) as session:
            auth.add_facility(session, options.demo_facility, "Trạm y tế dùng thử (mẫu)", now)
            auth.enrol_device(session, options.demo_facility, "Máy dùng thử", now, token=token)
    settings = Settings(options.database, public_url=options.public_url)
    try:
        serve(
            create_app(settings, database),
            host=options.host,
            port=options.port,
            port_file=options.port_file,
            stop_with_parent=options.stop_with_parent,
        )
    finally:
        database.close()
    return 0


def _facility_add(options: argparse.Namespace) -> int:
    if not ID.fullmatch(options.code) or len(options.code) > 32:
        return _fail("Mã cơ sở chỉ gồm chữ không dấu, số, dấu gạch ngang, tối đa 32 ký tự.")
    database = Database(options.database)
    with database.write(EVERY_FACILITY) as session:
        auth.add_facility(session, options.code, options.name, system_clock())
    database.close()
    _say(f"Đã có cơ sở {options.code}.")
    return 0


def _facility_list(options: argparse.Namespace) -> int:
    database = Database(options.database)
    with database.read(EVERY_FACILITY) as session:
        for facility in session.scalars(select(Facility).order_by(Facility.code)):
            _say(f"{facility.code}\t{facility.name}")
    database.close()
    return 0


def _enrol_code(options: argparse.Namespace) -> int:
    hours = Settings(options.database).enrol_code_hours
    database = Database(options.database)
    try:
        with database.write(EVERY_FACILITY) as session:
            code = auth.new_enrolment_code(session, options.facility, system_clock(), hours)
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
    database.close()
    return 0 if done else _fail("Không có thiết bị đang dùng nào với mã này.")


if __name__ == "__main__":
    sys.exit(main())

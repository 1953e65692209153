"""`provincial-server courier …` and `provincial-server snapshot`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provincial_server.courier.faults import CourierRefused, EnvironmentFailure
from provincial_server.courier.keys import courier_keys, key_file
from provincial_server.courier.snapshot import write_snapshot
from provincial_server.courier.units import DEFAULT_ROOM, CourierDesk
from provincial_server.database import Database
from provincial_server.settings import Settings
from provincial_server.store import EVERY_FACILITY

Subcommands = Any  # argparse has no public name for it


def add_commands(commands: Subcommands, shared: argparse.ArgumentParser) -> None:
    """Put the commands beside those of the server."""
    courier = commands.add_parser("courier", help="tệp chuyển tay bằng USB")
    inner = courier.add_subparsers(required=True, metavar="LỆNH")
    taking = inner.add_parser("import", parents=[shared], help="nhận tệp của trạm")
    taking.add_argument("file", type=Path, metavar="TỆP")
    taking.add_argument("--reply", type=Path, required=True, metavar="TỆP", help="tệp trả lời")
    taking.add_argument(
        "--room",
        type=int,
        default=DEFAULT_ROOM // (1024 * 1024),
        metavar="MB",
        help="nhiều nhất bao nhiêu dữ liệu mới của trạm khác ghi vào tệp trả lời (trước khi nén)",
    )
    taking.set_defaults(run=_telling(_import))
    key = inner.add_parser("key", parents=[shared], help="khóa công khai của tỉnh cho các trạm")
    key.add_argument("--out", type=Path, metavar="TỆP", help="ghi khóa ra tệp để đưa cho trạm")
    key.set_defaults(run=_telling(_key))
    snapshot = commands.add_parser(
        "snapshot",
        parents=[shared],
        help="ghi toàn bộ hồ sơ của một cơ sở cho máy mới của cơ sở đó",
    )
    snapshot.add_argument("--facility", required=True, metavar="MÃ")
    snapshot.add_argument(
        "--for-key", required=True, metavar="KHÓA", help="khóa nhận tệp mà máy mới hiện ra"
    )
    snapshot.add_argument("--out", type=Path, required=True, metavar="TỆP")
    snapshot.set_defaults(run=_telling(_snapshot))


def _telling(
    work: Callable[[argparse.Namespace, Database], str],
) -> Callable[[argparse.Namespace], int]:
    """Open the database around the work, and say its answer or the reason against it."""

    def run(options: argparse.Namespace) -> int:
        database = Database(options.database)
        try:
            sys.stdout.write(f"{work(options, database)}\n")
        except (CourierRefused, EnvironmentFailure) as reason:
            sys.stderr.write(f"{reason}\n")
            return 1
        finally:
            database.close()
        return 0

    return run


def _import(options: argparse.Namespace, database: Database) -> str:
    desk = CourierDesk(Settings(options.database), database)
    done = desk.import_units(options.file, options.reply, max(options.room, 0) * 1024 * 1024)
    text = (
        f"Tệp số {done.number} của cơ sở {done.facility}: {done.operations} mục, "
        f"nhận {len(done.taken)}, không nhận {len(done.refused)}.\n"
        f"Đã ghi tệp trả lời {options.reply}, kèm {done.written} thay đổi của nơi khác. "
        "Hãy đưa tệp này về trạm."
    )
    return text + ("\nCòn thay đổi chưa vừa tệp, sẽ theo tệp lần sau." if done.more else "")


def _key(options: argparse.Namespace, database: Database) -> str:
    with database.write(EVERY_FACILITY) as session:
        keys = courier_keys(session)
    mark = keys.public()["fingerprint"]
    shown = " ".join(mark[place : place + 4] for place in range(0, len(mark), 4))
    text = f"Dấu vân tay khóa của tỉnh: {shown}"
    if options.out is None:
        return f"{text}\n{key_file(keys).decode('ascii')}".rstrip()
    try:
        options.out.write_bytes(key_file(keys))
    except OSError as error:
        raise EnvironmentFailure(f"Không ghi được tệp {options.out}.") from error
    return (
        f"{text}\nĐã ghi {options.out}. Tệp không chứa bí mật nào; hãy đọc dấu vân tay cho trạm so."
    )


def _snapshot(options: argparse.Namespace, database: Database) -> str:
    settings = Settings(options.database)
    count, size = write_snapshot(settings, database, options.facility, options.for_key, options.out)
    return f"Đã ghi {options.out}: {count} mục, {size / 1_000_000:.1f} MB."

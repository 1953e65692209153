"""`provincial-server courier …` and `provincial-server snapshot`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from provincial_server.courier.faults import CourierRefused, EnvironmentFailure
from provincial_server.courier.keys import courier_keys, forget_replaced, key_file, replace_keys
from provincial_server.courier.snapshot import write_snapshot
from provincial_server.courier.units import DEFAULT_ROOM, CourierDesk
from provincial_server.database import Database
from provincial_server.settings import Settings, system_clock
from provincial_server.store import EVERY_FACILITY
from provincial_server.web.access_log import PROVINCE, note_operator

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
    new = inner.add_parser("new-key", parents=[shared], help="thay khóa của tỉnh bằng khóa mới")
    new.add_argument(
        "--leaked",
        action="store_true",
        help="khóa cũ đã lộ: trạm không tự tin khóa mới, phải nhập tệp khóa và so dấu vân tay",
    )
    new.add_argument("--out", type=Path, metavar="TỆP", help="ghi khóa mới ra tệp để đưa cho trạm")
    new.set_defaults(run=_telling(_new_key))
    forget = inner.add_parser(
        "forget-old-keys",
        parents=[shared],
        help="bỏ các khóa đã thay; tệp trạm lập cho khóa đó không mở được nữa",
    )
    forget.set_defaults(run=_telling(_forget))
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


def _note(session: Session, action: str, name: str = "", facility: str = PROVINCE) -> None:
    note_operator(session, action, "courier", name, system_clock(), facility_code=facility)


def _import(options: argparse.Namespace, database: Database) -> str:
    desk = CourierDesk(Settings(options.database), database)
    done = desk.import_units(options.file, options.reply, max(options.room, 0) * 1024 * 1024)
    with database.write(EVERY_FACILITY) as session:
        _note(session, "courier-import", str(done.number), done.facility)
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


def _new_key(options: argparse.Namespace, database: Database) -> str:
    with database.write(EVERY_FACILITY) as session:
        replace_keys(session, leaked=options.leaked)
        _note(session, "new-courier-key")
    follows = (
        "Khóa cũ đã lộ nên không trạm nào tự tin khóa mới: hãy đưa tệp khóa cho từng trạm và đọc dấu "
        "vân tay qua điện thoại."
        if options.leaked
        else "Trạm có mạng tự nhận khóa mới; trạm không mạng nhận khóa mới cùng tệp trả lời kế tiếp."
    )
    return (
        f"Đã thay khóa của tỉnh.\n{follows}\n"
        "Tệp lập cho khóa cũ vẫn nhập được cho đến khi chạy forget-old-keys.\n"
        f"{_key(options, database)}"
    )


def _forget(_: argparse.Namespace, database: Database) -> str:
    with database.write(EVERY_FACILITY) as session:
        gone = forget_replaced(session)
        if gone:
            _note(session, "forget-courier-keys")
    if not gone:
        return "Không có khóa cũ nào để bỏ."
    return (
        f"Đã bỏ {gone} khóa cũ. Trạm nào còn tệp lập cho khóa đó thì cần xuất lại; "
        "dữ liệu của trạm vẫn an toàn ở trạm."
    )


def _snapshot(options: argparse.Namespace, database: Database) -> str:
    settings = Settings(options.database)
    count, size = write_snapshot(settings, database, options.facility, options.for_key, options.out)
    with database.write(EVERY_FACILITY) as session:
        _note(session, "snapshot", options.facility, options.facility)
    return f"Đã ghi {options.out}: {count} mục, {size / 1_000_000:.1f} MB."

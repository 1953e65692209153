"""`provincial-server catalog …` and `provincial-server program …`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select

from provincial_server.catalogs import content, publishing
from provincial_server.catalogs.content import ListRefused
from provincial_server.catalogs.tables import CatalogPack
from provincial_server.database import Database
from provincial_server.settings import system_clock
from provincial_server.store import EVERY_FACILITY
from provincial_server.web.access_log import note_operator

Subcommands = Any  # argparse has no public name for it


def add_commands(commands: Subcommands, shared: argparse.ArgumentParser) -> None:
    """Put the commands beside those of the server."""
    catalog = commands.add_parser("catalog", help="danh mục dùng chung cho các trạm")
    inner = catalog.add_subparsers(required=True, metavar="LỆNH")
    publish = inner.add_parser("publish", parents=[shared], help="ký và công bố một phiên bản")
    publish.add_argument("file", type=Path, metavar="TỆP", help="tệp Excel, hoặc CSV UTF-8")
    publish.add_argument("--name", required=True, metavar="TÊN", help="ví dụ icd10, drug, facility")
    publish.add_argument("--version", required=True, metavar="PHIÊN_BẢN", help="chữ hiện ở trạm")
    publish.add_argument(
        "--effective", required=True, type=_day, metavar="NGÀY", help="ngày có hiệu lực, 2027-01-01"
    )
    publish.add_argument(
        "--sheet", metavar="TRANG", help="trang tính; mặc định trang nhiều dòng nhất"
    )
    publish.set_defaults(run=_telling(_publish))
    listing = inner.add_parser("list", parents=[shared], help="các phiên bản đã công bố")
    listing.set_defaults(run=_telling(_list))
    program = commands.add_parser("program", help="thông báo phiên bản chương trình trạm")
    inner = program.add_subparsers(required=True, metavar="LỆNH")
    announce = inner.add_parser("announce", parents=[shared], help="báo cho các trạm bản mới")
    announce.add_argument("version", metavar="PHIÊN_BẢN")
    announce.add_argument(
        "--date", required=True, type=_day, metavar="NGÀY", help="ngày có thể cài, 2027-01-01"
    )
    announce.add_argument("--note", default="", metavar="GHI_CHÚ", help="một câu cho người ở trạm")
    announce.set_defaults(run=_telling(_announce))


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _telling(
    work: Callable[[argparse.Namespace, Database], str],
) -> Callable[[argparse.Namespace], int]:
    """Open the database around the work, and say its answer or the reason against it."""

    def run(options: argparse.Namespace) -> int:
        database = Database(options.database)
        try:
            sys.stdout.write(f"{work(options, database)}\n")
        except ListRefused as reason:
            sys.stderr.write(f"{reason}\n")
            return 1
        finally:
            database.close()
        return 0

    return run


def _publish(options: argparse.Namespace, database: Database) -> str:
    plain = content.read_list(options.file, options.sheet)
    with database.write(EVERY_FACILITY) as session:
        pack = publishing.publish(
            session,
            name=options.name,
            version=options.version,
            effective=options.effective,
            content=plain,
            source=options.file.name,
            now=system_clock(),
        )
        place = f"{pack.name}/{pack.number}"
        note_operator(session, "catalog-publish", "catalog", place, system_clock())
    return (
        f"Đã công bố {pack.name} bản {pack.version} (số {pack.number}), "
        f"{content.rows_in(plain)} dòng, hiệu lực từ {pack.effective}. "
        "Các trạm tự tải về ở lần đồng bộ tới và dùng từ ngày hiệu lực."
    )


def _list(_options: argparse.Namespace, database: Database) -> str:
    with database.read(EVERY_FACILITY) as session:
        rows = session.execute(
            select(
                CatalogPack.name, CatalogPack.number, CatalogPack.version, CatalogPack.effective
            ).order_by(CatalogPack.name, CatalogPack.number)
        ).all()
    shown = ["\t".join(str(cell) for cell in row) for row in rows]
    return "\n".join(shown) or "Chưa công bố danh mục nào."


def _announce(options: argparse.Namespace, database: Database) -> str:
    with database.write(EVERY_FACILITY) as session:
        number = publishing.announce(
            session,
            version=options.version,
            available=options.date,
            note=options.note,
            now=system_clock(),
        )
        note_operator(session, "program-announce", "program", options.version, system_clock())
    return f"Đã báo bản {options.version} (thông báo số {number}) cho các trạm."

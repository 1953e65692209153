"""`make web-screenshots`: the province's pages in headless Chromium, over a made-up province.

The server runs on this machine for the pictures alone. Chromium cannot log in by itself, so each
picture's server side adds the cookie of the account that looks.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from pictured_inbox import fill_inbox
from pictured_province import fill
from sqlalchemy import select
from starlette.types import ASGIApp, Receive, Scope, Send

from provincial_server.app import create_app
from provincial_server.database import Database
from provincial_server.people.review import list_proposals
from provincial_server.settings import Settings, system_clock
from provincial_server.store import EVERY_FACILITY
from provincial_server.web import accounts
from provincial_server.web.accounts import OVERSEER, RECEIVER, WebUser
from provincial_server.web.pages import COOKIE

WIDE, PHONE = 1366, 390
_SECONDS = 60


@dataclass(frozen=True)
class Picture:
    """One page as one account sees it."""

    name: str
    path: str
    role: str
    width: int
    height: int


def pictures(pair: str, letter: str, answered: str) -> list[Picture]:
    """Every page to be shown; `pair` is the address of a proposal, the others of letters."""
    return [
        Picture("web-tong-quan", "/web/tong-quan", OVERSEER, WIDE, 1700),
        Picture("web-tong-quan-hep", "/web/tong-quan", OVERSEER, PHONE, 3200),
        Picture("web-tram", "/web/tong-quan/MAU-015", OVERSEER, WIDE, 1300),
        Picture("web-tram-hep", "/web/tong-quan/MAU-015", OVERSEER, PHONE, 2000),
        Picture("web-nguoi-trung", "/web/trung-nguoi", OVERSEER, WIDE, 700),
        Picture("web-so-sanh", pair, OVERSEER, WIDE, 1050),
        Picture("web-so-sanh-hep", pair, OVERSEER, PHONE, 1700),
        Picture("web-dang-nhap", "/web/login", "", PHONE, 520),
        Picture("web-hop-thu", "/web/inbox", RECEIVER, WIDE, 720),
        Picture("web-hop-thu-hep", "/web/inbox", RECEIVER, PHONE, 1920),
        Picture("web-phieu", letter, RECEIVER, WIDE, 1010),
        Picture("web-phieu-hep", letter, RECEIVER, PHONE, 2720),
        Picture("web-phieu-da-phan-hoi", answered, RECEIVER, WIDE, 1690),
        Picture("web-xem-ho-so", "/web/xem-ho-so", OVERSEER, WIDE, 700),
    ]


class _Seen:
    """The application as the account of the moment sees it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.token = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.token:
            cookie = (b"cookie", f"{COOKIE}={self.token}".encode())
            scope = {**scope, "headers": [*scope["headers"], cookie]}
        await self._app(scope, receive, send)


@contextmanager
def _serving(seen: _Seen) -> Iterator[str]:
    config = uvicorn.Config(seen, host="127.0.0.1", port=0, log_config=None, server_header=False)
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def _take(chromium: str, address: str, picture: Picture, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                "--force-device-scale-factor=1",
                f"--user-data-dir={profile}",
                f"--window-size={picture.width},{picture.height}",
                f"--screenshot={folder / picture.name}.png",
                f"{address}{picture.path}",
            ],
            check=True,
            capture_output=True,
            timeout=_SECONDS,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="pictures whose name holds this")
    options = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.stderr.write("Chromium is not installed; no picture was made.\n")
        return 1
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as held:
        settings = Settings(f"sqlite:///{held}/pictures.db")
        database = Database(settings.database_url)
        now = system_clock()
        fill(database, now)
        letters = fill_inbox(database, now)
        tokens = _sign_in(database, now)
        with database.read(EVERY_FACILITY) as session:
            first = list_proposals(session, "", 0, 1)[0]
        pair = (
            f"/web/trung-nguoi/{first.facility_code}/{first.patient_id}"
            f"/{first.other_facility_code}/{first.other_patient_id}"
        )
        seen = _Seen(create_app(settings, database))
        with _serving(seen) as address:
            for picture in pictures(pair, *letters):
                if options.only in picture.name:
                    seen.token = tokens.get(picture.role, "")
                    _take(chromium, address, picture, options.folder)
                    sys.stdout.write(f"{picture.name}.png\n")
    return 0


def _sign_in(database: Database, now: int) -> dict[str, str]:
    """A session for each role that has pictures."""
    with database.write(EVERY_FACILITY) as session:
        user = accounts.add_user(
            session, "theo.doi.mau", "Người theo dõi (mẫu)", OVERSEER, "Câu mẫu dài 2026!", now
        )
        receiver = session.scalars(select(WebUser).where(WebUser.role == RECEIVER)).one()
        return {
            OVERSEER: accounts.open_session(session, user, now),
            RECEIVER: accounts.open_session(session, receiver, now),
        }


if __name__ == "__main__":
    sys.exit(main())

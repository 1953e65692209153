"""What every server does before it listens, done once in the process that all of them come from.

Routes are judged, addresses compiled, tables described: nothing of it is kept but what Python, the
framework and SQLAlchemy remember. The database is one of its own, and gone before anybody is forked.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import uvicorn

from provincial_server.app import create_app
from provincial_server.database import Database
from provincial_server.settings import Settings


def rehearse() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(f"sqlite:///{Path(folder, 'province.db')}")
        database = Database(settings.database_url)
        uvicorn.Config(create_app(settings, database), log_config=None, lifespan="on").load()
        database.close()
    assert threading.active_count() == 1, "a process with threads cannot be forked"

"""A station's process for tests that kill it: ``python -m tests.sync.killable``.

It starts once, then every line of its input (JSON: path, key, url, token) forks a process that opens
that database and syncs it once. It says ``pid <number>`` at once and ``ended <status>`` after.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from station_emr.db.store import EncryptedStore
from tests.sync.exchange_machines import Machine


@dataclass
class Line:
    url: str
    token: str


class SmallPages:
    """Some lines to a request, so that a sync has several."""

    lines_up = room = 6000
    level = 3

    def after(self, *_: Any) -> SmallPages:
        return self

    after_applying = after_failure = after


def sync(path: str, key: str, url: str, token: str) -> None:
    engine = Machine(EncryptedStore.open(Path(path), bytes.fromhex(key)), Line(url, token)).engine()
    engine._exchange._pacing = SmallPages()
    engine.run_once()


def main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                sync(**json.loads(line))
            except Exception as fault:  # noqa: BLE001 - told to the test, whatever it is
                print("failed", repr(fault), flush=True)
                os._exit(1)
            os._exit(0)
        print("pid", pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print("ended", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()

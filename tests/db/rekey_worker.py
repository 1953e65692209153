"""Saves in one thread and changes the key in another, until it is killed.

``rekey_worker.py DATABASE [STEP]``: with a step the process dies there, without a word.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from pathlib import Path
from typing import Any

from station_emr.db import connection as connections
from station_emr.db import rekey
from station_emr.db.store import EncryptedStore

DEATH = 9
NEW = bytes(reversed(range(32)))


def _records() -> Any:
    spec = importlib.util.spec_from_file_location("records", Path(__file__).with_name("records.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["records"] = module
    spec.loader.exec_module(module)
    return module


def _die_before(owner: Any, name: str) -> None:
    setattr(owner, name, lambda *_args, **_more: os._exit(DEATH))


def _die_after(owner: Any, name: str) -> None:
    original = getattr(owner, name)

    def run(*args: Any, **more: Any) -> None:
        original(*args, **more)
        os._exit(DEATH)

    setattr(owner, name, run)


def arrange(step: str) -> None:
    exchange = rekey._Exchange
    if step == "copied":
        _die_before(exchange, "_verify")
    elif step == "log folded in":
        _die_after(exchange, "_shut_out_others")
    elif step == "before the rename":
        _die_before(Path, "replace")
    elif step == "after the rename":
        _die_after(Path, "replace")
    elif step == "before the emptying":
        _die_before(os, "ftruncate")


def main() -> None:
    path, step = Path(sys.argv[1]), sys.argv[2]
    records = _records()
    key = next(one for one in (records.KEY, NEW) if connections.fits(path, one))
    store = EncryptedStore.open(path, key)
    with store.read() as work:
        number = work.counts().patients
    print("ready", flush=True)

    def save_on() -> None:
        nonlocal number
        while True:
            number += 1
            with store.write() as work:
                records.sign(work.patients, records.patient(number))
                work.audit.append(records.ACTOR, "patient.register", records.NOW)
            print("saved", number, flush=True)

    arrange(step)
    if not step:
        threading.Thread(target=save_on, daemon=True).start()
    while True:
        key = NEW if key == records.KEY else records.KEY
        store.change_key(key)


if __name__ == "__main__":
    main()

"""Processes of a program that start at once, forked from one that has imported it already.

Each is a process of its own with its own arguments, environment, streams and exit status, and can be
killed like any other; only the imports, over a second of them, are paid once. Where there is no
fork, every process starts the long way.

``python -m tests.warm MODULE …`` is the process that waits: its input is orders, one JSON a line,
and its output the answers. The first module has a ``main`` that gives the exit status.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Forked:
    """One process that was forked; speaks like ``Popen``."""

    def __init__(self, ask: Callable[[dict[str, Any]], Any], pid: int) -> None:
        self._ask = ask
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float = 500) -> int:
        until = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > until:
                self.kill()
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(0.005)
        return status

    def kill(self) -> None:
        if self.poll() is None:  # until then the number is this process's, alive or not
            os.kill(self.pid, signal.SIGKILL)


class Warm:
    """Starts processes of ``python -m package``; ``later`` is what it imports only on the way."""

    def __init__(self, package: str, *later: str) -> None:
        self._package = package
        self._modules = [f"{package}.__main__", *later]
        self._turn = threading.Lock()
        self._waiting: subprocess.Popen[str] | None = None

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], stdout: Path, stderr: Path
    ) -> Forked | subprocess.Popen[bytes]:
        """A process whose output is added to these files; it has nothing to read."""
        if not hasattr(os, "fork"):
            command = [sys.executable, "-m", self._package, *arguments]
            with stdout.open("ab") as out, stderr.open("ab") as err:
                return subprocess.Popen(
                    command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=err
                )
        order = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "stdout": str(stdout),
            "stderr": str(stderr),
            "folder": str(Path.cwd()),
        }
        return Forked(self._ask, self._ask(order))

    def _ask(self, order: dict[str, Any]) -> Any:
        with self._turn:
            if self._waiting is None:
                self._waiting = subprocess.Popen(
                    [sys.executable, "-m", "tests.warm", *self._modules],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            to, answers = self._waiting.stdin, self._waiting.stdout
            assert to is not None
            assert answers is not None
            to.write(json.dumps(order) + "\n")
            to.flush()
            return json.loads(answers.readline())

    def close(self) -> None:
        if self._waiting is not None:
            self._waiting.communicate()  # the end of its input ends it
            self._waiting = None


def _become(main: Callable[[], int], order: dict[str, Any]) -> None:
    """What the child does: take its streams, run, and leave with the status."""
    status: Any = 1
    try:
        os.chdir(order["folder"])
        added = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        for number, path, how in (
            (0, os.devnull, os.O_RDONLY),
            (1, order["stdout"], added),
            (2, order["stderr"], added),
        ):
            opened = os.open(path, how, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
        os.environ.clear()
        os.environ.update(order["environment"])
        sys.argv[1:] = order["arguments"]
        status = main()
    except SystemExit as left:
        status = left.code
    except BaseException:  # noqa: BLE001 - as Python itself does when a program fails
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else int(status is not None))


def _serve(main: Callable[[], int]) -> None:
    ended: dict[int, int] = {}  # two threads may wait for one process; the system tells it once
    for line in sys.stdin:
        order = json.loads(line)
        answer: int | None
        if "ended" in order:
            asked = order["ended"]
            if asked not in ended:
                pid, status = os.waitpid(asked, os.WNOHANG)
                if pid:
                    ended[pid] = os.waitstatus_to_exitcode(status)
            answer = ended.get(asked)
        else:
            answer = os.fork()
            if answer == 0:
                _become(main, order)
            ended.pop(answer, None)  # the number of one long gone
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    gc.disable()  # nothing that is imported goes again
    program, *others = [importlib.import_module(name) for name in sys.argv[1:]]
    for other in others:
        getattr(other, "rehearse", int)()
    gc.collect()
    gc.freeze()  # no child looks for garbage among what they all share
    gc.enable()
    _serve(program.main)

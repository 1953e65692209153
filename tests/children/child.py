"""Code that runs in a process of its own, forked from one that has imported what it needs.

What it writes is read while it runs, as from a pipe. For systems with ``fork``; where there is none,
the tests of kills and limits are not run at all.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.warm import ROOT, Forked, Warm


class Child:
    """Speaks like ``Popen`` with ``text``; what it complains of is in :attr:`errors`."""

    def __init__(self, process: Forked, output: Path, errors: Path) -> None:
        self._process = process
        self._errors = errors
        self.stdout = output.open(encoding="utf-8")  # comes back when the child has opened it, too

    @property
    def errors(self) -> str:
        return self._errors.read_text(encoding="utf-8") if self._errors.exists() else ""

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> int:
        return self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        self.wait()
        self.stdout.close()


class Nursery:
    """Children that share these imports."""

    def __init__(self, *modules: str) -> None:
        self._warm = Warm("tests.children", *modules)
        self._number = 0

    def start(self, folder: Path, code: str, *arguments: str) -> Child:
        """``folder`` keeps its streams."""
        self._number += 1
        output = folder / f"child-{self._number}.out"
        errors = folder / f"child-{self._number}.errors"
        os.mkfifo(output)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = self._warm.start([code, *arguments], environment, output, errors)
        assert isinstance(process, Forked)
        return Child(process, output, errors)

    def close(self) -> None:
        self._warm.close()

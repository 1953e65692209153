"""The provincial server's command line inside the process of the tests, which it leaves as it was.

A command gives its whole process a log, written to what stands in for standard error during one
test, and a mask that keeps new files from everybody else. Both would outlive the test: threads of
a server that serves all tests would write to a closed file, and files of later tests would be
private whoever made them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from provincial_server import __main__ as command

_LOGS = (None, "provincial_server", "uvicorn.access")


def main(arguments: Sequence[str] | None = None) -> int:
    with _left_as_it_was():
        return command.main(arguments)


@contextmanager
def _left_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers = list(root.handlers)
    levels = {name: logging.getLogger(name).level for name in _LOGS}
    mask = os.umask(0o077)
    os.umask(mask)
    try:
        yield
    finally:
        os.umask(mask)
        for handler in [one for one in root.handlers if one not in handlers]:
            root.removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)

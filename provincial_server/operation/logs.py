"""The log: one JSON object per line on standard error, and never a word about a person.

What is said of a request is a fixed set of fields (`transport.Guard` fills them): the route's
template stands for the address, because addresses hold card numbers. A fault is told by its kind and
its places, without its message, because messages quote what was sent.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

from provincial_server import wire

_FRAMES = 8
REQUEST = "request"
"""The name under which a record carries the fields of a request."""


def places(error: BaseException) -> str:
    """File and line of each frame, the innermost first, without the message."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))


class JsonLines(logging.Formatter):
    """One record, one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": wire.instant(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "log": record.name,
        }
        request = getattr(record, REQUEST, None)
        if isinstance(request, dict):
            line |= request
        else:
            line["message"] = record.getMessage()
        _add_fault(line, record)
        return json.dumps(line, ensure_ascii=False)


class TextLines(logging.Formatter):
    """The same for reading by eye."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatException(self, ei: Any) -> str:  # noqa: N802 -- logging's own name
        error = ei[1]
        return f"{type(error).__name__} at {places(error)}" if error is not None else ""

    def formatStack(self, stack_info: str) -> str:  # noqa: N802, ARG002 -- logging's own name
        return ""


def _add_fault(line: dict[str, Any], record: logging.LogRecord) -> None:
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        line["fault"] = type(error).__name__
        line["at"] = places(error)


class _OurHandler(logging.StreamHandler[Any]):
    """So that a second call takes the place of the first."""


def configure(level: str, form: str, stream: TextIO | None = None) -> logging.Handler:
    """The whole process logs like this; of libraries only warnings, because they know nothing of
    whose data they quote."""
    handler = _OurHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    for former in list(root.handlers):
        if isinstance(former, _OurHandler):
            root.removeHandler(former)
    root.addHandler(handler)
    logging.getLogger("provincial_server").setLevel(level.upper())
    root.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    logging.getLogger("uvicorn.access").setLevel(logging.CRITICAL)  # it writes whole addresses
    return handler

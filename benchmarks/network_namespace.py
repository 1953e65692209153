"""A slow link of the kernel's own: a network namespace behind a pair of interfaces with netem.

The server runs behind it; the client stays here. Needs root, ``ip``, ``tc`` and a kernel with netem;
:func:`slow_namespace` gives None where any of them is missing, and leaves nothing behind in any case.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

_NEAR: Final = "10.231.7.1/30"
_FAR: Final = "10.231.7.2/30"


@dataclass(frozen=True, slots=True)
class Namespace:
    """``prefix`` runs a command behind the link, where it is reached at ``host``."""

    prefix: Sequence[str]
    host: str
    shape: Callable[[], None]
    """Make the link slow; before that it is as quick as the machine."""


@contextmanager
def slow_namespace(kbit: float, delay: float) -> Iterator[Namespace | None]:
    if os.name != "posix" or os.geteuid() != 0 or not (shutil.which("ip") and shutil.which("tc")):
        yield None
        return
    mark = os.getpid() % 100_000
    name, near, far = f"station-bench-{mark}", f"sb{mark}a", f"sb{mark}b"
    inside = ("ip", "netns", "exec", name)
    how = ["netem", "rate", f"{kbit:g}kbit", "delay", f"{delay * 1000:g}ms", "limit", "1000"]

    def shape() -> None:
        _run("tc", "qdisc", "add", "dev", near, "root", *how)
        _run(*inside, "tc", "qdisc", "add", "dev", far, "root", *how)

    try:
        try:
            _run("ip", "netns", "add", name)
            _run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
            _run("ip", "address", "add", _NEAR, "dev", near)
            _run(*inside, "ip", "address", "add", _FAR, "dev", far)
            _run("ip", "link", "set", near, "up")
            _run(*inside, "ip", "link", "set", far, "up")
            _run(*inside, "ip", "link", "set", "lo", "up")
            shape()  # whether this kernel has netem is known only by asking it
            _run("tc", "qdisc", "del", "dev", near, "root")
            _run(*inside, "tc", "qdisc", "del", "dev", far, "root")
            made: Namespace | None = Namespace(inside, _FAR.partition("/")[0], shape)
        except (OSError, subprocess.SubprocessError):
            made = None
        yield made
    finally:
        for command in (("ip", "link", "del", near), ("ip", "netns", "del", name)):
            subprocess.run(command, capture_output=True, timeout=20, check=False)


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, timeout=20, check=True)

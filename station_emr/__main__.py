"""Start the program: the window when called bare, the command line when arguments are given."""

# ruff: noqa: E402 -- the collector of garbage rests while the program is loaded
from __future__ import annotations

import gc
import sys

_collecting = gc.isenabled()
gc.disable()  # what is imported stays: looking through it for garbage took 0.3 s of each command

from station_emr.cli.main import run, wants_window
from station_emr.security.process import keep_private

if _collecting:
    gc.enable()


def main() -> int:
    """Exit status of the program."""
    keep_private()
    arguments = sys.argv[1:]
    if wants_window(arguments):
        # Qt is loaded only here: the command line works on a machine without it.
        gc.disable()
        from station_emr.app import main as open_window  # noqa: PLC0415

        gc.enable()
        return open_window(arguments)
    gc.freeze()
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())

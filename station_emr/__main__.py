"""Start the program: the window when called bare, the command line when arguments are given."""

from __future__ import annotations

import sys

from station_emr.cli.main import run, wants_window
from station_emr.security.process import keep_private


def main() -> int:
    """Exit status of the program."""
    keep_private()
    arguments = sys.argv[1:]
    if wants_window(arguments):
        # Qt is loaded only here: the command line works on a machine without it.
        from station_emr.app import main as open_window  # noqa: PLC0415

        return open_window(arguments)
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Runs the code that it is given with its arguments, as ``python -c`` does."""

from __future__ import annotations

import sys


def main() -> int:
    code = sys.argv[1]
    sys.argv[:] = ["-c", *sys.argv[2:]]
    exec(compile(code, "<child>", "exec"), {"__name__": "__main__"})
    return 0


if __name__ == "__main__":
    sys.exit(main())

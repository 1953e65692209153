"""What one process may leave on the machine for others to read."""

from __future__ import annotations

import contextlib
import os
import sys


def keep_private() -> None:
    """No core dump, which would hold the data key, and new files for this account alone."""
    os.umask(0o077)
    if sys.platform != "win32":
        # Deferred: the module does not exist on Windows.
        import resource  # noqa: PLC0415

        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

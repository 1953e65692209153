"""Which machine this is, so that a copied data folder is noticed. The hash tells nobody more."""

from __future__ import annotations

import contextlib
import hashlib
import platform
import sys
import uuid
from pathlib import Path
from typing import Final

_LINUX: Final = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_CONTEXT: Final = b"station-emr machine\x00"
_MULTICAST: Final = 1 << 40  # set in an address that Python made up because it found none


def fingerprint() -> str:
    """64 hexadecimal digits, the same at every start on this machine."""
    return hashlib.sha256(_CONTEXT + _raw().encode("utf-8", "surrogatepass")).hexdigest()


def _raw() -> str:
    if sys.platform == "win32":
        found = _machine_guid()
        if found:
            return found
    for path in _LINUX:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            text = path.read_text(encoding="ascii").strip()
            if text:
                return text
    node = uuid.getnode()
    address = "" if node & _MULTICAST else f"{node:012x}"
    return f"{platform.node()}/{platform.machine()}/{address}"


if sys.platform == "win32":
    import winreg

    def _machine_guid() -> str:
        with contextlib.suppress(OSError):
            path = r"SOFTWARE\Microsoft\Cryptography"
            access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path, 0, access) as key:
                return str(winreg.QueryValueEx(key, "MachineGuid")[0])
        return ""

"""Freezes the program for the machine it runs on (`make bundle`) and proves the result.

Three steps, each of which can fail the build: PyInstaller with `station_emr.spec`; a look into
both executables that no server or test code is inside; `selftest` in the frozen copy, started
from an empty folder with a bare environment, as on a PC without Python.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from PyInstaller.archive.readers import CArchiveReader  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
BUNDLE = DIST / "station-emr"
PROGRAMS = ("station-emr", "StationEMR")

# The province's side: a station PC must not carry it.
SERVER_PARTS = ("provincial_server", "fastapi", "starlette", "uvicorn", "pydantic")
# Tools of development, and parts of libraries that no screen uses.
LEFT_OUT = (
    "pytest",
    "_pytest",
    "hypothesis",
    "mypy",
    "setuptools",
    "pip",
    "tkinter",
    "IPython",
    "numpy",
    "sekmet",
    "fhir",
    "faker",
    "vietnamadminunits",
    "shapely",
    "PySide6.QtQml",
    "PySide6.QtQuick",
    "PySide6.QtQuickWidgets",
    "PySide6.QtQuickControls2",
    "PySide6.QtSql",
    "PySide6.QtTest",
    "PySide6.QtDesigner",
    "PySide6.QtHelp",
    "PySide6.QtOpenGL",
    "PySide6.QtOpenGLWidgets",
)


class FreezeFault(Exception):
    """The bundle must not leave this machine; the text says why."""


def demand_shared_python() -> None:
    """PyInstaller copies the interpreter's shared library; some self-built Pythons have none."""
    if sys.platform.startswith("linux") and not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        raise FreezeFault(
            f"This Python ({sys.base_prefix}) was built without a shared library, which "
            "PyInstaller needs. Use Debian's python3, or build Python with --enable-shared, "
            "then: make clean, remove .venv, make bundle PYTHON=/usr/bin/python3."
        )


def run_pyinstaller() -> None:
    command = [
        *(sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN"),
        *("--distpath", str(DIST), "--workpath", str(ROOT / "build" / "pyinstaller")),
        str(ROOT / "packaging" / "station_emr.spec"),
    ]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise FreezeFault("PyInstaller failed; its own words are above.")


def executable(name: str) -> Path:
    return BUNDLE / (f"{name}.exe" if sys.platform == "win32" else name)


def unwanted(modules: Iterable[str], banned: Iterable[str]) -> list[str]:
    """Those of `modules` that are, or are inside, one of the `banned` packages."""
    roots = tuple(banned)
    return sorted(
        {
            module
            for module in modules
            if any(module == root or module.startswith(f"{root}.") for root in roots)
        }
    )


def frozen_modules(program: Path) -> set[str]:
    """Names of the Python modules inside one frozen executable."""
    archive = CArchiveReader(str(program))
    return {
        module
        for entry in archive.toc
        if entry.endswith(".pyz")
        for module in archive.open_embedded_archive(entry).toc
    }


def bundled_folders() -> set[str]:
    """Packages that lie in the bundle as files (extension modules, data), as dotted names."""
    inside = BUNDLE / "_internal"
    return {
        ".".join(path.relative_to(inside).with_suffix("").parts)
        for path in inside.rglob("*")
        if path.suffix in {".py", ".pyc", ".so", ".pyd"}
    }


def check_contents() -> None:
    for name in PROGRAMS:
        modules = frozen_modules(executable(name))
        if "station_emr.__main__" not in modules:
            raise FreezeFault(f"{name} does not hold the program.")
        found = unwanted(modules | bundled_folders(), (*SERVER_PARTS, *LEFT_OUT))
        if found:
            raise FreezeFault(f"{name} holds what a station must not get: {', '.join(found)}")


def run_selftest() -> None:
    kept = ("SYSTEMROOT", "TEMP", "TMP", "LANG", "LC_ALL")
    environment = {key: os.environ[key] for key in kept if key in os.environ}
    with tempfile.TemporaryDirectory() as empty:
        environment |= {"QT_QPA_PLATFORM": "offscreen", "HOME": empty, "USERPROFILE": empty}
        done = subprocess.run(
            [str(executable("station-emr")), "selftest", "--json"],
            cwd=empty,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if done.returncode:
        raise FreezeFault(f"The frozen self-test failed with exit code {done.returncode}.")


def megabytes(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return round(sum(path.stat().st_size for path in files) / 1e6)


def main() -> int:
    started = time.monotonic()
    try:
        demand_shared_python()
        run_pyinstaller()
        check_contents()
        run_selftest()
    except FreezeFault as fault:
        print(f"[bundle] {fault}", file=sys.stderr)
        return 1
    seconds = round(time.monotonic() - started)
    print(f"[bundle] {BUNDLE.relative_to(ROOT)}: {megabytes(BUNDLE)} MB, made in {seconds} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())

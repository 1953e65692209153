"""Prepares `.venv` for this checkout: `make setup`, and the first step of `make run` and `make test`.

Runs on a bare Debian `python3` or the python.org Windows build, so only the standard library is
used and the syntax stays old enough to tell an old Python what is wrong. A stamp made of the
lock, the project file, the list of system packages, the interpreter and the place of the checkout
makes every later call leave the environment alone; it only looks whether Debian's packages are
still there, because a machine may be new where its disk is not.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "station-emr.stamp"
LOCK = ROOT / "requirements.lock"
OLDEST_PYTHON = (3, 11)
NEWER_PYTHONS = ("python3.14", "python3.13", "python3.12", "python3.11")

# Debian package -> the shared library whose loading proves that it is there. Qt opens all of
# them at start-up, on the offscreen platform too.
QT_LIBRARIES = {
    "libegl1": "libEGL.so.1",
    "libgl1": "libGL.so.1",
    "libxkbcommon0": "libxkbcommon.so.0",
    "libxkbcommon-x11-0": "libxkbcommon-x11.so.0",
    "libxcb-cursor0": "libxcb-cursor.so.0",
    "libxcb-icccm4": "libxcb-icccm.so.4",
    "libxcb-keysyms1": "libxcb-keysyms.so.1",
    "libxcb-image0": "libxcb-image.so.0",
    "libxcb-render-util0": "libxcb-render-util.so.0",
    "libxcb-shape0": "libxcb-shape.so.0",
    "libxcb-xinerama0": "libxcb-xinerama.so.0",
    "libdbus-1-3": "libdbus-1.so.3",
    "libfontconfig1": "libfontconfig.so.1",
    "libglib2.0-0": "libglib-2.0.so.0",
    "libcups2": "libcups.so.2",  # without it Qt sees no printer
}
# Debian package -> a file or a program that it brings; a star stands for a version.
EXTRA_FILES = {
    "ca-certificates": "/etc/ssl/certs/ca-certificates.crt",
    "fonts-noto-core": "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    # The tests of the provincial server start a cluster of their own from it.
    "postgresql": "/usr/lib/postgresql/*/bin/initdb",
    # A token in software: the tests sign through PKCS#11 with it.
    "softhsm2": "/usr/lib/softhsm/libsofthsm2.so",
}
EXTRA_PROGRAMS = {
    "poppler-utils": "pdftotext",  # the tests read printed pages back
    "xmlsec1": "xmlsec1",  # the tests let it judge signed XML
    "binutils": "objdump",  # PyInstaller looks into libraries with it
}


class PreparationFault(Exception):
    """Something only the person at the keyboard can put right; the text says what to type."""


def say(text: str) -> None:
    print(f"[setup] {text}", flush=True)


def demand_python() -> None:
    """Goes on in a newer interpreter when `python3` is too old, or says what to install."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for name in NEWER_PYTHONS:
        newer = shutil.which(name)
        if newer:
            os.execv(newer, [newer, *sys.argv])
    raise PreparationFault(
        "Station EMR needs Python 3.11 or newer, this is {}.{} ({}).\n"
        "Debian 12 and later have it: apt-get install python3. On Windows install Python 3.12 "
        "from python.org.".format(*sys.version_info[:2], sys.executable)
    )


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def can_make_venv() -> bool:
    """Debian splits `ensurepip` from python3; `venv` alone imports and then fails half-way."""
    return all(importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip"))


def missing_packages() -> tuple[list[str], list[str]]:
    """Debian packages that are absent: those the program cannot do without, and the others."""
    if not sys.platform.startswith("linux"):
        return [], []
    needed = [package for package, library in QT_LIBRARIES.items() if not loads(library)]
    if not can_make_venv():
        needed.insert(0, "python3-venv")
    if sys.base_prefix == "/usr":  # Debian's python3 leaves out the library that PyInstaller copies
        name = "libpython{}.{}".format(*sys.version_info[:2])
        wanted = [] if loads(f"{name}.so.1.0") else [name]
    else:
        wanted = []
    wanted += [
        package for package, file in EXTRA_FILES.items() if not any(Path("/").glob(file[1:]))
    ]
    wanted += [package for package, program in EXTRA_PROGRAMS.items() if not shutil.which(program)]
    return needed, wanted


def install_command(packages: list[str]) -> str:
    return f"apt-get update && apt-get install --yes --no-install-recommends {' '.join(packages)}"


def install_with_apt(packages: list[str]) -> None:
    say(f"Installing system packages: {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "--yes", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(
            command,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise PreparationFault(
                f"{done.stdout}\napt-get failed. Try by hand: {install_command(packages)}"
            )
    importlib.invalidate_caches()


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def prepare_system(*, use_apt: bool) -> list[str]:
    """Installs or names what is missing; answers with what the program still cannot do without."""
    needed, wanted = missing_packages()
    packages = needed + wanted
    if not packages:
        return []
    if shutil.which("apt-get") is None:
        say(f"Please install with this system's package manager what Debian calls: {packages}")
    elif is_root() and use_apt:
        install_with_apt(packages)
        needed = missing_packages()[0]
    else:
        say("Some system packages are missing. Type this, then run the same command again:")
        print(f"\n    sudo sh -c '{install_command(packages)}'\n", flush=True)
    if "python3-venv" in needed:
        raise PreparationFault("Without python3-venv the virtual environment cannot be made.")
    return needed


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint() -> str:
    digest = hashlib.sha256()
    project = (ROOT / "pyproject.toml").read_bytes().split(b"[tool.ruff]", 1)[0]
    for part in (LOCK.read_bytes(), project):
        digest.update(hashlib.sha256(part).digest())
    packages = sorted({**QT_LIBRARIES, **EXTRA_FILES, **EXTRA_PROGRAMS})
    digest.update(f"{sys.version_info[:2]} {ROOT} {packages}".encode())
    return digest.hexdigest()


def is_fresh() -> bool:
    try:
        return STAMP.read_text(encoding="ascii") == fingerprint() and venv_python().exists()
    except OSError:
        return False


def venv_works() -> bool:
    """A virtual environment of another Python version, or of one since removed, is of no use."""
    if not venv_python().exists():
        return False
    version = "import sys; print(*sys.version_info[:2])"
    answer = subprocess.run(
        [venv_python(), "-c", version], capture_output=True, text=True, check=False
    )
    return answer.stdout.split() == [str(number) for number in sys.version_info[:2]]


def pip(*arguments: str) -> None:
    command = [str(venv_python()), "-m", "pip", "install", "--quiet", *arguments]
    quiet = {"PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        command,
        env={**os.environ, **quiet},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise PreparationFault(
            f"{done.stdout}\npip could not install the packages (its own words are above). Nothing "
            "is broken: check the network and run the same command again."
        )


def prepare_venv() -> None:
    if not venv_works():
        say(f"Making .venv with Python {sys.version.split()[0]}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    say("Installing the packages of requirements.lock (a few minutes the first time)")
    pip("--require-hashes", "--only-binary", ":all:", "--requirement", str(LOCK))
    # The project itself: its build tool comes from the lock, so no second, unpinned download.
    pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def refresh_system(*, use_apt: bool) -> None:
    """Installs what has gone since the stamp. Who cannot install was told when it was written."""
    if not (use_apt and is_root() and shutil.which("apt-get")):
        return
    packages = [package for some in missing_packages() for package in some]
    if not packages:
        return
    try:
        install_with_apt(packages)
    except PreparationFault as fault:  # without a network what is here still runs
        say(str(fault))


def prepare(*, force: bool, use_apt: bool) -> None:
    demand_python()
    if is_fresh() and not force:
        refresh_system(use_apt=use_apt)
        return
    missing = prepare_system(use_apt=use_apt)
    prepare_venv()
    if missing:
        raise PreparationFault(
            f"The Python side is ready, but Qt still misses {', '.join(missing)} (see above)."
        )
    STAMP.write_text(fingerprint(), encoding="ascii")
    say("Ready.")


def main() -> int:
    parser = argparse.ArgumentParser(description="Prepare .venv for this checkout.")
    parser.add_argument("--force", action="store_true", help="ignore the stamp of an earlier run")
    parser.add_argument("--no-apt", action="store_true", help="never install system packages")
    options = parser.parse_args()
    try:
        prepare(force=options.force, use_apt=not options.no_apt)
    except PreparationFault as fault:
        print(f"[setup] {fault}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

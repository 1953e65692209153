"""PouchDB talking to express-pouchdb, as a peer of the sync benchmarks.

Needs node and npm; without them :func:`available` says why and the figures are reported as skipped.
The packages are installed once under ``build/peers``; they are no part of the product.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "benchmarks" / "peers" / "pouchdb"
INSTALLED = ROOT / "build" / "peers" / "pouchdb"


def available() -> str:
    """Install the peer; empty when it is ready, else the reason why it is skipped."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node or npm is not installed"
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "peer.js"):
        shutil.copyfile(SOURCE / name, INSTALLED / name)
    if (INSTALLED / "node_modules" / "pouchdb").exists():
        return ""
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"],
        cwd=INSTALLED,
        capture_output=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(INSTALLED / "node_modules", ignore_errors=True)
        return "the packages could not be installed"
    return ""


def version() -> str:
    """What is installed."""
    names = ("pouchdb", "express-pouchdb")
    files = {name: INSTALLED / "node_modules" / name / "package.json" for name in names}
    return ", ".join(
        f"{name} {json.loads(file.read_text(encoding='utf-8'))['version']}"
        for name, file in files.items()
    )


class PouchClient:
    """One node process with a local database."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, **command: Any) -> dict[str, Any]:
        """Raises RuntimeError when the peer failed, unless it ``may_fail``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the PouchDB client ended")
        result: dict[str, Any] = json.loads(line)
        if result.get("error") and not command.get("may_fail"):
            raise RuntimeError(f"PouchDB: {result['error']}")
        return result


@contextmanager
def _process(
    role: str, folder: Path, prefix: Sequence[str] = (), host: str = "127.0.0.1"
) -> Iterator[subprocess.Popen[str]]:
    folder.mkdir(parents=True, exist_ok=True)
    log = (folder / "errors").open("w")
    process = subprocess.Popen(
        [*prefix, "node", "peer.js", role, str(folder), host],
        cwd=INSTALLED,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        log.close()


@contextmanager
def server(folder: Path, prefix: Sequence[str] = (), host: str = "127.0.0.1") -> Iterator[int]:
    """The port it listens on. ``prefix`` runs it elsewhere."""
    with _process("server", folder, prefix, host) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


@contextmanager
def client(folder: Path) -> Iterator[PouchClient]:
    with _process("client", folder) as process:
        yield PouchClient(process)


def write_documents(path: Path, documents: list[tuple[str, bytes]]) -> None:
    """One document a line: an id and the JSON of an object."""
    with path.open("wb") as out:
        for document_id, text in documents:
            out.write(
                b'{"_id":' + json.dumps(document_id).encode() + b',"content":' + text + b"}\n"
            )

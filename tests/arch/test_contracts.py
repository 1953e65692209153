"""Every import contract of pyproject.toml is proven: an illegal import is planted, and it breaks.

A contract on a wrong name passes for ever; only a planted fault shows that it watches anything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = {
    contract["id"]: contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
}


@dataclass(frozen=True)
class Plant:
    """An illegal import, and the module that would hold it (made when it does not exist)."""

    contract: str
    module: str
    imports: str

    @property
    def reported(self) -> str:
        """The line of the report: packages of others are known by their first name only."""
        importer = self.module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if importer == "station_emr.planted":
            return f"- {importer}\n"
        ours = self.imports.startswith(("station_emr", "provincial_server"))
        return f"{importer} -> {self.imports if ours else self.imports.split('.')[0]} (l."


PLANTS = [
    Plant("onion", "station_emr/domain/planted.py", "station_emr.services"),
    Plant("onion", "station_emr/services/planted.py", "station_emr.db"),
    Plant("onion", "station_emr/db/planted.py", "station_emr.sync"),
    Plant("onion", "station_emr/sync/planted.py", "station_emr.interop"),
    Plant("onion", "station_emr/printing/planted.py", "station_emr.ui"),
    Plant("onion", "station_emr/catalogs/planted.py", "station_emr.security"),
    Plant("onion", "station_emr/ui/planted.py", "station_emr.cli"),
    Plant("onion", "station_emr/planted.py", "station_emr.domain"),  # a module without a layer
    Plant("ui-edges", "station_emr/ui/screens/planted/__init__.py", "station_emr.db"),
    Plant("ui-edges", "station_emr/ui/shell/planted.py", "station_emr.security"),
    Plant("ui-edges", "station_emr/ui/models/planted.py", "sqlalchemy.orm"),
    Plant("ui-edges", "station_emr/ui/tasks/planted.py", "requests"),
    Plant("ui-edges", "station_emr/ui/kit/planted.py", "reportlab.pdfgen"),
    Plant("no-qt-below-ui", "station_emr/services/planted.py", "PySide6.QtCore"),
    Plant("no-qt-below-ui", "station_emr/cli/planted.py", "PySide6.QtWidgets"),
    Plant("no-qt-below-ui", "station_emr/sync/planted.py", "station_emr.ui.tasks"),
    Plant("onion", "station_emr/ui/planted.py", "station_emr.station"),
    Plant("onion", "station_emr/cli/planted.py", "station_emr.app"),
    Plant("onion", "station_emr/station.py", "station_emr.demo"),
    Plant("sql-only-in-db", "station_emr/services/planted.py", "sqlalchemy"),
    Plant("sql-only-in-db", "station_emr/catalogs/planted.py", "sqlite3"),
    Plant("sql-only-in-db", "station_emr/cli/planted.py", "sqlcipher3"),
    Plant("pure-core", "station_emr/domain/planted.py", "subprocess"),
    Plant("pure-core", "station_emr/services/planted.py", "requests"),
    Plant("pure-core", "station_emr/services/planted.py", "urllib.request"),
    Plant(
        "frozen-migrations", "station_emr/db/migrations/versions/planted.py", "station_emr.domain"
    ),
    Plant(
        "frozen-migrations",
        "station_emr/db/migrations/versions/planted.py",
        "station_emr.db.models",
    ),
    Plant("screens", "station_emr/ui/screens/planted/__init__.py", "station_emr.ui.screens.twin"),
    Plant("ui-inside", "station_emr/ui/kit/planted.py", "station_emr.ui.screens"),
    Plant("ui-inside", "station_emr/ui/tasks/planted.py", "station_emr.ui.models"),
    Plant("client-not-server", "station_emr/sync/planted.py", "provincial_server"),
    Plant("client-not-server", "station_emr/cli/planted.py", "fastapi"),
    Plant("server-not-client", "provincial_server/planted.py", "station_emr.domain"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("station_emr", "provincial_server"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    twin = folder / "station_emr/ui/screens/twin/__init__.py"
    twin.parent.mkdir()
    twin.write_text("")
    return folder


def lint(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    chosen = [word for contract in contracts for word in ("--contract", contract)]
    program = (
        "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"
    )
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", "--no-logo", *chosen],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_the_unchanged_copy_keeps_every_contract(copy: Path) -> None:
    report = lint(copy)

    assert report.returncode == 0, report.stdout + report.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken" in report.stdout


@pytest.mark.parametrize("contract", CONTRACTS)
def test_planted_imports_break_their_contract(copy: Path, contract: str) -> None:
    """All plants of a contract at once: the report names each of them."""
    plants = [plant for plant in PLANTS if plant.contract == contract]
    with ExitStack() as undone:
        for plant in plants:
            undone.callback(plant_into(copy / plant.module, plant.imports))
        report = lint(copy, contract)

    assert report.returncode == 1, report.stdout + report.stderr
    assert f"{CONTRACTS[contract]} BROKEN" in report.stdout
    for plant in plants:
        assert plant.reported in report.stdout, report.stdout


def plant_into(module: Path, imports: str) -> Callable[[], None]:
    """Write one more import into a module; gives what takes it away again."""
    made = not module.parent.exists()
    module.parent.mkdir(exist_ok=True)
    before = module.read_text("utf-8") if module.exists() else None
    module.write_text(f"{before or ''}\nimport {imports}\n", "utf-8")

    def undo() -> None:
        if before is None:
            module.unlink()
        else:
            module.write_text(before, "utf-8")
        if made:
            module.parent.rmdir()

    return undo


def test_every_contract_has_a_plant() -> None:
    assert set(CONTRACTS) == {plant.contract for plant in PLANTS}

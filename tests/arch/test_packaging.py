"""The scripts that prepare a machine and freeze the program, as far as no machine is changed."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        f"packaging_{name}", ROOT / f"packaging/{name}.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def prepare(tmp_path: Path) -> ModuleType:
    """`prepare.py` looking at a made-up checkout with a finished virtual environment."""
    module = script("prepare")
    module.ROOT, module.VENV = tmp_path, tmp_path / ".venv"
    module.STAMP, module.LOCK = module.VENV / "stamp", tmp_path / "requirements.lock"
    module.LOCK.write_text("one==1.0")
    (tmp_path / "pyproject.toml").write_text(
        "[project]\nname = 'x'\n[tool.ruff]\nline-length = 1\n"
    )
    python = module.venv_python()
    python.parent.mkdir(parents=True)
    python.write_text("")
    return module


def test_a_finished_environment_is_left_alone(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare.STAMP.write_text(prepare.fingerprint())
    monkeypatch.setattr(prepare, "missing_packages", lambda: ([], []))
    for name in ("prepare_system", "prepare_venv", "install_with_apt"):
        monkeypatch.setattr(prepare, name, lambda *_, **__: pytest.fail("touched the system"))
    monkeypatch.setattr(sys, "argv", ["prepare.py"])

    assert prepare.main() == 0


@pytest.mark.parametrize(("user", "installs"), [(0, [["postgresql"]]), (1000, [])])
def test_a_package_that_has_gone_comes_back_with_a_finished_environment(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch, user: int, installs: list[list[str]]
) -> None:
    installed: list[list[str]] = []
    monkeypatch.setattr(prepare, "loads", lambda _: True)
    monkeypatch.setattr(prepare, "can_make_venv", lambda: True)
    monkeypatch.setattr(prepare, "EXTRA_FILES", {"postgresql": "/nowhere/*/bin/initdb"})
    monkeypatch.setattr(prepare.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(prepare.os, "geteuid", lambda: user, raising=False)
    monkeypatch.setattr(prepare, "install_with_apt", installed.append)
    monkeypatch.setattr(prepare, "prepare_venv", lambda: pytest.fail("touched the environment"))
    prepare.STAMP.write_text(prepare.fingerprint())

    prepare.prepare(force=False, use_apt=True)

    assert installed == installs


def test_a_longer_list_of_packages_makes_the_stamp_stale(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare.STAMP.write_text(prepare.fingerprint())
    assert prepare.is_fresh()

    monkeypatch.setattr(prepare, "EXTRA_PROGRAMS", {**prepare.EXTRA_PROGRAMS, "new": "new"})

    assert not prepare.is_fresh()


@pytest.mark.parametrize(
    ("name", "text", "fresh"),
    [
        ("requirements.lock", "one==1.1", False),
        ("pyproject.toml", "[project]\nname = 'y'\n[tool.ruff]\nline-length = 1\n", False),
        ("pyproject.toml", "[project]\nname = 'x'\n[tool.ruff]\nline-length = 2\n", True),
    ],
)
def test_only_what_changes_the_environment_makes_it_stale(
    prepare: ModuleType, tmp_path: Path, name: str, text: str, fresh: bool
) -> None:
    prepare.STAMP.write_text(prepare.fingerprint())

    (tmp_path / name).write_text(text)

    assert prepare.is_fresh() is fresh


def test_who_is_not_root_is_told_what_to_type(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prepare, "missing_packages", lambda: (["libegl1"], ["poppler-utils"]))
    monkeypatch.setattr(prepare.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(prepare.os, "geteuid", lambda: 1000, raising=False)

    assert prepare.prepare_system(use_apt=True) == ["libegl1"]
    assert "apt-get install --yes --no-install-recommends libegl1 poppler-utils" in (
        capsys.readouterr().out
    )


def test_without_venv_nothing_is_begun(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "missing_packages", lambda: (["python3-venv"], []))

    with pytest.raises(prepare.PreparationFault, match="python3-venv"):
        prepare.prepare_system(use_apt=False)


def test_only_missing_comforts_do_not_stop_the_work(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "missing_packages", lambda: ([], ["poppler-utils"]))

    assert prepare.prepare_system(use_apt=False) == []


def test_an_old_python_is_named(prepare: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(prepare.shutil, "which", lambda _: None)

    with pytest.raises(prepare.PreparationFault, match=r"3\.11 or newer, this is 3\.9"):
        prepare.demand_python()


def test_a_bundle_with_server_code_is_refused() -> None:
    freeze = script("freeze")
    modules = {"station_emr.interop.fhir", "provincial_server.app", "fastapi", "jwtish"}

    assert freeze.unwanted(modules, freeze.SERVER_PARTS) == ["fastapi", "provincial_server.app"]


def test_the_program_does_not_need_what_the_bundle_leaves_out() -> None:
    """Excluded packages may not be imported anywhere in the program, lazily or not."""
    freeze = script("freeze")
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "station_emr").rglob("*.py")
    )
    needed = [
        name
        for name in (*freeze.SERVER_PARTS, *freeze.LEFT_OUT)
        if f"\nimport {name}" in sources or f"from {name} import" in sources
    ]

    assert needed == []


def test_the_container_has_every_library_that_the_server_imports() -> None:
    """The image installs the server's libraries by name, without the desktop program's."""
    text = (ROOT / "packaging/server/Containerfile").read_text(encoding="utf-8")
    listed = text.partition("--constraint /tmp/versions.txt")[2].partition("&&")[0]
    words = [word.strip('"\\').partition("[")[0] for word in listed.split()]
    names = {canonical(word) for word in words if word}
    # their own dependencies
    brought = {"starlette": "fastapi", "anyio": "fastapi", "markupsafe": "jinja2"}
    providers = metadata.packages_distributions()
    missing = set()
    for path in (ROOT / "provincial_server").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            for module in {name.partition(".")[0] for name in modules}:
                known = {canonical(name) for name in providers.get(module, ())} - {"station-emr"}
                if module in sys.stdlib_module_names or not known:
                    continue
                if not known & names and brought.get(min(known)) not in names:
                    missing.add(min(known))
    assert len(names) > 10
    assert missing == set()


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

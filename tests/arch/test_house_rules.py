"""House rules that no linter knows: sizes, forbidden words, what may import what at run time."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ("station_emr", "provincial_server")
CODE = (*PROGRAM, "benchmarks", "packaging", "tests")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".cmd", ".yml", ".yaml", ".spec", ".lock", ".cfg", ".ini"}
QUESTION, FAULT = 400, 600

# Spelled in halves, so that this file does not break its own rules.
BANNED_IN_CODE = {
    "a timed wait is a race: use waitSignal or waitUntil": re.compile(r"qtbot\.wai" + r"t\("),
    "hand long work to ui.tasks": re.compile(r"process" + r"Events"),
    "TLS is verified, always": re.compile(r"verify\s*=\s*Fal" + r"se"),
    "a bare except hides bugs": re.compile(r"^\s*exce" + r"pt\s*:", re.MULTILINE),
}
BANNED_ANYWHERE = {
    "a path of one machine": re.compile(
        r"(?<![\w.<~}/-])/(?:ro" + r"ot|ho" + r"me/\w+|wo" + r"rk/(?:main|shared))\b"
        r"|[A-Za-z]:\\{1,2}Us" + r"ers\\"
    ),
    "a package registry's address": re.compile(
        r"(?:files\.)?pythonhos" + r"ted\.org|py" + r"pi\.org|registry\.npm" + r"js"
        r"|deb\.deb" + r"ian\.org|--(?:extra-)?index" + r"-url|proxy\.gol" + r"ang"
    ),
}


def code_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "__pycache__" not in path.parts:
                yield path


def text_files() -> Iterator[Path]:
    tracked = (*CODE, "docs", ".ci", "resources")
    for path in sorted(ROOT.glob("*")):
        if path.is_file() and (path.suffix in TEXT_SUFFIXES or path.name == "Makefile"):
            yield path
    for folder in tracked:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and (path.suffix in TEXT_SUFFIXES or path.name == "run"):
                yield path


def offences(paths: Iterator[Path], rules: dict[str, re.Pattern[str]]) -> list[str]:
    found = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for reason, pattern in rules.items():
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path.relative_to(ROOT)}:{line}: {reason}: {match.group()!r}")
    return found


def test_no_module_is_a_heap() -> None:
    sizes = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in code_files(*CODE)
    }
    questions = {name: size for name, size in sizes.items() if QUESTION < size <= FAULT}
    if questions:
        print(f"modules over {QUESTION} lines, worth a thought: {questions}")

    assert {name: size for name, size in sizes.items() if size > FAULT} == {}


def test_no_module_is_named_for_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}

    assert [str(path) for path in code_files(*CODE) if path.stem in vague] == []


def test_code_holds_no_banned_construct() -> None:
    assert offences(code_files(*CODE), BANNED_IN_CODE) == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    assert offences(text_files(), BANNED_ANYWHERE) == []


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (BANNED_IN_CODE, "qtbot.wai" + "t(100)"),
        (BANNED_IN_CODE, "QApplication.process" + "Events()"),
        (BANNED_IN_CODE, "requests.get(url, verify=Fal" + "se)"),
        (BANNED_IN_CODE, "try:\n    x()\nexce" + "pt:\n    pass"),
        (BANNED_ANYWHERE, "open('/ro" + "ot/x')"),
        (BANNED_ANYWHERE, "see /ho" + "me/someone/emr"),
        (BANNED_ANYWHERE, "C:\\Us" + "ers\\me"),
        (BANNED_ANYWHERE, "--index" + "-url https://example"),
        (BANNED_ANYWHERE, "https://py" + "pi.org/simple"),
    ],
)
def test_the_greps_see_what_they_look_for(rules: dict[str, re.Pattern[str]], text: str) -> None:
    assert any(pattern.search(text) for pattern in rules.values())


def imported(path: Path) -> set[str]:
    """Full names of what a file imports, at any depth of its code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def test_domain_needs_the_standard_library_alone() -> None:
    foreign = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in code_files("station_emr/domain")
        for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not re.match(r"station_emr\.domain\b|\.(?!\.)", name)
    }

    assert foreign == set()


def test_migrations_import_nothing_of_ours() -> None:
    ours = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in code_files("station_emr/db/migrations/versions")
        for name in imported(path)
        if name.startswith((".", *PROGRAM))
    }

    assert ours == set()


QT_FREE = """
import importlib, pkgutil, sys
for name in ("PySide6", "shiboken6", "qtawesome", "qtpy"):
    sys.modules[name] = None  # any import of it now fails
import station_emr
seen = []
for layer in ("domain", "services", "db", "security", "catalogs", "printing", "interop", "sync",
              "cli", "demo"):
    package = importlib.import_module(f"station_emr.{layer}")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if ".migrations." not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            seen.append(module.name)
print(len(seen))
"""


def test_everything_below_ui_lives_without_qt() -> None:
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", QT_FREE],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    assert int(answer.stdout.split()[-1]) > 0


def test_the_lock_is_pinned_by_hash_and_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z])", re.sub(r"(?m)^\s*#.*\n", "", lock).strip())

    assert len(entries) > 100
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in lock


def test_documents_point_at_files_that_exist() -> None:
    pages = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []

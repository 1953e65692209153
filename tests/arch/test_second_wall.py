"""Every session of the provincial server says for which facility it works (docs/server.md)."""

from __future__ import annotations

import ast
from pathlib import Path


def _unnamed(source: str) -> list[int]:
    """Lines where a session is opened for nobody."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value
        name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        if node.func.attr in {"read", "write"} and name.endswith("database"):
            named = node.args or any(word.arg == "facility" for word in node.keywords)
            found += [] if named else [node.lineno]
    return found


def test_every_session_names_the_facility_it_works_for(checkout: Path) -> None:
    files = sorted((checkout / "provincial_server").rglob("*.py"))
    assert len(files) > 50
    unnamed = {
        str(path.relative_to(checkout)): lines
        for path in files
        if (lines := _unnamed(path.read_text(encoding="utf-8")))
    }
    assert unnamed == {}, "database.read(code) or database.read(EVERY_FACILITY), the same for write"


def test_a_session_for_nobody_is_seen() -> None:
    assert _unnamed("with services.database.read() as session: pass") == [1]
    assert _unnamed("with self._database.write(code): pass\nfile.read()") == []

"""The operator's list of facilities: a known code is never passed over in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.provincial_command import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def ask(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--database", f"sqlite:///{tmp_path / 'server.db'}"])
        told = capsys.readouterr()
        return code, told.out, told.err

    ask("init")
    return ask


def test_adding_a_known_code_with_another_name_is_refused(run: Run) -> None:
    assert run("facility", "add", "MAU1", "Trạm mẫu") == (0, "Đã thêm cơ sở MAU1.\n", "")
    assert run("facility", "add", "MAU1", "Trạm mẫu") == (0, "Đã có cơ sở MAU1.\n", "")
    code, out, told = run("facility", "add", "MAU1", "Trạm mẫu hai")
    assert (code, out) == (1, "")
    assert "đã là của cơ sở “Trạm mẫu”" in told
    assert "Chưa có gì thay đổi" in told
    assert "facility rename MAU1" in told
    assert run("facility", "list")[1] == "MAU1\tTrạm mẫu\n"


def test_a_facility_gets_another_name(run: Run) -> None:
    run("facility", "add", "MAU1", "Trạm mẫu")
    code, said, _ = run("facility", "rename", "MAU1", "Trạm mẫu hai")
    assert code == 0
    assert "“Trạm mẫu hai” (trước đây “Trạm mẫu”)" in said
    assert run("facility", "list")[1] == "MAU1\tTrạm mẫu hai\n"
    code, _, told = run("facility", "rename", "MAU2", "Trạm mẫu")
    assert code == 1
    assert "Chưa có cơ sở MAU2" in told


def test_a_name_is_one_line_of_text(run: Run) -> None:
    run("facility", "add", "MAU1", "Trạm mẫu")
    for name in ("", "  ", "a\nb", "a\x00", "x" * 301):
        for command in ("add", "rename"):
            code, _, told = run("facility", command, "MAU1", name)
            assert code == 1
            assert "Tên cơ sở có từ 1 đến 300 chữ" in told
    assert run("facility", "list")[1] == "MAU1\tTrạm mẫu\n"

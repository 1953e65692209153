"""A key that is not in force because it was mistyped, and a number with which the server could not
work, stop the program and are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from provincial_server.operation.configuration import WrongConfiguration, load
from tests import databases
from tests.provincial_command import main


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("PROVINCIAL_SERVER_PUBLC_URL", "PROVINCIAL_SERVER_PUBLIC_URL"),
        ("PROVINCIAL_SERVER_OWNER_DATABSE", "PROVINCIAL_SERVER_OWNER_DATABASE"),
        ("PROVINCIAL_SERVER_public_url", "PROVINCIAL_SERVER_PUBLIC_URL"),
    ],
)
def test_a_variable_that_is_not_known_is_named(name: str, near: str) -> None:
    with pytest.raises(WrongConfiguration) as refused:
        load({}, {name: "x", "HOME": "/"})
    assert f"biến lạ {name}" in str(refused.value)
    assert f"“{near}”" in str(refused.value)


def test_every_known_variable_is_taken(tmp_path: Path) -> None:
    secrets = ("DATABASE_PASSWORD", "OWNER_DATABASE", "BACKUP_IDENTITY", "PASSWORD", "DEMO_TOKEN")
    file = tmp_path / "server.toml"
    file.write_text("port = 81\n", encoding="utf-8")
    known = {f"PROVINCIAL_SERVER_{name}": "x" for name in secrets}
    assert load({}, {**known, "PROVINCIAL_SERVER_CONFIG": str(file)}).port == 81


@databases.once
def test_a_command_refuses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROVINCIAL_SERVER_PRT", "3")
    assert main(["init", "--database", f"sqlite:///{tmp_path / 'server.db'}"]) == 1
    assert "PROVINCIAL_SERVER_PRT" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("body_bytes", 10**23),
        ("received_bytes", 2**40),
        ("entries", 10**9),
        ("page", 10**20),
        ("enrol_code_hours", 10**15),
        ("silent_days", 10**12),
        ("device_burst", 10**30),
        ("backlog_alarm", 10**30),
        ("planned_stations", 10**30),
        ("device_requests_per_second", "inf"),
        ("address_requests_per_second", "1e308"),
        ("address_requests_per_second", "nan"),
    ],
)
def test_a_number_that_is_too_large_is_refused(tmp_path: Path, key: str, value: object) -> None:
    file = tmp_path / "server.toml"
    file.write_text(f"{key} = {value}\n", encoding="utf-8")
    with pytest.raises(WrongConfiguration, match=f"“{key}” phải từ .* không quá"):
        load({}, {}, file)


def test_where_a_file_is_no_toml_is_said_in_vietnamese(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    for text, said in (
        ("port = 80\nhost = [\n", "cuối tệp"),
        ("port = 80\nhost = x\n", "dòng 2, cột 8"),
        ("port = 80\nport = 81\n", "dòng 2"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(WrongConfiguration) as refused:
            load({}, {}, file)
        assert said in str(refused.value)
        assert "at " not in str(refused.value).replace(str(file), "")
    file.write_bytes(b"\xff")
    with pytest.raises(WrongConfiguration, match="UTF-8"):
        load({}, {}, file)

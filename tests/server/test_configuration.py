"""What an operator sets: argument over environment over file, and nothing is passed over."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from provincial_server.operation.configuration import Configuration, WrongConfiguration, load
from tests.provincial_command import main

ROOT = Path(__file__).parents[2]


def written(folder: Path, text: str) -> Path:
    path = folder / "server.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_argument_goes_over_environment_over_file_over_what_is_usual(tmp_path: Path) -> None:
    file = written(tmp_path, 'port = 1001\npublic_url = "https://a.test"\nentries = 7\n')
    environment = {"PROVINCIAL_SERVER_PORT": "1002", "PROVINCIAL_SERVER_ENTRIES": "8"}
    found = load({"port": 1003, "host": None}, environment, file)
    assert (found.port, found.entries, found.public_url) == (1003, 8, "https://a.test")
    assert found.host == "127.0.0.1"
    assert found.settings().limits.entries == 8


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    file = written(tmp_path, "drain_seconds = 9")
    assert load({}, {"PROVINCIAL_SERVER_CONFIG": str(file)}).drain_seconds == 9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 80", "khóa lạ “prot”.* Có phải là “port”"),
        ("[server]\nport = 80", "khóa lạ “server”"),
        ('port = "80"', "“port” cần một số nguyên"),
        ("port = true", "“port” cần một số nguyên"),
        ("port = 70000", "“port” phải từ 0"),
        ("grace_seconds = 0", "“grace_seconds” phải từ 1"),
        ("device_requests_per_second = nan", "“device_requests_per_second” phải từ"),
        ("host = 5", "“host” cần một chuỗi"),
        ('log_level = "loud"', "“log_level” chỉ nhận"),
        ("port = = 1", "không đúng dạng TOML"),
        ('database = "postgresql://emr:secret@db/emr"', "chứa mật khẩu"),
        ('database = "không phải địa chỉ"', "phải là địa chỉ dạng"),
    ],
)
def test_a_wrong_file_is_refused_with_the_name_of_the_key(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(WrongConfiguration, match=said) as refused:
        load({}, {}, written(tmp_path, text))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://emr.example.test",
        "https://emr.example.test:8443/may-chu/",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:9",
    ],
)
def test_an_address_that_stations_can_use_is_taken(address: str) -> None:
    assert load({"public_url": address}, {}).public_url == address


@pytest.mark.parametrize(
    "address",
    [
        *("nothttps", "emr.example.test", "//emr.example.test", "https://", "https:///x", " "),
        *("http://emr.example.test", "http://10.0.0.1", "http://127.0.0.1.example.test"),
        *("ftp://emr.example.test", "javascript:alert(1)", "https://[", "https://a:99999"),
        *("https://a:b@emr.example.test", "https://emr.example.test?x", "https://emr.test/#x"),
        *("https://emr.example .test", "https://emr.example.test/\n"),
    ],
)
def test_what_is_no_address_of_the_server_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    with pytest.raises(WrongConfiguration, match=r"public_url.*phải là địa chỉ"):
        load({}, {"PROVINCIAL_SERVER_PUBLIC_URL": address})
    database = tmp_path / "server.db"
    arguments = ["serve", "--public-url", address, "--database", f"sqlite:///{database}"]
    assert main(arguments) == 1
    assert "--public-url" in capsys.readouterr().err
    assert not database.exists()


def test_a_wrong_variable_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongConfiguration, match="“port” cần một số nguyên"):
        load({}, {"PROVINCIAL_SERVER_PORT": "tám mươi"})
    with pytest.raises(WrongConfiguration, match="Không đọc được tệp cấu hình"):
        load({}, {}, tmp_path / "missing.toml")


@pytest.mark.parametrize("by_file", [True, False], ids=["file", "environment"])
def test_a_password_comes_from_the_environment_or_its_own_file(
    tmp_path: Path, by_file: bool
) -> None:
    (tmp_path / "password").write_text("mật:khẩu/@\n", encoding="utf-8")
    file = written(
        tmp_path,
        'database = "postgresql://emr@db.test/emr"\n'
        + (f'database_password_file = "{tmp_path / "password"}"\n' if by_file else ""),
    )
    environment = {} if by_file else {"PROVINCIAL_SERVER_DATABASE_PASSWORD": "mật:khẩu/@"}
    url = load({}, environment, file).database
    assert url.startswith("postgresql://emr:")
    assert url.endswith("@db.test/emr")
    assert "@" not in url.removeprefix("postgresql://emr:").removesuffix("@db.test/emr")


def test_a_password_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = written(tmp_path, f'database_password_file = "{tmp_path / "missing"}"')
    with pytest.raises(WrongConfiguration, match="database_password_file"):
        load({}, {}, file)


def test_a_command_refuses_a_wrong_file_and_does_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, f'databse = "sqlite:///{tmp_path / "server.db"}"')
    assert main(["init", "--config", str(file)]) == 1
    assert "khóa lạ “databse”" in capsys.readouterr().err
    file = written(tmp_path, f'database = "sqlite:///{tmp_path / "server.db"}"')
    assert main(["init", "--config", str(file)]) == 0
    assert (tmp_path / "server.db").exists()


def test_every_key_is_explained_and_the_example_is_valid() -> None:
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    told = page.split("## Configuration")[1].split("## PostgreSQL")[0]
    names = [item.name for item in fields(Configuration)]
    assert [name for name in names if f"| `{name}` |" not in told] == []
    assert set(re.findall(r"^\| `([a-z_]+)` \|", told, re.MULTILINE)) == set(names)
    load({}, {}, ROOT / "packaging" / "server" / "provincial-server.toml")

"""``check bhyt``: a file from anywhere against the rules, with an answer for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from station_emr.cli.main import EXIT_USER, PASSWORD_VARIABLE, run
from station_emr.demo.station import demo_people, demo_profile
from station_emr.interop.bhyt.envelope import record_file
from station_emr.station import create_station
from tests.interop.checks.clean_claims import OUTPATIENT, changed
from tests.security.stations import cheap_passwords

DIRECTOR = demo_people()[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made: Path = tmp_path_factory.mktemp("tram") / "data"
    with cheap_passwords():
        create_station(made, demo_profile(""), DIRECTOR.user, DIRECTOR.password)
    return made


@pytest.fixture
def cli(folder, monkeypatch, capsys):
    monkeypatch.setenv(PASSWORD_VARIABLE, DIRECTOR.password)

    def call(file: Path, *more: str):
        where = ["--data-dir", str(folder), "--user", DIRECTOR.user.username]
        status = run(["check", "bhyt", str(file), *where, *more])
        return status, capsys.readouterr().out

    return call


def test_a_good_file_may_be_sent(cli, tmp_path: Path) -> None:
    file = tmp_path / "tot.xml"
    file.write_bytes(record_file(OUTPATIENT))
    status, out = cli(file, "--json")
    found = json.loads(out)
    assert status == 0
    assert found["may_be_sent"] is True
    (visit,) = found["visits"]
    assert visit["link_code"] == OUTPATIENT.link_code
    assert {one["severity"] for one in visit["findings"]} <= {"warning"}


def test_a_fault_is_named_with_its_place_and_how_it_is_mended(cli, tmp_path: Path) -> None:
    file = tmp_path / "loi.xml"
    file.write_bytes(record_file(changed(OUTPATIENT, "XML2", MA_NHOM="8")))
    status, out = cli(file)
    assert status == 1
    assert "XML2 dòng 1 MA_NHOM · gdh-39" in out
    assert "Sửa nhóm của thuốc trong danh mục được duyệt." in out
    assert "còn lỗi phải sửa" in out
    assert "Người Mẫu" not in out


def test_a_file_that_is_not_there_is_said_so(cli, tmp_path: Path) -> None:
    status, _out = cli(tmp_path / "khong-co.xml")
    assert status == EXIT_USER

"""From one PC to the province and to a new PC, as people type it; the key comes with the enrolment."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from station_emr.cli import courier, enrolment
from station_emr.cli import main as cli
from station_emr.demo.station import demo_people, demo_profile
from station_emr.station import OpenStation, create_station, open_station
from tests.databases import database_url
from tests.provincial_command import main as provincial_server
from tests.sync.conftest import Server

DIRECTOR = demo_people()[0]


class Pc:
    """One PC and the person at its keyboard, who stays logged in: that is what takes the time."""

    def __init__(
        self,
        folder: Path,
        code: str,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys
        create_station(
            folder, replace(demo_profile(""), code=code), DIRECTOR.user, DIRECTOR.password
        )
        self._station = open_station(folder, DIRECTOR.user.username, DIRECTOR.password)

    @contextmanager
    def _open(self, _options: argparse.Namespace) -> Iterator[OpenStation]:
        yield self._station

    def type(self, *words: object, expect: int = 0) -> Any:
        for module in (courier, enrolment):
            self._monkeypatch.setattr(module, "opened_station", self._open)
        assert cli.run([*map(str, words), "--json"]) == expect
        return json.loads(self._capsys.readouterr().out.splitlines()[0])

    def close(self) -> None:
        self._station.close()


def test_out_back_and_over_to_a_new_pc(
    tmp_path: Path,
    running: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shared = ["--database", database_url(running.folder / "province.db")]
    code = "MAUC1"
    assert provincial_server(["facility", "add", code, "Trạm mẫu", *shared]) == 0
    capsys.readouterr()
    first = Pc(tmp_path / "mot", code, monkeypatch, capsys)
    early = first.type("courier", "export", "--out", tmp_path, expect=cli.EXIT_USER)
    assert "chưa có khóa của tỉnh" in early["messages"][0]
    assert provincial_server(["device", "enrol-code", code, *shared]) == 0
    once = capsys.readouterr().out.strip()
    root = running.url.removesuffix("/fhir")
    first.type("enrol", "--server", root, "--code", once)

    sent = first.type("courier", "export", "--out", tmp_path)
    assert sent["operations"] == 2  # the station and its director
    reply = tmp_path / "tra-loi.semr"
    assert (
        provincial_server(["courier", "import", sent["path"], "--reply", str(reply), *shared]) == 0
    )
    capsys.readouterr()
    back = first.type("courier", "import", reply)
    assert (back["acknowledged"], back["waiting"], back["verified"]) == (2, 0, True)

    new = Pc(tmp_path / "hai", code, monkeypatch, capsys)
    key = new.type("courier", "key")
    assert key["province"] == ""
    whole = tmp_path / "ho-so.semr"
    wanted = ["--facility", code, "--for-key", key["encrypt"], "--out", str(whole)]
    assert provincial_server(["snapshot", *wanted, *shared]) == 0
    key_file = tmp_path / "khoa.json"
    assert provincial_server(["courier", "key", "--out", str(key_file), *shared]) == 0
    capsys.readouterr()
    refused = new.type("rebuild", "--from", whole, expect=cli.EXIT_USER)
    assert "dấu vân tay" in refused["messages"][0]
    shown = new.type("courier", "trust", key_file)["fingerprint"]
    new.type("courier", "trust", key_file, "--fingerprint", "0" * 32, expect=cli.EXIT_USER)
    assert new.type("courier", "trust", key_file, "--fingerprint", shown)["trusted"]
    done = new.type("rebuild", "--from", whole)
    assert (done["finished"], done["verified"], done["operations"]) == (True, True, 2)

    copied = first.type("snapshot", "export", "--for-key", key["encrypt"], "--out", tmp_path)
    again = new.type("rebuild", "--from", copied["path"], "--signer", copied["fingerprint"])
    assert again["verified"]
    first.close()
    new.close()

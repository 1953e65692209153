"""``station-emr export bhyt`` and ``import bhyt``: whole files or none, and a report of what was held back."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from station_emr.cli import claims, main, signing
from station_emr.domain.signature import SignatureState
from station_emr.interop.bhyt.reader import read_claims
from tests.signing_authority import PASSWORD

from .claim_samples import OTHER_CARD, billed, elsewhere, seen
from .signing_desk import Desk


@pytest.fixture(autouse=True)
def command_line(station, monkeypatch) -> None:
    """Commands work on the station of these tests, as its doctor."""

    @contextmanager
    def opened(_options):
        yield SimpleNamespace(services=station.services, actor=station.doctor)

    monkeypatch.setattr(claims, "opened_station", opened)


def run(capsys, *arguments: str) -> tuple[int, dict]:
    status = main.run([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_day_is_written_one_file_for_each_visit(station, capsys, tmp_path: Path) -> None:
    visits = [billed(station), billed(station, card=OTHER_CARD)]
    day = station.clock.now().date().isoformat()
    status, told = run(capsys, "export", "bhyt", "--day", day, "--out", str(tmp_path / "ra"))
    assert status == 0
    assert sorted(told["files"]) == sorted(str(path) for path in (tmp_path / "ra").iterdir())
    links = {read_claims(Path(name).read_bytes()).claims[0].link_code for name in told["files"]}
    assert links == {one.id.replace("-", "") for one in visits}
    assert "không được mã hóa" in told["warning"]


def test_a_visit_that_is_held_back_is_named_with_what_to_mend(
    station, capsys, tmp_path: Path
) -> None:
    ready, unbilled = billed(station), seen(station)
    status, told = run(capsys, "export", "bhyt", "--all", "--out", str(tmp_path))
    assert status == claims.EXIT_HELD_BACK
    assert len(told["files"]) == 1
    assert [one["visit"] for one in told["held_back"]] == [unbilled.id]
    assert told["held_back"][0]["findings"][0]["rule"] == "no-bill"
    assert main.run(["export", "bhyt", "--visit", unbilled.id, "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "Không có tệp nào được ghi" in said
    assert "Hãy lập và chốt bảng kê" in said
    assert ready.id not in said


def test_signed_with_the_key_of_the_station(station, capsys, tmp_path: Path, monkeypatch) -> None:
    desk = Desk(station, tmp_path)
    desk.use_file(online=False)
    monkeypatch.setenv(signing.PIN_VARIABLE, PASSWORD)
    encounter = billed(station)
    out = str(tmp_path / "ra")
    _status, told = run(capsys, "export", "bhyt", "--visit", encounter.id, "--out", out, "--sign")
    data = Path(told["files"][0]).read_bytes()
    assert desk.signatures.check_file(data).state is SignatureState.UNCHECKED


def test_a_folder_that_cannot_be_written_leaves_nothing_half(
    station, capsys, tmp_path: Path
) -> None:
    encounter = billed(station)
    blocked = tmp_path / "ra"
    blocked.write_bytes(b"")
    arguments = ["export", "bhyt", "--visit", encounter.id, "--out", str(blocked)]
    assert main.run(arguments) == main.EXIT_ENVIRONMENT
    assert "Không ghi được tệp" in capsys.readouterr().err
    assert [path.name for path in tmp_path.glob("**/.*part")] == []


def test_a_full_disk_leaves_no_part_behind(station, capsys, tmp_path: Path, monkeypatch) -> None:
    encounter = billed(station)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(claims.os, "fsync", full)
    arguments = ["export", "bhyt", "--visit", encounter.id, "--out", str(tmp_path / "ra")]
    assert main.run(arguments) == main.EXIT_ENVIRONMENT
    assert list((tmp_path / "ra").iterdir()) == []
    assert "Những tệp đã ghi vẫn nguyên vẹn" in capsys.readouterr().err


def test_a_day_that_is_none_is_refused(capsys, tmp_path: Path) -> None:
    arguments = ["export", "bhyt", "--day", "20/11/2026", "--out", str(tmp_path)]
    assert main.run(arguments) == main.EXIT_USER
    assert "yyyy-mm-dd" in capsys.readouterr().err


def test_a_file_of_another_program_is_told_and_taken_only_when_asked(
    station, capsys, tmp_path: Path
) -> None:
    encounter = billed(station)
    path = tmp_path / "cu.xml"
    path.write_bytes(elsewhere(station, encounter))
    status, read = run(capsys, "import", "bhyt", str(path))
    assert (status, read["readable"], read["signed"], read["taken"]) == (0, True, False, 0)
    (visit,) = read["visits"]
    assert (visit["matches"], visit["takeable"]) == ([encounter.patient_id], "yes")
    assert main.run(["import", "bhyt", str(path)]) == 0
    assert "chưa nhận gì vào hồ sơ" in capsys.readouterr().out
    assert main.run(["import", "bhyt", str(path), "--take"]) == 0
    assert "đã nhận 1 lượt" in capsys.readouterr().out
    _status, again = run(capsys, "import", "bhyt", str(path), "--take")
    assert (again["taken"], again["visits"][0]["takeable"]) == (0, "taken")


def test_a_hostile_file_is_a_report_with_its_own_exit_code(capsys, tmp_path: Path) -> None:
    path = tmp_path / "la.xml"
    path.write_bytes(b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>")
    status, read = run(capsys, "import", "bhyt", str(path))
    assert (status, read["visits"]) == (claims.EXIT_HELD_BACK, [])
    assert read["findings"][0]["rule"] == "read-hostile"
    assert main.run(["import", "bhyt", str(tmp_path / "không có")]) == main.EXIT_USER

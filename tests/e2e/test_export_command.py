"""Exports from the command line: files of one visit, of days, and of the whole station."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from station_emr.cli.main import EXIT_ENVIRONMENT, EXIT_USER, PASSWORD_VARIABLE, run
from station_emr.demo.people import People
from station_emr.demo.station import demo_people, demo_profile
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.record import RecordKind
from station_emr.services.guards import confirmation_key
from station_emr.services.visits import VisitPapers
from station_emr.station import create_station, open_station
from tests.security.stations import cheap_passwords

DIRECTOR = demo_people()[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A station with one visit, signed today by its head."""
    made = tmp_path_factory.mktemp("tram") / "data"
    with cheap_passwords():
        create_station(made, demo_profile(""), DIRECTOR.user, DIRECTOR.password)
    station = open_station(made, DIRECTOR.user.username, DIRECTOR.password)
    services, actor = station.services, station.actor
    patient = replace(People(7, date(2026, 11, 20)).next(), national_id="")
    yes = [confirmation_key(one) for one in services.patients.check(patient)]
    (changed,) = services.patients.register(actor, patient, yes).items
    visit_id = services.encounters.check_in(actor, changed.record_id, "Đau đầu").id_of(
        RecordKind.ENCOUNTER
    )
    services.encounters.start(actor, visit_id)
    encounter = replace(
        services.encounters.get(actor, visit_id).record,
        diagnoses=(Diagnosis(icd_code="I10", title="Tăng huyết áp", role=DiagnosisRole.MAIN),),
        result="2",
    )
    services.visits.sign(actor, VisitPapers(encounter=encounter))
    station.close()
    return made


@pytest.fixture
def cli(folder, monkeypatch, capsys):
    monkeypatch.setenv(PASSWORD_VARIABLE, DIRECTOR.password)

    def call(*arguments: str):
        where = ["--data-dir", str(folder), "--user", DIRECTOR.user.username, "--json"]
        status = run(["export", *arguments, *where])
        out = capsys.readouterr()
        return status, json.loads(out.out) if out.out.strip() else {}, out.err

    return call


def test_the_whole_station(cli, tmp_path):
    path = tmp_path / "tram.zip"
    status, told, _err = cli("station", "--out", str(path), "--reason", "Đổi phần mềm")
    assert status == 0
    with zipfile.ZipFile(path) as made:
        manifest = json.loads(made.read("manifest.json"))
    assert told["sha256"] == manifest["sha256"]
    assert told["lines"]["audit.ndjson"] > 0
    status, _told, _err = cli("station", "--out", str(path), "--reason", "Lần nữa")
    assert status == EXIT_ENVIRONMENT  # nothing is overwritten


@pytest.mark.parametrize(
    ("arguments", "suffix"),
    [(("hoso",), ".xml"), (("hoso", "--format", "json"), ".json"), (("fhir",), ".json")],
)
def test_the_visits_of_some_days(cli, tmp_path, arguments, suffix):
    out = tmp_path / "ra"
    status, told, _err = cli(
        *arguments, "--from", "2020-01-01", "--to", "2099-12-31", "--out", str(out)
    )
    assert (status, told["count"]) == (0, 1)
    (path,) = map(Path, told["files"])
    assert [path] == list(out.iterdir())
    assert path.suffix == suffix
    content = path.read_bytes()
    if suffix == ".xml":
        assert etree.fromstring(content).findtext("ThongTinDieuTri/benhchinh_ma") == "I10"
    else:
        assert "Tăng huyết áp" in json.dumps(json.loads(content), ensure_ascii=False)
    again, told, _err = cli(*arguments, "--visit", path.stem, "--out", str(out))
    assert (again, told["files"]) == (0, [str(path)])


def test_days_without_visits_write_nothing(cli, tmp_path):
    status, told, _err = cli("hoso", "--from", "2020-01-01", "--out", str(tmp_path / "ra"))
    assert (status, told["count"]) == (0, 0)
    assert not (tmp_path / "ra").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ("fhir",),
        ("fhir", "--from", "1/1/2026"),
        ("fhir", "--from", "2026-02-01", "--to", "2026-01-01"),
        ("hoso", "--visit", "khong-co"),
    ],
)
def test_what_cannot_be_is_said(cli, tmp_path, wrong):
    status, told, _err = cli(*wrong, "--out", str(tmp_path / "ra"))
    assert status == EXIT_USER
    assert told["error"]
    assert not (tmp_path / "ra").exists()


def test_a_visit_that_cannot_leave_is_named_and_does_not_hold_up_the_others(cli, tmp_path):
    """Nobody filled in the department that every table of the insurance needs."""
    out = tmp_path / "ra"
    days = ("--from", "2020-01-01", "--to", "2099-12-31", "--out", str(out))
    status, told, _err = cli("health-book", *days)
    assert (status, told["files"]) == (1, [])
    (refused,) = told["refused"]
    assert refused["name"].startswith("Lượt khám A")
    assert "MA_KHOA đang để trống" in refused["why"]
    assert "Sửa ở Quản trị, mục Cổng BHYT và đơn thuốc." in refused["why"]
    assert "MA_TTDV" in refused["why"]  # every fault at once, not one after another

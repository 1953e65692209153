"""`station-emr forms`: which forms there are, and each as a file."""

from __future__ import annotations

import json

from station_emr.cli.main import run
from station_emr.demo.form_gallery import draw_pictures
from tests.printing.pdf import needs_poppler


def test_the_list_names_each_form_and_its_source(capsys) -> None:
    assert run(["forms", "list", "--json"]) == 0
    forms = {one["name"]: one for one in json.loads(capsys.readouterr().out)["forms"]}
    assert forms["giay-nghi-bhxh"]["basis"] == "TT 25/2025/TT-BYT, mẫu 07"
    assert forms["giay-nghi-bhxh"]["checked"]
    assert not forms["benh-an-17bv1"]["checked"]


@needs_poppler
def test_one_form_is_printed_as_a_file_and_as_pictures(tmp_path, capsys) -> None:
    assert run(["forms", "print", "giay-nghi-bhxh", "--out", str(tmp_path), "--json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert (tmp_path / "giay-nghi-bhxh.pdf").read_bytes().startswith(b"%PDF")
    assert file.endswith("giay-nghi-bhxh.pdf")
    pdf = (tmp_path / "giay-nghi-bhxh.pdf").read_bytes()
    (picture,) = draw_pictures({"giay-nghi-bhxh": pdf}, tmp_path / "png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert [one.suffix for one in picture.parent.iterdir()] == [".png"]


def test_an_unknown_form_is_refused_with_the_names(tmp_path, capsys) -> None:
    assert run(["forms", "print", "gi-do", "--out", str(tmp_path)]) == 2
    assert "giay-nghi-bhxh" in capsys.readouterr().err
    assert run(["forms", "print", "gi-do", "--visit", "x", "--out", str(tmp_path)]) == 2
    assert "record-17-bv1" in capsys.readouterr().err

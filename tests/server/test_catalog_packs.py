"""Lists that the province hands out: signed, numbered, fetched whole or as what is new."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from provincial_server.catalogs import content, publishing
from provincial_server.catalogs.content import ListRefused
from provincial_server.courier.keys import courier_keys
from tests.provincial_command import main
from tests.server.conftest import RunningServer, Station
from tests.server.direct import Direct, running

_names = itertools.cycle(sorted(publishing.NAMES))


def rows_of(count: int, *, changed: int = -1) -> bytes:
    rows = [["Mã", "Tên"]]
    rows += [
        [f"M{n:04d}", f"Tên {n}{' mới' if n == changed else ''} {n * 7919 % 10_007}"]
        for n in range(count)
    ]
    return "".join(
        json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows
    ).encode()


def publish(server: RunningServer | Direct, name: str, plain: bytes, version: str, day: str) -> int:
    with server.database.write() as session:
        return publishing.publish(
            session,
            name=name,
            version=version,
            effective=date.fromisoformat(day),
            content=plain,
            source="tep.csv",
            now=1_000,
        ).number


def offered(station: Station, name: str) -> list[dict[str, Any]]:
    index = station.get("$catalogs").json()
    manifests = [json.loads(one["manifest"]) for one in index["catalogs"]]
    return [one for one in manifests if one["name"] == name]


def rebuilt(old: bytes, told: bytes) -> bytes:
    """The difference as docs/catalogs.md explains it, in the test's own words."""
    lines, found = old.splitlines(keepends=True), []
    for line in told.splitlines(keepends=True):
        if line.startswith(b"="):
            first, count = map(int, line[1:].split())
            found += lines[first : first + count]
        else:
            found.append(line)
    return b"".join(found)


def test_a_station_gets_signed_versions_and_a_small_difference(
    server: RunningServer, station: Station
) -> None:
    name = next(_names)
    old, new = rows_of(3000), rows_of(3001, changed=1500)
    assert publish(server, name, old, "2026.1", "2026-01-01") == 1
    assert publish(server, name, new, "2027.1", "2027-01-01") == 2
    first, second = offered(station, name)
    assert (first["version"], first["effective"]) == ("2026.1", "2026-01-01")
    assert (second["number"], second["rows"]) == (2, 3002)
    whole = station.get(f"$catalogs/{name}/2")
    part = station.get(f"$catalogs/{name}/2?from=1")
    assert (whole.headers["X-Catalog-From"], part.headers["X-Catalog-From"]) == ("0", "1")
    assert len(part.content) < len(whole.content) / 20
    assert zstandard.decompress(whole.content) == new
    assert rebuilt(old, zstandard.decompress(part.content)) == new
    assert second["sha256"] == hashlib.sha256(new).hexdigest()
    assert station.get(f"$catalogs/{name}/2?from=7").headers["X-Catalog-From"] == "0"


def test_the_signature_is_over_the_very_words(tmp_path: Path) -> None:
    """In a province of its own: a program that is announced makes the stations' programs old."""
    with running(tmp_path) as direct:
        publish(direct, next(_names), rows_of(3), "1", "2026-01-01")
        with direct.database.write() as session:
            key = load_der_public_key(courier_keys(session).public_der)
            publishing.announce(
                session, version="9.9", available=date(2027, 1, 1), note="Cài sau giờ làm", now=1
            )
        index = direct.call("GET", "/fhir/$catalogs", token=direct.device("A")).json()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signed = [(b"station-emr catalog pack\0", one) for one in index["catalogs"]]
    signed.append((b"station-emr program notice\0", index["program"]))
    for kind, one in signed:
        raw = base64.b64decode(one["signature"])
        halves = (int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big"))
        signature, told = encode_dss_signature(*halves), one["manifest"].encode()
        key.verify(signature, kind + told, ec.ECDSA(SHA384()))
        with pytest.raises(InvalidSignature):
            key.verify(signature, kind + told.replace(b"1", b"2", 1), ec.ECDSA(SHA384()))
    assert json.loads(index["program"]["manifest"])["note"] == "Cài sau giờ làm"


def test_a_fetch_that_broke_off_goes_on(server: RunningServer, station: Station) -> None:
    name = next(_names)
    publish(server, name, rows_of(2000), "1", "2026-01-01")
    whole = station.get(f"$catalogs/{name}/1").content
    pieces, start = [], 0
    while start < len(whole):
        answer = station.get(f"$catalogs/{name}/1", range=f"bytes={start}-{start + 4999}")
        assert answer.status_code == 206
        pieces.append(answer.content)
        start += len(answer.content)
        assert answer.headers["Content-Range"].endswith(f"/{len(whole)}")
    assert b"".join(pieces) == whole
    assert station.get(f"$catalogs/{name}/1", range=f"bytes={start}-").status_code == 416
    other = {"range": "bytes=5-", "if_range": '"another"'}
    assert station.get(f"$catalogs/{name}/1", **other).content == whole


def test_nothing_new_costs_nothing(server: RunningServer, station: Station) -> None:
    tag = station.get("$catalogs").headers["ETag"]
    assert station.get("$catalogs", if_none_match=tag).status_code == 304
    again = station.get(f"$catalogs?known={tag.strip(chr(34))}")
    assert (again.status_code, again.content) == (204, b"")
    publish(server, next(_names), rows_of(4), "1", "2026-01-01")
    assert station.get("$catalogs", if_none_match=tag).status_code == 200


def test_only_enrolled_devices_ask_and_only_for_what_there_is(station: Station) -> None:
    assert station.get("$catalogs", authorization="Bearer none").status_code == 401
    assert station.get("$catalogs/icd10/1", authorization="Bearer none").status_code == 401
    for path in ("icd10/999", "icd10/0", "icd10/-1", "icd10/x", "nothing/1", "icd10/1?from=x"):
        assert station.get(f"$catalogs/{path}").status_code in {400, 404}


def test_a_published_version_is_never_changed(server: RunningServer) -> None:
    publish(server, next(_names), rows_of(5), "1", "2026-01-01")
    for statement in ("UPDATE catalog_pack SET version = 'x'", "DELETE FROM catalog_pack"):
        with pytest.raises(DBAPIError), server.database.write() as session:
            session.execute(text(statement))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "unknown"}, "Không có danh mục"),
        ({"version": " "}, "phiên bản"),
        ({"version": "1\n2"}, "phiên bản"),
        ({"effective": date(2026, 12, 31)}, "sau ngày đã chọn"),
        ({"content": rows_of(7)}, "giống hệt"),
    ],
)
def test_what_cannot_be_published_is_refused(
    server: RunningServer, change: dict[str, Any], said: str
) -> None:
    given: dict[str, Any] = {
        "name": "sex",
        "version": "2",
        "effective": date(2027, 1, 1),
        "content": rows_of(8),
        "source": "a.csv",
        "now": 1,
    }
    with server.database.write() as session:
        if publishing._newest(session, "sex") is None:
            first = {**given, "version": "1", "content": rows_of(7)}
            publishing.publish(session, **first)
    with pytest.raises(ListRefused, match=said), server.database.write() as session:
        publishing.publish(session, **{**given, **change})


def test_the_operator_publishes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = ["--database", f"sqlite:///{tmp_path / 'server.db'}"]
    file = tmp_path / "danh-muc.csv"
    file.write_text("﻿Mã;Tên\nA00;Tả \n\nA01;Thương  hàn\n", encoding="utf-8")
    named = ["--name", "icd10", "--version", "2027.1", "--effective", "2027-01-01"]
    assert main(["init", *database]) == 0
    assert main(["catalog", "publish", str(file), *named, *database]) == 0
    assert "5 dòng" not in capsys.readouterr().out
    assert content.read_list(file) == (
        '["Mã","Tên"]\n["A00","Tả"]\n[]\n["A01","Thương hàn"]\n'.encode()
    )
    assert main(["catalog", "publish", str(file), *named, *database]) == 1
    assert "giống hệt" in capsys.readouterr().err
    assert main(["catalog", "list", *database]) == 0
    assert "icd10\t1\t2027.1\t2027-01-01" in capsys.readouterr().out
    assert main(["program", "announce", "1.2", "--date", "2027-01-01", *database]) == 0
    assert main(["verify", *database]) == 0
    file.write_bytes(b"M\xe3;T\xean\n1;2\n")
    assert main(["catalog", "publish", str(file), *named, *database]) == 1
    assert "UTF-8" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["catalog", "publish", str(file), *named[:-1], "31/12/2027", *database])


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_list_that_is_too_long_or_too_wide_is_never_published_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    assert (content._MOST_ROWS, content._MOST_COLUMNS) == (200_000, 256)
    monkeypatch.setattr(content, "_MOST_ROWS", 4)
    monkeypatch.setattr(content, "_MOST_COLUMNS", 3)
    fits = [["Mã", "Tên", "Giá", ""], ["A00", "Tả"], [], ["A01", "Thương hàn"], [""], ["", " "]]
    assert content.read_list(_file(tmp_path / f"vua.{kind}", fits)).count(b"\n") == 4
    for rows, said in (
        ([*fits, ["A02", "Lỵ"]], "có hơn 4 dòng"),
        ([["Mã", "Tên", "Giá", "", "Ghi chú"], ["A00", "Tả"]], "có hơn 3 cột"),
        ([["Mã", "Tên"], ["A00", "Tả", "", "x"]], "có hơn 3 cột"),
    ):
        with pytest.raises(ListRefused, match=f"{said}.*chưa có gì được công bố"):
            content.read_list(_file(tmp_path / f"qua.{kind}", rows))


def _file(path: Path, rows: list[list[str]]) -> Path:
    if path.suffix == ".csv":
        path.write_text("".join(";".join(row) + "\n" for row in rows), encoding="utf-8")
        return path
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return path


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 12)))
def test_any_list_can_be_made_of_any_other(old: list[int], new: list[int]) -> None:
    before = b"".join(b'["%d"]\n' % n for n in old)
    after = b"".join(b'["%d"]\n' % n for n in new)
    told = content.difference(before, after)
    assert rebuilt(before, told if new else b"") == after

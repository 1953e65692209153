"""Printed forms arrive in pieces, are judged as a whole, and belong to their facility."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import text, update

from provincial_server import binaries
from provincial_server.binaries import BinaryUpload
from provincial_server.store import EVERY_FACILITY, Device
from tests import databases
from tests.server.conftest import RunningServer, Station
from tests.server.exchange_client import record_id
from tests.server.samples import patient

PDF = b"%PDF-1.4 " + bytes(range(256)) * 20


class Form:
    """One file of a record that the facility has sent."""

    def __init__(self, station: Station, content: bytes = PDF, record: str = "") -> None:
        self.station = station
        self.content = content
        self.record = record or record_id()
        self.sha256 = hashlib.sha256(content).digest()
        self.id = f"{self.record}-b{self.sha256.hex()[:16]}"
        if not record:
            assert station.put(patient(self.record)).ok

    def piece(self, first: int, last: int, **changes: Any) -> requests.Response:
        """Bytes from ``first`` to before ``last``."""
        size = changes.pop("size", len(self.content))
        body = changes.pop("body", self.content[first:last])
        headers = {
            "content_type": "application/pdf",
            "content_range": f"bytes {first}-{last - 1}/{size}",
            "repr_digest": f"sha-256=:{base64.b64encode(self.sha256).decode()}:",
            **changes,
        }
        return self.station.call("PUT", f"Binary/{self.id}", body, **headers)

    def all(self, step: int = 1000) -> requests.Response:
        for first in range(0, len(self.content), step):
            answer = self.piece(first, min(first + step, len(self.content)))
        return answer

    def received(self) -> tuple[int, bool]:
        return told(self.station.get(f"Binary/{self.id}/$received"))

    def whole(self, **changes: Any) -> requests.Response:
        resource = {
            "resourceType": "Binary",
            "id": self.id,
            "contentType": "application/pdf",
            "data": base64.b64encode(self.content).decode(),
            **changes,
        }
        return self.station.put(resource)


def told(answer: requests.Response) -> tuple[int, bool]:
    said = answer.json()["parameter"]
    assert [one["name"] for one in said] == ["received", "whole"]
    return said[0]["valueInteger"], said[1]["valueBoolean"]


@pytest.fixture
def form(station: Station) -> Iterator[Form]:
    return Form(station)


def test_pieces_make_the_file(form: Form) -> None:
    assert form.received() == (0, False)
    first = form.piece(0, 3000)
    assert (first.status_code, told(first)) == (202, (3000, False))
    assert form.received() == (3000, False)
    assert form.station.get(f"Binary/{form.id}").status_code == 404
    last = form.piece(3000, len(PDF))
    assert (last.status_code, told(last)) == (201, (len(PDF), True))
    assert form.received() == (len(PDF), True)
    raw = form.station.get(f"Binary/{form.id}", accept="application/pdf")
    assert (raw.content, raw.headers["Content-Type"]) == (PDF, "application/pdf")
    assert raw.headers["Content-Disposition"] == "attachment"
    read = form.station.get(f"Binary/{form.id}", accept="application/fhir+json").json()
    assert base64.b64decode(read["data"]) == PDF
    assert read["securityContext"] == {"reference": f"Patient/{form.record}"}
    assert form.station.get(f"Binary/{form.id}", accept="text/html").status_code == 406
    listed = form.station.get(f"Binary/$forms?record={form.record}").json()
    assert [entry["resource"]["id"] for entry in listed["entry"]] == [form.id]
    assert "data" not in listed["entry"][0]["resource"]


def test_a_piece_that_comes_twice_or_too_early_changes_nothing(form: Form) -> None:
    form.piece(0, 1000)
    assert told(form.piece(0, 1000)) == (1000, False)
    assert told(form.piece(500, 1500)) == (1000, False)  # what is here is said, not mixed
    early = form.piece(2000, 3000)
    assert (early.status_code, form.received()) == (416, (1000, False))
    assert told(form.piece(1000, len(PDF))) == (len(PDF), True)
    again = form.piece(0, 1000)
    assert (again.status_code, told(again)) == (200, (len(PDF), True))
    assert form.station.get(f"Binary/{form.id}", accept="*/*").content == PDF


def test_bytes_that_do_not_fit_their_hash_are_forgotten(form: Form) -> None:
    form.piece(0, 1000)
    damaged = form.piece(1000, len(PDF), body=bytes(len(PDF) - 1000))
    assert damaged.status_code == 422
    assert form.received() == (0, False)
    assert form.station.get(f"Binary/{form.id}").status_code == 404
    assert form.all().status_code == 201


def test_the_id_must_be_of_these_bytes_and_of_a_record_that_is_here(station: Station) -> None:
    form = Form(station)
    form.id = f"{form.record}-b{'0' * 16}"
    assert form.piece(0, 1000).status_code == 422
    assert form.whole().status_code == 422
    unknown = Form(station, record=record_id())
    assert unknown.piece(0, 1000).status_code == 422
    assert unknown.whole().status_code == 422
    for odd in ("Binary/anything", f"Binary/{form.record}-b1"):
        assert station.call("PUT", odd, b"x", content_range="bytes 0-0/1").status_code == 400
        assert station.get(f"{odd}/$received").status_code == 404
    assert station.get("Binary/$forms").status_code == 400


def test_a_file_belongs_to_its_facility(server: RunningServer, station: Station) -> None:
    form = Form(station)
    form.all()
    stranger, colleague = server.station(), server.station(station.facility, "Máy 2")
    assert colleague.get(f"Binary/{form.id}", accept="*/*").content == PDF
    assert stranger.get(f"Binary/{form.id}").status_code == 404
    assert stranger.get(f"Binary/$forms?record={form.record}").json()["total"] == 0
    assert told(stranger.get(f"Binary/{form.id}/$received")) == (0, False)
    foreign = Form(stranger, record=form.record)
    assert foreign.piece(0, 1000).status_code == 422  # the record is not theirs
    assert requests.get(f"{form.station.base}/Binary/{form.id}", timeout=30).status_code == 401


def test_limits(form: Form, server: RunningServer) -> None:
    big = binaries.LARGEST + 1
    assert form.piece(0, 1000, size=big).status_code == 413
    long = bytes(binaries.LARGEST_PIECE + 1)
    assert form.piece(0, len(long), size=len(long), body=long).status_code == 413
    assert form.piece(0, 10, size=2_000, body=b"too short").status_code == 400
    assert form.piece(0, 9, size=2_000, body=b"much too long").status_code == 400
    assert form.piece(0, 1000, content_type="text/html").status_code == 415
    assert form.piece(0, 1000, content_encoding="gzip").status_code == 415
    assert form.piece(0, 1000, repr_digest="sha-256=:AAAA:").status_code == 400
    assert form.piece(0, 1000, content_range="bytes 0-999/*").status_code == 400
    assert form.piece(5000, 5200, size=5100, body=bytes(200)).status_code == 400
    assert form.received() == (0, False)


def test_unfinished_files_are_few_and_end(server: RunningServer, station: Station) -> None:
    forms = [Form(station, PDF + bytes([n])) for n in range(binaries.UNFINISHED_OF_DEVICE + 1)]
    colleague = server.station(station.facility, "Máy 2")
    other = Form(colleague, PDF + b"other")
    other.piece(0, 700)
    for place, form in enumerate(forms):
        form.piece(0, 1000)
        with server.database.write() as session:
            session.execute(
                update(BinaryUpload)
                .where(BinaryUpload.id == form.id)
                .values(touched_at=BinaryUpload.touched_at + place)
            )
    assert forms[0].received() == (0, False)  # given up for the newest
    assert [form.received()[0] for form in forms[1:]] == [1000] * binaries.UNFINISHED_OF_DEVICE
    assert other.received() == (700, False)
    with server.database.write() as session:
        old = BinaryUpload.touched_at - binaries.PATIENCE - 60_000
        session.execute(update(BinaryUpload).values(touched_at=old))
    assert other.received() == (0, False)
    assert told(other.piece(0, 500)) == (500, False)
    with server.database.read() as session:
        assert session.get(BinaryUpload, (station.facility, forms[1].id)) is None


def test_a_whole_resource_is_taken_too(form: Form) -> None:
    form.piece(0, 1000)
    assert form.whole().status_code == 201
    assert form.whole().status_code == 200
    assert form.received() == (len(PDF), True)
    assert form.whole(id="other").status_code == 201  # a Binary like any other resource
    assert form.station.get("Binary/other").json()["id"] == "other"
    assert form.whole(data="?").status_code == 422
    assert form.whole(data=None).status_code == 422
    assert (
        form.station.call(
            "PUT", f"Binary/{form.id}", b"x", content_type="application/pdf"
        ).status_code
        == 415
    )


def test_a_revoked_device_is_not_let_in(form: Form, server: RunningServer) -> None:
    form.piece(0, 1000)
    with server.database.write() as session:
        session.execute(
            update(Device).where(Device.facility_code == form.station.facility).values(revoked_at=1)
        )
    assert form.piece(1000, 2000).status_code == 401


def test_the_statement_offers_it(station: Station) -> None:
    [rest] = station.get("metadata").json()["rest"]
    [found] = [one for one in rest["operation"] if one["name"] == "received"]
    assert [one["valueInteger"] for one in found["extension"]] == [binaries.LARGEST_PIECE]


def tally(station: Station) -> tuple[int, str]:
    answer = station.get("Binary/$tally")
    assert answer.status_code == 200, answer.text
    said = {one["name"]: one for one in answer.json()["parameter"]}
    assert set(said) == {"count", "sum"}
    return said["count"]["valueInteger"], said["sum"]["valueString"]


def missing(station: Station, *names: Any) -> requests.Response:
    named = [{"name": "id", "valueString": name} for name in names]
    body = {"resourceType": "Parameters", "parameter": named}
    return station.call("POST", "Binary/$tally", body)


def named_missing(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["valueString"] for one in answer.json()["parameter"] if one["name"] == "missing"]


def test_a_device_counts_what_it_brought_and_names_what_it_misses(
    server: RunningServer, station: Station
) -> None:
    assert tally(station) == (0, "0" * 16)
    first, second = Form(station), Form(station, PDF[:500])
    unfinished, other = Form(station, PDF[:2000]), Form(server.station())
    for form in (first, second, other):
        assert form.all().status_code == 201
    assert unfinished.piece(0, 1000).status_code == 202
    total = sum(int(form.sha256.hex()[:16], 16) for form in (first, second)) % (1 << 64)
    assert tally(station) == (2, f"{total:016x}")
    asked = [first.id, unfinished.id, second.id, other.id]
    assert named_missing(missing(station, *asked)) == [unfinished.id, other.id]
    assert named_missing(missing(other.station, *asked)) == asked[:3]
    assert tally(other.station)[0] == 1


def test_forms_are_named_by_their_ids_alone(station: Station) -> None:
    good = f"{record_id()}-b{'a' * 16}"
    assert named_missing(missing(station, *[good] * 500)) == [good] * 500
    assert missing(station, *[good] * 501).status_code == 413
    for wrong in ("x", 7, None, "' OR 1=1"):
        assert missing(station, good, wrong).status_code == 400
    for body in ([], {"resourceType": "Bundle"}, {"resourceType": "Parameters", "parameter": [1]}):
        assert station.call("POST", "Binary/$tally", body).status_code == 400
    assert station.call("GET", "Binary/$tally?record=x").status_code == 400


def test_a_tally_reads_no_form(server: RunningServer) -> None:
    """An index holds all that it needs."""
    if databases.is_postgres():
        pytest.skip("its planner chooses by the size of the table")
    with server.database.read(EVERY_FACILITY) as session:
        plan = session.execute(
            text(
                "EXPLAIN QUERY PLAN SELECT sha256 FROM binary "
                "WHERE facility_code = 'A' AND device_id = 'B'"
            )
        ).all()
    assert "COVERING INDEX" in plan[0][3]

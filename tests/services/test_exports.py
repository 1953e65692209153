"""Exports: one visit, or all that the station holds; who may, what is logged, what stays behind."""

from __future__ import annotations

import hashlib
import json
import zipfile
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from lxml import etree

from station_emr.domain.audit import AuditFilter
from station_emr.domain.encounter import Diagnosis, DiagnosisRole
from station_emr.domain.errors import (
    EnvironmentFailure,
    InvalidRecord,
    PermissionDenied,
    StateError,
)
from station_emr.domain.patient import Address
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import RecordKind
from station_emr.interop import archive
from station_emr.services.claim_settings import KEY, ClaimSettings, written
from station_emr.services.export_ports import VisitFormat
from tests.services.visit_samples import (
    VITALS,
    appointment,
    prescription,
    referral,
    sign,
    visit,
)

HIV = Diagnosis(icd_code="B24", title="Bệnh HIV", role=DiagnosisRole.MAIN)


@pytest.fixture
def signed(station):
    """A visit with all its papers."""
    address = Address(
        line="Làng Mẫu",
        commune_code="23575",
        commune_name="Phường Mẫu",
        province_code="52",
        province_name="Tỉnh Mẫu",
    )
    patient = station.register(full_name="Rơ Châm Mẫu", address=address)
    encounter = visit(station, patient, replace(VITALS, weight=Decimal(50)))
    sign(
        station,
        encounter,
        prescription=prescription(station, encounter),
        appointment=appointment(station, encounter),
    )
    station.services.referrals.sign(station.doctor, referral(station, encounter))
    return encounter.id


@pytest.fixture
def restricted(station):
    encounter = replace(visit(station, station.register()), diagnoses=(HIV,))
    sign(station, encounter, prescription=prescription(station, encounter))
    return encounter.id


def take(station, role, action):
    """The station takes a right from a role."""
    station.services.people.roles.change(station.director, [(role, action, False)])


def read(path):
    with zipfile.ZipFile(path) as made:
        assert made.testzip() is None
        return {name: made.read(name) for name in made.namelist()}


def tables_of(content):
    """The tables inside the envelope, by their kind."""
    root = etree.fromstring(content)
    return {
        one.findtext("LOAIHOSO"): etree.fromstring(b64decode(one.findtext("NOIDUNGFILE")))
        for one in root.iter("FILEHOSO")
    }


def lines(parts, name):
    return [json.loads(line) for line in parts[name].splitlines()]


@pytest.mark.parametrize("form", list(VisitFormat))
def test_a_signed_visit_leaves_and_the_log_says_who_took_it(station, signed, form):
    filled = ClaimSettings(department="K01", head_code="000001/MAU-GPHN")
    with station.store.write() as work:
        work.settings.put(KEY, written(filled))
    content = station.services.exports.visit(station.director, signed, form)
    if form is VisitFormat.HEALTH_BOOK:
        tables = tables_of(content)
        assert set(tables) == {"XML1", "XML2", "XML8"}
        (drug,) = tables["XML2"].iter("CHI_TIET_THUOC")
        assert (drug.findtext("T_BHTT"), drug.findtext("PHAM_VI")) == ("0", "2")
        assert drug.findtext("LIEU_DUNG")
        assert tables["XML1"].findtext("T_TONGCHI_BV") == "0"
        assert tables["XML1"].findtext("HO_TEN") == "Rơ Châm Mẫu"
        assert tables["XML8"].findtext("CHAN_DOAN_RV")
        assert tables["XML8"].findtext("MA_LOAI_KCB") == "01"
    elif form is VisitFormat.HOSO_XML:
        root = etree.fromstring(content)
        assert root.findtext("ThongTinBenhNhan/hoten") == "Rơ Châm Mẫu"
        assert root.find("GiayChuyenVien/Phieu") is not None
        assert root.findtext("ThongTinDieuTri/henkham_ngay") == "2026-12-18"
        assert len(root.findall("YLenhThuocVatTu/YLenh")) == 1
    else:
        assert "Rơ Châm Mẫu" in json.dumps(json.loads(content), ensure_ascii=False)
    with station.store.read() as work:
        row = work.audit.rows(1, None, AuditFilter(actions=("record.export",)))[0]
    assert (row.user_id, row.record_id) == (station.director.user.id, signed)
    assert form.value in row.detail


def test_only_the_head_takes_records_away(station, signed, tmp_path):
    for actor in (station.doctor, station.nurse, station.actor(Role.ADMINISTRATOR)):
        with pytest.raises(PermissionDenied):
            station.services.exports.visit(actor, signed, VisitFormat.FHIR)
        with pytest.raises(PermissionDenied):
            station.services.exports.station(actor, tmp_path / "x.zip", "Kiểm tra")
    assert not (tmp_path / "x.zip").exists()


def test_a_draft_and_a_voided_visit_do_not_leave(station, signed):
    draft = visit(station, station.register())
    station.services.encounters.void(station.director, signed, "Nhập nhầm người")
    for encounter_id in (draft.id, signed):
        with pytest.raises(StateError):
            station.services.exports.visit(station.director, encounter_id, VisitFormat.FHIR)


def test_the_others_leave_when_one_cannot(station, signed, tmp_path):
    draft = visit(station, station.register(full_name="Nháp Mẫu"))
    made = station.services.exports.write_visits(
        station.director, tmp_path, (draft.id, "khong-co", signed), VisitFormat.HOSO_JSON
    )
    assert [one.name for one in made.files] == [f"{signed}.json"]
    first, second = made.refused
    assert (first.encounter_id, second.name) == (draft.id, "Lượt khám khong-co")
    assert "Nháp Mẫu" in first.name
    assert "đã ký" in str(first)


def test_a_restricted_visit_that_stays_is_not_named(station, restricted, tmp_path):
    take(station, Role.DIRECTOR, Action.SENSITIVE_VIEW)
    (held,) = station.services.exports.write_visits(
        station.director, tmp_path, (restricted,), VisitFormat.HOSO_JSON
    ).refused
    assert held.name == f"Lượt khám {restricted}"
    assert list(tmp_path.glob("*.json")) == []


def test_a_restricted_visit_leaves_only_by_who_may_read_it(station, signed, restricted):
    exports, now = station.services.exports, station.clock.now()
    week = (now - timedelta(days=3), now + timedelta(days=3))
    director = station.director
    assert set(exports.signed_visits(director, *week)) == {signed, restricted}
    assert exports.visit(director, restricted, VisitFormat.HOSO_JSON)
    take(station, Role.DIRECTOR, Action.SENSITIVE_VIEW)
    assert exports.signed_visits(director, *week) == (signed,)
    with pytest.raises(PermissionDenied):
        exports.visit(director, restricted, VisitFormat.HOSO_JSON)


def test_the_days_are_counted_from_their_first_to_their_last_moment(station, signed):
    exports, director = station.services.exports, station.director
    arrived = station.services.encounters.get(director, signed).record.arrived_at
    tick = timedelta(microseconds=1)
    assert exports.signed_visits(director, arrived, arrived + tick) == (signed,)
    assert exports.signed_visits(director, arrived + tick, arrived + timedelta(days=1)) == ()
    assert exports.signed_visits(director, arrived - timedelta(days=1), arrived) == ()


def test_everything_is_in_the_file_and_the_sums_hold(station, signed, restricted, tmp_path):
    draft = visit(station, station.register(full_name="Nháp Mẫu"))
    path = tmp_path / "tram.zip"
    told = []
    report = station.services.exports.station(
        station.director, path, "Đổi phần mềm", lambda done, total: told.append((done, total))
    )
    parts = read(path)
    manifest = json.loads(parts.pop("manifest.json"))
    assert {n: hashlib.sha256(b).hexdigest() for n, b in parts.items()} == manifest["sha256"]
    assert manifest["sha256"] == dict(report.sha256)
    assert (manifest["format"], manifest["version"]) == ("station-emr-export", 1)
    assert manifest["restricted_left_out"] == 0
    with station.store.read() as work:
        versions = work.versions.count()
        kept = work.versions.walk(0, versions)
    written = [v for name in parts if name.startswith("records/") for v in lines(parts, name)]
    assert len(written) == versions
    assert told[-1] == (versions, versions)
    for one in kept:
        (same,) = [
            v
            for v in lines(parts, f"records/{one.kind}.ndjson")
            if (v["id"], v["version"]) == (one.record_id, one.version)
        ]
        assert same["content"] == json.loads(one.content)
        assert same["content_sha256"] == one.content_sha256
    assert draft.id in {one["id"] for one in lines(parts, "drafts.ndjson")}
    assert {one["id"] for one in lines(parts, "fhir/Encounter.ndjson")} == {signed, restricted}
    assert {"fhir/MedicationRequest.ndjson", "fhir/ServiceRequest.ndjson"} <= set(parts)
    assert any(row["action"] == "station.export" for row in lines(parts, "audit.ndjson"))
    assert len(lines(parts, "catalogs/icd10.ndjson")) > 100
    assert lines(parts, "station.ndjson")[0]["code"] == "DEMO1"
    staff = lines(parts, "staff.ndjson")
    assert station.doctor.user.full_name in {one["full_name"] for one in staff}
    assert not any("password" in json.dumps(one).lower() for one in staff)
    for name in ("manifest.json", "records", "drafts.ndjson", "audit.ndjson", "signed/", "fhir/"):
        assert name in parts["DOC-TRUOC.md"].decode()


def test_the_description_names_every_part_there_is(station, signed, tmp_path):
    path = tmp_path / "tram.zip"
    station.services.exports.station(station.director, path, "Lưu trữ")
    parts = read(path)
    described = parts["DOC-TRUOC.md"].decode()
    assert [kind for kind in RecordKind if f"`{kind.value}`" not in described] == []
    for name in set(parts) - {"DOC-TRUOC.md"}:
        top = name.split("/")[0]
        assert top in described, name
        if name.startswith("records/"):
            assert f"`{name.removeprefix('records/').removesuffix('.ndjson')}`" in described


def test_nothing_of_a_restricted_visit_is_in_the_file_of_who_may_not_read_it(
    station, signed, restricted, tmp_path
):
    path = tmp_path / "tram.zip"
    take(station, Role.DIRECTOR, Action.SENSITIVE_VIEW)
    report = station.services.exports.station(station.director, path, "Lưu trữ")
    assert report.left_out == 3  # the visit, its prescription, the proof of its signing
    parts = read(path)
    held = b"\n".join(
        line
        for name, part in parts.items()
        if name.startswith(("records/", "fhir/", "drafts")) and name != "records/rights.ndjson"
        for line in part.splitlines()
        if b'"code":"rights"' not in line  # which codes are restricted is nobody's record
    )
    assert restricted.encode() not in held
    assert b"B24" not in held
    assert signed.encode() in held


def test_a_reason_is_needed_and_nothing_is_overwritten(station, tmp_path):
    exports, director = station.services.exports, station.director
    with pytest.raises(InvalidRecord):
        exports.station(director, tmp_path / "a.zip", "  ")
    taken = tmp_path / "b.zip"
    taken.write_bytes(b"cua nguoi khac")
    with pytest.raises(EnvironmentFailure, match=r"b\.zip"):
        exports.station(director, taken, "Lưu trữ")
    assert taken.read_bytes() == b"cua nguoi khac"
    with pytest.raises(EnvironmentFailure, match="thư mục"):
        exports.station(director, tmp_path / "khong-co" / "c.zip", "Lưu trữ")


def test_a_disk_that_does_not_keep_what_is_written_leaves_no_file(
    station, signed, tmp_path, monkeypatch
):
    path = tmp_path / "tram.zip"
    real = archive._read_back

    def flipped(fresh, sums):
        content = bytearray(fresh.read_bytes())
        content[len(content) // 2] ^= 1
        fresh.write_bytes(content)
        real(fresh, sums)

    monkeypatch.setattr(archive, "_read_back", flipped)
    with pytest.raises(EnvironmentFailure, match="hỏng"):
        station.services.exports.station(station.director, path, "Lưu trữ")
    assert list(tmp_path.glob("tram.zip*")) == []


def test_a_full_disk_is_said_and_leaves_no_file(station, signed, tmp_path, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive.os, "fsync", full)
    with pytest.raises(EnvironmentFailure, match="không đủ chỗ"):
        station.services.exports.station(station.director, tmp_path / "tram.zip", "Lưu trữ")
    assert list(tmp_path.glob("tram.zip*")) == []

"""HoSoBenhAn: eleven groups in their order, one tree for XML and JSON, names as data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from lxml import etree

from station_emr.domain.encounter import Priority
from station_emr.domain.record import RecordStatus
from station_emr.domain.visit_record import VisitRecord
from station_emr.interop.hoso.layout import parse_layout, read_layout
from station_emr.interop.hoso.values import rows_of, visit_values
from station_emr.interop.hoso.writer import write_json, write_xml
from station_emr.services.resources import resource_path
from tests.interop import fhir_records as made

VISIT = VisitRecord(
    station=made.STATION,
    patient=made.PATIENT,
    encounter=made.ENCOUNTER,
    status=RecordStatus.SIGNED,
    version=1,
    prescription=made.PRESCRIPTION,
    referral=made.REFERRAL,
    appointment=made.APPOINTMENT,
    national_code="0000000000000",
)
GROUPS = [
    "ThongTinBenhNhan",
    "ThongTinVaoVien",
    "ThongTinDieuTri",
    "YLenhThuocVatTu",
    "PhieuChiDinh",
    "KetQuaChanDoanHinhAnh",
    "KetQuaXetNghiem",
    "GiayChuyenVien",
    "HoSoCapCuu",
    "PhieuThuThuat",
    "PhieuPhauThuat",
]


def test_the_eleven_groups_stand_in_the_order_of_the_letter():
    root = etree.fromstring(write_xml(VISIT))
    assert root.tag == "HoSoBenhAn"
    assert [group.tag for group in root] == GROUPS
    assert list(json.loads(write_json(VISIT))["HoSoBenhAn"]) == GROUPS


def test_what_the_letter_names_is_there():
    root = etree.fromstring(write_xml(VISIT))
    assert root.findtext("ThongTinBenhNhan/cccd_so") == VISIT.patient.national_id
    assert root.find("ThongTinBenhNhan/quanhuyen_ma").text is None  # no districts since 1/7/2025
    assert root.findtext("ThongTinDieuTri/chuky_hoten") == VISIT.encounter.signature.by.full_name


def test_a_visit_by_hand():
    """Expected by reading the record, not by running the program."""
    root = etree.fromstring(write_xml(VISIT))
    treated = root.find("ThongTinDieuTri")
    assert treated.findtext("benhchinh_ma") == "J00"
    assert treated.findtext("benhkem_ma") == "I10;K29"
    assert treated.findtext("mach") == "78"
    assert treated.findtext("huyetap") == "150/110"  # each sign as last measured
    assert treated.findtext("nhietdo") == "37.50"
    tests = root.findall("KetQuaXetNghiem/KetQua")
    assert [(t.findtext("dichvu_ma"), t.findtext("giatri")) for t in tests] == [
        ("T1", "Dương tính"),
        ("T2", ""),
    ]
    assert tests[0].findtext("batthuong") == "1"
    assert [p.findtext("dichvu_ten") for p in root.findall("PhieuThuThuat/Phieu")] == ["Rửa mũi"]
    assert len(root.findall("PhieuChiDinh/ChiDinh")) == 3
    assert len(root.findall("YLenhThuocVatTu/YLenh")) == len(VISIT.prescription.lines)
    assert root.findtext("GiayChuyenVien/Phieu/noinhan_ten") == VISIT.referral.to_facility_name
    entered = root.find("ThongTinVaoVien")
    assert entered.findtext("chandoan_vao") == "Theo dõi tăng huyết áp"
    assert entered.findtext("noichuyenden_ma") == "00DEM"
    assert "Tỉnh, huyết áp 140/90" in treated.findtext("dienbien")


def test_json_says_the_same_as_xml():
    told = json.loads(write_json(VISIT))["HoSoBenhAn"]
    root = etree.fromstring(write_xml(VISIT))
    for group in read_layout("ho_so_benh_an").groups:
        written = root.find(group.name)
        rows = told[group.name] if group.row else [told[group.name]]
        holders = written.findall(group.row) if group.row else [written]
        assert [[(e.tag, e.text or "") for e in holder] for holder in holders] == [
            list(row.items()) for row in rows
        ]


def test_only_an_emergency_has_that_group():
    assert rows_of(VISIT, "emergency") == ()
    urgent = replace(VISIT, encounter=replace(VISIT.encounter, priority=Priority.EMERGENCY))
    assert len(rows_of(urgent, "emergency")) == 1
    by_object = replace(VISIT, encounter=replace(VISIT.encounter, visit_object="2"))
    assert len(rows_of(by_object, "emergency")) == 1


def test_a_visit_without_papers_keeps_every_element():
    bare = replace(
        VISIT,
        encounter=replace(VISIT.encounter, vitals=(), procedures=(), signature=None),
        prescription=None,
        referral=None,
        appointment=None,
    )
    root = etree.fromstring(write_xml(bare))
    assert [group.tag for group in root] == GROUPS
    assert root.find("ThongTinDieuTri/mach") is not None
    assert len(root.find("YLenhThuocVatTu")) == 0


def test_letters_that_xml_cannot_hold_are_left_out():
    odd = replace(VISIT, patient=replace(VISIT.patient, workplace="Xưởng\x00 & <b>\ud800"))
    root = etree.fromstring(write_xml(odd))
    assert root.findtext("ThongTinBenhNhan/noilamviec") == "Xưởng & <b>"


def test_the_check_up_envelope_has_new_codes():
    told = json.loads(write_json(VISIT, read_layout("kham_suc_khoe")))["HO_SO_KSK"]
    person = told["NGUOI_DUOC_KHAM"]
    assert len(person["MATINH"]) == 3
    assert person["MAXA"] == VISIT.patient.address.commune_code
    assert told["CO_SO"]["MA_CSKCB_13"] == "0000000000000"


@pytest.mark.parametrize("name", ["ho_so_benh_an", "kham_suc_khoe"])
def test_every_layout_asks_for_what_there_is(name):
    known = visit_values(VISIT)
    for group in read_layout(name).groups:
        rows = rows_of(VISIT, group.source)
        for row in rows or [known]:
            for field in group.fields:
                missing = field.value not in row
                assert not (missing and rows), (group.name, field)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"name": "ThongTinBenhNhan"', '"name": "Thong Tin"'),
        ('"name": "hoten"', '"name": "cccd_so"'),
        ('"root": "HoSoBenhAn"', '"rot": ""'),
    ],
)
def test_a_layout_that_is_none_is_refused(tmp_path, old, new):
    text = resource_path("hoso", "ho_so_benh_an.json").read_text("utf-8")
    assert old in text
    path = tmp_path / "x.json"
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ValueError, match=r"\S"):
        parse_layout(path)

"""The files themselves: bytes, schemas made anew, and back again over visits of every kind."""

from __future__ import annotations

import base64
import importlib.util
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from station_emr.domain.appointment import Appointment
from station_emr.domain.billing import Bill
from station_emr.domain.certificate import SickLeave
from station_emr.domain.claim import blocking
from station_emr.domain.claim_source import ClaimSource
from station_emr.domain.encounter import Encounter
from station_emr.domain.patient import Patient
from station_emr.domain.prescription import Prescription
from station_emr.domain.referral import Referral
from station_emr.interop.bhyt.envelope import check_in_file, record_file
from station_emr.interop.bhyt.insurance_format import InsuranceFormat
from station_emr.interop.bhyt.reader import read_claims
from station_emr.interop.bhyt.rows import check_in_claim, record_claim
from station_emr.interop.bhyt.schema import VERSIONS, schema
from station_emr.interop.bhyt.writer import table_document
from station_emr.services.resources import resource_path
from tests.interop.bhyt.claim_visits import kept_and_referred, options, outpatient, visit
from tests.interop.record_strategies import values_of

ROOT = Path(__file__).resolve().parents[3]


def decoded(envelope: bytes, table: str) -> bytes:
    for file in etree.fromstring(envelope).iter("FILEHOSO"):
        if file.findtext("LOAIHOSO") == table:
            return base64.b64decode(file.findtext("NOIDUNGFILE") or "", validate=True)
    raise AssertionError(table)


def test_the_envelope_is_the_skeleton_of_the_gateway() -> None:
    data = record_file(record_claim(outpatient()))
    assert data.startswith(
        b'<?xml version="1.0" encoding="utf-8"?>\n'
        b'<GIAMDINHHS xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        b'xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        b"<THONGTINDONVI><MACSKCB>MAU01</MACSKCB></THONGTINDONVI>"
        b"<THONGTINHOSO><NGAYLAP>20261123</NGAYLAP><SOLUONGHOSO>1</SOLUONGHOSO>"
        b"<DANHSACHHOSO><HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>"
    )
    assert data.endswith(
        b"</NOIDUNGFILE></FILEHOSO></HOSO></DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>"
    )
    order = [one.text for one in etree.fromstring(data).iter("LOAIHOSO")]
    assert order == ["XML1", "XML2", "XML3", "XML4", "XML11", "XML14"]


def test_words_stand_in_cdata_and_codes_do_not() -> None:
    text = decoded(record_file(record_claim(outpatient())), "XML1").decode("utf-8")
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>\n<TONG_HOP><MA_LK>')
    assert "<LY_DO_VV><![CDATA[Ho & sốt > 2 ngày]]></LY_DO_VV>" in text
    assert "<MA_BENH_CHINH>J06.9</MA_BENH_CHINH>" in text
    assert "<MAHUYEN_CU_TRU/>" in text


def test_words_that_end_cdata_come_back_as_they_were() -> None:
    hard = "a ]]> b <![CDATA[ c ]]>"
    claim = record_claim(outpatient(encounter=visit(reason=hard)))
    assert read_claims(record_file(claim)).claims[0].summary["LY_DO_VV"] == hard


def test_the_check_in_is_a_file_of_its_own_and_in_no_envelope() -> None:
    claim = check_in_claim(outpatient())
    data = check_in_file(claim)
    assert data.endswith(b"</DSACH_TRANG_THAI_KCB><CHUKYDONVI/></CHI_TIEU_TRANG_THAI_KCB>")
    assert InsuranceFormat().write(claim) == data
    with pytest.raises(ValueError, match="without tables"):
        record_file(claim)


def test_a_table_refuses_rows_that_are_not_its_own() -> None:
    table = schema("1931").table("XML14")
    row = dict(record_claim(outpatient()).rows("XML14")[0])
    with pytest.raises(ValueError, match="2 rows"):
        table_document(table, [row, row])
    swapped = {name: row[name] for name in reversed(table.names)}
    with pytest.raises(ValueError, match="not the elements"):
        table_document(table, [swapped])
    with pytest.raises(ValueError, match="forbids"):
        table_document(table, [row | {"HO_TEN": "a\x0bb"}])
    with pytest.raises(ValueError, match="typed on the portal"):
        table_document(schema("1931").table("XML12"), [{}])
    with pytest.raises(KeyError):
        table.row({"MA_LA": "1"})


def test_the_schemas_in_the_resources_are_those_that_the_definitions_make() -> None:
    spec = importlib.util.spec_from_file_location(
        "build_claim_schemas", ROOT / "packaging" / "build_claim_schemas.py"
    )
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.files()
    home = resource_path("xsd", "bhyt")
    kept = {
        path.relative_to(home).as_posix(): path.read_text(encoding="utf-8")
        for path in home.rglob("*.xsd")
    }
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schema_of_the_envelope_and_of_each_table_hold_what_is_written(version: str) -> None:
    data = record_file(record_claim(kept_and_referred(options=options(version))))
    envelope = etree.XMLSchema(etree.parse(str(resource_path("xsd", "bhyt", "GIAMDINHHS.xsd"))))
    envelope.assertValid(etree.fromstring(data))
    wrong = data.replace(b"<NGAYLAP>20261123<", b"<NGAYLAP>23112026<")
    assert not envelope.validate(etree.fromstring(wrong))


sources = st.builds(
    ClaimSource,
    encounter=values_of(Encounter),
    patient=values_of(Patient),
    options=st.sampled_from([options(version) for version in VERSIONS]),
    bill=st.none() | values_of(Bill),
    prescription=st.none() | values_of(Prescription),
    appointment=st.none() | values_of(Appointment),
    referral=st.none() | values_of(Referral),
    sick_leave=st.none() | values_of(SickLeave),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=sources)
def test_what_is_written_is_read_back_as_it_was(source: Any) -> None:
    claim = record_claim(source)
    read = read_claims(record_file(claim))
    assert blocking(read.findings) == ()
    (back,) = read.claims
    assert dict(back.tables) == dict(claim.tables)
    assert (back.facility_code, back.made_on, back.link_code) == (
        claim.facility_code,
        claim.made_on,
        claim.link_code,
    )
    arrival = check_in_claim(source)
    (again,) = read_claims(check_in_file(arrival)).claims
    assert dict(again.tables) == dict(arrival.tables)

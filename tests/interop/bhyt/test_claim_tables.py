"""Every table against a file written by hand from the rules, and the schemas against both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from station_emr.domain.claim import TABLES, ClaimFile
from station_emr.interop.bhyt.rows import check_in_claim, record_claim
from station_emr.interop.bhyt.schema import VERSIONS, schema
from station_emr.interop.bhyt.validation import schema_findings
from station_emr.interop.bhyt.writer import table_document
from station_emr.services.resources import resource_path
from tests.interop.bhyt.claim_visits import (
    OPTIONS_OLD,
    bill,
    day_patient,
    kept_and_referred,
    options,
    outpatient,
)

GOLDEN = Path(__file__).parent / "golden"
TREATMENT = {
    "PHANLOAI_LAO_VITRI": "1",
    "PHANLOAI_LAO_TS": "1",
    "PHANLOAI_LAO_HIV": "2",
    "PHANLOAI_LAO_VK": "1",
    "PHANLOAI_LAO_KT": "1",
    "LOAI_DTRI_LAO": "1",
    "NGAYBD_DTRI_LAO": "20261102",
    "PHACDO_DTRI_LAO": "1",
    "KET_QUA_DTRI_LAO": "7",
    "BDDT_ARV": "20261102",
    "NGAY_BAT_DAU_DT_CTX": "20261102",
}


def claims() -> dict[str, ClaimFile]:
    return {
        "outpatient": record_claim(outpatient()),
        "outpatient-4750": record_claim(outpatient(options=OPTIONS_OLD, sick_leave=None)),
        "kept": record_claim(kept_and_referred()),
        "kept-4750": record_claim(kept_and_referred(options=OPTIONS_OLD)),
        "day_patient": record_claim(day_patient()),
        "tuberculosis": record_claim(outpatient(tuberculosis=TREATMENT)),
    }


CASES = sorted(
    (path.parent.name, path.stem) for path in GOLDEN.rglob("*.xml") if path.stem != "XML0"
)


def fields(root: Any) -> list[tuple[str, str]]:
    """Tags and texts in order; the white space between elements is nobody's."""
    return [(one.tag, "" if len(one) else (one.text or "")) for one in root.iter()]


def golden(name: str) -> Any:
    return etree.fromstring((GOLDEN / name).read_bytes())


def test_every_table_that_a_station_sends_has_a_file_by_hand() -> None:
    held = {table for _case, table in CASES} | {"XML0"}
    sent = {"XML0", "XML1", "XML2", "XML3", "XML4", "XML5", "XML7", "XML8"}
    assert held == sent | {"XML11", "XML13", "XML14", "XML15"}


@pytest.mark.parametrize(("case", "table"), CASES)
def test_a_table_is_as_written_by_hand(case: str, table: str) -> None:
    claim = claims()[case]
    made = table_document(schema(claim.version).table(table), claim.rows(table))
    assert fields(etree.fromstring(made)) == fields(golden(f"{case}/{table}.xml"))


@pytest.mark.parametrize(("case", "table"), [*CASES, ("outpatient", "XML0")])
def test_the_file_by_hand_fits_the_schema(case: str, table: str) -> None:
    version = "4750" if case.endswith("4750") else "1931"
    path = resource_path("xsd", "bhyt", version, f"{table}.xsd")
    root = golden(f"{case}/{table}.xml")
    etree.XMLSchema(etree.parse(str(path))).assertValid(root)


def test_the_check_in_is_as_written_by_hand() -> None:
    claim = check_in_claim(outpatient())
    made = table_document(
        schema(claim.version).table("XML0"), claim.rows("XML0"), signature_place=True
    )
    assert fields(etree.fromstring(made)) == fields(golden("outpatient/XML0.xml"))


def test_an_outpatient_sends_no_table_that_does_not_apply() -> None:
    assert tuple(claims()["outpatient"].tables) == (
        "XML1",
        "XML2",
        "XML3",
        "XML4",
        "XML11",
        "XML14",
    )


def test_a_kept_person_sends_course_summary_and_letter() -> None:
    assert tuple(claims()["kept"].tables) == (
        "XML1",
        "XML2",
        "XML3",
        "XML4",
        "XML5",
        "XML8",
        "XML13",
    )


@pytest.mark.parametrize("case", list(claims()))
def test_what_is_written_passes_the_schemas(case: str) -> None:
    claim = claims()[case]
    found = schema_findings(claim)
    if case == "outpatient-4750":  # 47.5 percent exists since QĐ 1931 only
        assert {(one.table, one.row, one.element) for one in found} == {("XML3", 1, "MUC_HUONG")}
    else:
        assert not found


def test_a_finding_of_a_schema_says_which_row_and_why() -> None:
    claim = record_claim(outpatient(bill=bill(items=(bill().items[1],)), options=options("3176")))
    (found,) = schema_findings(claim)
    assert (found.table, found.row, found.element) == ("XML3", 0, "MUC_HUONG")
    assert found.blocks
    assert "MUC_HUONG dài 4 ký tự, nhiều nhất 3" in found.message


def test_an_envelope_with_a_strange_facility_code_never_leaves() -> None:
    claim = replace(record_claim(outpatient()), facility_code="5200")
    (found,) = schema_findings(claim)
    assert found.element == "MACSKCB"


@pytest.mark.parametrize("version", VERSIONS)
def test_each_table_knows_its_elements_once(version: str) -> None:
    for name in TABLES:
        names = schema(version).table(name).names
        assert len(names) == len(set(names)), name

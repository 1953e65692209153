"""The shipped lists: enough rows, valid codes, and agreement with the official files if present."""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from station_emr.catalogs.starter import starter_file, starter_rows
from station_emr.domain.catalog import CatalogKind, drug_of, icd_of
from station_emr.domain.text import clean

OFFICIAL = Path(__file__).resolve().parents[3] / "shared" / "catalogs"
TODAY = date(2026, 11, 22)
ICD = re.compile(r"[A-Z]\d{2}(\.\d{1,2})?")
ENGLISH = re.compile(
    r"\b(of|and|with|without|due|unspecified|other|disease|acute|by)\b", re.IGNORECASE
)


def official(name: str) -> list[dict[str, str]]:
    path = OFFICIAL / name
    if not path.exists():
        pytest.skip(f"the official file {name} is not on this machine")
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("kind", list(CatalogKind))
def test_every_list_has_rows_with_unique_codes_and_clean_names(kind: CatalogKind) -> None:
    rows = list(starter_rows(kind))

    assert rows
    assert not [code for code, n in Counter(row.code for row in rows).items() if n > 1]
    for row in rows:
        assert row.code == row.code.strip() != ""
        assert row.name == clean(row.name) != ""
        assert row.source
        assert row.in_force(TODAY)


def test_there_are_enough_rows() -> None:
    count = Counter(row.kind for row in starter_rows())

    assert count[CatalogKind.ICD10] >= 700
    assert count[CatalogKind.DRUG] >= 200
    assert count[CatalogKind.PROVINCE] == 34
    assert count[CatalogKind.COMMUNE] == 3321
    assert count[CatalogKind.ETHNIC_GROUP] == 56
    assert count[CatalogKind.OCCUPATION] == 49
    assert count[CatalogKind.CARE_KIND] == 16


def test_icd_codes_are_well_formed_and_titles_are_vietnamese() -> None:
    for row in starter_rows(CatalogKind.ICD10):
        code = icd_of(row)
        assert ICD.fullmatch(code.code), code.code
        assert code.title_en, code.code
        assert code.title != code.title_en
        assert not ENGLISH.search(code.title), code
        assert not (code.female_only and code.male_only)
        if code.mark == "*":
            assert code.not_main, f"{code.code}: a manifestation is never a main diagnosis"
        if code.code[0] in "VWXY":
            assert code.not_main, f"{code.code}: an external cause is never a main diagnosis"


def test_every_heading_marked_unusable_has_a_usable_code_below_it() -> None:
    codes = {row.code: icd_of(row) for row in starter_rows(CatalogKind.ICD10)}
    usable = [code for code, icd in codes.items() if not icd.more_specific_exists]

    childless = [
        code
        for code, icd in codes.items()
        if icd.more_specific_exists and not any(u.startswith(code) and u != code for u in usable)
    ]
    assert childless == []


def test_drugs_have_a_known_route_and_lower_case_ingredients() -> None:
    routes = {row.code: row.name for row in starter_rows(CatalogKind.ROUTE)}
    for row in starter_rows(CatalogKind.DRUG):
        drug = drug_of(row)
        assert routes.get(drug.route_code) == drug.route, drug.code
        assert re.fullmatch(r"[a-z0-9-]+", drug.code), drug.code
        assert drug.inn
        assert drug.strength
        assert drug.form
        assert drug.unit
        assert drug.ingredients
        assert all(i == i.lower().strip() for i in drug.ingredients)
        assert drug.max_daily is None or drug.max_daily > 0
        assert not drug.bhyt_code or re.fullmatch(r"\d+\.\d+", drug.bhyt_code)


def test_drug_families_that_share_allergies_are_named() -> None:
    groups = {drug_of(row).inn: drug_of(row).groups for row in starter_rows(CatalogKind.DRUG)}

    assert "penicillin" in groups["Amoxicilin"]
    assert "cephalosporin" in groups["Cefixim"]
    assert "sulfonamide" in groups["Sulfamethoxazol + Trimethoprim"]
    assert "nsaid" in groups["Ibuprofen"]
    assert "macrolide" in groups["Azithromycin"]
    assert "ace_inhibitor" in groups["Enalapril"]


def test_facilities_are_visibly_demo() -> None:
    for row in starter_rows(CatalogKind.FACILITY):
        assert row.code.startswith("DEMO")
        assert row.name.endswith("(mẫu)")


def test_communes_belong_to_a_province_and_the_map_ends_in_communes() -> None:
    provinces = {row.code for row in starter_rows(CatalogKind.PROVINCE)}
    communes = {row.code: row for row in starter_rows(CatalogKind.COMMUNE)}

    assert {row.attributes["province"] for row in communes.values()} == provinces
    assert sum(row.attributes["province"] == "52" for row in communes.values()) == 135
    mapped = {row.attributes["new_code"] for row in starter_rows(CatalogKind.COMMUNE_MAP)}
    assert mapped <= set(communes)
    assert len(mapped) == 3321


def test_lists_that_decide_a_term_name_known_codes() -> None:
    for row in starter_rows(CatalogKind.LONG_PRESCRIPTION):
        assert ICD.fullmatch(row.code)
        assert row.attributes["max_days"] == 90
    for row in starter_rows(CatalogKind.ONE_YEAR_REFERRAL):
        assert ICD.fullmatch(row.code)


def test_files_are_utf8_without_bom_and_with_unix_ends() -> None:
    for kind in CatalogKind:
        content = starter_file(kind).read_bytes()
        assert not content.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in content
        content.decode("utf-8")


def test_icd_flags_agree_with_the_official_list() -> None:
    known = {row["code"]: row for row in official("icd10_tt06_2026.csv")}
    columns = {
        "not_main": "c24_not_main",
        "discouraged_main": "c25_discouraged_main",
        "more_specific_exists": "c26_more_specific_exists",
        "death_only": "c27_death_only",
        "female_only": "c28_female",
        "male_only": "c29_male",
    }
    wrong: list[str] = []
    for row in starter_rows(CatalogKind.ICD10):
        icd = icd_of(row)
        if icd.code not in known:
            wrong.append(f"{icd.code} does not exist")
            continue
        truth = known[icd.code]
        wrong += [
            f"{icd.code} {ours}"
            for ours, theirs in columns.items()
            if getattr(icd, ours) != (truth[theirs] == "1")
        ]
        if icd.mark != truth["mark"]:
            wrong.append(f"{icd.code} mark")
    assert wrong == []


def test_communes_agree_with_the_official_list() -> None:
    truth = {
        r["ma_xa"]: (r["ten_xa"], r["ma_tinh"]) for r in official("don_vi_hanh_chinh_2025.csv")
    }
    ours = {
        row.code: (row.name, row.attributes["province"])
        for row in starter_rows(CatalogKind.COMMUNE)
    }

    assert ours == truth


def test_insurance_codes_of_drugs_exist_in_the_official_list() -> None:
    known = {row["ma"].rstrip("*") for row in official("hoat_chat_from_sdk.csv")}
    ours = {drug_of(row).bhyt_code for row in starter_rows(CatalogKind.DRUG)} - {""}

    assert ours <= known

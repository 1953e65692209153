"""The page of the checks and the data of the places keep up with the rules."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

from station_emr.interop.bhyt.checks import rules
from station_emr.interop.bhyt.schema import VERSIONS, schema
from station_emr.services.resources import resource_path

ROOT = Path(__file__).resolve().parents[3]


def _maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "build_claim_checks_page", ROOT / "packaging" / "build_claim_checks_page.py"
    )
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_page_is_as_the_rules_are() -> None:
    maker = _maker()
    text = maker.PAGE.read_text(encoding="utf-8")
    assert maker.page(text) == text
    assert all(f"| `{rule.name}` |" in text for rule in rules())


def test_every_condition_of_the_tables_has_a_rule() -> None:
    judged = {
        f"{table}.{element}"
        for rule in rules()
        for table in rule.tables
        for element in rule.elements
        if rule.kind == "required" or rule.name in {"gw-chi-phi-dau", "gw-ma-dich-vu"}
    }
    asked = {
        f"{table.name}.{element.name}"
        for version in VERSIONS
        for table in schema(version).tables.values()
        for element in table.elements
        if element.condition is not None
    }
    assert asked <= judged


def test_places_and_names_are_of_elements_that_there_are() -> None:
    known = {
        f"{table.name}.{element.name}"
        for version in VERSIONS
        for table in schema(version).tables.values()
        for element in table.elements
    }
    bare = {name.partition(".")[2] for name in known}
    places = json.loads(resource_path("bhyt", "places.json").read_text(encoding="utf-8"))
    names = json.loads(resource_path("bhyt", "element-names.json").read_text(encoding="utf-8"))
    assert {name for name in places["elements"] if not name.endswith(".*")} <= known
    assert {name for name in names if "." not in name} <= bare
    assert set(places["rules"]) <= {rule.name for rule in rules()}

"""Every address of the server is in the CapabilityStatement or in the table of docs/fhir-rest.md, and
what these name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from provincial_server.capability import capability_statement
from provincial_server.settings import Limits
from tests.server.direct import running

DOCS = Path(__file__).resolve().parents[2] / "docs"
Address = tuple[str, str]
"""Method and path; a variable part is {}."""
ONE, TYPE = "/fhir/{}/{}", "/fhir/{}"
INTERACTIONS: dict[str, list[Address]] = {
    "read": [("GET", ONE)],
    "vread": [("GET", f"{ONE}/_history/{{}}")],
    "update": [("PUT", ONE)],
    "create": [("POST", TYPE)],
    "history-instance": [("GET", f"{ONE}/_history")],
    "history-type": [("GET", f"{TYPE}/_history")],
    "search-type": [("GET", TYPE), ("POST", f"{TYPE}/_search")],
    "history-system": [("GET", "/fhir/_history")],
    "transaction": [("POST", "/fhir")],
    "batch": [("POST", "/fhir")],
}
_OFFERED = re.compile(r"\b(GET|POST|PUT) \[base\](/[\w$/{}-]+)")
_NATIVE = re.compile(r"^\| `(GET|POST|PUT) (/[^`]+)` \|", re.MULTILINE)


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[FastAPI]:
    with running(tmp_path_factory.mktemp("statement")) as direct:
        yield direct.app


def plain(path: str) -> str:
    """Printed forms are read and written where every Binary is."""
    bare = re.sub(r"\{[^}]*\}", "{}", path).rstrip("/")
    return ONE if bare == "/fhir/Binary/{}" else bare


def routed(app: FastAPI) -> set[Address]:
    return {
        (method, plain(route.path))
        for route in app.routes
        if isinstance(route, Route) and not route.path.startswith("/web")
        for method in (route.methods or set()) - {"HEAD"}
    }


def stated() -> set[Address]:
    rest = capability_statement("http://x/fhir", 0, Limits())["rest"][0]
    found: set[Address] = {("GET", "/fhir/metadata")}
    for resource in rest["resource"]:
        codes = [item["code"] for item in resource["interaction"]]
        found |= {address for code in codes for address in INTERACTIONS[code]}
        found |= {("PUT", TYPE)} if resource["conditionalUpdate"] else set()
    for item in rest["interaction"]:
        found |= set(INTERACTIONS[item["code"]])
    for operation in rest["operation"]:
        named = {
            (m, plain(f"/fhir{path}")) for m, path in _OFFERED.findall(operation["documentation"])
        }
        assert named, operation["name"]
        assert any(f"${operation['name']}" in path for _, path in named)
        found |= named
    if rest["security"]["service"][0]["coding"][0]["code"] == "SMART-on-FHIR":
        found.add(("GET", "/fhir/.well-known/smart-configuration"))
    return found


def native() -> set[Address]:
    page = (DOCS / "fhir-rest.md").read_text("utf-8").partition("## Addresses beside FHIR")[2]
    return {(method, plain(path)) for method, path in _NATIVE.findall(page)}


def test_every_address_is_in_the_statement_or_in_the_table(app):
    found = routed(app)
    assert len(native()) > 10
    assert found - stated() - native() == set(), "neither stated nor documented"
    assert (stated() | native()) - found == set(), "promised, and not there"


def test_the_statement_is_of_what_is_fhir_and_the_table_of_what_is_not():
    assert {path.split("/")[1] for _, path in stated()} == {"fhir"}
    assert not [path for _, path in native() if path.startswith("/fhir")]


def test_an_address_that_nobody_wrote_down_is_seen(app):
    async def hidden() -> None: ...

    app.add_api_route("/people/{name}/hidden", hidden, methods=["POST"])
    try:
        assert routed(app) - stated() - native() == {("POST", "/people/{}/hidden")}
    finally:
        app.router.routes.pop()

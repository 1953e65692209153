"""A header that decides something is refused when it stands there twice: whoever reads the first and
whoever reads the last would judge differently."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.direct import Direct, running
from tests.server.samples import CCCD, patient

HEADERS = {
    "authorization": ("Bearer {}", "Bearer other"),
    "host": ("a", "b"),
    "content-type": ("application/fhir+json", "text/html"),
    "content-encoding": ("identity", "gzip"),
    "if-match": ('W/"1"', 'W/"7"'),
    "if-none-match": ("*", 'W/"7"'),
    "if-none-exist": (f"identifier={CCCD}|1", f"identifier={CCCD}|2"),
    "x-exchange-dictionary": ("1", "0"),
}


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Direct]:
    with running(tmp_path_factory.mktemp("direct")) as found:
        yield found


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_header_that_stands_twice_is_refused(direct: Direct, name: str, *, reverse: bool) -> None:
    token = direct.device("TWICE1")
    values = [value.format(token) for value in HEADERS[name]]
    headers = [(name, value) for value in (reversed(values) if reverse else values)]
    known = "" if name == "authorization" else token
    body = patient("twice", cccd="1")
    method, path = ("POST", "Patient") if name == "if-none-exist" else ("PUT", "Patient/twice")
    answer = direct.call(method, f"/fhir/{path}", body, headers, token=known)
    assert answer.status == 400
    assert answer.outcome["expression"] == [f"http.{name}"]
    assert direct.call("GET", "/fhir/Patient?_summary=count", token=token).json()["total"] == 0


def test_a_list_may_go_on_in_a_second_header(direct: Direct) -> None:
    token = direct.device("TWICE2")
    headers = [("accept", "application/fhir+json"), ("accept", "text/html")]
    assert direct.call("GET", "/fhir/Patient", headers=headers, token=token).status == 200

"""The tables of answers: every status and issue code has the consequence that docs/sync.md names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station_emr.domain.errors import NetworkFailure
from station_emr.sync.peer import VerdictKind
from station_emr.sync.unit import Unit
from station_emr.sync.verdicts import judge

UNIT = Unit(
    (
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Coverage", "id": "p-c1"},
    ),
    {"Patient/p": 'W/"1"'},
)


def outcome(code: str, expression: str = "", text: str = "", severity: str = "error") -> Any:
    issue: dict[str, Any] = {"severity": severity, "code": code}
    if expression:
        issue["expression"] = [expression]
    if text:
        issue["details"] = {"text": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def reply(*answers: dict[str, Any]) -> Any:
    entries = [{"response": answer} for answer in answers]
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, outcome("structure"), VerdictKind.POISON),
        (422, outcome("code-invalid"), VerdictKind.POISON),
        (422, outcome("a-code-of-tomorrow"), VerdictKind.POISON),
        (422, outcome("transient"), VerdictKind.RETRY),
        (422, outcome("not-found"), VerdictKind.PARENT_MISSING),
        (400, outcome("login"), VerdictKind.REFUSED),
        (400, None, VerdictKind.RETRY),
        (401, None, VerdictKind.REFUSED),
        (403, outcome("forbidden"), VerdictKind.REFUSED),
        (404, None, VerdictKind.WRONG_MODE),
        (405, outcome("not-supported"), VerdictKind.WRONG_MODE),
        (409, outcome("conflict"), VerdictKind.CONFLICT),
        (409, outcome("lock-error"), VerdictKind.RETRY),
        (410, outcome("deleted"), VerdictKind.GONE),
        (412, outcome("conflict"), VerdictKind.CONFLICT),
        (413, None, VerdictKind.POISON),
        (418, None, VerdictKind.WRONG_MODE),
        (429, outcome("throttled"), VerdictKind.BUSY),
        (500, outcome("exception"), VerdictKind.RETRY),
        (501, None, VerdictKind.BUSY),
        (503, None, VerdictKind.BUSY),
    ],
)
def test_a_refused_transaction(status: int, body: Any, kind: VerdictKind) -> None:
    verdict = judge(status, body, UNIT, 3.0)

    assert verdict.kind is kind
    assert verdict.reason
    assert verdict.retry_after == 3.0


@pytest.mark.parametrize("status", ["200", "200 OK", "201 Created", "201", "204 No Content"])
def test_an_entry_is_accepted_by_the_start_of_its_status(status: str) -> None:
    verdict = judge(200, reply({"status": status, "etag": 'W/"2"'}, {"status": "201"}), UNIT)

    assert verdict.kind is VerdictKind.ACCEPTED
    assert verdict.etags == {"Patient/p": 'W/"2"', "Coverage/p-c1": ""}


@pytest.mark.parametrize("status", ["", "2", "2000", "202 Accepted", "206", "300", "404", "500"])
def test_an_entry_with_any_other_status_is_not(status: str) -> None:
    verdict = judge(200, reply({"status": "200 OK"}, {"status": status}), UNIT)

    assert verdict.kind is not VerdictKind.ACCEPTED


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        [],
        reply(),
        reply({"status": "200"}),
        reply({"status": "200"}, {"status": "200"}, {"status": "200"}),
        {**reply({"status": "200"}, {"status": "200"}), "type": "searchset"},
        {"resourceType": "Bundle", "type": "transaction-response", "entry": [{}, {}]},
        {"resourceType": "Bundle", "type": "transaction-response", "entry": [None, None]},
        outcome("informational", severity="information"),
    ],
)
def test_a_success_that_does_not_answer_every_entry_is_no_answer(body: Any) -> None:
    with pytest.raises(NetworkFailure):
        judge(200, body, UNIT)


@given(st.integers(300, 599), st.text(max_size=12))
def test_no_other_status_ever_accepts(status: int, code: str) -> None:
    assert judge(status, outcome(code), UNIT).kind is not VerdictKind.ACCEPTED


def test_the_gravest_entry_speaks_for_the_unit() -> None:
    mixed = reply(
        {"status": "412", "outcome": outcome("conflict")},
        {"status": "422", "outcome": outcome("value", "Coverage.period")},
    )

    verdict = judge(200, mixed, UNIT)

    assert verdict.kind is VerdictKind.POISON
    assert verdict.reason == (
        "Máy chủ tỉnh không nhận thẻ bảo hiểm y tế: giá trị không hợp lệ (mục thời gian). "
        "Hãy sửa rồi lưu lại, mục này sẽ tự gửi đi. [422 value Coverage.period]"
    )


def test_a_path_into_the_bundle_names_the_entry() -> None:
    body = outcome("required", "Bundle.entry[1].resource.subscriberId")

    reason = judge(422, body, UNIT).reason

    assert "thẻ bảo hiểm y tế: thiếu mục bắt buộc (mục số thẻ)" in reason


def test_an_unknown_reason_is_told_in_the_servers_words() -> None:
    reason = judge(422, outcome("processing", text="Ngoài giờ nhận hồ sơ."), UNIT).reason

    assert reason.startswith("Máy chủ tỉnh không nhận người bệnh: Ngoài giờ nhận hồ sơ.")


@pytest.mark.parametrize(
    ("answer", "changed"),
    [
        ({"status": "201 Created", "etag": 'W/"1"'}, 1),
        ({"status": "200 OK", "etag": 'W/"1"'}, 0),
        ({"status": "200 OK", "etag": 'W/"2"'}, 1),
        ({"status": "200 OK"}, 1),
        (
            {
                "status": "200 OK",
                "etag": 'W/"7"',
                "outcome": {
                    "issue": [
                        {
                            "severity": "information",
                            "code": "informational",
                            "details": {"coding": [{"code": "unchanged"}]},
                        }
                    ]
                },
            },
            0,
        ),
    ],
    ids=["created", "same-etag", "new-etag", "no-etag", "said-unchanged"],
)
def test_a_change_is_what_the_server_says_it_is(answer: dict[str, Any], changed: int) -> None:
    unit = Unit(UNIT.resources[:1], UNIT.etags)

    assert judge(200, reply(answer), unit).changed == changed

"""A refusal names every kind of record in words, and advises what its screen can do."""

from __future__ import annotations

import re

import pytest

from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.interop.fhir.units import build_unit
from station_emr.sync.unit import Unit
from station_emr.sync.verdicts import judge, refusal_reason
from tests.interop.rich_records import SAMPLES

SIGNED = {
    RecordKind.ENCOUNTER,
    RecordKind.PRESCRIPTION,
    RecordKind.REFERRAL,
    RecordKind.APPOINTMENT,
    RecordKind.CERTIFICATE,
}
SAVED = {
    RecordKind.PATIENT,
    RecordKind.NOTIFICATION,
    RecordKind.BILL,
    RecordKind.RIGHTS,
    RecordKind.STANDING,
    RecordKind.REQUEST,
    RecordKind.BREACH,
    RecordKind.PRACTITIONER,
    RecordKind.FACILITY,
}
NAMED = {
    RecordKind.RIGHTS: "bảng quyền của trạm",
    RecordKind.STANDING: "tình trạng tài khoản",
    RecordKind.REQUEST: "yêu cầu về hồ sơ",
    RecordKind.BREACH: "báo cáo sự cố dữ liệu",
    RecordKind.FEEDBACK: "phản hồi chuyển tuyến",
    RecordKind.CONSENT: "sự đồng ý của người bệnh",
    RecordKind.SIGNATURE: "chữ ký",
    RecordKind.LINK: "việc gộp hai hồ sơ",
    RecordKind.BILL: "bảng kê chi phí",
    RecordKind.CERTIFICATE: "giấy nghỉ việc hưởng BHXH",
    RecordKind.NOTIFICATION: "phiếu báo bệnh truyền nhiễm",
}


def reasons(kind: RecordKind) -> list[str]:
    """One for every resource of a record of that kind, without the technical end."""
    unit = build_unit(kind, SAMPLES[kind], RecordStatus.SIGNED)
    issue = {"severity": "error", "code": "value"}
    told = [
        refusal_reason([{**issue, "expression": [f"Bundle.entry[{place}]"]}], unit)
        for place in range(len(unit))
    ]
    return [one.rpartition(" [")[0] for one in told]


@pytest.mark.parametrize("kind", RecordKind)
def test_no_resource_of_any_kind_is_called_by_its_english_name(kind: RecordKind) -> None:
    for reason in reasons(kind):
        named = re.match("Máy chủ tỉnh không nhận ([^:]+): giá trị không hợp lệ\\. ", reason)
        assert named, reason
        assert not re.search("[A-Z][a-z]+[A-Z]|mục này$", named[1])
        assert named[1][0].islower()
    if kind in NAMED:
        assert reasons(kind)[0].startswith(f"Máy chủ tỉnh không nhận {NAMED[kind]}:")


@pytest.mark.parametrize("kind", RecordKind)
def test_only_what_somebody_signs_is_to_be_signed_again(kind: RecordKind) -> None:
    for reason in reasons(kind):
        assert ("sửa rồi ký lại, mục này" in reason) is (kind in SIGNED)
        assert ("sửa rồi lưu lại" in reason) is (kind in SAVED)
        assert "Hãy " in reason


def test_a_book_that_is_not_ours_is_still_told_in_words() -> None:
    unit = Unit(({"resourceType": "Basic", "id": "b"},))
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "value"}],
    }
    assert "không nhận sổ của trạm:" in judge(422, outcome, unit).reason
    strange = Unit(({"resourceType": "Slot", "id": "s"},))
    assert "Slot" not in judge(422, outcome, strange).reason

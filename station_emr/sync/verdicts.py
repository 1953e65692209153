"""What an answer means, as tables: HTTP status, issue code, entry status, and the words for people.

The HTTP status alone is never believed: servers answer 200 around refused entries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from station_emr.domain.errors import NetworkFailure

from .peer import Verdict, VerdictKind
from .unit import Unit

# Statuses whose meaning does not depend on the issue code.
_BY_STATUS: Final[Mapping[int, VerdictKind]] = {
    401: VerdictKind.REFUSED,
    403: VerdictKind.REFUSED,
    404: VerdictKind.WRONG_MODE,
    405: VerdictKind.WRONG_MODE,
    408: VerdictKind.BUSY,
    409: VerdictKind.CONFLICT,
    410: VerdictKind.GONE,
    412: VerdictKind.CONFLICT,
    413: VerdictKind.POISON,
    415: VerdictKind.WRONG_MODE,
    425: VerdictKind.BUSY,
    429: VerdictKind.BUSY,
    500: VerdictKind.RETRY,
    502: VerdictKind.BUSY,
    503: VerdictKind.BUSY,
    504: VerdictKind.BUSY,
}

# Issue codes, for 400 and 422 and for an error inside an entry that claims success.
_BY_ISSUE: Final[Mapping[str, VerdictKind]] = {
    **dict.fromkeys(
        (
            "structure",
            "required",
            "value",
            "invariant",
            "invalid",
            "code-invalid",
            "business-rule",
            "not-supported",
            "too-long",
            "too-costly",
            "extension",
            "processing",
        ),
        VerdictKind.POISON,
    ),
    **dict.fromkeys(
        ("transient", "lock-error", "throttled", "timeout", "incomplete", "exception", "no-store"),
        VerdictKind.RETRY,
    ),
    **dict.fromkeys(
        ("security", "login", "unknown", "expired", "forbidden", "suppressed"), VerdictKind.REFUSED
    ),
    **dict.fromkeys(("conflict", "duplicate", "multiple-matches"), VerdictKind.CONFLICT),
    "not-found": VerdictKind.PARENT_MISSING,
    "deleted": VerdictKind.GONE,
}

# When several entries failed, the first of these that occurs speaks for the unit.
_PRECEDENCE: Final = (
    VerdictKind.REFUSED,
    VerdictKind.BUSY,
    VerdictKind.WRONG_MODE,
    VerdictKind.POISON,
    VerdictKind.CONFLICT,
    VerdictKind.GONE,
    VerdictKind.PARENT_MISSING,
    VerdictKind.RETRY,
)

NOT_ALLOWED: Final = (
    "Máy chủ tỉnh từ chối thiết bị này. Dữ liệu vẫn an toàn ở trạm. "
    "Hãy báo người quản trị của tỉnh để ghi danh lại thiết bị."
)
COME_BACK: Final = "Máy chủ tỉnh đang bận. Dữ liệu vẫn an toàn ở trạm và sẽ tự gửi lại."
NOT_AS_SAID: Final = (
    "Máy chủ tỉnh không làm việc như nó đã khai báo. Dữ liệu vẫn an toàn ở trạm. "
    "Hãy báo người quản trị máy chủ tỉnh."
)
BUILT_ON_REFUSED: Final = (
    "Bản này sửa trên một bản mà máy chủ tỉnh không nhận. Hồ sơ vẫn an toàn ở trạm. "
    "Hãy mở hồ sơ, sửa chỗ bị báo rồi lưu lại; bản mới sẽ tự gửi đi."
)
PARENT_FIRST: Final = "Máy chủ tỉnh chưa có hồ sơ người bệnh hoặc lượt khám của mục này. Mục này chờ và sẽ tự gửi lại."

UNREADABLE: Final = (
    "Câu trả lời của máy chủ tỉnh không đầy đủ. Dữ liệu vẫn ở trạm và sẽ được gửi lại."
)

# Verdicts that are about the server or the moment, not about what was sent.
_ABOUT_THE_SERVER: Final[Mapping[VerdictKind, str]] = {
    VerdictKind.REFUSED: NOT_ALLOWED,
    VerdictKind.BUSY: COME_BACK,
    VerdictKind.RETRY: COME_BACK,
    VerdictKind.WRONG_MODE: NOT_AS_SAID,
    VerdictKind.PARENT_MISSING: PARENT_FIRST,
}

_SENTENCES: Final[Mapping[str, str]] = {
    "structure": "sai cấu trúc",
    "required": "thiếu mục bắt buộc",
    "value": "giá trị không hợp lệ",
    "invariant": "các mục mâu thuẫn với nhau",
    "invalid": "nội dung không hợp lệ",
    "code-invalid": "mã không có trong danh mục của tỉnh",
    "business-rule": "trái với quy định của máy chủ",
    "not-supported": "máy chủ không nhận loại dữ liệu này",
    "too-long": "dữ liệu quá lớn",
    "too-costly": "dữ liệu quá lớn",
}

_TYPES: Final[Mapping[str, str]] = {
    "Patient": "người bệnh",
    "Coverage": "thẻ bảo hiểm y tế",
    "AllergyIntolerance": "dị ứng",
    "Condition": "chẩn đoán",
    "Encounter": "lượt khám",
    "Observation": "chỉ số hoặc xét nghiệm",
    "Procedure": "thủ thuật",
    "MedicationRequest": "thuốc trong đơn",
    "ServiceRequest": "phiếu chuyển",
    "Task": "yêu cầu tiếp nhận",
    "DocumentReference": "bản phiếu chuyển",
    "Appointment": "hẹn khám lại",
    "Practitioner": "nhân viên",
    "PractitionerRole": "chức danh nhân viên",
    "Organization": "cơ sở",
    "Location": "điểm trạm",
    "Linkage": "việc gộp hai hồ sơ",
    "Provenance": "chữ ký",
    "Consent": "sự đồng ý của người bệnh",
    "QuestionnaireResponse": "giấy nghỉ việc hưởng BHXH",
    "Communication": "phiếu báo bệnh truyền nhiễm",
    "Invoice": "bảng kê chi phí",
}
# Basic says by its code which kind of record it is.
_BASICS: Final[Mapping[str, str]] = {
    "rights": "bảng quyền của trạm",
    "standing": "tình trạng tài khoản",
    "request": "yêu cầu về hồ sơ",
    "breach": "báo cáo sự cố dữ liệu",
}
_OTHER_BASIC: Final = "sổ của trạm"

# What to do, by the resource that the others of the unit refer to.
_SAVE_AGAIN: Final = "Hãy sửa rồi lưu lại, mục này sẽ tự gửi đi."
_SUPPORT: Final = "Dữ liệu vẫn an toàn ở trạm. Hãy báo bộ phận hỗ trợ phần mềm."
_ADVICE: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "Encounter",
            "MedicationRequest",
            "ServiceRequest",
            "Appointment",
            "QuestionnaireResponse",
        ),
        "Hãy sửa rồi ký lại, mục này sẽ tự gửi đi.",
    ),
    "Consent": "Hãy rút lại và ghi lại sự đồng ý, bản mới sẽ tự gửi đi.",
    "Linkage": "Hãy xem lại việc gộp ở trang Hồ sơ cần quyết định.",
    "Provenance": "Chữ ký không sửa được. Hãy sửa giấy rồi ký lại, chữ ký mới sẽ tự gửi đi.",
    "Task": _SUPPORT,  # an answer to a letter; nobody writes one at a station
}

_ELEMENTS: Final[Mapping[str, str]] = {
    "identifier": "số giấy tờ",
    "name": "họ tên",
    "telecom": "số điện thoại",
    "gender": "giới tính",
    "birthDate": "ngày sinh",
    "address": "địa chỉ",
    "contact": "người giám hộ",
    "subscriberId": "số thẻ",
    "period": "thời gian",
    "effectiveDateTime": "giờ đo",
    "valueQuantity": "kết quả đo",
    "valueString": "kết quả",
    "component": "huyết áp",
    "reasonCode": "lý do hoặc chẩn đoán",
    "code": "mã",
    "diagnosis": "chẩn đoán",
    "class": "loại lượt khám",
    "type": "loại",
    "participant": "người thực hiện",
    "requester": "người ký",
    "performer": "nơi nhận hoặc người thực hiện",
    "owner": "nơi nhận",
    "medicationCodeableConcept": "tên thuốc",
    "dosageInstruction": "cách dùng",
    "dispenseRequest": "số lượng",
    "occurrenceDateTime": "giờ chuyển",
    "requestedPeriod": "ngày hẹn",
    "note": "ghi chú",
    "extension": "thông tin bổ sung",
    "status": "trạng thái",
    "subject": "người bệnh",
    "encounter": "lượt khám",
}

_ACCEPTED: Final = re.compile(r"20[014](?![0-9])")
_STATUS: Final = re.compile(r"[0-9]{3}(?![0-9])")
_ENTRY: Final = re.compile(r"^Bundle\.entry\[([0-9]+)\](?:\.resource)?\.?(.*)$")
_WHOLE: Final = re.compile(r"^[A-Z][A-Za-z]+\.(.+)$")
_ELEMENT: Final = re.compile(r"^([A-Za-z]+)")
UNCHANGED: Final = "unchanged"


def judge(status: int, body: Any, unit: Unit, retry_after: float | None = None) -> Verdict:
    """The verdict on one transaction. Raises NetworkFailure when a 2xx does not carry an answer
    to every entry in its order: what happened is then unknown, and a replay is harmless.
    """
    if 200 <= status < 300:
        return _judge_entries(body, unit)
    issue = worst_issue(body)
    kind = _kind_of(status, issue)
    reason = _reason(kind, status, issue, unit, None)
    return Verdict(kind=kind, reason=reason, retry_after=retry_after)


def kind_of_status(status: int, body: Any) -> VerdictKind:
    """The same tables for a request that is not a transaction."""
    return VerdictKind.ACCEPTED if 200 <= status < 300 else _kind_of(status, worst_issue(body))


def worst_issue(body: Any) -> Mapping[str, Any] | None:
    """The first error or fatal issue of an OperationOutcome, None when there is none."""
    if not isinstance(body, dict) or body.get("resourceType") != "OperationOutcome":
        return None
    issues = [issue for issue in body.get("issue") or () if isinstance(issue, dict)]
    return next((i for i in issues if i.get("severity") in {"error", "fatal"}), None)


def refusal_reason(
    issues: Sequence[Mapping[str, Any]], resources: Sequence[Mapping[str, Any]]
) -> str:
    """The same sentence for one operation that an exchange refused for its content."""
    outcome = {"resourceType": "OperationOutcome", "issue": list(issues)}
    unit = Unit(tuple(dict(resource) for resource in resources))
    return _reason(VerdictKind.POISON, 422, worst_issue(outcome), unit, None)


def _kind_of(status: int, issue: Mapping[str, Any] | None) -> VerdictKind:
    found = _BY_STATUS.get(status)
    by_issue = _BY_ISSUE.get(str(issue.get("code"))) if issue is not None else None
    if found is VerdictKind.CONFLICT and by_issue is VerdictKind.RETRY:
        return VerdictKind.RETRY  # some servers say 409 for a lock that was taken
    if found is not None:
        return found
    if status in {400, 422}:
        # Without an outcome the refusal may come from a box on the way, not from the server.
        return by_issue or (VerdictKind.POISON if issue is not None else VerdictKind.RETRY)
    return VerdictKind.BUSY if status >= 500 else VerdictKind.WRONG_MODE


def _judge_entries(body: Any, unit: Unit) -> Verdict:
    answers = _answers(body)
    if answers is None or len(answers) != len(unit.resources):
        raise NetworkFailure(UNREADABLE)
    if not all(map(_is_about, answers, unit.keys)):
        raise NetworkFailure(UNREADABLE)
    etags: dict[str, str] = {}
    changed = 0
    failures: list[Verdict] = []
    for place, (key, answer) in enumerate(zip(unit.keys, answers, strict=True)):
        text = str(answer.get("status", ""))
        issue = worst_issue(answer.get("outcome"))
        if _ACCEPTED.match(text) and issue is None:
            etags[key] = str(answer.get("etag") or "")
            changed += _is_change(text, answer, unit.etags.get(key))
            continue
        failures.append(_failed_entry(text, issue, unit, place))
    if not failures:
        return Verdict(kind=VerdictKind.ACCEPTED, etags=etags, changed=changed)
    return min(failures, key=lambda verdict: _PRECEDENCE.index(verdict.kind))


def _answers(body: Any) -> Sequence[Mapping[str, Any]] | None:
    if not isinstance(body, dict) or body.get("resourceType") != "Bundle":
        return None
    if body.get("type") not in {"transaction-response", "batch-response"}:
        return None
    entries = body.get("entry") or []
    answers = [entry.get("response") if isinstance(entry, dict) else None for entry in entries]
    found = [answer for answer in answers if isinstance(answer, dict)]
    return found if len(found) == len(entries) else None


def _is_about(answer: Mapping[str, Any], key: str) -> bool:
    """R4 answers in the order of the request; a location that names something else says it did not."""
    location = answer.get("location")
    if not isinstance(location, str) or not location:
        return True
    return f"/{key}/" in f"/{location}/"


def _failed_entry(text: str, issue: Mapping[str, Any] | None, unit: Unit, place: int) -> Verdict:
    found = _STATUS.match(text)
    status = int(found.group()) if found else 500
    if 200 <= status < 300 and issue is not None:
        kind = _BY_ISSUE.get(str(issue.get("code")), VerdictKind.POISON)
    else:
        kind = _kind_of(status, issue)
    return Verdict(kind=kind, reason=_reason(kind, status, issue, unit, place))


def _is_change(status: str, answer: Mapping[str, Any], known: str | None) -> bool:
    """Whether the server's content moved: it may say so, otherwise the ETag does."""
    if status.startswith("201"):
        return True
    for issue in (answer.get("outcome") or {}).get("issue") or ():
        codings = (issue.get("details") or {}).get("coding") or ()
        if any(coding.get("code") == UNCHANGED for coding in codings):
            return False
    return not known or answer.get("etag") != known


def _reason(
    kind: VerdictKind,
    status: int,
    issue: Mapping[str, Any] | None,
    unit: Unit,
    place: int | None,
) -> str:
    """``Máy chủ tỉnh không nhận người bệnh: giá trị không hợp lệ (mục ngày sinh). …``"""
    code = str(issue.get("code", "")) if issue is not None else ""
    technical = " ".join(part for part in (str(status), code, _expression(issue)) if part)
    if kind in _ABOUT_THE_SERVER:
        return f"{_ABOUT_THE_SERVER[kind]} [{technical}]"
    sentence = _SENTENCES.get(code) or _server_text(issue) or f"lỗi {status}"
    named, element = _where(issue, unit, place)
    text = f"Máy chủ tỉnh không nhận {named}: {sentence.rstrip('.')}"
    if element:
        text += f" (mục {element})"
    root = unit.resources[0]["resourceType"]
    return f"{text}. {_ADVICE.get(root, _SAVE_AGAIN)} [{technical}]"


def _server_text(issue: Mapping[str, Any] | None) -> str:
    details = (issue or {}).get("details")
    return str(details.get("text") or "") if isinstance(details, dict) else ""


def _expression(issue: Mapping[str, Any] | None) -> str:
    found = (issue or {}).get("expression") or (issue or {}).get("location") or []
    return str(found[0]) if isinstance(found, list) and found else ""


def _where(issue: Mapping[str, Any] | None, unit: Unit, place: int | None) -> tuple[str, str]:
    """What a nurse calls the resource and the element at fault."""
    path = _expression(issue)
    inside = _ENTRY.match(path)
    if inside:
        place = int(inside.group(1))
        path = inside.group(2)
    elif whole := _WHOLE.match(path):
        path = whole.group(1)
    element = _ELEMENT.match(path)
    label = _ELEMENTS.get(element.group(1), "") if element else ""
    if place is None or place >= len(unit.resources):
        place = 0
    return _called(unit.resources[place], alone=len(unit.resources) == 1), label


def _called(resource: Mapping[str, Any], *, alone: bool) -> str:
    kind = resource["resourceType"]
    if kind == "Basic":
        codings = (resource.get("code") or {}).get("coding") or ()
        words = (_BASICS.get(str(one.get("code"))) for one in codings)
        return next((word for word in words if word), _OTHER_BASIC)
    if kind == "Task" and alone:  # else it asks the receiver of a letter to take the person
        return "phản hồi chuyển tuyến"
    return _TYPES.get(kind, "mục này")

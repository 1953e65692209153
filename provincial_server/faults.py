"""Every refusal as FHIR says it: a status, and an OperationOutcome that names the element.

`diagnostics` is for engineers and never repeats a value that was sent, because refusals are kept in
logs on both sides; `details.text` is the Vietnamese sentence a station may show as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

_SENTENCES = {
    "structure": "Dữ liệu gửi lên không đúng cấu trúc.",
    "required": "Thiếu mục bắt buộc.",
    "value": "Giá trị của mục này không hợp lệ.",
    "code-invalid": "Mã của mục này không nằm trong danh mục cho phép.",
    "invariant": "Các mục mâu thuẫn với nhau.",
    "business-rule": "Nội dung trái với quy định của máy chủ.",
    "not-supported": "Máy chủ không hỗ trợ yêu cầu này.",
    "not-found": "Không tìm thấy hồ sơ này.",
    "conflict": "Hồ sơ trên máy chủ đã thay đổi sau lần đồng bộ trước.",
    "multiple-matches": "Có nhiều hồ sơ cùng mã định danh.",
    "too-long": "Dữ liệu gửi lên quá lớn.",
    "too-costly": "Yêu cầu có quá nhiều mục.",
    "login": "Thiết bị chưa được phép kết nối. Hãy ghi danh lại thiết bị.",
    "forbidden": "Thiết bị không có quyền làm việc này.",
    "exception": "Máy chủ gặp lỗi. Dữ liệu ở trạm vẫn an toàn, hãy thử lại sau.",
    "throttled": "Máy chủ nhận quá nhiều yêu cầu. Dữ liệu ở trạm vẫn an toàn, hãy thử lại sau.",
    "transient": "Máy chủ đang bận. Dữ liệu ở trạm vẫn an toàn, hãy thử lại sau.",
    "processing": "Máy chủ không xử lý được yêu cầu.",
}


@dataclass(frozen=True)
class Issue:
    code: str
    diagnostics: str
    expression: str | None = None
    text: str | None = None
    severity: str = "error"

    def within(self, prefix: str) -> Issue:
        """The same issue, seen from a Bundle that holds the resource."""
        return replace(
            self, expression=f"{prefix}.{self.expression}" if self.expression else prefix
        )

    def as_fhir(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "severity": self.severity,
            "code": self.code,
            "details": {"text": self.text or _SENTENCES.get(self.code, _SENTENCES["processing"])},
            "diagnostics": self.diagnostics,
        }
        if self.expression:
            body["expression"] = [self.expression]
            if self.expression.startswith("http."):  # where R4 says that a header is named
                body["location"] = [self.expression]
        return body


class FhirFault(Exception):
    """The request is refused, and nothing of it is stored."""

    def __init__(
        self, status: int, issues: Issue | Sequence[Issue], headers: dict[str, str] | None = None
    ) -> None:
        self.status = status
        self.issues = [issues] if isinstance(issues, Issue) else list(issues)
        self.headers = headers or {}
        super().__init__(f"{status} {self.issues[0].code}")

    def outcome(self) -> dict[str, Any]:
        return operation_outcome(self.issues)

    def at(self, place: str) -> FhirFault:
        """The same fault; issues that name no element say `place`."""
        issues = [
            issue if issue.expression else replace(issue, expression=place) for issue in self.issues
        ]
        return FhirFault(self.status, issues, self.headers)

    def within(self, prefix: str) -> FhirFault:
        return FhirFault(self.status, [issue.within(prefix) for issue in self.issues], self.headers)


def operation_outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [issue.as_fhir() for issue in issues]}


def refuse(
    status: int, code: str, diagnostics: str, expression: str | None = None, text: str | None = None
) -> FhirFault:
    """One issue, ready to raise."""
    return FhirFault(status, Issue(code, diagnostics, expression, text))

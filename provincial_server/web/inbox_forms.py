"""The reply slip as a form: what may stand in its fields, and what is said about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from provincial_server.referrals.answering import OUTCOMES

_ICD = re.compile(r"[A-Z]\d{2}(?:\.\d{1,2})?[*+†]?")
_LINE_BREAK = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_LONGEST = 4000
_LABELS = {
    "admitted_on": "ngày tiếp nhận",
    "discharged_on": "ngày ra viện",
    "follow_up_on": "ngày hẹn khám lại",
}
_DAY_FIRST = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})")


@dataclass
class SlipRead:
    """`fields` are clean texts (dates as ISO); `problems` are sentences for the person, by field."""

    fields: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def cleaned(text: str) -> str:
    """As it can be stored. Word's soft line break becomes a line break; other control characters show
    nothing on a screen or on paper, and no record may hold them."""
    return _CONTROL.sub("", _LINE_BREAK.sub("\n", text))


def read_slip(form: Mapping[str, str], today: date) -> SlipRead:
    """What the clerk typed, judged. Nothing that can be read is dropped in silence: what is too long
    is said."""
    form = {name: cleaned(text) for name, text in form.items()}
    read = SlipRead()
    for name in ("diagnosis", "treatment", "medicines", "advice", "follow_up_at", "doctor"):
        text = form.get(name, "").strip()
        read.fields[name] = text
        if len(text) > _LONGEST:
            read.problems[name] = f"Mục này dài quá {_LONGEST} chữ. Hãy viết gọn lại."
    for name in ("admitted_on", "discharged_on", "follow_up_on"):
        _read_date(read, name, form.get(name, "").strip())
    code = form.get("diagnosis_code", "").strip().upper()
    read.fields["diagnosis_code"] = code
    if code and not _ICD.fullmatch(code):
        read.problems["diagnosis_code"] = "Mã bệnh gồm một chữ và hai số, ví dụ I10 hay J18.9."
    outcome = form.get("outcome", "")
    read.fields["outcome"] = outcome if outcome in OUTCOMES else ""
    for name, said in (
        ("diagnosis", "Hãy ghi chẩn đoán ra viện."),
        ("treatment", "Hãy ghi điều trị đã thực hiện."),
        ("outcome", "Hãy chọn kết quả điều trị."),
        ("advice", "Hãy ghi lời dặn cho trạm; nếu không có, ghi “Không”."),
        ("discharged_on", "Hãy ghi ngày ra viện (hoặc ngày khám xong)."),
    ):
        if not read.fields.get(name):
            read.problems.setdefault(name, said)
    _check_order(read, today)
    return read


def _read_date(read: SlipRead, name: str, text: str) -> None:
    read.fields[name] = text
    if not text:
        return
    typed = _DAY_FIRST.fullmatch(text)
    iso = f"{typed[3]}-{typed[2]:0>2}-{typed[1]:0>2}" if typed else text
    try:
        found = date.fromisoformat(iso)
    except ValueError:
        found = None
    if found is None or not 2000 <= found.year <= 2100:
        read.problems[name] = f"Không đọc được {_LABELS[name]}. Hãy ghi như 23/11/2026."
        return
    read.fields[name] = found.isoformat()


def _check_order(read: SlipRead, today: date) -> None:
    days = {
        name: date.fromisoformat(read.fields[name])
        for name in _LABELS
        if read.fields[name] and name not in read.problems
    }
    admitted, discharged = days.get("admitted_on"), days.get("discharged_on")
    tomorrow = today + timedelta(days=1)
    if admitted and discharged and discharged < admitted:
        read.problems["discharged_on"] = "Ngày ra viện trước ngày tiếp nhận. Hãy xem lại hai ngày."
    for name in ("admitted_on", "discharged_on"):
        if name in days and days[name] > tomorrow:
            read.problems.setdefault(name, f"{_LABELS[name].capitalize()} còn ở tương lai.")
    again = days.get("follow_up_on")
    if again and discharged and again < discharged:
        read.problems["follow_up_on"] = "Ngày hẹn khám lại trước ngày ra viện. Hãy xem lại."

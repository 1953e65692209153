"""What changed between two versions of a record, in the words of the people who read it.

Lists are compared line by line, vital signs sign by sign, free text word by word. Nothing that the two
contents differ in is left out: a detail without a word of its own is shown as the whole line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from .field_labels import field_label
from .merge import STATUS, paths, value_of
from .record import RecordKind, RecordStatus
from .text import fold
from .value_text import describe
from .vitals import SIGNS, VitalSigns

NOTHING: Final = "không ghi"


class Mark(StrEnum):
    """What became of a part of a text."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text; its spaces belong to it, so that the pieces joined are the text."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that changed. ``sentence`` says it whole; ``parts`` show a long text word by word."""

    path: str
    label: str
    sentence: str
    parts: tuple[Part, ...] = ()


def differences(
    kind: RecordKind,
    before: Any,
    after: Any,
    statuses: tuple[RecordStatus, RecordStatus] | None = None,
) -> tuple[Difference, ...]:
    """Everything in which two versions differ, in the order of the record's fields."""
    found: list[Difference] = []
    if statuses is not None:
        was, now = (describe(STATUS, status) for status in statuses)
        if was != now:
            found.append(_changed(kind, STATUS, was, now))
    for path in paths(kind):
        one, other = value_of(before, path), value_of(after, path)
        if one != other:
            found.extend(_of_field(kind, path, one, other))
    return tuple(found)


def word_parts(before: str, after: str) -> tuple[Part, ...]:
    """Two texts as one, with what was taken out and what was put in."""
    one, other = _words(before), _words(after)
    parts: list[Part] = []
    removed = added = ""
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    codes = matcher.get_opcodes()
    for place, (tag, a_from, a_to, b_from, b_to) in enumerate(codes):
        was, now = "".join(one[a_from:a_to]), "".join(other[b_from:b_to])
        if tag != "equal":
            removed, added = removed + was, added + now
        elif not was.strip() and 0 < place < len(codes) - 1:
            removed, added = removed + was, added + now  # a mere space between two changes
        else:
            parts += _both(removed, added)
            removed = added = ""
            parts.append(Part(was, Mark.SAME))
    return (*parts, *_both(removed, added))


def _both(removed: str, added: str) -> list[Part]:
    parts = [Part(removed, Mark.REMOVED)] if removed else []
    return [*parts, Part(added, Mark.ADDED)] if added else parts


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|[^\s]+", text)


# One field ----------------------------------------------------------------------------------


def _of_field(kind: RecordKind, path: str, one: Any, other: Any) -> Iterator[Difference]:
    if path == "vitals":
        yield from _vitals(kind, path, one, other)
    elif path in _LISTS:
        yield from _list(kind, path, one, other)
    else:
        was, now = describe(path, one), describe(path, other)
        if was == now:  # such as a code behind the same words
            was, now = f"{was} [{one}]", f"{now} [{other}]"
        yield _changed(kind, path, was, now)


def _changed(kind: RecordKind, path: str, was: str, now: str) -> Difference:
    label = field_label(kind, path)
    parts: tuple[Part, ...] = ()
    if was and now and (len(_words(was)) > _FEW or len(_words(now)) > _FEW):
        parts = word_parts(was, now)
    return Difference(path=path, label=label, sentence=_sentence(label, was, now), parts=parts)


_FEW: Final = 5  # words and the spaces between them: up to three words are read at a glance


def _sentence(label: str, was: str, now: str, unit: str = "") -> str:
    tail = f" {unit}" if unit else ""
    if not was:
        return f"{label}: ghi thêm “{now}{tail}”"
    if not now:
        return f"{label}: bỏ “{was}{tail}”"
    return f"{label}: {was} → {now}{tail}"


# Lists --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _List:
    """How a list is told: the word for one line, what names a line, and the words of its details."""

    noun: str
    key: Callable[[Any], str]
    name: Callable[[Any], str]
    details: Mapping[str, str]


_LISTS: Final[Mapping[str, _List]] = MappingProxyType(
    {
        "diagnoses": _List(
            "chẩn đoán",
            lambda one: str(one.icd_code),
            lambda one: f"{one.icd_code} {one.title}",
            {"role": "vai trò", "title": "tên bệnh", "note": "ghi thêm"},
        ),
        "lines": _List(
            "thuốc",
            lambda one: f"{one.drug_code}/{fold(one.label)}",
            lambda one: str(one.label),
            {
                "dose": "mỗi lần",
                "times_per_day": "số lần mỗi ngày",
                "daytimes": "các buổi",
                "days": "số ngày",
                "quantity": "số lượng ấn định",
                "meal": "so với bữa ăn",
                "instruction": "cách dùng",
                "unit": "đơn vị",
                "route": "đường dùng",
                "strength": "hàm lượng",
                "form": "dạng thuốc",
                "override_reason": "lý do vẫn dùng",
            },
        ),
        "procedures": _List(
            "thủ thuật, xét nghiệm",
            lambda one: str(one.code or fold(one.name)),
            lambda one: str(one.name or one.code),
            {
                "result": "kết quả",
                "abnormal": "bất thường",
                "unit": "đơn vị đo",
                "indicator": "mã chỉ số",
                "conclusion": "kết luận",
                "ordered_at": "giờ chỉ định",
                "started_at": "giờ bắt đầu",
                "ended_at": "giờ kết thúc",
                "performed_by": "người làm",
                "performer_licence": "số giấy phép của người làm",
                "note": "ghi thêm",
            },
        ),
        "progress": _List(
            "diễn biến",
            lambda one: one.at.isoformat(),
            lambda one: f"{one.at:%H:%M %d/%m/%Y}",
            {
                "text": "nội dung",
                "consultation": "hội chẩn",
                "procedure": "thủ thuật",
                "written_by": "người ghi",
                "licence_no": "số giấy phép",
            },
        ),
        "allergies": _List(
            "dị ứng",
            lambda one: fold(one.substance),
            lambda one: str(one.substance),
            {
                "reaction": "phản ứng",
                "category": "loại",
                "severe": "mức nặng",
                "group": "nhóm thuốc",
                "ingredient": "hoạt chất",
                "noted_on": "ngày ghi",
            },
        ),
        "conditions": _List(
            "bệnh mạn tính",
            lambda one: str(one.icd_code),
            lambda one: f"{one.icd_code} {one.title}",
            {"title": "tên bệnh", "since_year": "từ năm"},
        ),
        "coverages": _List(
            "thẻ bảo hiểm y tế",
            lambda one: str(one.number),
            lambda one: str(one.number),
            {
                "valid_from": "từ ngày",
                "valid_to": "đến ngày",
                "copay_exempt_on": "miễn cùng chi trả từ",
            },
        ),
        "prior_care": _List(
            "nơi đã khám, điều trị",
            lambda one: fold(one.facility),
            lambda one: str(one.facility),
            {"level": "cấp", "start": "từ", "end": "đến"},
        ),
    }
)


def _list(kind: RecordKind, path: str, one: Any, other: Any) -> Iterator[Difference]:
    told = _LISTS[path]
    label = field_label(kind, path)
    if not isinstance(one, (tuple, list)) or not isinstance(other, (tuple, list)):
        yield _changed(kind, path, describe(path, one), describe(path, other))
        return
    before, after = _numbered(told, one), _numbered(told, other)
    count = 0
    for key, line in before.items():
        if key not in after:
            count += 1
            yield _line(path, label, f"Bỏ {told.noun}: {describe(path, line)}")
        elif line != after[key]:
            count += 1
            changes = _details(path, told, line, after[key])
            yield _line(path, label, f"Sửa {told.noun} {told.name(line)}: {changes}")
    for key, line in after.items():
        if key not in before:
            count += 1
            yield _line(path, label, f"Thêm {told.noun}: {describe(path, line)}")
    if not count:
        names = ", ".join(told.name(line) for line in other)
        yield _line(path, label, f"{label}: đổi thứ tự thành {names}")


def _line(path: str, label: str, sentence: str) -> Difference:
    return Difference(path=path, label=label, sentence=sentence)


def _numbered(told: _List, lines: Sequence[Any]) -> dict[tuple[str, int], Any]:
    """Lines by what tells them apart; the second of the same has a number of its own."""
    found: dict[tuple[str, int], Any] = {}
    for line in lines:
        place = 0
        while (told.key(line), place) in found:
            place += 1
        found[told.key(line), place] = line
    return found


def _details(path: str, told: _List, one: Any, other: Any) -> str:
    said: list[str] = []
    unsaid = False
    for field in fields(one):
        was, now = getattr(one, field.name), getattr(other, field.name)
        if was == now:
            continue
        word = told.details.get(field.name)
        if word is None:
            unsaid = True
        else:
            texts = (describe(field.name, value) or NOTHING for value in (was, now))
            said.append(f"{word} {' → '.join(texts)}")
    if unsaid or not said:
        said.append(f"{describe(path, one)} → {describe(path, other)}")
    return "; ".join(said)


# Vital signs --------------------------------------------------------------------------------

_PRESSURE: Final = ("systolic", "diastolic")


def _vitals(kind: RecordKind, path: str, one: Any, other: Any) -> Iterator[Difference]:
    before, after = _measured(one), _measured(other)
    label = field_label(kind, path)
    several = len({*before, *after}) > 1
    for key in dict.fromkeys((*before, *after)):
        was, now = before.get(key), after.get(key)
        if was is None or now is None:
            verb = "Thêm lần đo" if was is None else "Bỏ lần đo"
            yield _line(path, label, f"{verb}: {describe(path, now or was)}")
            continue
        if was == now:
            continue
        at = describe(path, now.measured_at) if several else ""
        when = f" (đo {at})" if at else ""
        for sentence in _signs(was, now):
            yield _line(path, label, f"{sentence}{when}")


def _measured(taken: Sequence[VitalSigns]) -> dict[tuple[object, int], VitalSigns]:
    found: dict[tuple[object, int], VitalSigns] = {}
    for vitals in taken:
        place = 0
        while (vitals.measured_at, place) in found:
            place += 1
        found[vitals.measured_at, place] = vitals
    return found


def _signs(was: VitalSigns, now: VitalSigns) -> Iterator[str]:
    if any(getattr(was, name) != getattr(now, name) for name in _PRESSURE):
        yield _sentence("Huyết áp", _pressure(was), _pressure(now), "mmHg")
    for sign in SIGNS.values():
        one, other = getattr(was, sign.name), getattr(now, sign.name)
        if sign.name not in _PRESSURE and one != other:
            was_text, now_text = (describe(sign.name, value) for value in (one, other))
            yield _sentence(sign.label, was_text, now_text, sign.unit)
    rest = [
        field.name
        for field in fields(was)
        if field.name not in SIGNS and getattr(was, field.name) != getattr(now, field.name)
    ]
    for name in rest:
        was_text, now_text = (describe(name, getattr(vitals, name)) for vitals in (was, now))
        yield _sentence(_BESIDE.get(name, name), was_text, now_text)


_BESIDE: Final = {"measured_by": "Người đo", "measured_at": "Giờ đo"}


def _pressure(vitals: VitalSigns) -> str:
    if vitals.systolic is None and vitals.diastolic is None:
        return ""
    return f"{vitals.systolic or '?'}/{vitals.diastolic or '?'}"


def written_lines(kind: RecordKind, record: Any) -> tuple[tuple[str, str], ...]:
    """Every field of a version that says something: its name and its words, in their order."""
    if not is_dataclass(record):
        return ()
    told = ((path, describe(path, value_of(record, path))) for path in paths(kind))
    return tuple((field_label(kind, path), text) for path, text in told if text)

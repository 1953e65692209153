"""Two people, one record: what the rule may decide and what only a person may (docs/sync.md).

Pure and without a clock: the same versions give the same record and the same open fields on every
machine, in whatever order they arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final

from .appointment import Appointment
from .billing import Bill
from .certificate import SickLeave
from .consent import Consent
from .encounter import Encounter
from .notification import CommunicableDiseaseNotification
from .patient import Patient
from .patient_link import PatientLink
from .prescription import Prescription
from .privacy_request import DataBreach, PrivacyRequest, earlier_known, further_along
from .record import RecordKind, RecordStatus
from .referral import Referral
from .referral_feedback import ReferralFeedback
from .strict_merge import STRICT_FIELDS
from .text import fold

MERGE_RULE: Final = 1

STATUS: Final = "status"
SAFETY_FIELDS: Final = frozenset(
    {"sex", "birth", "national_id", "old_national_id", "allergies", "no_known_allergy"}
)
"""Wrong values here harm people: where two charts differ, a person is asked, whoever changed it."""

LIST_FIELDS: Final[Mapping[str, Callable[[Any], str]]] = MappingProxyType(
    {
        "coverages": lambda card: str(card.number),
        "allergies": lambda allergy: fold(allergy.substance),
        "conditions": lambda condition: str(condition.icd_code),
    }
)
"""Lists of a person that are merged line by line, and what tells one line from another."""

FIELDWISE: Final = frozenset({RecordKind.PATIENT, RecordKind.REQUEST, RecordKind.BREACH})
"""Kinds that nobody signs: what one side alone changed is taken, the others are whole documents."""

ANSWERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "given_answer": ("state", "answer", "handled_by", "answered_at", "closed_at"),
        "given_report": ("reported_to", "reported_at"),
    }
)
"""What a station told a person, or an authority, is one answer: never the words of one machine with
the date of another.
"""

TOGETHER: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        **ANSWERS,
        "ethnic_name": ("ethnic_code", "ethnic_name"),
        "nationality_name": ("nationality_code", "nationality_name"),
        "occupation_name": ("occupation_code", "occupation_name"),
        "to_facility_name": ("to_facility_code", "to_facility_name", "to_facility_level"),
        "shut": ("shut", "shut_at", "shut_by"),
        "closes_on": ("opens_on", "closes_on", "days_at"),
    }
)
"""A code and its words are one answer: the code of one person never meets the words of another."""

_FOLLOWING: Final = frozenset(
    {"id", "signature", "letter_code", "stage", "confirmed", "kept", "chart_number"}
)
"""Not asked about: they follow the version that is shown, or are made anew with a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One version that goes into a merge. ``open_fields`` were open in it already."""

    record: Any
    status: RecordStatus
    open_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What the rule made of it: ``record`` is shown until the ``open_fields`` are decided."""

    record: Any
    status: RecordStatus
    open_fields: tuple[str, ...] = ()


def merge(
    kind: RecordKind,
    base: Any | None,
    one: Any,
    other: Any,
    one_status: RecordStatus,
    other_status: RecordStatus,
) -> Merged:
    """Two versions over their nearest common one. ``one`` is shown where they cannot be joined."""
    return merge_all(
        kind,
        None if base is None else Written(record=base, status=RecordStatus.AMENDED),
        (Written(record=one, status=one_status), Written(record=other, status=other_status)),
    )


def merge_all(kind: RecordKind, base: Written | None, sides: Sequence[Written]) -> Merged:
    """Any number of versions, the one whose values are shown first. Base: what all build on."""
    shown = sides[0]
    opened: set[str] = set()
    values: dict[str, Any] = {}
    for path in paths(kind):
        all_values = [value_of(side.record, path) for side in sides]
        if kind in FIELDWISE:
            was = None if base is None else (value_of(base.record, path),)
            values[path], undecided = _joined(kind, path, was, all_values)
            answers = _answers(path, base, sides)
            if not undecided and any(answer != answers[0] for answer in answers):
                values[path], undecided = answers[0], True
        elif kind in STRICT_FIELDS:
            strict = None if base is None else value_of(base.record, path)
            values[path], undecided = STRICT_FIELDS[kind][path](strict, all_values)
        else:
            undecided = any(value != all_values[0] for value in all_values)
        if undecided:
            opened.add(path)
    statuses = [_standing(side.status) for side in sides]
    if any(status is not statuses[0] for status in statuses):
        opened.add(STATUS)
    opened |= _still_open(base, sides)
    record = shown.record
    if values:
        record = with_values(shown.record, values)
    status = statuses[0]
    if STATUS not in opened and all(side.status is RecordStatus.SIGNED for side in sides):
        status = RecordStatus.SIGNED
    return Merged(record=record, status=status, open_fields=tuple(sorted(opened)))


def paths(kind: RecordKind) -> tuple[str, ...]:
    """The fields of a kind that are compared, each group of :data:`TOGETHER` under one path."""
    return _PATHS[kind]


def value_of(record: Any, path: str) -> Any:
    """What stands in a field; a tuple for a path of :data:`TOGETHER`."""
    group = TOGETHER.get(path)
    if group is None:
        return getattr(record, path)
    return tuple(getattr(record, name) for name in group)


def with_values(record: Any, values: Mapping[str, Any]) -> Any:
    """``record`` with these fields. A listed allergy outweighs a tick that says there is none."""
    changes: dict[str, Any] = {}
    for path, value in values.items():
        group = TOGETHER.get(path)
        if group is None:
            changes[path] = value
        else:
            changes.update(zip(group, value, strict=True))
    changed = replace(record, **changes)
    if isinstance(changed, Patient) and changed.no_known_allergy and changed.allergies:
        changed = replace(changed, no_known_allergy=False)
    return changed


def differing(kind: RecordKind, one: Any, other: Any) -> tuple[str, ...]:
    """Paths at which two records differ."""
    return tuple(path for path in paths(kind) if value_of(one, path) != value_of(other, path))


def untouched(kind: RecordKind, before: Any, after: Any, open_fields: Iterable[str]) -> list[str]:
    """Of the open fields those that an ordinary edit left as they were: they stay open."""
    changed = set(differing(kind, before, after))
    return [path for path in open_fields if path not in changed]


def union(lists: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    """Every line of all lists once; lines that differ in any detail both stay."""
    together: list[Any] = []
    for lines in lists:
        together += [line for line in lines if line not in together]
    return tuple(together)


# One field --------------------------------------------------------------------------------


def _joined(
    kind: RecordKind, path: str, was: tuple[Any] | None, values: Sequence[Any]
) -> tuple[Any, bool]:
    """The value to show, and whether a person has to decide."""
    if kind is RecordKind.PATIENT:
        return _person_field(path, was, values)
    if path == "noticed_at":
        return earlier_known(values), False
    value, undecided = _person_field(path, was, values)
    if path in ANSWERS and undecided:
        return further_along(values), True
    return value, undecided


def _person_field(path: str, was: tuple[Any] | None, values: Sequence[Any]) -> tuple[Any, bool]:
    """The value to show, and whether a person has to decide."""
    if all(value == values[0] for value in values):
        return values[0], False
    if path == "allergies":
        return _all_lines(path, was, values), True
    if path in SAFETY_FIELDS:
        return values[0], True
    changed = [value for value in values if was is None or value != was[0]]
    if path in LIST_FIELDS:
        return _lines(path, was, values, changed)
    return changed[0], any(value != changed[0] for value in changed)


def _lines(
    path: str, was: tuple[Any] | None, values: Sequence[Any], changed: Sequence[Any]
) -> tuple[Any, bool]:
    """A list line by line: a line that one side took out and another changed stays, open."""
    if all(value == changed[0] for value in changed):
        return changed[0], False
    base = _keyed(path, was[0]) if was is not None else {}
    sides = [_keyed(path, value) for value in values]
    result: dict[Any, Any] = {}
    undecided = False
    for key in _line_order(base, sides):
        old = base.get(key)
        here = [side.get(key) for side in sides]
        touched = [line for line in here if line != old]
        if not touched:
            result[key] = old
            continue
        kept = [line for line in touched if line is not None]
        undecided |= any(line != touched[0] for line in touched)
        if kept:
            result[key] = kept[0]
    return tuple(result.values()), undecided


def _all_lines(path: str, was: tuple[Any] | None, values: Sequence[Any]) -> tuple[Any, ...]:
    """Every line of every side, in an order that does not depend on the sides' order."""
    base = list(was[0]) if was is not None else []
    everything = union(values)
    first = [line for line in base if line in everything]
    rest = [line for line in everything if line not in first]
    key = LIST_FIELDS[path]
    return (*first, *sorted(rest, key=lambda line: (key(line), repr(line))))


def _keyed(path: str, lines: Iterable[Any]) -> dict[tuple[str, int], Any]:
    """Lines by what tells them apart; the second of the same has a number of its own."""
    key = LIST_FIELDS[path]
    found: dict[tuple[str, int], Any] = {}
    for line in lines:
        place = 0
        while (key(line), place) in found:
            place += 1
        found[key(line), place] = line
    return found


def _line_order(
    base: Mapping[tuple[str, int], Any], sides: Sequence[Mapping[tuple[str, int], Any]]
) -> list[tuple[str, int]]:
    """The old lines as they stood, then the new ones by what tells them apart."""
    new = {key for side in sides for key in side if key not in base}
    dated = {key: min(_began(side[key]) for side in sides if key in side) for key in new}
    return [*base, *sorted(new, key=lambda key: (dated[key], key))]


def _began(line: Any) -> str:
    """The newest card comes last, because the last one in force is the one that counts."""
    since = getattr(line, "valid_from", None)
    return since.isoformat() if since is not None else ""


# Status and what was open before ----------------------------------------------------------


def _standing(status: RecordStatus) -> RecordStatus:
    """Signed and amended both stand; only voided is another answer."""
    return RecordStatus.VOIDED if status is RecordStatus.VOIDED else RecordStatus.AMENDED


def _still_open(base: Written | None, sides: Sequence[Written]) -> set[str]:
    """Open in a side, unless it was open in the base and another side has decided it since."""
    before = set(base.open_fields) if base is not None else set()
    return {
        path
        for side in sides
        for path in side.open_fields
        if path not in before or all(path in each.open_fields for each in sides)
    }


def _answers(path: str, base: Written | None, sides: Sequence[Written]) -> list[Any]:
    """What each side answered to a question that was open in the base. To keep what was shown is an
    answer too, although nothing changed.
    """
    if base is None or path not in base.open_fields:
        return []
    return [value_of(side.record, path) for side in sides if path not in side.open_fields]


def _comparable(record_type: Any, following: frozenset[str], *answers: str) -> tuple[str, ...]:
    grouped = {
        name: path
        for path, names in TOGETHER.items()
        if path not in ANSWERS or path in answers
        for name in names
    }
    names = [field.name for field in fields(record_type) if field.name not in following]
    return tuple(dict.fromkeys(grouped.get(name, name) for name in names))


_PATHS: Final[Mapping[RecordKind, tuple[str, ...]]] = MappingProxyType(
    {
        RecordKind.PATIENT: _comparable(Patient, _FOLLOWING),
        RecordKind.ENCOUNTER: _comparable(Encounter, _FOLLOWING),
        RecordKind.PRESCRIPTION: _comparable(Prescription, _FOLLOWING),
        RecordKind.REFERRAL: _comparable(Referral, _FOLLOWING),
        RecordKind.APPOINTMENT: _comparable(Appointment, _FOLLOWING),
        RecordKind.LINK: _comparable(PatientLink, _FOLLOWING | {"reason"}),
        RecordKind.FEEDBACK: _comparable(ReferralFeedback, _FOLLOWING),
        RecordKind.CONSENT: _comparable(Consent, _FOLLOWING),
        RecordKind.CERTIFICATE: _comparable(SickLeave, _FOLLOWING),
        RecordKind.NOTIFICATION: _comparable(CommunicableDiseaseNotification, _FOLLOWING),
        RecordKind.BILL: _comparable(Bill, _FOLLOWING),
        **{kind: tuple(fields) for kind, fields in STRICT_FIELDS.items()},
        RecordKind.REQUEST: _comparable(PrivacyRequest, _FOLLOWING, "given_answer"),
        RecordKind.BREACH: _comparable(
            DataBreach, _FOLLOWING | {"recorded_by", "facility_id"}, "given_report"
        ),
    }
)

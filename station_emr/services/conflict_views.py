"""Two versions side by side: whose values are open in a record, taken from its graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from station_emr.domain.field_labels import field_label
from station_emr.domain.lineage import Lineage, by_rule
from station_emr.domain.merge import (
    FIELDWISE,
    LIST_FIELDS,
    SAFETY_FIELDS,
    STATUS,
    paths,
    union,
    value_of,
)
from station_emr.domain.operation import VersionNode
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.station_rights import Standing
from station_emr.domain.value_text import describe

from .desk_views import (
    FURTHER,
    UNSIGNED,
    Choice,
    ConflictRow,
    ConflictView,
    FieldDifference,
    Side,
)
from .ports import Work
from .record_stores import patient_of, record_store


@dataclass(frozen=True, slots=True)
class Rivals:
    """One open field and the versions whose values stand against one another, by operation id."""

    path: str
    base: Any
    versions: tuple[VersionNode, ...]
    values: tuple[Any, ...]

    @property
    def is_a_choice(self) -> bool:
        """False where the other value never came here: its version was refused, and is elsewhere."""
        return bool(self.values[0] != self.values[1])


class OpenRecord:
    """A record with its graph. ``node`` is the version that lists show."""

    def __init__(self, work: Work, kind: RecordKind, record_id: str) -> None:
        self._work = work
        self.kind = kind
        self.id = record_id
        self._store = record_store(work, kind)
        self.stored = self._store.get(record_id)
        self._graph = Lineage(self._store.lineage(record_id))
        self._contents: dict[int, Any] = {}

    @property
    def node(self) -> VersionNode:
        return self._graph[self.stored.version]

    @property
    def decided_version(self) -> VersionNode | None:
        """The version that the newest one decided; None when the newest is no decision."""
        node = self.node
        if by_rule(node) or len(node.parents) != 1:
            return None
        before = self._graph[node.parents[0]]
        return before if set(before.open_fields) - set(node.open_fields) else None

    def content(self, version: int) -> Any:
        if version not in self._contents:
            self._contents[version] = self._store.at_version(self.id, version)
        return self._contents[version]

    def rivals(self) -> tuple[Rivals, ...]:
        """What is open, safety first, then in the order of the record's fields. A field of a newer
        program is left out: it stays open until that program is here. A field with one known value is
        shown only where nothing else is: then a person confirms it, and the question ends.
        """
        known = (STATUS, *paths(self.kind))
        shown = [path for path in known if path in self.node.open_fields]
        shown.sort(key=lambda path: path not in SAFETY_FIELDS)
        found = [self._rivals(path) for path in shown]
        return tuple([one for one in found if one.is_a_choice] or found)

    def _rivals(self, path: str) -> Rivals:
        written = {node.version: node for node in self._written(self.node, path)}
        ordered = sorted(written.values(), key=lambda node: node.op_id)
        common = self._graph.nearest_common(node.version for node in ordered)
        base = None if common is None else self._value(common, path)
        one_sided = self.kind in FIELDWISE and path not in SAFETY_FIELDS
        distinct = self._distinct(ordered, path)
        if one_sided and common is not None:
            changed = [node for node in distinct if self._value(node, path) != base]
            distinct = changed if len(changed) > 1 else distinct
        if len(distinct) < 2:
            distinct = self._distinct(self._before_it(), path)
        if len(distinct) < 2:
            distinct *= 2
        values = tuple(self._value(node, path) for node in distinct)
        return Rivals(path, base, tuple(distinct), values)

    def _distinct(self, nodes: Iterable[VersionNode], path: str) -> list[VersionNode]:
        """The first version of each value."""
        distinct: list[VersionNode] = []
        for node in nodes:
            if all(self._value(node, path) != self._value(other, path) for other in distinct):
                distinct.append(node)
        return distinct

    def _written(self, node: VersionNode, path: str) -> list[VersionNode]:
        """The people's versions behind an open field: merges and later edits are walked through. What
        somebody wrote over a merge that others never had stands on its sides or on nothing, and is one
        itself.
        """
        if not by_rule(node) and len(node.parents) < 2:
            while path not in (before := self._before(node)).open_fields:
                if before.version == node.version:
                    return [node]
                node = before
            return self._written(before, path)
        found: list[VersionNode] = []
        for parent in (self._graph[version] for version in node.parents):
            found += self._written(parent, path) if path in parent.open_fields else [parent]
        return found if by_rule(node) else [*found, node]

    def _before_it(self) -> list[VersionNode]:
        """What people wrote on the way to the version that is shown, also what was refused; itself
        first.
        """
        found, waiting = dict[int, VersionNode](), [self.node.version]
        while waiting:
            node = self._graph[waiting.pop()]
            if node.version not in found:
                found[node.version] = node
                waiting += node.parents
        return [self.node, *(node for node in found.values() if not by_rule(node))]

    def _before(self, node: VersionNode) -> VersionNode:
        return self._graph[node.parents[0]] if node.parents else replace(node, open_fields=())

    def _value(self, node: VersionNode, path: str) -> Any:
        if path == STATUS:
            voided = node.status is RecordStatus.VOIDED
            return RecordStatus.VOIDED if voided else RecordStatus.AMENDED
        return value_of(self.content(node.version), path)

    # what the desk shows

    def row(self) -> ConflictRow:
        patient_id = patient_of(self.kind, self.stored.record)
        node = self.node
        return ConflictRow(
            kind=self.kind,
            record_id=self.id,
            patient_id=patient_id,
            patient_name=name_of(self._work, self.kind, self.stored.record),
            title=title_of(self.kind, self.stored.record),
            fields=tuple(field_label(self.kind, path) for path in node.open_fields),
            since=self._open_since(),
            safety=any(path in SAFETY_FIELDS for path in node.open_fields),
        )

    def _open_since(self) -> datetime:
        """When the oldest of the questions was opened: an edit that leaves it open makes it no younger."""
        node, asked = self.node, set(self.node.open_fields)
        while True:
            before = [self._graph[version] for version in node.parents]
            older = next((one for one in before if asked & set(one.open_fields)), None)
            if older is None:
                return node.at
            node = older

    def view(self) -> ConflictView:
        rivals = self.rivals()
        everyone = {node.version: node for field in rivals for node in field.versions}
        sides = sorted(everyone.values(), key=lambda node: node.op_id)[:2]
        sides = sides if len(sides) > 1 else [*sides, *sides]
        return ConflictView(
            row=self.row(),
            version=self.stored.version,
            one=_side(sides[0]),
            other=_side(sides[1]),
            differences=tuple(row for field in rivals for row in self._rows(field, sides)),
            signed=self.kind not in UNSIGNED,
        )

    def _rows(self, field: Rivals, sides: list[VersionNode]) -> list[FieldDifference]:
        now = self._value(self.node, field.path)
        label = field_label(self.kind, field.path)
        rows = []
        for place, value in enumerate(field.values[1:], start=2):
            pair = (field.versions[0], field.versions[place - 1])
            shown = Choice.BOTH if self.kind is RecordKind.PATIENT else Choice.ONE
            if field.path not in LIST_FIELDS:
                shown = Choice.ONE
            if now in (field.values[0], value):
                shown = Choice.ONE if now == field.values[0] else Choice.OTHER
            theirs = "" if [*pair] == sides else f" ({_named(pair[0])} / {_named(pair[1])})"
            rows.append(
                FieldDifference(
                    path=field.path if place == 2 else f"{field.path}{FURTHER}{place}",
                    label=f"{label}{theirs}",
                    base="" if field.base is None else describe(field.path, field.base),
                    one=describe(field.path, field.values[0]),
                    other=describe(field.path, value),
                    shown=shown,
                    safety=field.path in SAFETY_FIELDS,
                    may_keep_both=field.is_a_choice and field.path in LIST_FIELDS,
                    confirms=not field.is_a_choice,
                )
            )
        return rows

    def chosen(self, choices: Mapping[str, Choice]) -> dict[str, Any]:
        """The decided fields with their values; fields that nobody answered are left out.

        A field with more than two values is answered when each of its lines is, or when one of
        them names the value to take.
        """
        values: dict[str, Any] = {}
        for field in self.rivals():
            names = [field.path] + [
                f"{field.path}{FURTHER}{place}" for place in range(3, len(field.values) + 1)
            ]
            given = [choices.get(name) for name in names]
            if Choice.BOTH in given and field.path in LIST_FIELDS:
                values[field.path] = union(field.values)
            elif Choice.OTHER in given:
                values[field.path] = field.values[1 + given.index(Choice.OTHER)]
            elif all(choice is Choice.ONE for choice in given):
                values[field.path] = field.values[0]
        return values

    def without_rivals(self) -> frozenset[str]:
        """Open fields of which one value is known, beside others that are a choice."""
        known = {STATUS, *paths(self.kind)}
        asked = {field.path for field in self.rivals()}
        return frozenset(path for path in self.node.open_fields if path in known - asked)


def name_of(work: Work, kind: RecordKind, record: Any) -> str:
    """Of the person it is about: a patient, or somebody who works here; else it is the station's."""
    if isinstance(record, Standing):
        return record.user_name
    patient_id = patient_of(kind, record)
    return work.patients.row(patient_id).full_name if patient_id else "Trạm"


def title_of(kind: RecordKind, record: Any) -> str:
    """What people call this record."""
    match kind:
        case RecordKind.PATIENT:
            return "Thông tin người bệnh"
        case RecordKind.ENCOUNTER:
            return f"Lượt khám {record.number} ngày {record.arrived_at:%d/%m/%Y}".replace("  ", " ")
        case RecordKind.PRESCRIPTION:
            return f"Đơn thuốc {record.code}".strip()
        case RecordKind.REFERRAL:
            return f"Phiếu chuyển {record.number}".strip()
        case RecordKind.APPOINTMENT:
            day = f" ngày {record.on:%d/%m/%Y}" if record.on else ""
            return f"Phiếu hẹn khám lại{day}"
        case RecordKind.NOTIFICATION:
            return f"Báo bệnh truyền nhiễm: {record.disease_name}"
        case RecordKind.CERTIFICATE | RecordKind.BILL | RecordKind.REQUEST | RecordKind.BREACH:
            return f"{_PLAIN_TITLES[kind]} {record.number}".strip()
        case _:
            return _PLAIN_TITLES.get(kind, "Hồ sơ được gộp")


_PLAIN_TITLES: Final = {
    RecordKind.FEEDBACK: "Phản hồi chuyển tuyến",
    RecordKind.CONSENT: "Sự đồng ý của người bệnh",
    RecordKind.CERTIFICATE: "Giấy nghỉ việc hưởng BHXH",
    RecordKind.BILL: "Bảng kê chi phí",
    RecordKind.RIGHTS: "Quyền của các vai trò và mã bệnh hạn chế",
    RecordKind.STANDING: "Tình trạng tài khoản",
    RecordKind.REQUEST: "Yêu cầu về hồ sơ",
    RecordKind.BREACH: "Sự cố dữ liệu",
}


def _named(node: VersionNode) -> str:
    return f"{node.author_name}, {node.device}" if node.device else node.author_name


def _side(node: VersionNode) -> Side:
    corrected = None if node.skew is None else node.at + timedelta(seconds=node.skew)
    return Side(
        version=node.version,
        author_name=node.author_name,
        device=node.device,
        at=node.at,
        corrected_at=corrected,
        status=node.status,
        reason=node.reason,
    )

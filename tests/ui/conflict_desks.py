"""Desks of the tests' own: they hold what they were given and write down what was decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from station_emr.domain.errors import Conflict, InvalidRecord, NotFound, Problem
from station_emr.domain.record import Changed, Changes, RecordKind, RecordStatus
from station_emr.services.desk_views import (
    ChartComparison,
    ChartSummary,
    Choice,
    ConflictRow,
    ConflictView,
    DecidedRow,
    DuplicateProposal,
    FieldDifference,
    JoinedRow,
    Side,
)
from station_emr.services.duplicates import Separated
from station_emr.services.guards import confirmation_key
from tests.services.conftest import MORNING

ONE = Side(
    version=3,
    author_name="YS. Lê Thị Mẫu",
    device="Máy 2",
    at=MORNING.replace(hour=7, minute=12),
    corrected_at=MORNING.replace(hour=7, minute=10),
    status=RecordStatus.AMENDED,
    reason="Người nhà báo lại",
)
OTHER = Side(
    version=2,
    author_name="BS. Nguyễn Thị Hoa",
    device="Máy 1",
    at=MORNING - timedelta(days=1, hours=2),
    corrected_at=None,
    status=RecordStatus.SIGNED,
    reason="",
)
ALLERGY = FieldDifference(
    path="allergies",
    label="Dị ứng",
    base="",
    one="Penicillin (nổi mẩn)",
    other="Sulfamid",
    shown=Choice.BOTH,
    safety=True,
    may_keep_both=True,
)
PHONE = FieldDifference(
    path="phone",
    label="Điện thoại",
    base="0900000001",
    one="0900000002",
    other="0900000003",
    shown=Choice.ONE,
    safety=False,
)
ADVICE = FieldDifference(
    path="advice",
    label="Lời dặn",
    base="Ăn nhạt.",
    one="Ăn nhạt, đo huyết áp mỗi sáng, tái khám sau hai tuần.",
    other="Ăn nhạt, đo huyết áp mỗi tối, tái khám sau hai tuần.",
    shown=Choice.OTHER,
    safety=False,
)


def row(number: int, name: str, *, safety: bool, kind=RecordKind.PATIENT, **changes) -> ConflictRow:
    made = ConflictRow(
        kind=kind,
        record_id=f"record-{number}",
        patient_id=f"person-{number}",
        patient_name=name,
        title="Thông tin người bệnh" if kind is RecordKind.PATIENT else "Lượt khám 19/11/2026",
        fields=("Điện thoại",),
        since=MORNING - timedelta(hours=number),
        safety=safety,
    )
    return replace(made, **changes)


def view(of: ConflictRow, *differences: FieldDifference, signed: bool = False) -> ConflictView:
    return ConflictView(
        row=replace(of, fields=tuple(d.label for d in differences)),
        version=4,
        one=ONE,
        other=OTHER,
        differences=differences,
        signed=signed,
    )


def three_conflicts() -> list[ConflictView]:
    """A phone number, an allergy (which comes first) and a signed visit."""
    return [
        view(row(5, "Siu H'Mẫu", safety=False), PHONE),
        view(row(1, "Nguyễn Văn Mẫu", safety=True), ALLERGY, PHONE),
        view(row(2, "Rơ Châm Mẫu", safety=False, kind=RecordKind.ENCOUNTER), ADVICE, signed=True),
    ]


class Desk:
    """Conflicts in memory. ``newer`` makes the next decision meet a newer version."""

    def __init__(self, views: list[ConflictView] | None = None) -> None:
        self.views = {(v.row.kind, v.row.record_id): v for v in views or []}
        self.done: list[tuple[ConflictView, dict, str, int]] = []
        self.newer = False
        self.problems: list[Problem] = []  # what the form of every record says of every result
        self.undone: list[str] = []
        self.papers: list[RecordKind] = []  # what a decision voids with the visit
        self.failure: Exception | None = None

    def rows(self, actor):
        if self.failure is not None:
            raise self.failure
        return tuple(v.row for v in self.views.values())

    def count(self):
        return len(self.views)

    def open(self, actor, kind, record_id):
        return self.views[kind, record_id]

    def decide(self, actor, kind, record_id, choices, *, reason, expected_version, confirmed=()):
        if self.newer:
            self.newer = False
            found = self.views[kind, record_id]
            self.views[kind, record_id] = replace(found, version=found.version + 1)
            raise Conflict("Có bản mới hơn.")
        asked = [p for p in self.problems if confirmation_key(p) not in confirmed]
        if asked:
            raise InvalidRecord(tuple(asked))
        found = self.views.pop((kind, record_id))
        self.done.append((found, dict(choices), reason, expected_version))
        left = tuple(d for d in found.differences if d.path not in choices)
        if left:
            kept = replace(found, version=found.version + 1, differences=left)
            self.views[kind, record_id] = kept
        papers = [Changed(one, "paper", 2, RecordStatus.VOIDED) for one in self.papers]
        return Changes((*_changes(kind, record_id).items, *papers))

    def decided(self, actor, limit):
        return tuple(
            DecidedRow(
                kind=v.row.kind,
                record_id=v.row.record_id,
                version=v.version + 1,
                patient_name=v.row.patient_name,
                title=v.row.title,
                decided_by="BS. Nguyễn Thị Hoa",
                decided_at=MORNING - timedelta(minutes=5),
            )
            for v, *_rest in self.done
        )

    def undo(self, actor, kind, record_id, *, reason):
        place = next(i for i, d in enumerate(self.done) if d[0].row.record_id == record_id)
        found = self.done.pop(place)[0]
        self.views[kind, record_id] = replace(found, version=found.version + 2)
        self.undone.append(reason)
        return _changes(kind, record_id)


def _changes(kind, record_id) -> Changes:
    return Changes((Changed(kind, record_id, 9, RecordStatus.SIGNED),))


def chart(number: int, **changes) -> ChartSummary:
    made = ChartSummary(
        patient_id=f"person-{number}",
        chart_number=f"A126-00000{number}",
        full_name="Nguyễn Thị Mẫu",
        birth="03/05/1992",
        sex="Nữ",
        address="Làng Mẫu, Xã Mẫu",
        national_id="064192000099",
        insurance_number="",
        phone="0900 000 001",
        visits=number,
        last_visit_at=MORNING - timedelta(days=number),
        registered_by="ĐD. Trần Thị Mẫu",
        registered_on="Máy 1, 12/11/2026",
    )
    return replace(made, **changes)


def pair(one: int = 1, other: int = 4, *, certain: bool = True, **changes) -> DuplicateProposal:
    why = ("Cùng số định danh.",) if certain else ("Tên gần giống, cùng ngày sinh, cùng làng.",)
    return DuplicateProposal(
        one=chart(one),
        other=chart(other, phone="0900 000 004", registered_on="Máy 2, 12/11/2026", **changes),
        why=why,
        certain=certain,
    )


class Pairs:
    """People registered twice, in memory."""

    def __init__(self, proposals: list[DuplicateProposal] | None = None) -> None:
        self.open = list(proposals or [])
        self.merged: list[tuple] = []
        self.dismissed: list[frozenset[str]] = []
        self.undone: list[tuple[str, str]] = []
        self.compared: list[tuple[str, str]] = []

    def proposals(self, actor, limit=50):
        return tuple(self.open[:limit])

    def _find(self, one_id, other_id) -> DuplicateProposal:
        ids = {one_id, other_id}
        return next(p for p in self.open if {p.one.patient_id, p.other.patient_id} == ids)

    def compare(self, actor, one_id, other_id):
        self.compared.append((one_id, other_id))
        found = self._find(one_id, other_id)
        charts = {c.patient_id: c for c in (found.one, found.other)}
        phone = replace(PHONE, base="", one=charts[one_id].phone, other=charts[other_id].phone)
        return ChartComparison(proposal=found, differences=(phone,), survivor_version=7)

    def merge(self, actor, survivor_id, duplicate_id, choices, *, reason, expected_version):
        found = self._find(survivor_id, duplicate_id)
        self.open.remove(found)
        self.merged.append((survivor_id, duplicate_id, dict(choices), reason, expected_version))
        return _changes(RecordKind.LINK, "link-1")

    def undo(self, actor, link_id, *, reason):
        self.undone.append((link_id, reason))
        self.merged.clear()
        return Separated(changes=_changes(RecordKind.LINK, link_id), note="Điện thoại giữ nguyên.")

    def of_link(self, actor, link_id):
        raise NotFound("Không tìm thấy.")

    def dismiss(self, actor, one_id, other_id):
        self.open.remove(self._find(one_id, other_id))
        self.dismissed.append(frozenset((one_id, other_id)))

    def joined(self, actor):
        return tuple(
            JoinedRow(
                link_id="link-1",
                survivor=chart(4),
                duplicate=chart(1),
                joined_by="ĐD. Trần Thị Mẫu",
                joined_at=MORNING - timedelta(hours=1),
                reason=merged[3],
            )
            for merged in self.merged
        )

"""One person registered twice: proposed by the program, joined and separated by people.

Joining writes a link and, where the person chose so, fields into the chart that stays. The other
chart keeps its whole history, and voiding the link undoes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from station_emr.domain.errors import Conflict, StateError
from station_emr.domain.field_labels import field_label
from station_emr.domain.merge import (
    LIST_FIELDS,
    SAFETY_FIELDS,
    differing,
    union,
    value_of,
    with_values,
)
from station_emr.domain.operation import VersionNode
from station_emr.domain.patient import Address, Patient
from station_emr.domain.patient_link import PatientLink
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changed, Changes, RecordKind, RecordStatus
from station_emr.domain.user import Actor
from station_emr.domain.value_text import describe

from .chart_likeness import Likeness, forget, likeness, pair_of, remember, still_alike, sweep
from .decisions import still_open
from .desk_views import (
    ChartComparison,
    ChartSummary,
    Choice,
    DuplicateProposal,
    FieldDifference,
    JoinedRow,
    LinkedCharts,
)
from .guards import allow
from .ports import Clock, PersonMatcher, Store, Work
from .readings import Readings

_VISITS: Final = 1000
_KIND: Final = RecordKind.PATIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Separated:
    """Two charts are apart again; ``note`` says in Vietnamese what was left as it is, if anything."""

    changes: Changes
    note: str = ""


class Duplicates:
    """Use cases of charts that may be the same person's. All of them work offline."""

    def __init__(self, store: Store, clock: Clock, matcher: PersonMatcher) -> None:
        self._store = store
        self._clock = clock
        self._matcher = matcher
        self._readings = Readings(store, clock)

    def proposals(self, actor: Actor, limit: int = 50) -> tuple[DuplicateProposal, ...]:
        """Pairs that may be one person, the certain first. Looks through what came since the last
        call, and a part of what was there before.
        """
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            found: list[tuple[Likeness, str, str]] = []
            past: set[tuple[str, str]] = set()
            dismissed = work.links.dismissed()
            looked = sweep(work, self._matcher)
            for pair in looked.pairs:
                why = Likeness() if pair in dismissed else still_alike(work, pair, self._matcher)
                if why.why:
                    found.append((why, *pair))
                else:
                    past.add(pair)
            found.sort(key=lambda each: not each[0].certain)
            proposals = tuple(_proposal(work, *each) for each in found[:limit])
        with self._store.write() as work:
            remember(work, looked, past)
        return proposals

    def compare(self, actor: Actor, one_id: str, other_id: str) -> ChartComparison:
        """Two charts field by field. ``one`` is the chart that would stay; ``shown`` is what
        :meth:`merge` takes for a field without a choice.
        """
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            one, other = work.patients.get(one_id), work.patients.get(other_id)
            why = likeness(one.record, other.record, self._matcher)
            comparison = ChartComparison(
                proposal=_proposal(work, why, one_id, other_id),
                differences=_differences(one.record, other.record),
                survivor_version=one.version,
            )
        for chart in (one_id, other_id):
            self._readings.note(actor, _KIND, chart, chart)
        return comparison

    def merge(
        self,
        actor: Actor,
        survivor_id: str,
        duplicate_id: str,
        choices: Mapping[str, Choice],
        *,
        reason: str = "",
        expected_version: int,
    ) -> Changes:
        """Join two charts. ``Choice.ONE`` is the survivor's value. Both keep their history.

        Raises Conflict when the survivor changed since the comparison, StateError when the two
        are joined already.
        """
        allow(actor, Action.PATIENT_EDIT)
        now = self._clock.now()
        with self._store.write() as work:
            survivor = work.patients.get(survivor_id)
            duplicate = work.patients.get(duplicate_id)
            _may_join(work, survivor_id, duplicate_id)
            if survivor.version != expected_version:
                raise Conflict(
                    "Hồ sơ được giữ vừa có bản mới nên chưa gộp. Hãy mở lại để xem rồi gộp lại."
                )
            merged = _joined_chart(survivor.record, duplicate.record, choices)
            changed: list[Changed] = []
            if merged != survivor.record:
                changed.append(
                    work.patients.add_version(
                        merged,
                        RecordStatus.AMENDED,
                        author=actor.user.snapshot,
                        at=now,
                        reason=reason.strip(),
                        expected_version=expected_version,
                        open_fields=still_open(work, _KIND, survivor, merged),
                    )
                )
            link = PatientLink(
                id=self._clock.new_id(),
                survivor_id=survivor_id,
                duplicate_id=duplicate_id,
                reason=reason.strip(),
                kept=survivor.version if changed else 0,
            )
            changed.append(
                work.links.add_version(
                    link,
                    RecordStatus.SIGNED,
                    author=actor.user.snapshot,
                    at=now,
                    reason=link.reason,
                    expected_version=0,
                )
            )
            self._log(work, actor, "patient.join", link, reason=link.reason)
            forget(work, {pair_of(survivor_id, duplicate_id)})
            return Changes(tuple(changed))

    def undo(self, actor: Actor, link_id: str, *, reason: str = "") -> Separated:
        """Separate two charts again; the survivor's fields go back unless they changed since."""
        allow(actor, Action.PATIENT_EDIT)
        now = self._clock.now()
        with self._store.write() as work:
            stored = work.links.get(link_id)
            link = stored.record
            if stored.status is RecordStatus.VOIDED:
                raise StateError("Hai hồ sơ này đã được tách ra rồi.")
            voided = work.links.add_version(
                link,
                RecordStatus.VOIDED,
                author=actor.user.snapshot,
                at=now,
                reason=reason.strip(),
                expected_version=stored.version,
            )
            self._log(work, actor, "patient.separate", link, reason=reason.strip())
            before = _before_joining(work, link)
            if before is None:
                note = (
                    "Hai hồ sơ đã được tách. Thông tin của hồ sơ được giữ đã có bản mới sau khi "
                    "gộp nên giữ nguyên; hãy xem lại các mục đã lấy từ hồ sơ kia."
                )
                return Separated(changes=Changes((voided,)), note=note if link.kept else "")
            restored = work.patients.add_version(
                work.patients.at_version(link.survivor_id, before.version),
                RecordStatus.AMENDED,
                author=actor.user.snapshot,
                at=now,
                reason=reason.strip(),
                expected_version=work.patients.get(link.survivor_id).version,
                open_fields=before.open_fields,
            )
            return Separated(changes=Changes((restored, voided)))

    def dismiss(self, actor: Actor, one_id: str, other_id: str) -> None:
        """These are two people: do not propose them again on this machine."""
        allow(actor, Action.PATIENT_EDIT)
        with self._store.write() as work:
            work.links.dismiss(one_id, other_id)
            forget(work, {pair_of(one_id, other_id)})
            work.audit.append(
                actor,
                "patient.tell_apart",
                self._clock.now(),
                kind=_KIND.value,
                record_id=one_id,
                patient_id=one_id,
                detail={"other": other_id},
            )

    def joined(self, actor: Actor) -> tuple[JoinedRow, ...]:
        """Charts that are joined now, the newest first."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            rows = []
            for link in work.links.active():
                made = work.links.versions(link.id)[0]
                rows.append(
                    JoinedRow(
                        link_id=link.id,
                        survivor=_summary(work, link.survivor_id),
                        duplicate=_summary(work, link.duplicate_id),
                        joined_by=made.author_name,
                        joined_at=made.at,
                        reason=link.reason,
                    )
                )
        return tuple(sorted(rows, key=lambda row: (row.joined_at, row.link_id), reverse=True))

    def of_link(self, actor: Actor, link_id: str) -> LinkedCharts:
        """Whom a link joins, or joined, and whether they may be the same."""
        allow(actor, Action.PATIENT_VIEW)
        with self._store.read() as work:
            stored = work.links.get(link_id)
            link = stored.record
            one, other = work.patients.get(link.survivor_id), work.patients.get(link.duplicate_id)
            why = likeness(one.record, other.record, self._matcher)
            return LinkedCharts(
                link_id=link_id,
                proposal=_proposal(work, why, link.survivor_id, link.duplicate_id),
                joined=stored.status is not RecordStatus.VOIDED,
            )

    def _log(self, work: Work, actor: Actor, action: str, link: PatientLink, reason: str) -> None:
        work.audit.append(
            actor,
            action,
            self._clock.now(),
            kind=RecordKind.LINK.value,
            record_id=link.id,
            patient_id=link.survivor_id,
            detail={"other": link.duplicate_id, "reason": reason},
        )


def _may_join(work: Work, survivor_id: str, duplicate_id: str) -> None:
    if work.links.survivor_of(survivor_id) == work.links.survivor_of(duplicate_id):
        raise StateError("Hai hồ sơ này đã được gộp là một người rồi.")
    for chart in (survivor_id, duplicate_id):
        shown = work.links.survivor_of(chart)
        if shown != chart:
            name = work.patients.row(shown).chart_number
            raise StateError(
                f"Một trong hai hồ sơ đã được gộp vào hồ sơ {name}. Hãy mở hồ sơ đó rồi gộp."
            )


def _joined_chart(one: Patient, other: Patient, choices: Mapping[str, Choice]) -> Patient:
    values: dict[str, Any] = {}
    for path in differing(_KIND, one, other):
        mine, theirs = value_of(one, path), value_of(other, path)
        choice = choices.get(path, _default(path, mine, theirs))
        if choice is Choice.BOTH and path in LIST_FIELDS:
            # The newest card stays last: the last one in force is the one that counts.
            values[path] = union((theirs, mine) if path == "coverages" else (mine, theirs))
        elif choice is Choice.OTHER:
            values[path] = theirs
    merged: Patient = with_values(one, values)
    return merged


def _default(path: str, mine: Any, theirs: Any) -> Choice:
    """Nothing is lost by doing nothing: lists keep both, an empty field takes what the other has."""
    if path in LIST_FIELDS:
        return Choice.BOTH
    return Choice.OTHER if _empty(mine) and not _empty(theirs) else Choice.ONE


def _empty(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(_empty(part) for part in value)
    return value in (None, "", False, Address())


def _differences(one: Patient, other: Patient) -> tuple[FieldDifference, ...]:
    rows = [
        FieldDifference(
            path=path,
            label=field_label(_KIND, path),
            base="",
            one=describe(path, value_of(one, path)),
            other=describe(path, value_of(other, path)),
            shown=_default(path, value_of(one, path), value_of(other, path)),
            safety=path in SAFETY_FIELDS,
            may_keep_both=path in LIST_FIELDS,
        )
        for path in differing(_KIND, one, other)
    ]
    return tuple(sorted(rows, key=lambda row: not row.safety))


def _before_joining(work: Work, link: PatientLink) -> VersionNode | None:
    """The survivor's version before joining, while the one that joining wrote is the newest.

    Versions have other numbers on every machine, so it is found by who wrote both and when.
    """
    made = work.links.versions(link.id)[0]
    if not link.kept:
        return None
    newest = work.patients.get(link.survivor_id).version
    node = work.operations.node(_KIND, link.survivor_id, newest)
    if (node.author_id, node.at) != (made.author_id, made.at) or len(node.parents) != 1:
        return None
    return work.operations.node(_KIND, link.survivor_id, node.parents[0])


def _proposal(work: Work, why: Likeness, one_id: str, other_id: str) -> DuplicateProposal:
    return DuplicateProposal(
        one=_summary(work, one_id),
        other=_summary(work, other_id),
        why=why.why,
        certain=why.certain,
    )


def _summary(work: Work, patient_id: str) -> ChartSummary:
    chart = work.patients.get(patient_id).record
    visits = work.encounters.timeline(patient_id, _VISITS)
    made = min(work.patients.lineage(patient_id), key=lambda node: node.version)
    return ChartSummary(
        patient_id=patient_id,
        chart_number=chart.chart_number,
        full_name=chart.full_name,
        birth=chart.birth.display(),
        sex=chart.sex.label,
        address=chart.address.text,
        national_id=chart.national_id,
        insurance_number=chart.coverages[-1].number if chart.coverages else "",
        phone=chart.phone,
        visits=len(visits),
        last_visit_at=visits[0].on if visits else None,
        registered_by=made.author_name,
        registered_on=", ".join(filter(None, (made.device, f"{made.at:%d/%m/%Y}"))),
    )

"""The log as people use it: looking into it, checking it, filing its end, handing out what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from station_emr.domain.audit import (
    AuditFilter,
    ChainHead,
    ChainReport,
    ChainSize,
    Evidence,
    EvidenceKind,
    Purpose,
    Result,
    compare,
)
from station_emr.domain.errors import (
    EnvironmentFailure,
    InvalidRecord,
    NotFound,
    PermissionDenied,
    Problem,
    StationError,
)
from station_emr.domain.patient import Patient
from station_emr.domain.permissions import Action, Role, may
from station_emr.domain.record import StationProfile
from station_emr.domain.user import Actor

from .audit_evidence import (
    ACCEPTED,
    AnchorAnswer,
    Anchoring,
    AnchorLine,
    WitnessWatch,
    accepted_heads,
    gather,
    head_now,
    unexplained,
)
from .audit_ports import Progress
from .guards import allow
from .ports import Clock, Store, Work
from .readings import Readings
from .sharing import OtherLook, Sharing
from .views import AuditRow

MOST_IN_FILE: Final = 1_000_000  # what a sheet of Excel takes, nearly
MOST_ON_PAPER: Final = 2_000
_LOOKED_AT: Final = "audit.view"
NOT_CONNECTED: Final = "Máy này chưa nối với máy chủ tỉnh."


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadSheet:
    """What the page for the file of the station says. ``head`` is that of the line about this print."""

    station: StationProfile
    head: ChainHead
    at: datetime
    printed_by: str
    size: ChainSize


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPages:
    """Lines of the log for paper or for a file, newest first, and what was asked for."""

    station: StationProfile
    rows: Iterable[AuditRow]
    total: int
    asked: AuditFilter
    at: datetime
    printed_by: str
    person: str = ""  # the name of the one whose lines these are, where it was asked for
    most: int = MOST_IN_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReport:
    """Who had to do with one person's record: here, oldest first, and at other facilities.
    ``told_at`` is when the province last told of those; None when it never did.
    """

    station: StationProfile
    patient: Patient
    rows: tuple[AuditRow, ...]
    looks: tuple[OtherLook, ...]
    told_at: datetime | None
    at: datetime
    printed_by: str


class AuditPapers(Protocol):
    """The log as PDF and as an Excel file."""

    def head_sheet(self, sheet: HeadSheet) -> bytes: ...
    def log(self, pages: LogPages) -> bytes: ...
    def workbook(self, pages: LogPages) -> bytes: ...
    def access_report(self, report: AccessReport) -> bytes: ...


OpenAnchorLine = Callable[[Work], AnchorLine | None]
"""The line as the settings say now; None where no server is set."""


class AuditTrail:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        papers: AuditPapers,
        witness: WitnessWatch,
        open_line: OpenAnchorLine,
        sharing: Sharing,
    ) -> None:
        self._store = store
        self._clock = clock
        self._papers = papers
        self._witness = witness
        self._open_line = open_line
        self._others = sharing
        self._anchoring = Anchoring(store, clock)
        self._readings = Readings(store, clock)

    # -- looking ---------------------------------------------------------------------------------

    def rows(
        self,
        actor: Actor,
        wanted: AuditFilter | None = None,
        limit: int = 200,
        before: int | None = None,
    ) -> tuple[AuditRow, ...]:
        """Lines of the log, newest first; the look is itself in the log."""
        allow(actor, Action.AUDIT_VIEW)
        with self._store.read() as work:
            rows = work.audit.rows(limit, before, wanted)
        patient = wanted.patient_id if wanted is not None else ""
        self._readings.note(actor, "audit", patient, patient, action=_LOOKED_AT)
        return rows

    def people(self, actor: Actor) -> tuple[tuple[str, str], ...]:
        """Id and name of everybody who is in the log."""
        allow(actor, Action.AUDIT_VIEW)
        with self._store.read() as work:
            return work.audit.people()

    def actions(self, actor: Actor) -> tuple[tuple[str, int], ...]:
        """Every action that is in the log, with how often."""
        allow(actor, Action.AUDIT_VIEW)
        with self._store.read() as work:
            return work.audit.actions()

    def size(self, actor: Actor) -> ChainSize:
        """How much the log holds. Nothing of it is ever deleted."""
        allow(actor, Action.AUDIT_VIEW)
        with self._store.read() as work:
            return work.audit.size()

    def alarm(self, actor: Actor) -> str:
        """What somebody who answers for the log must know at log-in; empty when nothing is wrong
        that is known of, and for everybody else.
        """
        if not may(actor.role, Action.AUDIT_VIEW):
            return ""
        with self._store.read() as work:
            known = unexplained(work)
        if not known:
            return ""
        return (
            "Nhật ký của trạm không khớp với mốc đã ghi: có thể cơ sở dữ liệu đã bị đưa về bản cũ hoặc "
            "bị cắt bớt. Hồ sơ vẫn dùng được. Hãy mở Quản trị, mục Nhật ký, chọn Kiểm tra chuỗi; nếu do "
            "khôi phục từ bản sao lưu thì giám đốc ghi lý do."
        )

    # -- checking --------------------------------------------------------------------------------

    def verify(
        self,
        actor: Actor,
        progress: Progress | None = None,
        *,
        printed: tuple[ChainHead, ...] = (),
        ask_province: bool = True,
    ) -> ChainReport:
        """Read the whole chain and hold it against everything that saw its end. Takes seconds, and
        as long as the line does: never in the lane of the database.
        """
        allow(actor, Action.AUDIT_VIEW)
        others = (
            *self._witness.evidence(),
            *(Evidence(kind=EvidenceKind.PRINTED, head=head) for head in printed),
        )
        with self._store.read() as work:
            line = self._open_line(work) if ask_province else None
            ask = line.anchors if line is not None else None
            evidence, unasked = gather(work, others, ask)
            if line is not None:
                line.close()
            check = work.audit.check(progress)
            reach = check.lines  # beyond a broken link nothing is proven
            accepted = accepted_heads(work)
            compared = tuple(
                compare(
                    one,
                    reach,
                    work.audit.hash_at(one.head.seq) if one.head.seq <= reach else None,
                    accepted,
                )
                for one in _distinct(evidence)
            )
        if ask_province and line is None:
            unasked = NOT_CONNECTED
        report = ChainReport(check=check, compared=compared, unasked=unasked)
        if check.finished:
            with self._store.write() as work:
                work.audit.append(
                    actor,
                    "audit.verify",
                    self._clock.now(),
                    detail={"lines": str(check.lines)},
                    result=Result.DONE if report.is_whole else Result.FAILED,
                )
        return report

    def accept(self, actor: Actor, head: ChainHead, reason: str) -> None:
        """The director says why the chain does not hold an end that was seen: a restore from a
        backup. The evidence stays in every later check, with this answer beside it.
        """
        allow(actor, Action.AUDIT_VIEW)
        if actor.role is not Role.DIRECTOR:
            raise PermissionDenied("Chỉ giám đốc trạm được xác nhận vì sao nhật ký khác mốc cũ.")
        reason = " ".join(reason.split())
        if not reason:
            raise InvalidRecord(
                (
                    Problem(
                        field="reason",
                        code="reason-required",
                        message="Hãy ghi vì sao, ví dụ: khôi phục từ bản sao lưu sau khi hỏng ổ đĩa.",
                    ),
                )
            )
        with self._store.write() as work:
            if work.audit.hash_at(head.seq) == head.hash:
                raise NotFound("Mốc này khớp với nhật ký nên không có gì cần xác nhận.")
            work.audit.append(
                actor,
                ACCEPTED,
                self._clock.now(),
                detail={"head": head.words, "reason": reason},
            )

    def anchor_now(self, actor: Actor) -> AnchorAnswer | None:
        """Show the end of the chain to the province without waiting for the daily time."""
        allow(actor, Action.AUDIT_VIEW)
        with self._store.read() as work:
            line = self._open_line(work)
        if line is None:
            raise EnvironmentFailure(NOT_CONNECTED)
        try:
            return self._anchoring.show(line)
        finally:
            line.close()

    # -- paper and files -------------------------------------------------------------------------

    def head_sheet(self, actor: Actor) -> bytes:
        """The end of the chain as a page for the file of the station, with its QR code."""
        allow(actor, Action.AUDIT_VIEW)
        now = self._clock.now()
        with self._store.write() as work:
            work.audit.append(actor, "audit.head_sheet", now)
            head = head_now(work)
            if head is None:  # pragma: no cover  # a line was written just now
                raise NotFound("Nhật ký chưa có dòng nào.")
            head = replace(head, at=now)
            work.audit.add_anchor(EvidenceKind.PRINTED, head, now)
            sheet = HeadSheet(
                station=work.settings.station(),
                head=head,
                at=now,
                printed_by=actor.user.snapshot.printed_name,
                size=work.audit.size(),
            )
        return self._papers.head_sheet(sheet)

    def count(self, actor: Actor, wanted: AuditFilter) -> int:
        """How many lines the filter lets through: paper takes only the newest of them."""
        allow(actor, Action.AUDIT_VIEW)
        with self._store.read() as work:
            return work.audit.count(wanted)

    def export(self, actor: Actor, wanted: AuditFilter, *, as_pdf: bool = False) -> bytes:
        """The lines as a PDF or an Excel file. That they left the program is a line, too."""
        allow(actor, Action.AUDIT_VIEW)
        now = self._clock.now()
        most = MOST_ON_PAPER if as_pdf else MOST_IN_FILE
        with self._store.read() as work:
            total = work.audit.count(wanted)
            people = dict(work.audit.people())
            pages = LogPages(
                station=work.settings.station(),
                rows=work.audit.walk(wanted, most),
                total=total,
                asked=wanted,
                at=now,
                printed_by=actor.user.snapshot.printed_name,
                person=people.get(wanted.user_id, ""),
                most=most,
            )
            made = self._papers.log(pages) if as_pdf else self._papers.workbook(pages)
        with self._store.write() as work:
            work.audit.append(
                actor,
                "audit.export",
                now,
                patient_id=wanted.patient_id,
                detail={
                    "format": "PDF" if as_pdf else "Excel",
                    "lines": str(min(total, most)),
                },
            )
        return made

    def access_report(self, actor: Actor, patient_id: str) -> AccessReport:
        """Who had to do with this person's record. Asks the province for what it knows of other
        facilities, and goes on without it: never in the lane of the database.
        """
        allow(actor, Action.AUDIT_VIEW)
        allow(actor, Action.PATIENT_VIEW)
        with suppress(StationError):  # the report says of which day the list is
            self._others.ask(actor)
        kept = self._others.kept(actor)
        now = self._clock.now()
        with self._store.read() as work:
            group = work.links.group_of(patient_id)
            patient = work.patients.get(work.links.survivor_of(patient_id)).record
            rows = sorted(
                (
                    row
                    for one in group
                    for row in work.audit.walk(AuditFilter(patient_id=one), MOST_IN_FILE)
                ),
                key=lambda row: row.seq,
            )
            station = work.settings.station()
        return AccessReport(
            station=station,
            patient=patient,
            rows=tuple(rows),
            looks=tuple(one for one in reversed(kept.looks) if one.patient_id in group),
            told_at=kept.answered_at,
            at=now,
            printed_by=actor.user.snapshot.printed_name,
        )

    def access_report_pdf(self, actor: Actor, patient_id: str, asked_by: str = "") -> bytes:
        """The report as the pages that are handed to the person; a line says who asked for it."""
        report = self.access_report(actor, patient_id)
        made = self._papers.access_report(report)
        with self._store.write() as work:
            work.audit.append(
                actor,
                "audit.access_report",
                report.at,
                kind="patient",
                record_id=report.patient.id,
                patient_id=report.patient.id,
                detail={"lines": str(len(report.rows) + len(report.looks))}
                | ({"asked_by": asked_by.strip()} if asked_by.strip() else {}),
                purpose=Purpose.REQUEST,
            )
        return made


def _distinct(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """The same end seen by several is one for each kind of witness."""
    return tuple({(one.kind, one.head.words): one for one in evidence}.values())

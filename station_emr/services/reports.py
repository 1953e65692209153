"""Reports: templates counted over the lines of the registers, and two lists of cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from station_emr.domain.errors import NotFound, UserError
from station_emr.domain.notification import NotificationRules
from station_emr.domain.period import Period
from station_emr.domain.permissions import Action
from station_emr.domain.report import ReportTemplate, count
from station_emr.domain.report_lists import (
    infectious_cases,
    summarise,
    veiled_track,
)
from station_emr.domain.sensitive import is_sensitive
from station_emr.domain.user import Actor

from . import report_templates as made_of
from .guards import allow
from .ports import Clock, Store, Work
from .register_ports import RegisterPapers, ReportView
from .register_reading import Mask, MonthRead, read_months
from .restricted import ranges_of

LATE: Final = (
    "Số liệu của tháng đã khóa lấy theo bản khóa sổ. Có {count} dòng bổ sung, sửa sau khi khóa chưa "
    "tính vào đây; xem ở Sổ khám bệnh, mục Bổ sung sau khóa sổ."
)
UNKNOWN: Final = "Tên và đầu cột chưa đối chiếu với văn bản gốc."
OPEN: Final = "Chưa khóa sổ: {months}. Số liệu của các tháng này còn thay đổi."


NotifiableTables = Callable[[], Sequence[NotificationRules]]
"""The tables of diseases that must be told of, with the day from which each counts."""


class Reports:
    def __init__(
        self, store: Store, clock: Clock, papers: RegisterPapers, notifiable: NotifiableTables
    ) -> None:
        self._store = store
        self._clock = clock
        self._papers = papers
        self._notifiable = notifiable

    def templates(self, actor: Actor) -> tuple[ReportTemplate, ...]:
        """Every report that can be made, the ready ones first."""
        allow(actor, Action.REGISTER_VIEW)
        with self._store.read() as work:
            return tuple(made_of.templates(work).values())

    def show(self, actor: Actor, name: str, period: Period) -> ReportView:
        """Raises NotFound for a report that there is not."""
        allow(actor, Action.REGISTER_VIEW)
        return self._view(actor, name, period)

    def export(self, actor: Actor, name: str, period: Period, *, as_pdf: bool = False) -> bytes:
        """A report as a PDF or an Excel file; that it left the program is a line of the log."""
        allow(actor, Action.REGISTER_VIEW)
        view = self._view(actor, name, period)
        made = self._papers.report_pdf(view) if as_pdf else self._papers.report_workbook(view)
        with self._store.write() as work:
            detail = {
                "report": name,
                "period": period.key,
                "format": "PDF" if as_pdf else "Excel",
            }
            work.audit.append(actor, "report.export", view.at, detail=detail)
        return made

    # -- templates of the station ----------------------------------------------------------------

    def template_file(self, actor: Actor, name: str) -> bytes:
        """A template as a file to be changed and imported again."""
        allow(actor, Action.REGISTER_VIEW)
        with self._store.read() as work:
            held = {**made_of.shipped_texts(), **made_of.own_texts(work)}
        if name not in held:
            raise NotFound("Báo cáo này không làm từ tệp mẫu nên không sửa được bằng tệp.")
        return held[name].encode()

    def import_template(self, actor: Actor, content: bytes) -> ReportTemplate:
        """A template of the station's own; one of the same key takes the place of the shipped one.
        Raises InvalidRecord, having changed nothing.
        """
        allow(actor, Action.SETTINGS_EDIT)
        made = made_of.read_template(content, own=True)
        with self._store.write() as work:
            made_of.keep_own(work, made, content.decode("utf-8-sig"))
            work.audit.append(
                actor, "report.template", self._clock.now(), detail={"report": made.key}
            )
        return made

    def drop_template(self, actor: Actor, name: str) -> None:
        """Takes a template of the station away; a shipped one of the same key comes back."""
        allow(actor, Action.SETTINGS_EDIT)
        with self._store.write() as work:
            if not made_of.drop_own(work, name):
                raise UserError("Đây không phải mẫu của trạm nên không bỏ được. Chưa đổi gì.")
            work.audit.append(actor, "report.template", self._clock.now(), detail={"report": name})

    # -- making ----------------------------------------------------------------------------------

    def _view(self, actor: Actor, name: str, period: Period) -> ReportView:
        now = self._clock.now()
        with self._store.read() as work:
            template = made_of.templates(work).get(name)
            if template is None:
                raise NotFound(f"Không có báo cáo “{name}”. Hãy mở lại danh sách báo cáo.")
            view = ReportView(
                period=period,
                template=template,
                station=work.settings.station(),
                at=now,
                made_by=actor.user.snapshot.printed_name,
            )
            if name == made_of.REFERRALS:
                return self._referrals(work, actor, view)
            reads = read_months(work, period, now)
            lines = [line for read in reads for line in read.lines]
            late = sum(len(read.late()) for read in reads)
            pending = tuple(read.month for read in reads if read.closing is None)
            notes = _notes(template, late, pending)
            view = replace(view, late=late, open_months=pending, notes=notes)
            if name == made_of.INFECTIOUS:
                return self._cases(work, actor, view, reads)
            return replace(view, table=count(template, lines, made_of.chapters()))

    def _referrals(self, work: Work, actor: Actor, view: ReportView) -> ReportView:
        mask = Mask(work, actor, view.at.date())
        ranges = ranges_of(work)
        tracks = work.registers.tracks(view.period.start, view.period.end)
        shown = tuple(
            veiled_track(one)
            if not mask.open and is_sensitive(one.codes, ranges, view.at.date())
            else one
            for one in tracks
        )
        return replace(view, tracks=shown, summary=summarise(tracks))

    def _cases(
        self, work: Work, actor: Actor, view: ReportView, reads: Sequence[MonthRead]
    ) -> ReportView:
        """Of the record as it stands: a clock that runs does not wait for the next closing."""
        mask = Mask(work, actor, view.at.date())
        lines = [
            line
            for read in reads
            for line in (read.now if read.now is not None else read.lines)
            if not mask.hides(line)
        ]
        found = infectious_cases(lines, self._notifiable())
        told = work.registers.reported([one.line.encounter_id for one in found])
        cases = tuple(
            replace(one, reported_at=told.get((one.line.encounter_id, one.disease_code)))
            for one in found
        )
        return replace(view, cases=cases, late=0, open_months=(), notes=())


def _notes(template: ReportTemplate, late: int, pending: Sequence[Period]) -> tuple[str, ...]:
    said = [] if template.known else [template.remark or UNKNOWN]
    if pending:
        said.append(OPEN.format(months=", ".join(one.label.lower() for one in pending)))
    if late:
        said.append(LATE.format(count=late))
    return tuple(one for one in said if one)

"""Decided lately and joined charts, each of which can still be undone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes
from station_emr.services.desk_views import DecidedRow, DisplacedDraft, JoinedRow
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    Card,
    Column,
    EmptyState,
    Message,
    Severity,
    Table,
    dialogs,
    hbox,
    label,
    plain_table,
    secondary,
    vbox,
)
from station_emr.ui.models.deciding import ConflictDesk, DuplicateDesk
from station_emr.ui.models.moments import show_when
from station_emr.ui.models.session import Session
from station_emr.ui.screens.conflicts.displaced import DisplacedDrafts
from station_emr.ui.screens.conflicts.wording import undone_words

_MOST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One decision or one joining, as a line of the list."""

    at: datetime
    name: str
    what: str
    by: str
    reason: str
    source: DecidedRow | JoinedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What the page reads at once. ``displaced`` is None when only their number was asked for."""

    rows: tuple[Done, ...]
    displaced: tuple[DisplacedDraft, ...] | None
    waiting: int


def done_rows(decided: tuple[DecidedRow, ...], joined: tuple[JoinedRow, ...]) -> tuple[Done, ...]:
    """Both lists as one, newest first."""
    rows = [
        Done(
            at=row.decided_at,
            name=row.patient_name,
            what=_("Chọn giữa hai bản: {title}").format(title=row.title),
            by=row.decided_by,
            reason="",
            source=row,
        )
        for row in decided
    ]
    rows += [
        Done(
            at=row.joined_at,
            name=row.survivor.full_name,
            what=_("Gộp hồ sơ {goes} vào {stays}").format(
                goes=row.duplicate.chart_number, stays=row.survivor.chart_number
            ),
            by=row.joined_by,
            reason=row.reason,
            source=row,
        )
        for row in joined
    ]
    return tuple(sorted(rows, key=lambda row: row.at, reverse=True))


class DonePage(QWidget):
    """``told(Message)`` asks the frame for a passing message."""

    told = Signal(object)
    counted = Signal(int)
    waiting = Signal(int)  # those that a person must look at

    def __init__(self, session: Session, desk: ConflictDesk, pairs: DuplicateDesk) -> None:
        super().__init__()
        self._session, self._desk, self._pairs = session, desk, pairs
        self._actor = session.actor
        self.table: Table[Done] = Table(
            "done.list",
            _("Đã quyết định gần đây"),
            [
                Column(title=_("Lúc"), text=self._when, sort=lambda d: d.at, width=140),
                Column(title=_("Người bệnh"), text=lambda d: d.name, strong=True, width=220),
                Column(title=_("Nội dung"), text=lambda d: d.what, tip=_tip, stretch=True),
                Column(title=_("Lý do"), text=lambda d: d.reason, tip=_tip, width=220),
                Column(title=_("Người quyết định"), text=lambda d: d.by, width=190),
            ],
            empty=EmptyState(
                "clock-counter-clockwise",
                _("Chưa có quyết định nào gần đây"),
                _("Quyết định nằm ở đây để hoàn tác khi cần; lịch sử luôn giữ đủ các bản."),
            ),
        )
        self.undo = secondary(_("&Hoàn tác…"), "done.undo", icon="arrow-counter-clockwise")
        self.undo.setEnabled(False)
        if not session.may(Action.PATIENT_EDIT):
            self.undo.hide()
        told = label(_("Hoàn tác viết thêm một bản mới, không xóa bản nào."), "muted")
        card = Card(margin=1)
        card.add(plain_table(self.table), 1)
        self.displaced = DisplacedDrafts(may_drop=session.may(Action.PATIENT_EDIT))
        self.displaced.dropped.connect(self._drop)
        column = vbox(self.displaced, hbox(told, None, self.undo), card, gap=GAP_S, parent=self)
        column.setStretch(2, 1)
        self.setFocusProxy(self.table)
        self.table.picked.connect(lambda _row: self.undo.setEnabled(True))
        self.table.opened.connect(lambda _row: self._undo())
        self.undo.clicked.connect(self._undo)

    def _when(self, row: Done) -> str:
        return show_when(row.at, self._session.services.clock.now())

    def read(self) -> None:
        # Behind another page only the number is asked for: to show the words is a look in the log.
        seen = self.isVisible()
        self._session.ask(
            lambda: self._read(seen=seen),
            self._show,
            owner=self,
            failed=self._failed,
            latest="done.rows",
        )

    def _read(self, *, seen: bool) -> Read:
        drafts = self._session.services.drafts
        found = drafts.displaced(self._actor) if seen else None
        return Read(
            rows=done_rows(self._desk.decided(self._actor, _MOST), self._pairs.joined(self._actor)),
            displaced=found,
            waiting=drafts.count_displaced() if found is None else len(found),
        )

    def changed(self, changes: Changes) -> None:
        if self.isVisible() and changes.items:
            self.read()

    def _show(self, read: Read) -> None:
        rows = read.rows
        if read.displaced is not None:
            now = self._session.services.clock.now()
            self.displaced.show_drafts(read.displaced, now)
        self.table.set_rows(rows)
        if rows and self.table.current() is None:
            self.table.choose_first()
        self.undo.setEnabled(self.table.current() is not None)
        self.counted.emit(len(rows) + read.waiting)
        self.waiting.emit(read.waiting)

    def _drop(self, draft: DisplacedDraft) -> None:
        sure = dialogs.confirm(
            self,
            _("Bỏ bản nháp này?"),
            _(
                "Chữ đã gõ cho {name} ({title}) sẽ không xem lại được. Hồ sơ đang hiện không đổi."
            ).format(name=draft.patient_name, title=draft.title),
            yes=_("Bỏ bản nháp"),
            danger=True,
        )
        if sure:
            self._session.ask(
                lambda: self._session.services.drafts.drop_displaced(self._actor, draft.key),
                lambda _none: self._dropped(),
                owner=self,
                failed=self._failed,
            )

    def _dropped(self) -> None:
        self.told.emit(Message(text=_("Đã bỏ bản nháp."), severity=Severity.SUCCESS))
        self._session.changed.emit(Changes())  # the number of what waits is another
        self.read()
        self.setFocus()

    def _undo(self) -> None:
        row = self.table.current()
        if row is None or self.undo.isHidden():
            return
        joined = isinstance(row.source, JoinedRow)
        title = _("Tách lại hai hồ sơ?") if joined else _("Hoàn tác quyết định?")
        text = (
            _("Hai hồ sơ của {name} lại hiện riêng như trước khi gộp.")
            if joined
            else _("Hồ sơ của {name} trở lại chờ quyết định, cả hai bản còn nguyên.")
        ).format(name=row.name)
        reason = dialogs.ask_text(self, title, text, label=_("Lý do"))
        if reason:
            self._session.ask(
                lambda: self._take_back(row.source, reason),
                self._undone,
                owner=self,
                failed=self._failed,
            )

    def _take_back(self, source: DecidedRow | JoinedRow, reason: str) -> tuple[Changes, str]:
        if isinstance(source, JoinedRow):
            apart = self._pairs.undo(self._actor, source.link_id, reason=reason)
            return apart.changes, " ".join((_("Đã tách lại hai hồ sơ."), apart.note)).strip()
        changes = self._desk.undo(self._actor, source.kind, source.record_id, reason=reason)
        return changes, undone_words(papers_voided=source.papers_voided)

    def _undone(self, done: tuple[Changes, str]) -> None:
        changes, text = done
        self.told.emit(Message(text=text, severity=Severity.SUCCESS))
        self._session.changed.emit(changes)
        self.read()

    def _failed(self, error: StationError) -> None:
        self.told.emit(Message(text=str(error), severity=Severity.DANGER))


def _tip(row: Done) -> str:
    return f"{row.what}\n{row.reason}".strip()

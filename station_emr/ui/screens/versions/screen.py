"""Lịch sử phiên bản: the list above, one version or a comparison below."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QFrame, QTextBrowser
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind, RecordStatus
from station_emr.services.i18n import _
from station_emr.services.version_ports import RecordHistory, VersionRow
from station_emr.ui.kit import (
    GAP_S,
    Banner,
    Card,
    ChipSpec,
    ChoiceField,
    Column,
    Message,
    Screen,
    ScreenHeader,
    Severity,
    Table,
    dialogs,
    hbox,
    icon_button,
    label,
    named,
    plain_table,
    secondary,
)
from station_emr.ui.models import routes
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.session import Session
from station_emr.ui.screens.versions.wording import (
    clock_words,
    compare_page,
    reason_words,
    signature_words,
    view_page,
)

_STATUS: Final = {
    RecordStatus.SIGNED: Severity.SUCCESS,
    RecordStatus.AMENDED: Severity.INFO,
    RecordStatus.VOIDED: Severity.DANGER,
}
_ALONE: Final = 0


def status_chip(row: VersionRow) -> ChipSpec:
    text = _(row.status.label)
    return ChipSpec(
        _("{status}, hiện hành").format(status=text) if row.shown else text,
        _STATUS.get(row.status, Severity.NEUTRAL) if row.shown else Severity.NEUTRAL,
    )


class VersionsScreen(Screen):
    """``VersionsRoute`` says which record. Enter opens a version as its own page shows it."""

    def __init__(self, session: Session) -> None:
        super().__init__("versions")
        self._session = session
        self._services = session.services
        self._actor = session.actor
        self._route: routes.VersionsRoute | None = None
        self._history: RecordHistory | None = None
        self._make_header()
        self.banner = Banner("versions.banner", closable=False)
        self.page.addWidget(self.banner)
        self.table = self._make_table()
        above = Card(margin=1)
        above.add(plain_table(self.table), 1)
        self.page.addWidget(above, 2)
        self.against = ChoiceField()
        named(self.against.combo, "versions.against", _("So với bản"))
        caption = label(_("&So với"), "label")
        caption.setBuddy(self.against.combo)
        self.title = label("", "strong")
        self.pane = named(QTextBrowser(), "versions.pane", _("Nội dung của bản đang chọn"))
        self.pane.setOpenLinks(False)
        self.pane.setFrameShape(QFrame.Shape.NoFrame)
        below = Card()
        line = hbox(self.title, None, caption, self.against, gap=GAP_S)
        below.body.addLayout(line)
        below.add(self.pane, 1)
        self.page.addWidget(below, 3)
        self.table.picked.connect(lambda _row: self._picked())
        self.table.opened.connect(lambda _row: self._open_page())
        self.against.changed.connect(self._read)
        session.changed.connect(self._heard)

    def _make_header(self) -> None:
        back = icon_button("arrow-left", "versions.back", _("Quay lại (Esc)"))
        back.clicked.connect(self.leave)
        self.open = secondary(_("&Xem như lúc ký"), "versions.open", icon="file-text")
        self.bring_back = secondary(
            _("&Khôi phục bản này"), "versions.restore", icon="clock-counter-clockwise"
        )
        self.header = ScreenHeader(_("Lịch sử phiên bản"), "", (self.open, self.bring_back))
        row = hbox(back, self.header)
        row.setStretch(1, 1)
        self.page.addLayout(row)
        self.open.clicked.connect(self._open_page)
        self.bring_back.clicked.connect(self._restore)

    def _make_table(self) -> Table[VersionRow]:
        return Table(
            "versions.table",
            _("Các phiên bản, mới nhất trước"),
            [
                Column(
                    title=_("Bản"),
                    text=lambda r: str(r.version),
                    sort=lambda r: r.version,
                    width=56,
                    strong=True,
                ),
                Column(
                    title=_("Tình trạng"),
                    text=lambda r: status_chip(r).text,
                    chip=status_chip,
                    width=168,
                ),
                Column(
                    title=_("Người ghi"),
                    text=lambda r: r.author_name,
                    tip=lambda r: r.author_name,
                    width=190,
                ),
                Column(
                    title=_("Lúc (giờ máy)"),
                    text=lambda r: show_moment(r.at),
                    tip=clock_words,
                    sort=lambda r: r.at,
                    width=140,
                ),
                Column(
                    title=_("Giờ của tỉnh"),
                    text=lambda r: show_moment(r.corrected_at) if r.corrected_at else _("chưa rõ"),
                    width=140,
                    muted=True,
                    spare=1,
                ),
                Column(title=_("Máy"), text=lambda r: r.device, width=84, muted=True, spare=2),
                Column(
                    title=_("Lý do"),
                    text=reason_words,
                    tip=reason_words,
                    stretch=True,
                ),
                Column(
                    title=_("Chữ ký"),
                    text=signature_words,
                    tip=signature_words,
                    width=170,
                    spare=3,
                ),
            ],
        )

    # -- showing ---------------------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        if isinstance(context, routes.VersionsRoute):
            self._route = context
            self._history = None
            self.table.set_rows(())
            self.pane.clear()
        self._load()
        self.table.setFocus()

    def leave(self) -> None:
        """Back to the record whose history this is."""
        route = self._route
        if route is None:
            self.go(routes.TODAY)
        elif route.kind is RecordKind.PATIENT:
            self.go(routes.PATIENTS, routes.PatientRoute(route.record_id))
        elif route.kind is RecordKind.ENCOUNTER:
            self.go(routes.ENCOUNTER, routes.EncounterRoute(route.record_id))
        else:
            self.go(routes.PREVIEW, routes.PreviewRoute(route.kind, route.record_id))

    def _heard(self, changes: object) -> None:
        route = self._route
        if route is None or not self.isVisible() or not isinstance(changes, Changes):
            return
        if any(item.record_id == route.record_id for item in changes.items):
            self._load()

    def _load(self) -> None:
        route, versions, actor = self._route, self._services.versions, self._actor
        if route is None:
            self._allow()
            return
        self._session.ask(
            lambda: versions.history(actor, route.kind, route.record_id),
            self._show,
            owner=self,
            failed=self._failed,
            latest="versions.history",
        )

    def _show(self, history: RecordHistory) -> None:
        before = self.table.current()
        self._history = history
        self.header.set_title(_("Lịch sử phiên bản"), f"{history.title} · {history.patient_name}")
        self.table.set_rows(history.rows)
        again = next((r for r in history.rows if before and r.version == before.version), None)
        self.table.choose(again or history.rows[0])
        self._picked()

    def _picked(self) -> None:
        row, history = self.table.current(), self._history
        if row is None or history is None:
            return
        others = [one for one in history.rows if one.version != row.version]
        options: list[tuple[object, str]] = [(_ALONE, _("không so, chỉ xem bản này"))]
        options += [(one.version, _("bản {n}").format(n=one.version)) for one in others]
        self.against.set_options(options)
        default = row.parents[0] if row.parents else _ALONE
        self.against.set_value(default)
        self._allow()
        self._read()

    def _read(self) -> None:
        row, route = self.table.current(), self._route
        if row is None or route is None:
            return
        versions, actor, other = self._services.versions, self._actor, self.against.value()
        if isinstance(other, int) and other != _ALONE:
            one, two = sorted((row.version, other))
            self.title.setText(_("Từ bản {one} đến bản {two}").format(one=one, two=two))
            self._session.ask(
                lambda: versions.compare(actor, route.kind, route.record_id, one, two),
                lambda compared: self.pane.setHtml(compare_page(compared)),
                owner=self,
                failed=self._failed,
                latest="versions.pane",
            )
            return
        self.title.setText(_("Nội dung bản {n}").format(n=row.version))
        self._session.ask(
            lambda: versions.view(actor, route.kind, route.record_id, row.version),
            lambda view: self.pane.setHtml(view_page(view)),
            owner=self,
            failed=self._failed,
            latest="versions.pane",
        )

    def _allow(self) -> None:
        row, history = self.table.current(), self._history
        may = self._session.may(Action.RECORD_RESTORE)
        self.bring_back.setVisible(may)
        usable = row is not None and history is not None and row.status is not RecordStatus.VOIDED
        voided = history is not None and history.status is RecordStatus.VOIDED
        self.bring_back.setEnabled(usable and row is not None and (voided or not row.shown))
        self.open.setEnabled(row is not None)
        self.open.setVisible(self._route is None or self._route.kind is not RecordKind.PATIENT)

    # -- doing -----------------------------------------------------------------------------------

    def _open_page(self) -> None:
        """The version on the page it was signed on, for reading only."""
        row, route = self.table.current(), self._route
        if row is None or route is None or route.kind is RecordKind.PATIENT:
            return
        if route.kind is RecordKind.ENCOUNTER:
            self.go(routes.ENCOUNTER, routes.EncounterRoute(route.record_id, version=row.version))
        else:
            self.go(
                routes.PREVIEW,
                routes.PreviewRoute(route.kind, route.record_id, version=row.version),
            )

    def _restore(self) -> None:
        row, history = self.table.current(), self._history
        if row is None or history is None:
            return
        reason = dialogs.ask_text(
            self,
            _("Khôi phục bản {n}").format(n=row.version),
            _(
                "Nội dung của bản này trở lại thành bản hiện hành dưới tên bạn, kèm lý do. "
                "Các bản khác vẫn được giữ nguyên."
            ),
            label=_("Lý do khôi phục"),
            lines=2,
        )
        if not reason:
            return
        versions, actor, kind, name = (
            self._services.versions,
            self._actor,
            history.kind,
            history.record_id,
        )
        shown, version = history.shown, row.version
        self._session.command(
            lambda: versions.restore(actor, kind, name, version, reason, shown),
            done=lambda _changes: self._restored(version),
            failed=self._failed,
            owner=self,
        )

    def _restored(self, version: int) -> None:
        self.banner.dismiss()
        self.say(
            _("Đã khôi phục nội dung bản {n} thành bản mới. Các bản trước vẫn được giữ.").format(
                n=version
            ),
            Severity.SUCCESS,
        )
        self.table.choose_first()
        self._load()

    def _failed(self, error: StationError) -> None:
        self.banner.show_message(Message(text=str(error), severity=Severity.DANGER))

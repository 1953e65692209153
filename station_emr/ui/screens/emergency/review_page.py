"""The list of emergency accesses for those in charge; each is judged once, with a note."""

from __future__ import annotations

from functools import partial

from typing_extensions import override

from station_emr.domain.access import EmergencyRow, Review, Verdict
from station_emr.domain.errors import InvalidRecord, StationError
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    Card,
    ChipSpec,
    Column,
    Form,
    Screen,
    ScreenHeader,
    SegmentedField,
    Severity,
    Shortcut,
    Table,
    TextField,
    hbox,
    icon_button,
    label,
    named,
    plain_table,
    primary,
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session


class EmergencyReviewScreen(Screen):
    def __init__(self, session: Session) -> None:
        super().__init__("emergency_review")
        self._session = session
        self._emergency = session.services.people.emergency
        self._actor = session.actor
        self._chosen: EmergencyRow | None = None
        back = icon_button("arrow-left", "emergency_review.back", _("Về Quản trị"))
        back.clicked.connect(lambda: self.go(routes.SETTINGS))
        self.save = primary(_("Duyệt"), "emergency_review.save", Shortcut.SIGN)
        self.save.clicked.connect(self._review)
        row = hbox(back, ScreenHeader(_("Hồ sơ đã mở khẩn cấp"), "", (self.save,)))
        row.setStretch(1, 1)
        self.page.addLayout(row)
        self.table = self._make_table()
        left = Card(margin=1)
        left.add(plain_table(self.table), 1)
        right = Card()
        self._who = label("", "heading", wrap=True)
        self._told = label("", "body", wrap=True)
        right.add(self._who)
        right.add(self._told)
        self.form = Form("review")
        self.verdict = self.form.add(
            "verdict",
            _("&Kết luận"),
            SegmentedField([(one, one.label) for one in Verdict]),
        )
        for place, button in enumerate(self.verdict.buttons):
            named(button, f"review.verdict.{place}")
        self.note = self.form.add("note", _("&Nhận xét"), TextField(), required=True)
        right.add(self.form)
        right.body.addStretch(1)
        body = hbox(left, right, gap=GAP_M)
        body.setStretch(0, 3)
        body.setStretch(1, 2)
        self.page.addLayout(body, 1)
        self.table.picked.connect(self._picked)

    def _make_table(self) -> Table[EmergencyRow]:
        return Table(
            "emergency_review.table",
            _("Các lần mở khẩn cấp"),
            [
                Column(
                    title=_("Lúc"),
                    text=lambda r: f"{r.grant.since:%H:%M %d/%m/%Y}",
                    sort=lambda r: r.grant.since,
                    width=136,
                ),
                Column(
                    title=_("Người mở"), text=lambda r: r.grant.user_name, stretch=True, strong=True
                ),
                Column(title=_("Người bệnh"), text=lambda r: r.grant.patient_name, width=170),
                Column(
                    title=_("Tình trạng"),
                    text=lambda r: self._chip(r).text,
                    chip=self._chip,
                    width=128,
                ),
            ],
        )

    def _chip(self, row: EmergencyRow) -> ChipSpec:
        if row.review is not None:
            good = row.review.verdict is Verdict.JUSTIFIED
            return ChipSpec(_("Đã duyệt"), Severity.SUCCESS if good else Severity.DANGER)
        if row.is_overdue(self._session.services.clock.now()):
            return ChipSpec(_("Quá hạn duyệt"), Severity.DANGER)
        return ChipSpec(_("Chờ duyệt"), Severity.WARNING)

    @override
    def on_enter(self, context: object = None) -> None:
        self._load()
        self.table.setFocus()

    def _load(self) -> None:
        self._session.ask(
            lambda: self._emergency.rows(self._actor),
            self._show,
            owner=self,
            failed=self._failed,
            latest="emergency.rows",
        )

    def _show(self, rows: tuple[EmergencyRow, ...]) -> None:
        self.table.set_rows(rows)
        self.save.setEnabled(bool(rows))
        if rows:
            self.table.choose_first()
        else:
            self._who.setText(_("Chưa có lần mở khẩn cấp nào."))

    def _picked(self, row: object) -> None:
        if not isinstance(row, EmergencyRow):
            return
        self._chosen = row
        self._who.setText(row.grant.user_name)
        lines = [_("Lý do: {why}").format(why=row.grant.reason)]
        due = _("Duyệt trước {when}").format(when=f"{row.grant.review_due:%H:%M %d/%m/%Y}")
        if row.review is None:
            lines.append(due)
        else:
            words = _("{verdict}. {note} ({name}, {day})")
            lines.append(
                words.format(
                    verdict=row.review.verdict.label,
                    note=row.review.note,
                    name=row.review.by_name,
                    day=f"{row.review.at:%d/%m/%Y}",
                )
            )
        self._told.setText("\n".join(lines))
        self.form.clear()
        self.form.setVisible(row.review is None)
        self.save.setEnabled(row.review is None)

    def _review(self) -> None:
        row, verdict = self._chosen, self.verdict.value()
        if row is None:
            return
        if not isinstance(verdict, Verdict):
            self.verdict.set_problem(_("Chưa chọn kết luận."))
            return
        self._session.ask(
            partial(self._emergency.review, self._actor, row.grant.id, verdict, self.note.value()),
            self._reviewed,
            owner=self,
            failed=self._failed,
        )

    def _reviewed(self, _review: Review) -> None:
        self.say(_("Đã duyệt lần mở khẩn cấp."), Severity.SUCCESS)
        self._load()

    def _failed(self, error: StationError) -> None:
        if isinstance(error, InvalidRecord):
            for left in self.form.set_problems(error.problems):
                self.say(left.message, Severity.DANGER)
        else:
            self.say(str(error), Severity.DANGER)

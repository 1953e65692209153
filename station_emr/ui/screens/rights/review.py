"""The yearly look at who has which right, person by person."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from typing_extensions import override

from station_emr.domain.access import RightsReview
from station_emr.domain.errors import StationError
from station_emr.domain.text import fold
from station_emr.services.access import RightsRow
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_M,
    Card,
    ChipSpec,
    Column,
    Screen,
    ScreenHeader,
    Severity,
    Shortcut,
    Table,
    hbox,
    icon_button,
    label,
    plain_table,
    primary,
    scrolled,
    secondary,
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session


def review_chip(row: RightsRow) -> ChipSpec:
    if row.due:
        return ChipSpec(_("Cần rà soát"), Severity.WARNING)
    if row.review is not None and not row.review.keeps:
        return ChipSpec(_("Cần đổi quyền"), Severity.DANGER)
    return ChipSpec(_("Đã rà soát"), Severity.SUCCESS)


class RightsReviewScreen(Screen):
    def __init__(self, session: Session) -> None:
        super().__init__("rights_review")
        self._session = session
        self._access = session.services.people.access
        self._actor = session.actor
        self._chosen: RightsRow | None = None
        back = icon_button("arrow-left", "review.back", _("Về Phân quyền"))
        back.clicked.connect(lambda: self.go(routes.RIGHTS))
        self.change = secondary(_("Cần đổi"), "review.change")
        self.keep = primary(_("Giữ nguyên quyền"), "review.keep", Shortcut.SIGN)
        self.change.clicked.connect(lambda: self._review(keeps=False))
        self.keep.clicked.connect(lambda: self._review(keeps=True))
        header = ScreenHeader(_("Rà soát quyền hằng năm"), "", (self.change, self.keep))
        row = hbox(back, header)
        row.setStretch(1, 1)
        self.page.addLayout(row)
        self.table = self._make_table()
        left = Card(margin=1)
        left.add(plain_table(self.table), 1)
        right = Card()
        self._who = label("", "heading", wrap=True)
        self._told = label("", "body", wrap=True)
        right.add(self._who)
        self._told.setAlignment(Qt.AlignmentFlag.AlignTop)
        right.add(scrolled(self._told), 1)
        body = hbox(left, right, gap=GAP_M)
        body.setStretch(0, 3)
        body.setStretch(1, 2)
        self.page.addLayout(body, 1)
        self.table.picked.connect(self._picked)

    def _make_table(self) -> Table[RightsRow]:
        return Table(
            "review.table",
            _("Người dùng và lần rà soát"),
            [
                Column(
                    title=_("Họ và tên"),
                    text=lambda r: r.user.snapshot.printed_name,
                    sort=lambda r: fold(r.user.full_name),
                    stretch=True,
                    strong=True,
                ),
                Column(title=_("Vai trò"), text=lambda r: _(r.user.role.label), width=136),
                Column(
                    title=_("Dùng gần nhất"),
                    text=lambda r: f"{r.last_use:%d/%m/%Y}" if r.last_use else _("Chưa lần nào"),
                    width=112,
                ),
                Column(
                    title=_("Rà soát"),
                    text=lambda r: f"{r.review.at:%d/%m/%Y}" if r.review else "",
                    width=96,
                    spare=1,
                ),
                Column(
                    title=_("Tình trạng"),
                    text=lambda r: review_chip(r).text,
                    chip=review_chip,
                    width=128,
                ),
            ],
        )

    @override
    def on_enter(self, context: object = None) -> None:
        self._load()
        self.table.setFocus()

    def _load(self) -> None:
        self._session.ask(
            lambda: self._access.rights_rows(self._actor),
            self._show,
            owner=self,
            failed=self._failed,
            latest="review.rows",
        )

    def _show(self, rows: tuple[RightsRow, ...]) -> None:
        self.table.set_rows(rows)
        self.table.choose_first()

    def _picked(self, row: object) -> None:
        if not isinstance(row, RightsRow):
            return
        self._chosen = row
        self._who.setText(row.user.snapshot.printed_name)
        lines = [_("Được phép:"), *(f"• {one.label}" for one in sorted(row.actions))]
        for grant in row.grants:
            names = ", ".join(sorted(one.label for one in grant.actions))
            words = _("Có thời hạn đến {day}: {names}")
            lines.append(words.format(day=f"{grant.until:%d/%m/%Y}", names=names))
        if row.review is not None:
            words = _("Rà soát gần nhất: {day}, {name}.")
            lines.append(words.format(day=f"{row.review.at:%d/%m/%Y}", name=row.review.by_name))
        self._told.setText("\n".join(lines))

    def _review(self, *, keeps: bool) -> None:
        if self._chosen is None:
            return
        username = self._chosen.user.username
        self._session.ask(
            partial(self._access.review_rights, self._actor, username, keeps=keeps, note=""),
            self._done,
            owner=self,
            failed=self._failed,
        )

    def _done(self, review: RightsReview) -> None:
        words = (
            _("Đã rà soát quyền của {name}.")
            if review.keeps
            else _("Đã ghi: quyền của {name} cần đổi. Hãy đổi trong Người dùng hoặc Phân quyền.")
        )
        self.say(words.format(name=review.user_name), Severity.SUCCESS)
        self._load()

    def _failed(self, error: StationError) -> None:
        self.say(str(error), Severity.DANGER)

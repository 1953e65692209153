"""Leaks of data: written down, reported in time."""

from __future__ import annotations

from typing_extensions import override

from station_emr.domain.privacy_request import DataBreach
from station_emr.services.breaches import BreachRow
from station_emr.services.i18n import _
from station_emr.ui.kit import Screen, dialogs
from station_emr.ui.models.session import Session

from .forms import BreachDialog
from .lists import breaches_table
from .tab import Tab


class BreachesTab(Tab[BreachRow]):
    """The station's, not one person's."""

    def __init__(self, session: Session, page: Screen) -> None:
        super().__init__(session, page, breaches_table(session.services.clock.now))
        self._breaches = session.services.privacy.breaches
        self.report = self._button(_("&In thông báo"), "report", self._report)
        self.sent = self._button(_("Ghi đã &báo…"), "reported", self._reported)
        self.note = self._button(_("&Ghi sự cố…"), "breach", self._breach)

    @override
    def read(self) -> None:
        session = self._session
        session.ask(
            lambda: self._breaches.rows(session.actor),
            self._show,
            owner=self,
            failed=self.refused.emit,
            latest="privacy.breaches",
        )

    @override
    def id_of(self, row: BreachRow) -> str:
        return row.breach.id

    @override
    def fit(self) -> None:
        chosen = self.table.current()
        self.report.setEnabled(chosen is not None)
        self.sent.setEnabled(chosen is not None and chosen.breach.reported_at is None)

    def _breach(self) -> None:
        session = self._session

        def filled_in(blank: DataBreach) -> None:
            dialog = BreachDialog(self._page, blank)
            if dialogs.run_dialog(dialog):
                breach = dialog.breach()
                self._do(
                    lambda: self._breaches.record(session.actor, breach),
                    _("Đã ghi sự cố."),
                )

        session.ask(
            lambda: self._breaches.blank(session.actor),
            filled_in,
            owner=self,
            failed=self.refused.emit,
        )

    def _report(self) -> None:
        chosen, session = self.table.current(), self._session
        if chosen is not None:
            self._save(
                lambda: self._breaches.report(session.actor, chosen.breach.id),
                f"thong-bao-{chosen.breach.number}.pdf",
            )

    def _reported(self) -> None:
        chosen, session = self.table.current(), self._session
        if chosen is None:
            return
        to = dialogs.ask_text(
            self._page, _("Ghi đã báo"), _("Thông báo đã gửi cho cơ quan nào."), label=_("Nơi nhận")
        )
        if to:
            self._do(
                lambda: self._breaches.reported(session.actor, chosen.breach.id, to),
                _("Đã ghi nơi nhận thông báo."),
            )

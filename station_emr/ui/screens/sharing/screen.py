"""Who of other stations looked at this one's charts, and the consents given here, to be taken back."""

from __future__ import annotations

from PySide6.QtWidgets import QStackedWidget, QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.services.i18n import _
from station_emr.services.sharing import ConsentState, GivenConsent, SharingView
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Banner,
    Card,
    Message,
    Screen,
    SegmentedField,
    Severity,
    dialogs,
    hbox,
    label,
    named,
    plain_table,
    quiet,
    secondary,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.session import Session
from station_emr.ui.tasks import Lane, Task

from .lists import consents_table, look_words, looks_table, person

LOOKS, CONSENTS = "looks", "consents"


class SharingScreen(Screen):
    """Of one person when entered with a SharingRoute, else of all."""

    def __init__(self, session: Session) -> None:
        super().__init__("sharing")
        self._session = session
        self._patient_id = ""
        self._asking: Task | None = None
        self._view = SharingView()
        self.ask_again = secondary(_("Hỏi lại tỉnh"), "sharing.ask", icon="arrows-clockwise")
        self.withdraw = secondary(_("Rút lại sự đồng ý…"), "sharing.withdraw", icon="hand-heart")
        self.header = self.add_header(_("Chia sẻ hồ sơ"), " ", self.withdraw, self.ask_again)
        self.banner = Banner("sharing.banner", closable=False)
        self.page.addWidget(self.banner)
        self.tabs = SegmentedField(
            [(LOOKS, _("Trạm khác đã xem")), (CONSENTS, _("Sự đồng ý đã ghi"))]
        )
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"sharing.tab.{place}")
        self.tabs.set_spoken(_("Danh sách"))
        self.whose = label("", "strong")
        self.everybody = quiet(_("Xem mọi người bệnh"), "sharing.everybody", "users")
        self.page.addLayout(hbox(self.tabs, None, self.whose, self.everybody))
        self.looks = looks_table()
        self.consents = consents_table(session.services.clock.now)
        self.whole = label("", "muted", wrap=True, selectable=True)
        seen = QWidget()
        vbox(plain_table(self.looks), self.whole, gap=0, parent=seen).setStretch(0, 1)
        self.whole.setContentsMargins(GAP_M, GAP_S, GAP_M, GAP_S)
        self.looks.picked.connect(lambda look: self.whole.setText(look_words(look)))
        self._stack = QStackedWidget()
        self._stack.addWidget(seen)
        self._stack.addWidget(plain_table(self.consents))
        card = Card(margin=1)
        card.add(self._stack, 1)
        self.page.addWidget(card, 1)
        self.tabs.set_value(LOOKS)
        self.tabs.changed.connect(self._show_tab)
        self.consents.picked.connect(lambda _row: self._fit())
        self.ask_again.clicked.connect(self._ask)
        self.withdraw.clicked.connect(self._withdraw)
        self.everybody.clicked.connect(self._show_everybody)
        self._show_tab()

    # -- hooks of the frame --------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self._patient_id = ""
        if isinstance(context, routes.SharingRoute):
            self._patient_id = context.patient_id
            self.tabs.set_value(CONSENTS)
            self._show_tab()
        self.banner.hide()
        self._read()
        self._ask()
        self.tabs.buttons[0 if self.tabs.value() == LOOKS else 1].setFocus()

    # -- reading -------------------------------------------------------------------------------

    def _read(self) -> None:
        session, patient_id = self._session, self._patient_id
        session.ask(
            lambda: session.services.elsewhere.sharing.kept(session.actor, patient_id),
            self._show,
            owner=self,
            failed=self._refused,
            latest="sharing.kept",
        )

    def _ask(self) -> None:
        """Over the line, so never in the lane of the database."""
        session = self._session
        if self._asking is not None:
            return
        self.ask_again.setEnabled(False)
        self._asking = session.runner.run(
            lambda: session.services.elsewhere.sharing.ask(session.actor),
            done=lambda _none: self._answered(),
            failed=self._refused,
            finally_=self._asked,
            owner=self,
            lane=Lane.POOL,
        )

    def _asked(self) -> None:
        self._asking = None
        self.ask_again.setEnabled(True)

    def _answered(self) -> None:
        self.banner.hide()
        self._read()

    def _refused(self, error: StationError) -> None:
        self.banner.show_message(Message(text=str(error), severity=Severity.WARNING))

    # -- showing -------------------------------------------------------------------------------

    def _show(self, view: SharingView) -> None:
        self._view = view
        chosen = self.consents.current()
        self.looks.set_rows(view.looks)
        if self.looks.current() is None:
            self.looks.choose_first()
        if not view.looks:
            self.whole.clear()
        self.consents.set_rows(view.consents)
        again = next((one for one in view.consents if chosen and one.id == chosen.id), None)
        if again is not None:
            self.consents.choose(again)
        elif view.consents:
            self.consents.choose_first()
        answered = view.answered_at
        self.header.set_title(
            _("Chia sẻ hồ sơ"),
            _("Tỉnh trả lời lúc {moment}").format(moment=show_moment(answered))
            if answered is not None
            else _("Tỉnh chưa trả lời lần nào trên máy này"),
        )
        self.whose.setText(view.patient_name)
        self.everybody.setVisible(bool(self._patient_id))
        self._fit()

    def _show_tab(self) -> None:
        self._stack.setCurrentIndex(0 if self.tabs.value() == LOOKS else 1)
        self._fit()

    def _fit(self) -> None:
        """Only a consent that still stands can be taken back."""
        self.withdraw.setVisible(self.tabs.value() == CONSENTS)
        self.withdraw.setEnabled(self._standing() is not None)

    def _standing(self) -> GivenConsent | None:
        chosen = self.consents.current()
        now = self._session.services.clock.now()
        standing = chosen is not None and chosen.state(now) is ConsentState.VALID
        return chosen if standing else None

    def _show_everybody(self) -> None:
        self._patient_id = ""
        self._read()

    # -- taking a consent back -----------------------------------------------------------------

    def _withdraw(self) -> None:
        chosen, session = self._standing(), self._session
        if chosen is None:
            return
        agreed = dialogs.confirm(
            self,
            _("Rút lại sự đồng ý"),
            _(
                "{name} không còn cho trạm này xem hồ sơ ở trạm khác. Việc đã xem trước đó vẫn nằm "
                "trong nhật ký. Muốn xem nữa thì phải hỏi và ghi sự đồng ý mới."
            ).format(name=person(chosen.patient_name)),
            yes=_("Rút lại"),
            danger=True,
        )
        if not agreed:
            return
        self.withdraw.setEnabled(False)
        session.runner.run(
            lambda: session.services.elsewhere.sharing.withdraw(session.actor, chosen.id),
            done=self._withdrawn,
            failed=self._refused,
            finally_=self._read,
            owner=self,
            lane=Lane.POOL,
        )

    def _withdrawn(self, told: bool) -> None:
        if told:
            self.say(_("Đã rút lại sự đồng ý. Tỉnh đã nhận."), Severity.SUCCESS)
        else:
            self.say(
                _(
                    "Đã rút lại sự đồng ý trên máy này. Chưa báo được cho tỉnh vì không có mạng; "
                    "sẽ báo lần mở trang này khi có mạng."
                ),
                Severity.WARNING,
            )

"""What people agreed to, what they asked of their record, and leaks with their clock."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtWidgets import QStackedWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.record import Changes, RecordKind
from station_emr.services.i18n import _
from station_emr.services.privacy import PatientConsents
from station_emr.ui.kit import (
    Banner,
    Card,
    Message,
    Screen,
    SegmentedField,
    Severity,
    hbox,
    label,
    named,
    quiet,
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session

from .breaches_tab import BreachesTab
from .consents_tab import ConsentsTab
from .requests_tab import RequestsTab
from .tab import Tab

CONSENTS, REQUESTS, BREACHES = "consents", "requests", "breaches"
_TABS: Final = (CONSENTS, REQUESTS, BREACHES)
_SHOWN: Final = (RecordKind.CONSENT, RecordKind.REQUEST, RecordKind.BREACH, RecordKind.PATIENT)


class PrivacyScreen(Screen):
    """Of one person when entered with a PrivacyRoute, else of all."""

    def __init__(self, session: Session) -> None:
        super().__init__("privacy")
        self._patient_id = ""
        self.consents = ConsentsTab(session, self)
        self.requests = RequestsTab(session, self)
        self.breaches = BreachesTab(session, self)
        self._lists: tuple[Tab[Any], ...] = (self.consents, self.requests, self.breaches)
        every = [button for one in self._lists for button in one.buttons]
        self.header = self.add_header(_("Quyền riêng tư"), " ", *every)
        self.banner = Banner("privacy.banner")
        self.banner.hide()
        self.page.addWidget(self.banner)
        words = (_("Sự đồng ý"), _("Yêu cầu"), _("Sự cố"))
        self.tabs = SegmentedField(list(zip(_TABS, words, strict=True)))
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"privacy.tab.{place}")
        self.tabs.set_spoken(_("Danh sách"))
        self.whose = label("", "strong")
        self.everybody = quiet(_("Xem mọi người bệnh"), "privacy.everybody", "users")
        self.page.addLayout(hbox(self.tabs, None, self.whose, self.everybody))
        self._stack = QStackedWidget()
        for one in self._lists:
            self._stack.addWidget(one.table)
            one.refused.connect(self._refused)
            one.stale.connect(self._read)
        card = Card(margin=1)
        card.add(self._stack, 1)
        self.page.addWidget(card, 1)
        self.tabs.set_value(CONSENTS)
        self.tabs.changed.connect(self._show_tab)
        self.everybody.clicked.connect(self._show_everybody)
        self.consents.person_read.connect(self._show_person)
        session.changed.connect(self._changed)
        self._show_tab()

    # -- hooks of the frame --------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self._patient_id = ""
        route = context if isinstance(context, routes.PrivacyRoute) else routes.PrivacyRoute()
        for name, one in zip(_TABS, self._lists, strict=True):
            one.wanted = route.record_id if name == route.tab else ""
        if isinstance(context, routes.PrivacyRoute):
            self._patient_id = context.patient_id
            self.tabs.set_value(context.tab if context.tab in _TABS else CONSENTS)
            self._show_tab()
        self.banner.hide()
        self._read()
        self.tabs.buttons[_TABS.index(str(self.tabs.value()))].setFocus()

    def _changed(self, changes: Changes) -> None:
        if changes.touches(*_SHOWN):
            self._read()

    # -- reading -------------------------------------------------------------------------------

    def _read(self) -> None:
        self._name_person(None)
        self._show_tab()
        for one in self._lists:
            one.patient_id = self._patient_id
            one.read()

    def _show_person(self, person: PatientConsents) -> None:
        self._name_person(person)
        self.requests.fit()

    def _name_person(self, person: PatientConsents | None) -> None:
        self.consents.person = self.requests.person = person
        self.whose.setText(person.patient.full_name if person is not None else "")

    def _show_tab(self) -> None:
        tab = str(self.tabs.value())
        self._stack.setCurrentIndex(_TABS.index(tab))
        titles = {
            CONSENTS: _("Rút lại thì trả lời trong 15 ngày"),
            REQUESTS: _("Phản hồi trong 2 ngày làm việc"),
            BREACHES: _("Báo trong 72 giờ từ lúc phát hiện"),
        }
        self.header.set_title(_("Quyền riêng tư"), titles[tab])
        self.whose.setVisible(tab != BREACHES)  # a leak is the station's, not one person's
        self.everybody.setVisible(tab != BREACHES and bool(self._patient_id))
        for name, one in zip(_TABS, self._lists, strict=True):
            for button in one.buttons:
                button.setVisible(name == tab)
            one.fit()

    def _show_everybody(self) -> None:
        self._patient_id = ""
        self._read()

    def _refused(self, error: StationError) -> None:
        self.banner.show_message(Message(text=str(error), severity=Severity.WARNING))

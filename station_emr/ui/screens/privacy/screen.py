"""What people agreed to, what they asked of their record, and leaks with their clock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QStackedWidget
from typing_extensions import override

from station_emr.domain.consent import Consent, ConsentStanding
from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action
from station_emr.domain.privacy_request import DataBreach, PrivacyRequest, RequestKind
from station_emr.domain.record import Changes, RecordKind
from station_emr.services.breaches import BreachRow
from station_emr.services.i18n import _
from station_emr.services.privacy import PatientConsents
from station_emr.services.privacy_requests import RequestRow
from station_emr.ui.kit import (
    Banner,
    Button,
    Card,
    Message,
    Option,
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
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session

from .forms import BreachDialog, ConsentDialog, RequestDialog
from .lists import breaches_table, consents_table, requests_table

CONSENTS, REQUESTS, BREACHES = "consents", "requests", "breaches"
_TABS: Final = (CONSENTS, REQUESTS, BREACHES)
_READABLE: Final = {RequestKind.VIEW, RequestKind.COPY, RequestKind.SUMMARY}
_SHOWN: Final = (RecordKind.CONSENT, RecordKind.REQUEST, RecordKind.BREACH, RecordKind.PATIENT)
_PDF: Final = "PDF (*.pdf)"


class PrivacyScreen(Screen):
    """Of one person when entered with a PrivacyRoute, else of all."""

    def __init__(self, session: Session) -> None:
        super().__init__("privacy")
        self._session = session
        self._privacy = session.services.privacy
        self._patient_id = ""
        self._person: PatientConsents | None = None
        self._buttons: dict[str, list[Button]] = {tab: [] for tab in _TABS}
        self._build_buttons()
        every = [button for tab in _TABS for button in self._buttons[tab]]
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
        self.consents = consents_table()
        self.requests = requests_table()
        self.breaches = breaches_table(session.services.clock.now)
        self._stack = QStackedWidget()
        for shown in (
            plain_table(self.consents),
            plain_table(self.requests),
            plain_table(self.breaches),
        ):
            self._stack.addWidget(shown)
        for table in (self.consents, self.requests, self.breaches):
            table.picked.connect(lambda _row: self._fit())
        card = Card(margin=1)
        card.add(self._stack, 1)
        self.page.addWidget(card, 1)
        self.tabs.set_value(CONSENTS)
        self.tabs.changed.connect(self._show_tab)
        self.everybody.clicked.connect(self._show_everybody)
        session.changed.connect(self._changed)
        self._show_tab()

    def _build_buttons(self) -> None:
        def made(tab: str, text: str, key: str, does: Callable[[], None]) -> Button:
            button = secondary(text, f"privacy.{key}")
            button.clicked.connect(does)
            self._buttons[tab].append(button)
            return button

        self.form = made(CONSENTS, _("&In phiếu trống"), "consent_form", self._consent_form)
        self.take_back = made(CONSENTS, _("Ghi &rút lại…"), "withdraw", self._withdraw)
        self.tell = made(CONSENTS, _("Đã &trả lời"), "told", self._told)
        self.give = made(CONSENTS, _("&Ghi sự đồng ý…"), "give", self._give)
        self.paper = made(REQUESTS, _("&In đơn"), "request_form", self._request_form)
        self.summary = made(REQUESTS, _("In &bản tóm tắt…"), "summary", self._summary)
        self.reply = made(REQUESTS, _("&Phản hồi…"), "reply", self._reply)
        self.close_it = made(REQUESTS, _("&Kết thúc…"), "close", self._close)
        self.receive = made(REQUESTS, _("&Nhận yêu cầu…"), "receive", self._receive)
        self.report = made(BREACHES, _("&In thông báo"), "report", self._report)
        self.sent = made(BREACHES, _("Ghi đã &báo…"), "reported", self._reported)
        self.note = made(BREACHES, _("&Ghi sự cố…"), "breach", self._breach)

    # -- hooks of the frame --------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self._patient_id = ""
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
        session, privacy, patient_id = self._session, self._privacy, self._patient_id
        self._person = None
        self.whose.setText("")
        self._show_tab()
        if patient_id:
            session.ask(
                lambda: privacy.consents.of_patient(session.actor, patient_id),
                self._show_person,
                owner=self,
                failed=self._refused,
                latest="privacy.consents",
            )
        else:
            session.ask(
                lambda: privacy.consents.unanswered(session.actor),
                self.consents.set_rows,
                owner=self,
                failed=self._refused,
                latest="privacy.consents",
            )
        session.ask(
            lambda: privacy.requests.rows(session.actor, patient_id),
            self._show_requests,
            owner=self,
            failed=self._refused,
            latest="privacy.requests",
        )
        session.ask(
            lambda: privacy.breaches.rows(session.actor),
            self._show_breaches,
            owner=self,
            failed=self._refused,
            latest="privacy.breaches",
        )

    def _show_person(self, person: PatientConsents) -> None:
        self._person = person
        self.whose.setText(person.patient.full_name)
        self.consents.set_rows(person.rows)
        if person.rows and self.consents.current() is None:
            self.consents.choose_first()
        self._fit()

    def _show_requests(self, rows: tuple[RequestRow, ...]) -> None:
        self.requests.set_rows(rows)
        if self.requests.current() is None:
            self.requests.choose_first()
        self._fit()

    def _show_breaches(self, rows: tuple[BreachRow, ...]) -> None:
        self.breaches.set_rows(rows)
        if self.breaches.current() is None:
            self.breaches.choose_first()
        self._fit()

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
        self._fit()

    def _fit(self) -> None:
        """Only what can be done with the chosen line."""
        tab, session = self.tabs.value(), self._session
        for name, buttons in self._buttons.items():
            for button in buttons:
                button.setVisible(name == tab)
        writes = session.may(Action.CONSENT_RECORD)
        consent, request, breach = (
            self.consents.current(),
            self.requests.current(),
            self.breaches.current(),
        )
        standing = consent is not None and consent.standing is not ConsentStanding.WITHDRAWN
        person = self._person is not None
        self.form.setEnabled(person and session.may(Action.PRINT))
        self.give.setEnabled(person and writes)
        self.take_back.setEnabled(standing and writes)
        self.tell.setEnabled(consent is not None and consent.consent.answer_due is not None)
        self.receive.setEnabled(person)
        is_open = request is not None and request.request.state.is_open
        self.reply.setEnabled(is_open)
        self.close_it.setEnabled(is_open)
        self.paper.setEnabled(person or request is not None)
        self.summary.setEnabled(request is not None and request.request.kind in _READABLE)
        self.report.setEnabled(breach is not None)
        self.sent.setEnabled(breach is not None and breach.breach.reported_at is None)

    def _show_everybody(self) -> None:
        self._patient_id = ""
        self._read()

    def _refused(self, error: StationError) -> None:
        self.banner.show_message(Message(text=str(error), severity=Severity.WARNING))

    # -- consents ------------------------------------------------------------------------------

    def _give(self) -> None:
        session, person = self._session, self._person
        if person is None:
            return

        def filled_in(blank: Consent) -> None:
            dialog = ConsentDialog(self, blank, person.age, session.services.clock.now().date())
            if dialogs.run_dialog(dialog):
                consent = dialog.consent()
                session.command(
                    lambda: self._privacy.consents.give(session.actor, consent),
                    done=lambda _c: self.say(_("Đã ghi sự đồng ý."), Severity.SUCCESS),
                    failed=self._refused,
                    owner=self,
                )

        session.ask(
            lambda: self._privacy.consents.blank(session.actor, person.patient.id),
            filled_in,
            owner=self,
            failed=self._refused,
        )

    def _withdraw(self) -> None:
        chosen, session = self.consents.current(), self._session
        if chosen is None:
            return
        by = dialogs.ask_text(
            self,
            _("Ghi rút lại sự đồng ý"),
            _("Có hiệu lực ngay. Trạm trả lời trong 15 ngày."),
            label=_("Ai rút lại, lý do"),
            start=chosen.consent.guardian_name or chosen.patient_name,
        )
        if by:
            session.command(
                lambda: self._privacy.consents.withdraw(session.actor, chosen.consent.id, by, by),
                done=lambda _c: self.say(_("Đã ghi việc rút lại."), Severity.SUCCESS),
                failed=self._refused,
                owner=self,
            )

    def _told(self) -> None:
        chosen, session = self.consents.current(), self._session
        if chosen is not None:
            session.command(
                lambda: self._privacy.consents.answer(session.actor, chosen.consent.id),
                failed=self._refused,
                owner=self,
            )

    def _consent_form(self) -> None:
        session, person = self._session, self._person
        if person is None:
            return

        def made() -> bytes:
            blank = self._privacy.consents.blank(session.actor, person.patient.id)
            return self._privacy.consents.form(session.actor, blank)

        self._save(made, "phieu-dong-y.pdf")

    # -- requests ------------------------------------------------------------------------------

    def _receive(self) -> None:
        session, person = self._session, self._person
        if person is None:
            return

        def filled_in(blank: PrivacyRequest) -> None:
            dialog = RequestDialog(self, blank, session.services.clock.now().date())
            if dialogs.run_dialog(dialog):
                request = dialog.request()
                self._do(
                    lambda: self._privacy.requests.receive(session.actor, request),
                    _("Đã nhận yêu cầu."),
                )

        session.ask(
            lambda: self._privacy.requests.blank(session.actor, person.patient.id),
            filled_in,
            owner=self,
            failed=self._refused,
        )

    def _reply(self) -> None:
        self._answer(_("Phản hồi yêu cầu"), _("Đã phản hồi."), self._privacy.requests.reply)

    def _close(self) -> None:
        how = dialogs.choose(
            self,
            _("Kết thúc yêu cầu"),
            _("Sau khi kết thúc thì không đổi được nữa."),
            [Option(False, _("Đã thực hiện")), Option(True, _("Không thực hiện"))],
        )
        if how is not None:
            close = partial(self._privacy.requests.close, refused=bool(how))
            self._answer(_("Kết thúc yêu cầu"), _("Đã kết thúc yêu cầu."), close)

    def _answer(self, title: str, said: str, move: Callable[..., object]) -> None:
        chosen, session = self.requests.current(), self._session
        if chosen is None:
            return
        answer = dialogs.ask_text(
            self, title, _("Ghi đã trả lời người yêu cầu thế nào."), label=_("Nội dung"), lines=3
        )
        if answer:
            self._do(lambda: move(session.actor, chosen.request.id, answer), said)

    def _request_form(self) -> None:
        chosen, session = self.requests.current(), self._session
        patient = chosen.request.patient_id if chosen else self._patient_id
        request_id = chosen.request.id if chosen else ""
        self._save(
            lambda: self._privacy.requests.form(session.actor, patient, request_id),
            "don-yeu-cau.pdf",
        )

    def _summary(self) -> None:
        chosen, session = self.requests.current(), self._session
        if chosen is None:
            return
        reason = ""
        if session.may(Action.SENSITIVE_VIEW):
            with_all = dialogs.choose(
                self,
                _("In bản tóm tắt hồ sơ"),
                _("Lượt khám có nội dung hạn chế chỉ đưa vào khi người yêu cầu đề nghị rõ."),
                [
                    Option(False, _("Không gồm nội dung hạn chế")),
                    Option(True, _("Gồm cả nội dung hạn chế, phải ghi lý do")),
                ],
            )
            if with_all is None:
                return
            if with_all:
                told = dialogs.ask_text(
                    self, _("In bản tóm tắt hồ sơ"), label=_("Lý do đưa nội dung hạn chế")
                )
                if not told:
                    return
                reason = told
        self._save(
            lambda: self._privacy.requests.summary(
                session.actor, chosen.request.id, restricted=bool(reason), reason=reason
            ),
            f"tom-tat-{chosen.request.number}.pdf",
        )

    # -- leaks ---------------------------------------------------------------------------------

    def _breach(self) -> None:
        session = self._session

        def filled_in(blank: DataBreach) -> None:
            dialog = BreachDialog(self, blank)
            if dialogs.run_dialog(dialog):
                breach = dialog.breach()
                self._do(
                    lambda: self._privacy.breaches.record(session.actor, breach),
                    _("Đã ghi sự cố."),
                )

        session.ask(
            lambda: self._privacy.breaches.blank(session.actor),
            filled_in,
            owner=self,
            failed=self._refused,
        )

    def _report(self) -> None:
        chosen, session = self.breaches.current(), self._session
        if chosen is not None:
            self._save(
                lambda: self._privacy.breaches.report(session.actor, chosen.breach.id),
                f"thong-bao-{chosen.breach.number}.pdf",
            )

    def _reported(self) -> None:
        chosen, session = self.breaches.current(), self._session
        if chosen is None:
            return
        to = dialogs.ask_text(
            self, _("Ghi đã báo"), _("Thông báo đã gửi cho cơ quan nào."), label=_("Nơi nhận")
        )
        if to:
            self._do(
                lambda: self._privacy.breaches.reported(session.actor, chosen.breach.id, to),
                _("Đã ghi nơi nhận thông báo."),
            )

    # -- doing ---------------------------------------------------------------------------------

    def _do(self, action: Callable[[], object], said: str) -> None:
        def done(_answer: object) -> None:
            self.say(said, Severity.SUCCESS)
            self._read()

        self._session.ask(action, done, owner=self, failed=self._refused)

    def _save(self, make: Callable[[], bytes], name: str) -> None:
        """To the file the person chooses; its name says nothing of anybody."""
        target = dialogs.save_file(self, _("Lưu giấy"), Path(name), _PDF)
        if target is None:
            return

        def made() -> Path:
            target.write_bytes(make())
            return target

        def done(path: Path) -> None:
            self.say(_("Đã lưu {name}.").format(name=path.name), Severity.SUCCESS)

        self._session.ask(made, done, owner=self, failed=self._refused)

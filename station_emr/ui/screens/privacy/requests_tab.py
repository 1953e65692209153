"""What people ask of their own record: received, answered, closed, with the papers of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from typing_extensions import override

from station_emr.domain.permissions import Action
from station_emr.domain.privacy_request import PrivacyRequest, RequestKind
from station_emr.services.i18n import _
from station_emr.services.privacy_requests import RequestRow
from station_emr.ui.kit import Option, Screen, dialogs
from station_emr.ui.models.session import Session

from .forms import RequestDialog
from .lists import requests_table
from .tab import Tab

_READABLE: Final = {RequestKind.VIEW, RequestKind.COPY, RequestKind.SUMMARY}


class RequestsTab(Tab[RequestRow]):
    """Each has its deadline; a closed one does not change any more."""

    def __init__(self, session: Session, page: Screen) -> None:
        super().__init__(session, page, requests_table())
        self._requests = session.services.privacy.requests
        self.paper = self._button(_("&In đơn"), "request_form", self._request_form)
        self.summary = self._button(_("In &bản tóm tắt…"), "summary", self._summary)
        self.reply = self._button(_("&Phản hồi…"), "reply", self._reply)
        self.close = self._button(_("&Kết thúc…"), "close", self._close)
        self.receive = self._button(_("&Nhận yêu cầu…"), "receive", self._receive)

    @override
    def read(self) -> None:
        session, patient_id = self._session, self.patient_id
        session.ask(
            lambda: self._requests.rows(session.actor, patient_id),
            self._show,
            owner=self,
            failed=self.refused.emit,
            latest="privacy.requests",
        )

    @override
    def id_of(self, row: RequestRow) -> str:
        return row.request.id

    @override
    def fit(self) -> None:
        chosen, person = self.table.current(), self.person is not None
        is_open = chosen is not None and chosen.request.state.is_open
        self.receive.setEnabled(person)
        self.reply.setEnabled(is_open)
        self.close.setEnabled(is_open)
        self.paper.setEnabled(person or chosen is not None)
        self.summary.setEnabled(chosen is not None and chosen.request.kind in _READABLE)

    def _receive(self) -> None:
        session, person = self._session, self.person
        if person is None:
            return

        def filled_in(blank: PrivacyRequest) -> None:
            dialog = RequestDialog(self._page, blank, session.services.clock.now().date())
            if dialogs.run_dialog(dialog):
                request = dialog.request()
                self._do(
                    lambda: self._requests.receive(session.actor, request),
                    _("Đã nhận yêu cầu."),
                )

        session.ask(
            lambda: self._requests.blank(session.actor, person.patient.id),
            filled_in,
            owner=self,
            failed=self.refused.emit,
        )

    def _reply(self) -> None:
        self._answer(_("Phản hồi yêu cầu"), _("Đã phản hồi."), self._requests.reply)

    def _close(self) -> None:
        how = dialogs.choose(
            self._page,
            _("Kết thúc yêu cầu"),
            _("Sau khi kết thúc thì không đổi được nữa."),
            [Option(False, _("Đã thực hiện")), Option(True, _("Không thực hiện"))],
        )
        if how is not None:
            close = partial(self._requests.close, refused=bool(how))
            self._answer(_("Kết thúc yêu cầu"), _("Đã kết thúc yêu cầu."), close)

    def _answer(self, title: str, said: str, move: Callable[..., object]) -> None:
        chosen, session = self.table.current(), self._session
        if chosen is None:
            return
        answer = dialogs.ask_text(
            self._page,
            title,
            _("Ghi đã trả lời người yêu cầu thế nào."),
            label=_("Nội dung"),
            lines=3,
        )
        if answer:
            self._do(lambda: move(session.actor, chosen.request.id, answer), said)

    def _request_form(self) -> None:
        chosen, session = self.table.current(), self._session
        patient = chosen.request.patient_id if chosen else self.patient_id
        request_id = chosen.request.id if chosen else ""
        self._save(
            lambda: self._requests.form(session.actor, patient, request_id),
            "don-yeu-cau.pdf",
        )

    def _summary(self) -> None:
        chosen, session = self.table.current(), self._session
        if chosen is None:
            return
        reason = ""
        if session.may(Action.SENSITIVE_VIEW):
            with_all = dialogs.choose(
                self._page,
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
                    self._page, _("In bản tóm tắt hồ sơ"), label=_("Lý do đưa nội dung hạn chế")
                )
                if not told:
                    return
                reason = told
        self._save(
            lambda: self._requests.summary(
                session.actor, chosen.request.id, restricted=bool(reason), reason=reason
            ),
            f"tom-tat-{chosen.request.number}.pdf",
        )

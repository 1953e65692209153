"""What people agreed to: given, taken back, answered."""

from __future__ import annotations

from PySide6.QtCore import Signal
from typing_extensions import override

from station_emr.domain.consent import Consent, ConsentStanding
from station_emr.domain.permissions import Action
from station_emr.services.i18n import _
from station_emr.services.privacy import ConsentRow, PatientConsents
from station_emr.ui.kit import Screen, Severity, dialogs
from station_emr.ui.models.session import Session

from .forms import ConsentDialog
from .lists import consents_table
from .tab import Tab


class ConsentsTab(Tab[ConsentRow]):
    """``person_read(PatientConsents)`` when the page is of one person."""

    person_read = Signal(object)

    def __init__(self, session: Session, page: Screen) -> None:
        super().__init__(session, page, consents_table())
        self._consents = session.services.privacy.consents
        self.form = self._button(_("&In phiếu trống"), "consent_form", self._consent_form)
        self.take_back = self._button(_("Ghi &rút lại…"), "withdraw", self._withdraw)
        self.tell = self._button(_("Đã &trả lời"), "told", self._told)
        self.give = self._button(_("&Ghi sự đồng ý…"), "give", self._give)

    @override
    def read(self) -> None:
        session, patient_id = self._session, self.patient_id
        if patient_id:
            session.ask(
                lambda: self._consents.of_patient(session.actor, patient_id),
                self._show_person,
                owner=self,
                failed=self.refused.emit,
                latest="privacy.consents",
            )
        else:
            session.ask(
                lambda: self._consents.unanswered(session.actor),
                self.table.set_rows,
                owner=self,
                failed=self.refused.emit,
                latest="privacy.consents",
            )

    def _show_person(self, person: PatientConsents) -> None:
        self.person_read.emit(person)
        self._show(person.rows)

    @override
    def id_of(self, row: ConsentRow) -> str:
        return row.consent.id

    @override
    def fit(self) -> None:
        chosen, person = self.table.current(), self.person is not None
        writes = self._session.may(Action.CONSENT_RECORD)
        standing = chosen is not None and chosen.standing is not ConsentStanding.WITHDRAWN
        self.form.setEnabled(person and self._session.may(Action.PRINT))
        self.give.setEnabled(person and writes)
        self.take_back.setEnabled(standing and writes)
        self.tell.setEnabled(chosen is not None and chosen.consent.answer_due is not None)

    def _give(self) -> None:
        session, person = self._session, self.person
        if person is None:
            return

        def filled_in(blank: Consent) -> None:
            dialog = ConsentDialog(
                self._page, blank, person.age, session.services.clock.now().date()
            )
            if dialogs.run_dialog(dialog):
                consent = dialog.consent()
                session.command(
                    lambda: self._consents.give(session.actor, consent),
                    done=lambda _c: self._page.say(_("Đã ghi sự đồng ý."), Severity.SUCCESS),
                    failed=self.refused.emit,
                    owner=self,
                )

        session.ask(
            lambda: self._consents.blank(session.actor, person.patient.id),
            filled_in,
            owner=self,
            failed=self.refused.emit,
        )

    def _withdraw(self) -> None:
        chosen, session = self.table.current(), self._session
        if chosen is None:
            return
        by = dialogs.ask_text(
            self._page,
            _("Ghi rút lại sự đồng ý"),
            _("Có hiệu lực ngay. Trạm trả lời trong 15 ngày."),
            label=_("Ai rút lại, lý do"),
            start=chosen.consent.guardian_name or chosen.patient_name,
        )
        if by:
            session.command(
                lambda: self._consents.withdraw(session.actor, chosen.consent.id, by, by),
                done=lambda _c: self._page.say(_("Đã ghi việc rút lại."), Severity.SUCCESS),
                failed=self.refused.emit,
                owner=self,
            )

    def _told(self) -> None:
        chosen, session = self.table.current(), self._session
        if chosen is not None:
            session.command(
                lambda: self._consents.answer(session.actor, chosen.consent.id),
                failed=self.refused.emit,
                owner=self,
            )

    def _consent_form(self) -> None:
        session, person = self._session, self.person
        if person is None:
            return

        def made() -> bytes:
            blank = self._consents.blank(session.actor, person.patient.id)
            return self._consents.form(session.actor, blank)

        self._save(made, "phieu-dong-y.pdf")

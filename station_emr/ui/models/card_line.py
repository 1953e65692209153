"""One line about an insurance card: what the portal said and when, and asking it again.

Shown at reception and on the card of a person. Nothing waits for the portal.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from station_emr.domain.errors import StationError
from station_emr.domain.gateway import CardAnswer, CardUse
from station_emr.domain.permissions import Action
from station_emr.services.gateway_cards import CardStanding
from station_emr.services.i18n import _
from station_emr.ui.kit import GAP_S, IconLabel, Severity, hbox, label, named, quiet, vbox
from station_emr.ui.kit.tips import plain_tip
from station_emr.ui.tasks import Lane

from .session import Session

_TONES: Final = {
    CardUse.YES: Severity.SUCCESS,
    CardUse.BY_PAPER: Severity.SUCCESS,
    CardUse.NEW_CARD: Severity.WARNING,
    CardUse.NO: Severity.DANGER,
    CardUse.CORRECT: Severity.WARNING,
    CardUse.TEMPORARY: Severity.WARNING,
    CardUse.SETTINGS: Severity.WARNING,
    CardUse.REQUEST: Severity.WARNING,
    CardUse.LATER: Severity.INFO,
}
_RESTS: Final = timedelta(minutes=10)
Ask = Callable[[], CardAnswer]


class CardLine(QWidget):
    """Hidden while the station has no connection to the portal and nothing is known. At reception it
    asks ``by_itself``, in the background, when the last answer is older than a day.
    """

    def __init__(self, session: Session, name: str, *, by_itself: bool = False) -> None:
        super().__init__()
        named(self, name)
        self._session = session
        self._cards = session.services.gateways.cards
        self._now = session.services.clock.now
        self._by_itself = by_itself
        self._patient_id = self._card = ""
        self._typed: Callable[[], Ask | None] = lambda: None
        self._icon = IconLabel("info", "info")
        self.words = named(label("", "muted", wrap=True, selectable=True), f"{name}.words")
        self.ask = quiet(_("Tra thẻ trên cổng"), f"{name}.ask", "magnifying-glass")
        self.ask.clicked.connect(self._look_up)
        row = hbox(self._icon, self.words, gap=GAP_S)
        row.setStretch(1, 1)
        row.setAlignment(self._icon, Qt.AlignmentFlag.AlignTop)
        vbox(row, hbox(self.ask, None), gap=0, parent=self)
        self._may = session.may(Action.PATIENT_EDIT)
        self.hide()

    def ask_typed(self, typed: Callable[[], Ask | None]) -> None:
        """What to ask for somebody who is not registered yet; None while too little is typed."""
        self._typed = typed

    def show_known(self, patient_id: str, card: str = "") -> None:
        """What this machine knows of the card, at once."""
        self._patient_id, self._card = patient_id, card
        if not patient_id:
            self._show(None)
            return
        actor, cards = self._session.actor, self._cards
        self._session.ask(
            lambda: cards.known(actor, patient_id, card),
            self._show,
            owner=self,
            failed=lambda _error: self.hide(),
            latest=f"card.{self.objectName()}",
        )

    def show_typing(self) -> None:
        """Somebody new is being written down."""
        self._patient_id = self._card = ""
        desk = self._session.services.gateways.settings
        self._session.ask(
            lambda: desk.read().insurance_on,
            self._wait_for_typing,
            owner=self,
            failed=lambda _error: self.hide(),
            latest=f"card.{self.objectName()}",
        )

    def _wait_for_typing(self, enabled: bool) -> None:
        self._tell(None, None, self._now())
        self.ask.setVisible(self._may)
        self.setVisible(enabled)

    def _show(self, standing: CardStanding | None) -> None:
        if standing is None:
            self.hide()
            return
        now = self._now()
        known = standing.answer or standing.tried
        self.setVisible(standing.enabled or known is not None)
        self.ask.setVisible(standing.enabled and self._may)
        self._tell(standing.answer, standing.tried, now)
        rests = standing.tried is not None and now - standing.tried.asked_at < _RESTS
        if self._by_itself and standing.enabled and self._may and standing.stale(now) and not rests:
            self._look_up()

    def _tell(self, answer: CardAnswer | None, tried: CardAnswer | None, now: datetime) -> None:
        parts = []
        if answer is not None:
            parts.append(answer_words(answer, now))
        if tried is not None:
            parts.append(tried_words(tried, now))
        if not parts:
            parts.append(_("Chưa tra thẻ trên cổng."))
        self.words.setText(" ".join(parts))
        self.words.setToolTip(plain_tip(tried.words) if tried is not None else "")
        shown = answer or tried
        severity = _TONES[shown.use] if shown is not None else Severity.INFO
        self._icon.set_icon(severity.icon or "info", severity.value)

    def _look_up(self) -> None:
        patient_id, card, actor = self._patient_id, self._card, self._session.actor
        cards = self._cards
        asks = self._typed() if not patient_id else lambda: cards.look_up(actor, patient_id, card)
        if asks is None:
            self.words.setText(_("Hãy gõ họ tên, ngày sinh và số thẻ trước."))
            return
        self.ask.setEnabled(False)
        self.words.setText(_("Đang hỏi cổng, cứ tiếp đón…"))
        self._session.runner.run(
            asks,
            done=self._answered,
            failed=self._failed,
            finally_=lambda: self.ask.setEnabled(True),
            owner=self,
            lane=Lane.POOL,
        )

    def _answered(self, found: CardAnswer) -> None:
        if self._patient_id and found.patient_id == self._patient_id:
            self.show_known(self._patient_id, self._card)
        elif not self._patient_id:
            heard = found if found.answered else None
            self._tell(heard, None if heard else found, self._now())

    def _failed(self, error: StationError) -> None:
        self.words.setText(str(error))


def answer_words(answer: CardAnswer, now: datetime) -> str:
    """The verdict, the portal's reason, a newer card, and how old this is."""
    until = answer.facts.get("gtTheDen", "")
    if answer.use is CardUse.YES and answer.code == "000":
        said = _("Dùng được thẻ")
        parts = [_("{said}, hạn {day}.").format(said=said, day=until) if until else f"{said}."]
    else:
        parts = [f"{_(answer.use.label)}: {answer.words}.", answer.remedy]
    new = answer.facts.get("maTheMoi", "")
    if new and answer.use in (CardUse.NEW_CARD, CardUse.YES):
        parts.append(_("Thẻ mới: {card}.").format(card=new))
    parts.append(_("Cổng trả lời {age} trước.").format(age=age_words(now - answer.asked_at)))
    return " ".join(part for part in parts if part)


def tried_words(tried: CardAnswer, now: datetime) -> str:
    """A look-up without an answer; the desk goes on."""
    age = age_words(now - tried.asked_at)
    if tried.use is CardUse.LATER:
        return _("Tra {age} trước chưa được; cứ tiếp đón.").format(age=age)
    return _("Tra {age} trước chưa được: {why}. {remedy}").format(
        age=age, why=tried.words, remedy=tried.remedy
    )


def age_words(age: timedelta) -> str:
    minutes = max(int(age.total_seconds() // 60), 0)
    if minutes < 60:
        return _("{count} phút").format(count=minutes)
    if minutes < 48 * 60:
        return _("{count} giờ").format(count=minutes // 60)
    return _("{count} ngày").format(count=minutes // (24 * 60))

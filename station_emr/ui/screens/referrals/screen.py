"""Chuyển tuyến: from the list to one letter, and everything that is done to a letter."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QStackedWidget
from typing_extensions import override

from station_emr.domain.errors import InvalidRecord, Problem, StationError
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.referral import Referral
from station_emr.services.i18n import _
from station_emr.services.version_ports import TypedAmendment
from station_emr.services.views import ReferralRow
from station_emr.ui.kit import (
    Message,
    Screen,
    Severity,
    dialogs,
)
from station_emr.ui.models import routes
from station_emr.ui.models.amending import AmendmentKeeper
from station_emr.ui.models.session import Session
from station_emr.ui.screens.referrals.desk import (
    OWN_FIELDS,
    Letter,
    load_letter,
    sign_letter,
)
from station_emr.ui.screens.referrals.letter_page import LetterPage, Mode
from station_emr.ui.screens.referrals.list_page import ListPage
from station_emr.ui.screens.referrals.lookups import LetterLookups


class ReferralsScreen(Screen):
    """``ReferralRoute`` opens one letter, or the letter of a visit; None opens the list."""

    def __init__(self, session: Session) -> None:
        super().__init__("referrals")
        self._session = session
        self._services = session.services
        self._actor = session.actor
        self._returning = False
        self._from_list = False
        self._reason = ""
        self._wished = ""
        self.list = ListPage()
        self.letter = LetterPage(session)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.list)
        self._pages.addWidget(self.letter)
        self.page.addWidget(self._pages, 1)
        self.list.opened.connect(self._open_row)
        session.changed.connect(self._heard)
        self._bind_letter()

    def _bind_letter(self) -> None:
        page = self.letter
        page.back_wanted.connect(self._show_list)
        page.save_due.connect(self._save)
        page.save.clicked.connect(self.save_action)
        page.print.clicked.connect(self.print_action)
        page.sign.clicked.connect(self._sign)
        page.discard.clicked.connect(self._discard)
        page.amend.clicked.connect(self._begin_amendment)
        page.stop.clicked.connect(self._give_up)
        self._amendment = AmendmentKeeper(self._session, RecordKind.REFERRAL, self._typed, self)
        page.form.edited.connect(self._amended)
        page.void.clicked.connect(self._void)
        page.missing.visit_wanted.connect(self._to_visit)
        page.feedback.read.clicked.connect(self._note_read)
        self._lookups = LetterLookups(self._session, self.letter.form)

    # -- coming and going ------------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        returning, self._returning = self._returning, False
        self._wished = context.field if isinstance(context, routes.ReferralRoute) else ""
        if isinstance(context, routes.ReferralRoute):
            self._keep_now()
            self._from_list = False
            self._open(context.referral_id, context.encounter_id, jump=bool(self._wished))
        elif returning and self.letter.letter is not None:
            self._reload()
        else:
            self._show_list()

    @override
    def on_leave(self) -> bool:
        self._keep_now()
        return True

    @override
    def on_back(self) -> bool:
        if self._on_letter and self.letter.mode is Mode.AMEND:
            self._amendment.flush()
            self._reload()
            return True
        if self._on_letter and self._from_list:
            self._show_list()
            return True
        return False

    @property
    def _on_letter(self) -> bool:
        return self._pages.currentWidget() is self.letter

    def _show_list(self) -> None:
        self._keep_now()
        self._pages.setCurrentWidget(self.list)
        self.list.table.setFocus()
        self._load_list()

    def _load_list(self) -> None:
        self._session.ask(
            lambda: self._services.referrals.rows(self._actor),
            lambda rows: self.list.set_rows(rows, self._services.clock.now()),
            owner=self,
            failed=self._failed,
            latest="referrals.list",
        )

    def _open_row(self, row: object) -> None:
        if isinstance(row, ReferralRow):
            self._from_list = True
            self._open(row.id, row.encounter_id)

    def _open(self, referral_id: str, encounter_id: str, *, jump: bool = False) -> None:
        self._session.ask(
            lambda: load_letter(self._services, self._actor, referral_id, encounter_id),
            lambda letter: self._show_letter(letter, jump=jump),
            owner=self,
            failed=self._failed,
            latest="referrals.letter",
        )

    def _show_letter(self, letter: Letter, *, jump: bool = False) -> None:
        writes = letter.is_draft and self._session.may(Action.REFERRAL_PREPARE)
        self.letter.banner.dismiss()
        self._pages.setCurrentWidget(self.letter)
        self.letter.show_letter(letter, Mode.WRITE if writes else Mode.READ)
        self._lookups.propose_one_year()
        if jump:
            self._go_to_wished(letter)

    def _go_to_wished(self, letter: Letter) -> None:
        """To the field that the province would not take; a signed letter says how it is mended."""
        self.letter.form.go_to(self._wished)
        if not letter.is_draft and self._session.may(Action.RECORD_AMEND):
            self.say(
                _("Máy chủ tỉnh chưa nhận mục này. Bấm “Sửa đổi” để sửa và ký lại."), Severity.INFO
            )

    def _reload(self) -> None:
        letter = self.letter.letter
        if letter is not None:
            self._open(letter.referral.id if letter.row else "", letter.referral.encounter_id)

    def _heard(self, changes: object) -> None:
        """Something changed, here or on another screen."""
        if not isinstance(changes, Changes) or not self.isVisible():
            return
        if not self._on_letter:
            if changes.touches(RecordKind.REFERRAL, RecordKind.FEEDBACK):
                self._load_list()
            return
        letter = self.letter.letter
        if letter is None or self.letter.mode is Mode.AMEND:
            return
        mine = {letter.referral.id, letter.referral.encounter_id}
        answered = self.letter.mode is Mode.READ and changes.touches(RecordKind.FEEDBACK)
        if answered or any(item.record_id in mine and item.version for item in changes.items):
            self._reload()

    def _note_read(self) -> None:
        letter = self.letter.letter
        if letter is not None:
            self._session.command(
                lambda: self._services.referrals.mark_feedback_read(
                    self._actor, letter.referral.id
                ),
                failed=self._failed,
                owner=self,
            )

    # -- the draft -------------------------------------------------------------------------------

    def _keep_now(self) -> None:
        self._amendment.flush()
        if self._on_letter and self.letter.unsaved:
            self._save()

    def _save(self) -> None:
        typed, letter = self.letter.typed(), self.letter.letter
        self.letter.stop_autosave()
        if typed is None or letter is None or self.letter.mode is not Mode.WRITE:
            return

        def kept(_changes: Changes) -> None:
            time = f"{self._services.clock.now():%H:%M:%S}"
            self._session.saved.emit(time)
            if self.letter.letter is letter:
                self.letter.mark_saved(time)
                self._look_at_row(letter)

        self._session.command(
            lambda: self._services.referrals.save_draft(self._actor, typed),
            done=kept,
            failed=self._failed,
            owner=self,
        )

    def _look_at_row(self, letter: Letter) -> None:
        """The first save gives the letter its place in the list."""
        if letter.row is None:
            self._session.ask(
                lambda: self._services.referrals.row(self._actor, letter.referral.id),
                lambda row: self.letter.set_letter(replace(letter, row=row)),
                owner=self,
                latest="referrals.row",
            )

    @override
    def save_action(self) -> bool:
        if not self._on_letter or self.letter.mode is not Mode.WRITE:
            return False
        self._save()
        return True

    def _discard(self) -> None:
        typed = self.letter.typed()
        if typed is None:
            return
        self.letter.stop_autosave()

        def gone(_changes: Changes) -> None:
            self._show_list()
            self.message.emit(
                Message(
                    text=_("Đã bỏ phiếu nháp."),
                    severity=Severity.INFO,
                    action_text=_("Lấy lại"),
                    action=lambda: self._bring_back(typed),
                )
            )

        self._session.command(
            lambda: self._services.referrals.discard(self._actor, typed.id),
            done=gone,
            failed=self._failed,
            owner=self,
        )

    def _bring_back(self, referral: Referral) -> None:
        self._session.command(
            lambda: self._services.referrals.save_draft(self._actor, referral),
            done=lambda _changes: self._open(referral.id, referral.encounter_id),
            failed=self._failed,
            owner=self,
        )

    # -- the signed letter -----------------------------------------------------------------------

    def _sign(self) -> None:
        letter, typed = self.letter.letter, self.letter.typed()
        if letter is None or typed is None:
            return
        self.letter.stop_autosave()
        self.letter.sign.setEnabled(False)
        confirmed = self.letter.missing.confirmed
        reason = self._reason
        if self.letter.mode is Mode.AMEND:
            said = _("Đã ký bản sửa đổi. Bản trước được giữ nguyên trong lịch sử.")
        else:
            said = _("Đã ký phiếu chuyển. Phiếu được gửi trước mọi thứ khác khi có mạng.")

        def command() -> Changes:
            if letter.is_draft:
                return sign_letter(self._services, self._actor, typed, confirmed)
            return self._services.referrals.amend(self._actor, typed, letter.version, reason)

        def signed(_changes: Changes) -> None:
            self._wished = ""
            self.letter.sign.setEnabled(True)
            if not letter.is_draft:
                self._amendment.drop(letter.referral.id)
            self.letter.end_amendment()
            self.say(said, Severity.SUCCESS)

        self._session.command(command, done=signed, failed=self._refused, owner=self)

    def _refused(self, error: StationError) -> None:
        self.letter.sign.setEnabled(True)
        if not isinstance(error, InvalidRecord):
            self._failed(error)
            return
        amending = self.letter.mode is Mode.AMEND
        own = [p for p in error.problems if amending or p.field.startswith(OWN_FIELDS)]
        self._show_problems(own, [p for p in error.problems if p not in own])
        letter = self.letter.letter
        if letter is not None:
            self._look_at_row(letter)  # the attempt has kept the draft

    def _show_problems(self, own: list[Problem], of_visit: list[Problem]) -> None:
        homeless = self.letter.form.set_problems(own)
        self.letter.missing.show_problems([*homeless, *of_visit])
        if own:
            text = _("Phiếu chưa ký được: còn {count} mục cần xem, đã đánh dấu bên dưới.")
            self.say(text.format(count=len(own) + len(of_visit)), Severity.WARNING)
        else:
            text = _("Lượt khám chưa đủ để ký cùng phiếu chuyển. Phiếu nháp vẫn được giữ.")
            self.say(text, Severity.WARNING)

    def _begin_amendment(self) -> None:
        letter = self.letter.letter
        kept = letter.typed if letter is not None else None
        reason: str | None
        if letter is not None and kept is not None and kept.referral is not None:
            letter, reason = replace(letter, referral=kept.referral), kept.reason
            self.say(_("Sửa đổi gõ dở lần trước đã được mở lại. Hãy xem lại rồi ký."))
        else:
            reason = dialogs.ask_text(
                self,
                _("Sửa đổi phiếu đã ký"),
                _("Bản đã ký được giữ nguyên; bản sửa đổi mang cùng số phiếu và ghi rõ lý do."),
                label=_("Lý do sửa đổi"),
            )
        if letter is None or not reason:
            return
        self._reason = reason
        self.letter.show_letter(letter, Mode.AMEND)
        if self._wished:
            self.letter.form.go_to(self._wished)
        self.letter.banner.show_message(
            Message(text=_("Đang sửa đổi: {reason}").format(reason=reason), severity=Severity.INFO)
        )

    def _amended(self) -> None:
        if self.letter.mode is Mode.AMEND:
            self._amendment.touch()

    def _typed(self) -> tuple[str, TypedAmendment] | None:
        """The amendment as it stands in the form, for keeping."""
        letter, typed = self.letter.letter, self.letter.typed()
        if letter is None or typed is None or self.letter.mode is not Mode.AMEND:
            return None
        return letter.referral.id, TypedAmendment(
            reason=self._reason, version=letter.version, referral=typed
        )

    def _give_up(self) -> None:
        letter = self.letter.letter
        if letter is not None:
            self._amendment.drop(letter.referral.id)
        self._reload()

    def _void(self) -> None:
        letter = self.letter.letter
        reason = dialogs.ask_text(
            self,
            _("Hủy phiếu chuyển"),
            _("Phiếu hủy vẫn được lưu và giữ số. Người bệnh không dùng được phiếu này nữa."),
            label=_("Lý do hủy"),
        )
        if letter is None or not reason:
            return
        self._session.command(
            lambda: self._services.referrals.void(self._actor, letter.referral.id, reason),
            done=lambda _changes: self.say(_("Đã hủy phiếu chuyển."), Severity.SUCCESS),
            failed=self._failed,
            owner=self,
        )

    @override
    def print_action(self) -> bool:
        letter = self.letter.letter
        if not self._on_letter or letter is None or self.letter.mode is Mode.AMEND:
            return False
        if letter.is_draft and (letter.row is None or self.letter.unsaved):
            self._save()
        self._returning = True
        self.go(routes.PREVIEW, routes.PreviewRoute(RecordKind.REFERRAL, letter.referral.id))
        return True

    def _to_visit(self) -> None:
        letter = self.letter.letter
        if letter is not None:
            self._keep_now()
            self._returning = True
            self.go(routes.ENCOUNTER, routes.EncounterRoute(letter.referral.encounter_id))

    def _failed(self, error: StationError) -> None:
        self.say(str(error), Severity.DANGER)

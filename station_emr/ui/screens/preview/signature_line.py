"""Who signed the paper in front, how, and whether that still holds."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, RecordKind
from station_emr.domain.signature import SignatureState, SignMethod
from station_emr.services.i18n import _
from station_emr.services.signatures import SignatureView, SignedBy
from station_emr.ui.kit import (
    GAP_S,
    Chip,
    ChipSpec,
    Severity,
    dialogs,
    hbox,
    label,
    named,
    secondary,
)
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.session import Session
from station_emr.ui.screens.preview.hand_dialog import HandDialog
from station_emr.ui.tasks import Lane

_SEVERITIES: Final = {
    SignatureState.VALID: Severity.SUCCESS,
    SignatureState.UNCHECKED: Severity.INFO,
    SignatureState.RECORDED: Severity.SUCCESS,
    SignatureState.OLDER: Severity.WARNING,
    SignatureState.FOREIGN: Severity.WARNING,
    SignatureState.REVOKED: Severity.DANGER,
    SignatureState.INVALID: Severity.DANGER,
}
_WORST: Final = (
    SignatureState.INVALID,
    SignatureState.REVOKED,
    SignatureState.OLDER,
    SignatureState.FOREIGN,
    SignatureState.UNCHECKED,
    SignatureState.RECORDED,
    SignatureState.VALID,
)


def signature_words(view: SignatureView) -> str:
    """One signature as people read it."""
    one = view.signature
    method = {
        SignMethod.PAPER: _("ký tay trên giấy"),
        SignMethod.BIOMETRIC: _("sinh trắc học"),
    }.get(one.method, _("chữ ký số"))
    name = one.signer_name or one.certificate_subject
    words = _("{name}, {method}, lúc {when}").format(
        name=name, method=method, when=show_moment(one.signed_at)
    )
    if one.method is SignMethod.DIGITAL_CERT:
        return _("{words}, chứng thư của {subject}").format(
            words=words, subject=one.certificate_subject
        )
    return _("{words}, người chứng kiến {witness}").format(words=words, witness=one.witness)


def state_chip(found: SignedBy) -> ChipSpec:
    if found.signatures:
        states = [view.state for view in found.signatures]
        current = [state for state in states if state is not SignatureState.OLDER]
        worst = min(current or states, key=_WORST.index)
        return ChipSpec(_(worst.label), _SEVERITIES[worst])
    if found.waiting:
        return ChipSpec(_("Đang chờ ký số"), Severity.WARNING)
    return ChipSpec(_("Chưa có chữ ký số"), Severity.NEUTRAL)


def words_of(found: SignedBy) -> str:
    parts = [signature_words(view) for view in found.signatures]
    if found.confirmed and not parts:
        last = found.confirmed[-1]
        parts.append(
            _("Ký xác nhận: {name}, lúc {when}").format(
                name=last.user_name, when=show_moment(last.at)
            )
        )
    return " · ".join(parts)


class SignatureLine(QWidget):
    """``sign_wanted`` asks for the list of what waits; ``said(text, severity)`` is a message."""

    sign_wanted = Signal()
    said = Signal(str, object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        named(self, "preview.signatures")
        self._session = session
        self._services = session.services
        self._actor = session.actor
        self._paper: tuple[RecordKind, str] | None = None
        self._signed: SignatureView | None = None
        self.chip = Chip("")
        self.words = label("", "muted", wrap=True)
        self.sign = secondary(_("Ký &số…"), "preview.sign_digitally", icon="certificate")
        self.file = secondary(_("Lưu bản &ký số"), "preview.save_signed", icon="file-pdf")
        self.hand = secondary(_("&Ghi chữ ký tay…"), "preview.record_hand", icon="signature")
        row = hbox(self.chip, self.words, self.sign, self.file, self.hand, gap=GAP_S, parent=self)
        row.setStretch(1, 1)
        self.sign.clicked.connect(self.sign_wanted)
        self.file.clicked.connect(self._save_file)
        self.hand.clicked.connect(self._record)
        self.hide()

    def show_paper(self, kind: RecordKind, record_id: str, *, draft: bool) -> None:
        """Draft papers have no signatures."""
        self._paper = None if draft else (kind, record_id)
        if draft:
            self.hide()
            return
        signatures, actor = self._services.signatures, self._actor
        self._session.ask(
            lambda: signatures.of(actor, kind, record_id),
            self._show,
            owner=self,
            failed=self._failed,
            latest="preview.signatures",
        )

    def _show(self, found: SignedBy) -> None:
        self.chip.set(state_chip(found))
        self.words.setText(words_of(found))
        files = [view for view in found.signatures if view.has_file]
        self._signed = files[-1] if files else None
        self.sign.setVisible(found.waiting and self._session.may(Action.REFERRAL_SIGN))
        self.file.setVisible(self._signed is not None and self._session.may(Action.PRINT))
        self.hand.setVisible(self._session.may(Action.SIGNATURE_RECORD))
        self.show()

    # -- the signed file -------------------------------------------------------------------------

    def _save_file(self) -> None:
        view = self._signed
        if view is None:
            return
        proposed = Path.home() / f"da-ky-so-{view.signature.id[:8]}.pdf"
        target = dialogs.save_file(self, _("Lưu bản ký số"), proposed, "PDF (*.pdf)")
        if target is None:
            return
        signatures, actor = self._services.signatures, self._actor

        def read() -> bytes:
            return signatures.file(actor, view.signature.id)

        self._session.ask(
            read, lambda data: self._write(target, data), owner=self, failed=self._failed
        )

    def _write(self, target: Path, data: bytes) -> None:
        def write() -> bool:
            try:
                target.write_bytes(data)
            except OSError:
                return False
            return True

        def written(done: bool) -> None:
            if done:
                self._say(_("Đã lưu {file}.").format(file=target.name), Severity.SUCCESS)
            else:
                self._say(
                    _("Không ghi được tệp vào thư mục này. Hãy chọn thư mục khác rồi lưu lại."),
                    Severity.WARNING,
                )

        self._session.runner.run(write, done=written, owner=self, lane=Lane.POOL)

    # -- a hand or a finger ----------------------------------------------------------------------

    def _record(self) -> None:
        paper = self._paper
        if paper is None:
            return
        dialog = HandDialog(self)
        if not dialogs.run_dialog(dialog):
            return
        hand, signatures, actor = dialog.hand(), self._services.signatures, self._actor

        def recorded(_changes: Changes) -> None:
            self._say(_("Đã ghi nhận chữ ký."), Severity.SUCCESS)
            self.show_paper(*paper, draft=False)

        self._session.command(
            lambda: signatures.record_hand(actor, *paper, hand),
            done=recorded,
            failed=self._failed,
            owner=self,
        )

    def _failed(self, error: StationError) -> None:
        self._say(str(error), Severity.DANGER)

    def _say(self, text: str, severity: Severity) -> None:
        self.said.emit(text, severity)

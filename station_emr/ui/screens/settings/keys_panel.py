"""The data key of the record: changing it, trying the code in the envelope, tying it to the PC."""

from __future__ import annotations

import threading
from datetime import datetime

from PySide6.QtWidgets import QProgressBar, QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Role
from station_emr.services.i18n import _
from station_emr.services.keys import KeyState
from station_emr.ui import tasks
from station_emr.ui.kit import (
    GAP_S,
    Banner,
    LineField,
    Message,
    Severity,
    dialogs,
    hbox,
    label,
    named,
    primary,
    rule,
    secondary,
)
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.tasks import Lane


class KeysPanel(Panel):
    """The administrator may change the key; code and PC are the director's alone."""

    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.keys_panel",
            _("Khóa dữ liệu"),
            _(
                "Hồ sơ được mã hóa bằng một khóa mà mật khẩu của từng người mở ra. Khi có người nghỉ việc, "
                "khóa tự đổi; mọi người giữ mật khẩu cũ và vẫn làm việc trong lúc đổi."
            ),
        )
        self._keys = session.services.keys
        self._stop = threading.Event()
        self._tied = False
        director = session.actor.role is Role.DIRECTOR
        self.about = label("", "strong", wrap=True)
        self.more = label("", "muted", wrap=True)
        self.add(self.about)
        self.add(self.more)
        self.note = Banner("settings.keys.note", closable=False)
        self.add(self.note)
        self.rotate = primary(
            _("Đổi khóa dữ liệu…"), "settings.keys.rotate", icon="arrows-clockwise"
        )
        self.rotate.clicked.connect(self._ask_to_rotate)
        self.body.addLayout(hbox(self.rotate, None))
        self.bar = QProgressBar()
        named(self.bar, "settings.keys.progress", _("Đã mã hóa lại"))
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.add(self.bar)

        self.code = LineField(max_length=40)
        named(self.code.editor, "settings.keys.code")
        self.code.set_spoken(_("Mã khôi phục trên phiếu"))
        self.code.moves_on = False
        caption = label(_("&Gõ mã khôi phục trên phiếu để thử, không thay đổi gì"), "label")
        caption.setBuddy(self.code.editor)
        self.tested = label("", "muted", wrap=True)
        self.check = secondary(_("Kiểm tra mã"), "settings.keys.check", icon="check-circle")
        self.code.entered.connect(self._check_code)
        self.check.clicked.connect(self._check_code)
        self.code.changed.connect(lambda: self.code.set_problem(None))
        self.tie = secondary(_("Gắn hồ sơ với máy này…"), "settings.keys.tie", icon="desktop")
        self.tie.clicked.connect(self._ask_to_tie)
        self.machine = label("", "muted", wrap=True)
        for widget in (rule(), caption, self.code, self.tested):
            self.add(widget)
            widget.setVisible(director)
        self.body.addLayout(hbox(self.check, None))
        self.check.setVisible(director)
        self.body.addSpacing(GAP_S)
        for widget in (rule(), self.machine):
            self.add(widget)
            widget.setVisible(director)
        self.body.addLayout(hbox(self.tie, None))
        self.tie.setVisible(director)
        self.body.addStretch(1)

    @override
    def load(self) -> None:
        self.code.set_value("")  # a code does not stay on a screen that others pass
        self._session.ask(lambda: self._keys.state(self._actor), self._show, owner=self)

    @override
    def focus(self) -> QWidget:
        return self.rotate

    def _show(self, state: KeyState) -> None:
        self.about.setText(_about(state))
        self.more.setText(_more(state))
        self.more.setVisible(bool(self.more.text()))
        self.tested.setText(_tested(state))
        self._tied = state.tied
        self.tie.setText(_("Bỏ gắn với máy này…") if state.tied else _("Gắn hồ sơ với máy này…"))
        self.machine.setText(_machine(state))

    # -- a new key ---------------------------------------------------------------------------------

    def _ask_to_rotate(self) -> None:
        if not dialogs.confirm(
            self,
            _("Đổi khóa dữ liệu?"),
            _(
                "Hồ sơ được mã hóa lại trong nền, mất điện giữa chừng cũng không sao. Mật khẩu và mã khôi "
                "phục giữ nguyên. Bản sao lưu cũ chỉ mở được bằng tệp khóa nằm cùng bản sao; hãy sao lưu "
                "lại sau khi đổi."
            ),
            yes=_("Đổi khóa"),
        ):
            return
        self.rotate.setEnabled(False)
        self.bar.setRange(0, 0)
        self.bar.show()
        self._tell(_("Đang mã hóa lại. Bạn vẫn làm việc khác được."), Severity.INFO)

        def work(progress: tasks.Progress) -> bool:
            return self._keys.rotate(self._actor, progress.report, self._stop.is_set)

        self._session.runner.run_long(
            work,
            done=self._rotated,
            failed=lambda error: self._tell(str(error), Severity.DANGER),
            progress=self._progress,
            finally_=self._ended,
            owner=self,
        )

    def _progress(self, done: int, total: int, _text: str) -> None:
        self.bar.setRange(0, total)
        self.bar.setValue(done)

    def _rotated(self, finished: bool) -> None:
        if finished:
            self._tell(_("Đã đổi xong khóa dữ liệu. Hãy sao lưu lại hôm nay."), Severity.SUCCESS)
        else:
            self._tell(_("Đã dừng; chương trình làm tiếp ở lần đăng nhập sau."), Severity.WARNING)

    def _ended(self) -> None:
        self.bar.hide()
        self.rotate.setEnabled(True)
        self._session.ask(lambda: self._keys.state(self._actor), self._show, owner=self)

    # -- the envelope ------------------------------------------------------------------------------

    def _check_code(self) -> None:
        typed = self.code.value()
        if not typed.strip():
            self.code.set_problem(_("Hãy gõ mã trên phiếu trong phong bì, 24 ký tự."))
            return
        self.check.setEnabled(False)
        self._session.runner.run(
            lambda: self._keys.check_recovery_code(self._actor, typed),
            done=self._code_opens,
            failed=self._code_fails,
            finally_=lambda: self.check.setEnabled(True),
            owner=self,
            lane=Lane.POOL,
        )

    def _code_opens(self, at: datetime) -> None:
        self.load()
        self._say(
            _("Mã đúng, mở được hồ sơ. Đã ghi ngày thử: {when}.").format(when=show_moment(at))
        )

    def _code_fails(self, error: StationError) -> None:
        self.code.set_problem(str(error))
        self.code.editor.setFocus()

    # -- the PC ------------------------------------------------------------------------------------

    def _ask_to_tie(self) -> None:
        if self._tied:
            title, yes = _("Bỏ gắn với máy này?"), _("Bỏ gắn")
            text = _("Sau đó mật khẩu mở được hồ sơ trên mọi máy có thư mục dữ liệu này.")
            change = self._keys.untie_from_machine
        else:
            title, yes = _("Gắn hồ sơ với máy này?"), _("Gắn với máy")
            text = _(
                "Sau đó chép thư mục dữ liệu sang máy khác thì mật khẩu không mở được; máy hỏng hoặc cài "
                "lại Windows thì phải dùng mã khôi phục. Hãy thử mã khôi phục trước khi gắn."
            )
            change = self._keys.tie_to_machine
        if dialogs.confirm(self, title, text, yes=yes):
            self._session.runner.run(
                lambda: change(self._actor),
                done=lambda _none: self._tied_now(),
                failed=lambda error: self._tell(str(error), Severity.DANGER),
                owner=self,
                lane=Lane.POOL,
            )

    def _tied_now(self) -> None:
        self._say(_("Đã bỏ gắn với máy.") if self._tied else _("Đã gắn hồ sơ với máy này."))
        self.load()

    def _tell(self, text: str, severity: Severity) -> None:
        self.note.show_message(Message(text=text, severity=severity))


def _about(state: KeyState) -> str:
    if not state.settled:
        return _("Khóa thứ {number}, đang mã hóa lại hồ sơ.").format(number=state.generation)
    if state.rotated_at is None:
        return _("Khóa đầu tiên của trạm, chưa đổi lần nào.")
    return _("Khóa thứ {number}, đổi lúc {when}.").format(
        number=state.generation, when=show_moment(state.rotated_at)
    )


def _more(state: KeyState) -> str:
    if not state.leavers:
        return ""
    return _("Đã nghỉ từ lần đổi trước: {names}. Hãy đổi khóa.").format(
        names=", ".join(state.leavers)
    )


def _tested(state: KeyState) -> str:
    tested, made = state.code_tested_at, state.code_made_at
    if tested is None or (made is not None and made > tested):
        return _("Mã đang dùng chưa được thử lần nào.")
    return _("Thử đúng lần cuối: {when}. Nên thử lại mỗi năm.").format(when=show_moment(tested))


def _machine(state: KeyState) -> str:
    if state.foreign:
        return _("Chỉ mở được trên máy cũ, cần đặt lại mật khẩu: {names}.").format(
            names=", ".join(state.foreign)
        )
    if state.tied:
        return _("Hồ sơ đang gắn với máy này: mật khẩu không mở được ở máy khác.")
    return _("Hồ sơ chưa gắn với máy: ai chép được thư mục và biết mật khẩu thì mở được.")

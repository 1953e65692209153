"""The person's own second factor: joining a telephone, and new recovery codes."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.access import AccessPolicy
from station_emr.domain.door import WrongCode
from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action, Role
from station_emr.services.i18n import _
from station_emr.services.second_factor import FactorStanding, Joining
from station_emr.ui.kit import (
    CheckField,
    Form,
    LineField,
    Severity,
    hbox,
    label,
    named,
    primary,
    rule,
    secondary,
    theme,
    vbox,
)
from station_emr.ui.kit.qr_picture import QrPicture
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel


class SecondFactorPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.second_factor_panel",
            _("Xác thực hai lớp của tôi"),
            _(
                "Ngoài mật khẩu, mỗi lần đăng nhập gõ thêm mã 6 số trên điện thoại. Không cần mạng, không cần "
                "sim. Khi đã bật, mật khẩu chỉ cần 8 ký tự."
            ),
        )
        self._factor = session.services.people.second_factor
        self.state = label("", "strong", wrap=True)
        self.add(self.state)
        self._joining = QWidget()
        self.picture = QrPicture("factor.qr", _("Hình để quét bằng ứng dụng xác thực"))
        self.secret = label("", "strong", wrap=True, selectable=True)
        self.form = Form("factor")
        self.code = self.form.add("code", _("&Mã trên điện thoại"), LineField(max_length=12))
        told = label(
            _("Quét hình bằng ứng dụng xác thực, hoặc gõ chuỗi này vào ứng dụng:"), wrap=True
        )
        words = vbox(told, self.secret, self.form, None, gap=theme.GAP_S)
        row = hbox(self.picture, gap=theme.GAP_L, parent=self._joining)
        row.addLayout(words, 1)
        self.add(self._joining)
        self.codes = label("", "strong", selectable=True)
        self.codes.setAccessibleName(_("Mã dự phòng"))
        self.add(self.codes)
        self.begin = primary(_("Nối điện thoại"), "factor.begin", icon="qr-code")
        self.confirm = primary(_("Bật xác thực hai lớp"), "factor.confirm", icon="check")
        self.renew = secondary(_("Cấp mười mã dự phòng mới"), "factor.renew", icon="key")
        self.body.addLayout(hbox(self.begin, self.confirm, self.renew, None))
        self._rules = QWidget()
        self.roles: dict[Role, CheckField] = {}
        for role in Role:
            box = CheckField(_(role.label))
            named(box.editor, f"factor.role.{role.value}")
            self.roles[role] = box
        self.roles[Role.ADMINISTRATOR].editor.setEnabled(False)
        self.keep = secondary(_("Lưu quy tắc"), "factor.rules", icon="check")
        told = label(_("Vai trò nào phải bật xác thực hai lớp"), "strong")
        boxes = list(self.roles.values())
        columns = hbox(vbox(*boxes[:4], gap=0), vbox(*boxes[4:], gap=0), None, gap=theme.GAP_XL)
        vbox(rule(), told, columns, hbox(self.keep, None), parent=self._rules)
        self.add(self._rules)
        self._rules.setVisible(session.may(Action.USER_MANAGE))
        self.keep.clicked.connect(self._keep_rules)
        self.body.addStretch(1)
        self.begin.clicked.connect(self._begin)
        self.confirm.clicked.connect(self.save)
        self.renew.clicked.connect(self._renew)
        self.form.submitted.connect(self.save)
        self._show_parts(joined=False, joining=False)

    @override
    def load(self) -> None:
        self.codes.setText("")
        self.codes.hide()
        self._session.ask(
            lambda: self._factor.standing(self._actor),
            self._show,
            owner=self,
            failed=self._failed,
            latest="factor.standing",
        )
        if self._session.may(Action.USER_MANAGE):
            self._session.ask(
                lambda: self._services.people.access.policy(self._actor),
                self._show_rules,
                owner=self,
                failed=self._failed,
                latest="factor.rules",
            )

    def _show_rules(self, policy: AccessPolicy) -> None:
        for role, box in self.roles.items():
            box.set_value(policy.asks_second_factor(role))

    def _keep_rules(self) -> None:
        policy = AccessPolicy(
            second_factor=frozenset(role for role, box in self.roles.items() if box.value())
        )
        self._session.ask(
            lambda: self._services.people.access.save_policy(self._actor, policy),
            lambda _nothing: self._say(
                _("Đã lưu. Người chưa bật sẽ được hỏi ở lần đăng nhập sau.")
            ),
            owner=self,
            failed=self._failed,
        )

    @override
    def focus(self) -> QWidget | None:
        return self.begin if self.begin.isVisible() else self.renew

    def _show(self, standing: FactorStanding) -> None:
        if standing.joined:
            words = _("Đang bật. Còn {count} mã dự phòng.")
            self.state.setText(words.format(count=standing.codes_left))
        elif standing.required:
            self.state.setText(_("Chưa bật. Vai trò của bạn phải bật ở lần đăng nhập sau."))
        else:
            self.state.setText(_("Chưa bật."))
        self._show_parts(joined=standing.joined, joining=False)

    def _show_parts(self, *, joined: bool, joining: bool) -> None:
        self._joining.setVisible(joining)
        self.begin.setVisible(not joined and not joining)
        self.confirm.setVisible(joining)
        self.renew.setVisible(joined)

    def _begin(self) -> None:
        self._session.ask(
            lambda: self._factor.begin(self._actor), self._begun, owner=self, failed=self._failed
        )

    def _begun(self, joining: Joining) -> None:
        self.picture.show_rows(joining.squares)
        self.secret.setText(joining.secret)
        self._show_parts(joined=False, joining=True)
        self.code.editor.setFocus()

    @override
    def save(self) -> None:
        if not self.confirm.isVisible():
            return
        code = self.code.value()
        self._session.ask(
            lambda: self._factor.join(self._actor, code),
            self._joined,
            owner=self,
            failed=self._failed,
        )

    def _renew(self) -> None:
        self._session.ask(
            lambda: self._factor.new_codes(self._actor),
            self._joined,
            owner=self,
            failed=self._failed,
        )

    def _joined(self, codes: tuple[str, ...]) -> None:
        """The codes stay on the page until the person leaves it."""
        self.code.set_value("")
        self.secret.setText("")
        self.picture.show_rows(())
        self.state.setText(
            _(
                "Đang bật. Hãy chép mười mã dự phòng này ra giấy; rời trang này là không xem lại được."
            )
        )
        half = len(codes) // 2
        pairs = zip(codes[:half], codes[half:], strict=True)
        self.codes.setText("\n".join(f"{one}      {other}" for one, other in pairs))
        self.codes.show()
        self._show_parts(joined=True, joining=False)
        self._say(_("Đã cấp mã dự phòng mới."))

    def _failed(self, error: StationError) -> None:
        if isinstance(error, WrongCode):
            self.code.set_problem(str(error))
            self.code.editor.setFocus()
        else:
            self._say(str(error), Severity.DANGER)

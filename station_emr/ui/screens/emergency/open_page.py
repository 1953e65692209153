"""Opening one patient's record in an emergency: reason, person, then what must be known first."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from typing_extensions import override

from station_emr.domain.access import Grant
from station_emr.domain.errors import InvalidRecord, StationError
from station_emr.services.emergency import FoundPerson
from station_emr.services.i18n import _
from station_emr.services.patients import PatientCard
from station_emr.ui.kit import (
    GAP_M,
    Card,
    Column,
    Form,
    LineField,
    Screen,
    ScreenHeader,
    Severity,
    Shortcut,
    Table,
    TextField,
    hbox,
    icon_button,
    label,
    plain_table,
    primary,
    scrolled,
    secondary,
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session

_MOST_VISITS = 10


class EmergencyScreen(Screen):
    def __init__(self, session: Session) -> None:
        super().__init__("emergency")
        self._session = session
        self._emergency = session.services.people.emergency
        self._actor = session.actor
        self._grant: Grant | None = None
        back = icon_button("arrow-left", "emergency.back", _("Về Quản trị"))
        back.clicked.connect(lambda: self.go(routes.SETTINGS))
        self.close_it = secondary(_("Đóng hồ sơ"), "emergency.close")
        self.open_it = primary(_("Mở 4 giờ"), "emergency.open", Shortcut.SIGN)
        header = ScreenHeader(_("Mở hồ sơ khẩn cấp"), "", (self.close_it, self.open_it))
        row = hbox(back, header)
        row.setStretch(1, 1)
        self.page.addLayout(row)
        left = Card()
        left.add(
            label(
                _(
                    "Chỉ dùng khi người bệnh nguy cấp và bạn không có quyền xem (hồ sơ hoặc nội dung hạn chế). Giám đốc được báo ngay và "
                    "duyệt lại trong 3 ngày. Chỉ xem được, không ký, không in."
                ),
                "muted",
                wrap=True,
            )
        )
        self.form = Form("emergency")
        self.reason = self.form.add("reason", _("&Lý do khẩn cấp"), TextField(), required=True)
        self.text = self.form.add("text", _("Họ tên hoặc &số định danh"), LineField())
        left.add(self.form)
        self.table: Table[FoundPerson] = Table(
            "emergency.found",
            _("Người bệnh tìm thấy"),
            [
                Column(title=_("Họ và tên"), text=lambda r: r.full_name, stretch=True, strong=True),
                Column(title=_("Năm sinh"), text=lambda r: r.birth, width=84),
                Column(title=_("Giới"), text=lambda r: r.sex, width=60),
            ],
        )
        left.add(plain_table(self.table), 1)
        right = Card()
        self._who = label("", "heading", wrap=True)
        self._told = label("", "body", wrap=True)
        right.add(self._who)
        self._told.setAlignment(Qt.AlignmentFlag.AlignTop)
        right.add(scrolled(self._told), 1)
        body = hbox(left, right, gap=GAP_M)
        body.setStretch(0, 2)
        body.setStretch(1, 3)
        self.page.addLayout(body, 1)
        self.text.entered.connect(self._find)
        self.table.opened.connect(lambda _row: self._open())
        self.open_it.clicked.connect(self._open)
        self.close_it.clicked.connect(self._close)

    @override
    def on_enter(self, context: object = None) -> None:
        self._forget()
        self.reason.editor.setFocus()
        self._session.ask(
            lambda: self._emergency.mine(self._actor),
            self._show_open,
            owner=self,
            failed=self._failed,
            latest="emergency.mine",
        )

    @override
    def on_lock(self) -> None:
        self._forget()

    @override
    def on_leave(self) -> bool:
        self._forget()
        return True

    def _forget(self) -> None:
        """Nothing of the record stays in the page once it is left."""
        self._grant = None
        self._who.setText("")
        self._told.setText("")
        self.table.set_rows(())
        self.form.clear()
        self.close_it.setEnabled(False)

    def _show_open(self, grants: tuple[Grant, ...]) -> None:
        if grants:
            self._opened(grants[-1])

    def _find(self) -> None:
        text = self.text.value()
        self._session.ask(
            partial(self._emergency.find, self._actor, text),
            self._found,
            owner=self,
            failed=self._failed,
            latest="emergency.find",
        )

    def _found(self, people: tuple[FoundPerson, ...]) -> None:
        self.table.set_rows(people)
        if people:
            self.table.choose_first()
            self.table.setFocus()
        else:
            self.say(_("Không thấy ai. Hãy gõ đủ họ tên hoặc số định danh."), Severity.INFO)

    def _open(self) -> None:
        person = self.table.current()
        if person is None:
            self.text.set_problem(_("Chưa chọn người bệnh. Gõ tên rồi bấm Enter để tìm."))
            return
        self._session.ask(
            partial(self._emergency.open, self._actor, person.id, self.reason.value()),
            self._opened,
            owner=self,
            failed=self._failed,
        )

    def _opened(self, grant: Grant) -> None:
        self._grant = grant
        self.close_it.setEnabled(True)
        self._session.ask(
            partial(self._emergency.record, self._actor, grant.patient_id),
            self._show,
            owner=self,
            failed=self._failed,
            latest="emergency.record",
        )

    def _show(self, card: PatientCard) -> None:
        if self._grant is None:
            return
        self._who.setText(card.patient.full_name)
        until = _("Mở đến {time}.").format(time=f"{self._grant.until:%H:%M %d/%m/%Y}")
        self._told.setText("\n".join([until, *_lines(card)]))
        self.say(_("Đã mở hồ sơ. Giám đốc trạm được báo."), Severity.WARNING)

    def _close(self) -> None:
        if self._grant is None:
            return
        grant = self._grant
        self._session.ask(
            lambda: self._emergency.close(self._actor, grant.id),
            lambda _nothing: self._closed(),
            owner=self,
            failed=self._failed,
        )

    def _closed(self) -> None:
        self._forget()
        self.say(_("Đã đóng hồ sơ."), Severity.SUCCESS)

    def _failed(self, error: StationError) -> None:
        if isinstance(error, InvalidRecord):
            for left in self.form.set_problems(error.problems):
                self.say(left.message, Severity.DANGER)
        else:
            self.say(str(error), Severity.DANGER)


def _lines(card: PatientCard) -> list[str]:
    """What matters first: allergies, chronic illness, then the newest visits."""
    person = card.patient
    allergies = ", ".join(one.substance for one in person.allergies)
    nothing = _("không có dị ứng đã biết") if person.no_known_allergy else _("chưa ghi")
    found = [_("Dị ứng: {what}").format(what=allergies or nothing)]
    conditions = ", ".join(one.title for one in person.conditions)
    found.append(_("Bệnh mạn tính: {what}").format(what=conditions or _("chưa ghi")))
    if person.blood_type:
        found.append(_("Nhóm máu: {what}").format(what=person.blood_type))
    for visit in card.visits[:_MOST_VISITS]:
        found.append("")
        found.append(f"{visit.on:%d/%m/%Y} · {visit.reason}")
        found.extend(f"• {one}" for one in (*visit.diagnoses, *visit.drugs))
    return found

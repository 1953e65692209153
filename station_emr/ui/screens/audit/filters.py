"""What of the log is asked for: person, kind of action, days, result, one patient."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from station_emr.domain.audit import AuditFilter, Result
from station_emr.services.clock import VIETNAM
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    DateField,
    Field,
    FlowLayout,
    combo,
    fixed_width,
    hbox,
    icon_button,
    label,
    named,
)
from station_emr.ui.models.moments import parse_day

ALL: Final = "all"
_NONE: Final = ("\x00",)  # an action that nothing has
GROUPS: Final = {
    "access": ("account.",),
    "seen": (".view", ".list", ".search", "patient.look_elsewhere"),
    "signed": (".sign", ".amend", ".void"),
    "printed": (".print", "audit.export", "audit.access_report", ".head_sheet"),
    "set": ("setting.", "station.", "catalog.", "user.", "backup.", "clock.", "audit."),
    "refused": ("access.refused", "account.failed_log_in", "audit.mismatch"),
}


def in_group(action: str, group: object) -> bool:
    """Whether an action is of a kind; every action is of the kind ``all``."""
    marks = GROUPS.get(str(group))
    return marks is None or any(action.startswith(mark) or action.endswith(mark) for mark in marks)


class Filters(QWidget):
    """``changed`` follows every choice; what is typed half is no choice."""

    changed = Signal()

    def __init__(self, today: date) -> None:
        super().__init__()
        self._actions: tuple[str, ...] = ()
        self.patient_id = ""
        self.group = combo(
            [
                (ALL, _("Mọi việc")),
                ("access", _("Đăng nhập, mật khẩu")),
                ("seen", _("Xem hồ sơ")),
                ("signed", _("Ký, sửa đổi, hủy")),
                ("printed", _("In, xuất ra ngoài")),
                ("set", _("Cài đặt, danh mục, người dùng")),
                ("refused", _("Bị từ chối, đáng ngờ")),
            ],
            "audit.group",
            _("Loại việc"),
        )
        self.person = combo([(ALL, _("Mọi người"))], "audit.person", _("Người"))
        self.result = combo(
            [(ALL, _("Mọi kết quả")), *((one.value, _(one.label)) for one in Result)],
            "audit.result",
            _("Kết quả"),
        )
        for field in (self.group, self.person, self.result):
            field.set_value(ALL)
        self.since = _day_field("audit.since", _("Từ ngày"), today)
        self.until = _day_field("audit.until", _("Đến ngày"), today)
        self.patient = label("", "strong")
        self.clear_patient = icon_button("x", "audit.all_patients", _("Mọi người bệnh"))
        flow = FlowLayout(self, GAP_S)
        flow.setContentsMargins(0, 0, 0, 0)
        for widget, width in (
            (self.group, 24),
            (self.person, 20),
            (self.result, 12),
            (self.since, 9),
            (self.until, 9),
        ):
            flow.addWidget(fixed_width(widget, width))
            widget.setMinimumWidth(widget.maximumWidth())
        self._one_patient = QWidget()
        hbox(self.patient, self.clear_patient, gap=GAP_S, parent=self._one_patient)
        flow.addWidget(self._one_patient)
        fields: tuple[Field, ...] = (
            self.group,
            self.person,
            self.result,
            self.since,
            self.until,
        )
        for one in fields:
            one.changed.connect(lambda *_ignored: self.changed.emit())
        self.clear_patient.clicked.connect(lambda: self.choose_patient("", ""))
        self.choose_patient("", "", tell=False)

    def choose_patient(self, patient_id: str, name: str, *, tell: bool = True) -> None:
        """Only lines about this patient; all again with an empty id."""
        self.patient_id = patient_id
        self.patient.setText(_("Người bệnh: {name}").format(name=name) if patient_id else "")
        self._one_patient.setVisible(bool(patient_id))
        if tell:
            self.changed.emit()

    def offer(self, people: Iterable[tuple[str, str]], actions: Iterable[str]) -> None:
        """Who and what there is in the log."""
        chosen = self.person.value()
        known = [(ALL, _("Mọi người")), *people]
        self.person.set_options(known)
        self.person.set_value(chosen if chosen in {one for one, _name in known} else ALL)
        self._actions = tuple(actions)

    def wanted(self) -> AuditFilter:
        """The question as the service takes it."""
        group, person, result = self.group.value(), self.person.value(), self.result.value()
        actions = tuple(one for one in self._actions if in_group(one, group))
        since, until = self.since.value(), self.until.value()
        return AuditFilter(
            user_id="" if person == ALL else str(person),
            patient_id=self.patient_id,
            actions=() if group == ALL else actions or _NONE,
            since=_start(since) if isinstance(since, date) else None,
            until=_start(until + timedelta(days=1)) if isinstance(until, date) else None,
            result=None if result == ALL else Result(str(result)),
        )


def _day_field(name: str, spoken: str, today: date) -> DateField[date]:
    field: DateField[date] = DateField(
        lambda text: parse_day(text, today),
        lambda day: f"{day:%d/%m/%Y}",
        refusal=_("Chưa phải là ngày"),
        placeholder=spoken,
    )
    named(field.editor, name)
    field.set_spoken(spoken)
    return field


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM)

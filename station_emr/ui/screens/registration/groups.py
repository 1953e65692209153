"""The groups of the form that every person has: identity, contact, guardian, today's visit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import date
from typing import Any, Final

from PySide6.QtCore import Signal

from station_emr.domain.birth import BirthDate, age_text, parse_birth
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.encounter import Priority
from station_emr.domain.errors import InvalidRecord
from station_emr.domain.record import Sex
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    NATIONAL_ID_GROUPS,
    Card,
    DateField,
    Form,
    GroupedField,
    LineField,
    PhoneField,
    SegmentedField,
    TextField,
)
from station_emr.ui.models.session import Session

from .binding import day_field, read_form, show_form
from .lookups import CodedField, communes, relationships, rows_of
from .questions import Questions
from .state import Coded, RegistrationState

FROM_CARD: Final = "từ thẻ"
Today = Callable[[], date]


class Group(Card):
    """A card of the form. ``changed(key)`` follows every change by the person."""

    changed = Signal(str)

    def __init__(self, name: str, title: str) -> None:
        super().__init__(title)
        self.name = name
        self.form = Form("registration")
        self.form.changed.connect(self.changed)
        self.questions = Questions(f"registration.{name}.questions")
        self.add(self.form)

    def read(self, state: RegistrationState) -> RegistrationState:
        return replace(state, **read_form(self.form))

    def show_state(self, state: RegistrationState) -> None:
        values: dict[str, Any] = {key: getattr(state, key) for key in self.form.keys}
        show_form(self.form, values)
        self.mark(state.scanned)

    def mark(self, scanned: Collection[str]) -> None:
        """Say under each field whether a card filled it, and what follows from it."""
        for key in self.form.keys:
            field = self.form.field(key)
            told = [self.told(key), _(FROM_CARD) if key in scanned else ""]
            hint = " · ".join(text for text in told if text)
            if field._hint != hint:  # noqa: SLF001 - a field shows its hint but does not tell it
                field.set_hint(hint)

    def told(self, key: str) -> str:  # noqa: ARG002 - for subclasses
        """What the field's own value means, such as the age."""
        return ""


class IdentityGroup(Group):
    """In the order of the citizen card."""

    def __init__(self, session: Session, today: Today) -> None:
        super().__init__("identity", _("Căn cước công dân"))
        self._today = today
        self.national_id = GroupedField(NATIONAL_ID_GROUPS, placeholder=_("12 số, hoặc quét thẻ"))
        self.full_name = LineField(placeholder=_("Đầy đủ như trên giấy tờ"), max_length=300)
        self.birth: DateField[BirthDate] = DateField(
            self._parse_birth,
            BirthDate.display,
            refusal=_("Không đọc được ngày sinh. Gõ như 03/05/1992, 030592, 1992 hoặc 34t."),
            placeholder="3/5/92, 1992, 34t",
        )
        self.sex = SegmentedField(
            [
                (Sex.MALE.value, _("Nam")),
                (Sex.FEMALE.value, _("Nữ")),
                (Sex.UNKNOWN.value, _("Chưa rõ")),
            ]
        )
        self.commune = CodedField(
            session, communes(session), placeholder=_("Gõ tên mới hoặc tên cũ"), two_lines=True
        )
        self.form.add_row(
            ("national_id", _("Số đị&nh danh cá nhân"), self.national_id),
            ("full_name", _("&Họ và tên"), self.full_name),
            stretch=(2, 3),
            required=("full_name",),
        )
        self.form.add_widget(self.questions)
        self.form.add_row(
            ("birth", _("N&gày sinh hoặc tuổi"), self.birth),
            ("sex", _("G&iới tính"), self.sex),
            stretch=(2, 3),
            required=("birth", "sex"),
        )
        self.form.add_row(
            (
                "address_line",
                _("&Thôn, làng, số nhà"),
                LineField(placeholder=_("Làng Ơp, tổ 3…"), max_length=200),
            ),
            ("commune", _("&Xã, phường"), self.commune),
            stretch=(2, 3),
        )
        self.form.add_row(
            (
                "old_national_id",
                _("Số CMN&D cũ"),
                GroupedField((3, 3, 3), placeholder=_("9 số, nếu có")),
            ),
            ("issued_on", _("Ngà&y cấp thẻ"), day_field(today, _("ngày/tháng/năm"))),
            stretch=(2, 3),
        )

    def _parse_birth(self, text: str) -> BirthDate | None:
        try:
            return parse_birth(text, self._today())
        except InvalidRecord:
            return None

    def told(self, key: str) -> str:
        if key == "birth":
            born = self.birth.value()
            return age_text(born, self._today()) if born is not None else ""
        if key == "commune":
            return self.commune.coded().parent_name
        return ""


class ContactGroup(Group):
    def __init__(self, session: Session) -> None:
        super().__init__("contact", _("Liên hệ và nghề nghiệp"))
        self.form.add_row(
            ("phone", _("Điện th&oại"), PhoneField(placeholder="0900 000 000")),
            (
                "ethnic",
                _("Dân tộ&c"),
                CodedField(session, rows_of(session, CatalogKind.ETHNIC_GROUP)),
            ),
        )
        self.form.add_row(
            (
                "occupation",
                _("Nghề nghiệ&p"),
                CodedField(
                    session,
                    rows_of(session, CatalogKind.OCCUPATION),
                    placeholder=_("Nông dân, học sinh…"),
                ),
            ),
            ("workplace", _("Nơi làm &việc"), LineField(max_length=200)),
        )
        self.form.add(
            "note", _("Ghi chú về người bệnh"), TextField(placeholder=_("Nếu có"), most=4)
        )


class GuardianGroup(Group):
    """Who brought the child (TT 26/2025: printed on the prescription under 72 months)."""

    def __init__(self, session: Session) -> None:
        super().__init__("guardian", _("Người đưa trẻ đến, người giám hộ"))
        self.form.add_row(
            (
                "guardian_name",
                _("Họ tên người đư&a đến"),
                LineField(placeholder=_("Đầy đủ như trên giấy tờ"), max_length=300),
            ),
            (
                "guardian_relationship",
                _("Quan hệ"),
                _RelationshipField(session),
            ),
            stretch=(3, 2),
        )
        self.form.add_row(
            ("guardian_phone", _("Điện thoại người đưa đến"), PhoneField()),
            (
                "guardian_national_id",
                _("Số định danh người đưa đến"),
                GroupedField(NATIONAL_ID_GROUPS),
            ),
            stretch=(3, 2),
        )
        self.add(self.questions)

    def read(self, state: RegistrationState) -> RegistrationState:
        values = read_form(self.form)
        relation = values["guardian_relationship"]
        values["guardian_relationship"] = relation.name or relation.typed
        return replace(state, **values)

    def show_state(self, state: RegistrationState) -> None:
        values: dict[str, Any] = {key: getattr(state, key) for key in self.form.keys}
        values["guardian_relationship"] = Coded(typed=state.guardian_relationship)
        show_form(self.form, values)
        self.mark(state.scanned)


class _RelationshipField(CodedField):
    def __init__(self, session: Session) -> None:
        super().__init__(session, relationships, placeholder=_("Mẹ, bố, bà…"), free_text=True)


class VisitGroup(Group):
    """Why the person came, and how the queue should treat them."""

    def __init__(self) -> None:
        super().__init__("visit", _("Đến khám hôm nay"))
        self.priority = SegmentedField(_options(Priority))
        self.form.add(
            "reason",
            _("&Lý do đến khám"),
            TextField(placeholder=_("Người bệnh nói gì"), least=2, most=4),
        )
        self.form.add("priority", _("Xếp &khám"), self.priority)


class AmendmentGroup(Group):
    """For a known person: why the record is being changed."""

    def __init__(self) -> None:
        super().__init__("amendment", _("Lý do sửa"))
        self.form.add(
            "amendment_reason",
            _("&Lý do sửa thông tin"),
            LineField(placeholder=_("Đổi thẻ BHYT, sửa theo căn cước…")),
        )


def _options(priorities: Iterable[Priority]) -> list[tuple[object, str]]:
    return [(priority.value, priority.label) for priority in priorities]

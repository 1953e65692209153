"""The three things that are written down: a consent, a request, a leak."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.consent import PURPOSES, Consent, ConsentForm, ConsentGiver, check_consent
from station_emr.domain.privacy_request import (
    Asker,
    DataBreach,
    PrivacyRequest,
    RequestKind,
    check_breach,
    check_request,
)
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    ButtonKind,
    ChoiceField,
    DateField,
    Form,
    LineField,
    Option,
    PhoneField,
    TextField,
    named,
)
from station_emr.ui.kit.dialogs import Box
from station_emr.ui.models.moments import parse_day, show_day


class _Sheet(Box):
    """A form in a dialog, accepted only when nothing is wrong with it."""

    def __init__(self, parent: QWidget, record: str, title: str, text: str, yes: str) -> None:
        super().__init__(parent, title, text)
        self.setMinimumWidth(620)
        self.form = Form(record)
        named(self.form, f"{record}.form")
        self.content.addWidget(self.form)
        self.add_button(_("Quay lại"), "dialog.no")
        self.add_button(yes, "dialog.yes", kind=ButtonKind.PRIMARY, accept=True)

    def _text(self, key: str) -> str:
        return str(self.form.field(key).value() or "")


class ConsentDialog(_Sheet):
    """Nothing is chosen beforehand: neither the purpose nor the way."""

    def __init__(self, parent: QWidget, blank: Consent, age: int, today: date) -> None:
        super().__init__(
            parent,
            "consent",
            _("Ghi sự đồng ý"),
            _(
                "Mỗi mục đích ghi riêng, sau khi đã giải thích. Không đồng ý vẫn được khám bình thường."
            ),
            _("Ghi sự đồng ý"),
        )
        self._blank, self._age, self._today = blank, age, today
        self.purpose = self.form.add(
            "purpose",
            _("&Mục đích"),
            ChoiceField(
                [Option(one.code, _(one.label)) for one in PURPOSES],
                placeholder=_("Chọn một mục đích"),
            ),
            required=True,
        )
        self.giver = ChoiceField([Option(one, _(one.label)) for one in ConsentGiver])
        self.way = ChoiceField(
            [Option(one, _(one.label)) for one in ConsentForm], placeholder=_("Chọn cách đồng ý")
        )
        self.form.add_row(
            ("giver", _("&Người đồng ý"), self.giver),
            ("form", _("&Cách đồng ý"), self.way),
            required=("giver", "form"),
        )
        self.form.add_row(
            ("guardian_name", _("Người đại &diện"), LineField()),
            ("guardian_relationship", _("&Quan hệ"), LineField()),
        )
        self.form.add_row(
            ("paper_number", _("&Số phiếu giấy"), LineField()),
            ("witness", _("Người &làm chứng"), LineField()),
        )
        self.until: DateField[date] = DateField(
            lambda text: parse_day(text, today), show_day, refusal=_("Ghi ngày, ví dụ 01/01/2027")
        )
        self.form.add_row(
            ("receiver", _("Nơi được nhận &hồ sơ"), LineField()),
            ("valid_until", _("Có hiệu lực đến (&trống: đến khi rút)"), self.until),
        )
        self.purpose.changed.connect(self._explain)
        for key in ("guardian_name", "guardian_relationship"):
            self.form.field(key).set_value(getattr(blank, key))
        self.giver.set_value(blank.giver)
        self.purpose.editor.setFocus()

    def _explain(self) -> None:
        found = next((one for one in PURPOSES if one.code == self.purpose.value()), None)
        self.purpose.set_hint(_(found.explained) if found else "")

    def consent(self) -> Consent:
        giver, way = self.giver.value(), self.way.value()
        return replace(
            self._blank,
            purpose=self._text("purpose"),
            giver=giver if isinstance(giver, ConsentGiver) else self._blank.giver,
            form=way if isinstance(way, ConsentForm) else self._blank.form,
            guardian_name=self._text("guardian_name"),
            guardian_relationship=self._text("guardian_relationship"),
            paper_number=self._text("paper_number"),
            witness=self._text("witness"),
            receiver=self._text("receiver"),
            valid_until=self.until.value(),
        )

    @override
    def accept(self) -> None:
        problems = check_consent(self.consent(), self._age, self._today)
        self.form.set_problems(problems)
        if self.way.value() is None:
            self.way.set_problem(_("Hãy chọn cách đồng ý."))
        elif not problems:
            super().accept()


class RequestDialog(_Sheet):
    """Mẫu 04 as it lies on the desk."""

    def __init__(self, parent: QWidget, blank: PrivacyRequest, today: date) -> None:
        super().__init__(
            parent,
            "privacy_request",
            _("Nhận yêu cầu về hồ sơ"),
            _("Ghi theo đơn giấy. Phản hồi trong 2 ngày làm việc."),
            _("Nhận yêu cầu"),
        )
        self._blank, self._today = blank, today
        self.kind = ChoiceField(
            [
                Option(one, _("{what} ({days} ngày)").format(what=_(one.label), days=one.days))
                for one in RequestKind
            ]
        )
        self.asker = ChoiceField([Option(one, _(one.label)) for one in Asker])
        self.form.add_row(
            ("kind", _("&Yêu cầu"), self.kind), ("asker", _("&Người yêu cầu là"), self.asker)
        )
        self.form.add_row(
            ("asker_name", _("&Họ và tên"), LineField()),
            ("asker_paper", _("&Số giấy tờ"), LineField()),
            ("asker_phone", _("Điện &thoại"), PhoneField()),
            required=("asker_name", "asker_paper"),
        )
        self.form.add_row(
            ("relationship", _("&Quan hệ"), LineField()),
            ("proof", _("&Giấy tờ chứng minh quyền đại diện"), LineField()),
        )
        self.form.add("wanted", _("&Phần hồ sơ, nội dung được yêu cầu"), TextField(least=2))
        self.form.add("purpose", _("&Mục đích sử dụng"), LineField())
        self.kind.set_value(blank.kind)
        self.asker.set_value(blank.asker)
        for key in ("asker_name", "asker_paper", "asker_phone"):
            self.form.field(key).set_value(getattr(blank, key))
        self.kind.editor.setFocus()

    def request(self) -> PrivacyRequest:
        kind, asker = self.kind.value(), self.asker.value()
        names = ("asker_name", "asker_paper", "asker_phone", "relationship", "proof", "wanted")
        told = {name: self._text(name) for name in (*names, "purpose")}
        return replace(
            self._blank,
            kind=kind if isinstance(kind, RequestKind) else self._blank.kind,
            asker=asker if isinstance(asker, Asker) else self._blank.asker,
            asker_name=told["asker_name"],
            asker_paper=told["asker_paper"],
            asker_phone=told["asker_phone"],
            relationship=told["relationship"],
            proof=told["proof"],
            wanted=told["wanted"],
            purpose=told["purpose"],
        )

    @override
    def accept(self) -> None:
        problems = check_request(self.request(), self._today)
        self.form.set_problems(problems)
        if not problems:
            super().accept()


class BreachDialog(_Sheet):
    """The clock of 72 hours began when it was noticed, not when the form is finished."""

    def __init__(self, parent: QWidget, breach: DataBreach) -> None:
        super().__init__(
            parent,
            "data_breach",
            _("Ghi sự cố dữ liệu cá nhân"),
            _("Phải báo trước {due:%H:%M ngày %d/%m/%Y}. Chưa rõ hết thì ghi phần đã biết.").format(
                due=breach.due
            ),
            _("Ghi sự cố"),
        )
        self._breach = breach
        self.form.add("happened", _("&Thời gian, nơi xảy ra"), LineField())
        self.form.add("what", _("&Việc đã xảy ra"), TextField(least=2), required=True)
        self.form.add_row(
            ("who", _("Dữ liệu của &ai, bao nhiêu người"), LineField()),
            ("kinds", _("&Loại dữ liệu"), LineField()),
            required=("who",),
        )
        self.form.add("effects", _("&Hậu quả có thể có"), LineField())
        self.form.add("done", _("&Đã và sẽ làm gì"), TextField(least=2), required=True)
        self.form.add("contact", _("&Người liên hệ, điện thoại"), LineField())
        for key in ("happened", "what", "who", "kinds", "effects", "done", "contact"):
            self.form.field(key).set_value(getattr(breach, key))
        self.form.field("happened").editor.setFocus()

    def breach(self) -> DataBreach:
        return replace(
            self._breach,
            happened=self._text("happened"),
            what=self._text("what"),
            who=self._text("who"),
            kinds=self._text("kinds"),
            effects=self._text("effects"),
            done=self._text("done"),
            contact=self._text("contact"),
        )

    @override
    def accept(self) -> None:
        problems = check_breach(self.breach(), self._breach.noticed_at)
        self.form.set_problems(problems)
        if not problems:
            super().accept()

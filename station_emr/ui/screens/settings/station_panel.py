"""Who the station is: the letterhead of every paper, and this machine's number series."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.record import Changes, StationProfile
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    Banner,
    CheckField,
    Form,
    LineField,
    Message,
    Severity,
    Shortcut,
    dialogs,
    hbox,
    primary,
)
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel

_FIELDS = (
    "name",
    "parent_authority",
    "code",
    "level",
    "commune_name",
    "province_name",
    "address",
    "phone",
    "site",
    "device_name",
    "series",
    "has_beds",
)


class StationPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.station_panel",
            _("Trạm"),
            _("Tên và cơ quan chủ quản in ở đầu mọi giấy tờ. Giấy đã ký giữ nguyên như lúc ký."),
        )
        self._profile: StationProfile | None = None
        self.clock = Banner("settings.clock", closable=False)
        self.add(self.clock)
        self.form = Form("station")
        self.form.add_row(
            ("name", _("&Tên trạm"), LineField()),
            ("parent_authority", _("&Cơ quan chủ quản"), LineField(placeholder=_("UBND xã …"))),
            required=("name", "parent_authority"),
        )
        code, series = LineField(max_length=5), LineField(max_length=3)
        code.set_hint(_("5 ký tự, theo quyết định của trạm"))
        series.set_hint(_("In trong số phiếu; mỗi máy một ký hiệu"))
        self.form.add_row(
            ("code", _("&Mã cơ sở khám, chữa bệnh"), code),
            ("level", _("Cấp chu&yên môn"), LineField()),
            ("series", _("&Ký hiệu máy"), series),
            required=("code", "series"),
        )
        self.form.add_row(
            ("commune_name", _("&Xã"), LineField()), ("province_name", _("Tỉn&h"), LineField())
        )
        self.form.add_row(
            ("address", _("Đị&a chỉ"), LineField()),
            ("phone", _("Điện th&oại"), LineField()),
            stretch=(3, 1),
        )
        self.form.add_row(
            ("site", _("Điểm t&rạm"), LineField()),
            ("device_name", _("Tê&n máy này"), LineField()),
        )
        beds = CheckField(_("Trạm có &giường lưu"))
        beds.set_hint(_("Không có giường lưu thì không kê thuốc gây nghiện ở đây."))
        self.form.add("has_beds", "", beds)
        self.add(self.form)
        self._save = primary(_("Lưu"), "settings.station.save", Shortcut.SAVE)
        self._save.clicked.connect(self.save)
        self.body.addSpacing(GAP_S)
        self.body.addLayout(hbox(self._save, None))
        self.body.addStretch(1)

    @override
    def load(self) -> None:
        accounts = self._services.accounts
        self._session.ask(accounts.station, self._show, owner=self)
        self._session.ask(lambda: accounts.clock_warning(self._actor), self._show_clock, owner=self)

    @override
    def focus(self) -> QWidget:
        return self.form.field("name").editor

    @override
    def go_to(self, field: str) -> bool:
        return self.form.go_to(field)

    def _show(self, profile: StationProfile) -> None:
        self._profile = profile
        self.form.clear_problems()
        self.form.set_values({name: getattr(profile, name) for name in _FIELDS})

    def _show_clock(self, problem: str) -> None:
        if not problem:
            self.clock.dismiss()
            return
        self.clock.show_message(
            Message(
                text=problem,
                severity=Severity.WARNING,
                action_text=_("Đồng hồ máy đã đúng"),
                action=self._accept_clock,
            )
        )

    def _accept_clock(self) -> None:
        now = self._services.clock.now()
        if not dialogs.confirm(
            self,
            _("Bây giờ là {time:%H:%M ngày %d/%m/%Y}?").format(time=now),
            _(
                "Chỉ xác nhận khi đã so với đồng hồ khác. Từ lúc này lại ký được theo giờ của máy; "
                "hồ sơ ký trước đó giữ nguyên giờ đã ghi. Việc xác nhận được ghi vào nhật ký."
            ),
            yes=_("Đúng giờ"),
        ):
            self.load()
            return
        self._session.ask(
            lambda: self._services.accounts.accept_clock(self._actor),
            self._clock_accepted,
            owner=self,
            failed=lambda error: self._refused(error, self.form),
        )

    def _clock_accepted(self, _nothing: None) -> None:
        self._say(_("Đã xác nhận giờ của máy. Bây giờ ký được."))
        self._session.changed.emit(Changes(()))  # takes the notice above every screen away

    @override
    def save(self) -> None:
        if self._profile is None:
            return
        profile = replace(self._profile, **self.form.values())  # type: ignore[arg-type]

        def saved(_nothing: None) -> None:
            self._profile = profile
            self.form.clear_problems()
            self._say(_("Đã lưu thông tin trạm. Giấy ký từ bây giờ mang thông tin mới."))

        self._session.ask(
            lambda: self._services.accounts.save_station(self._actor, profile),
            saved,
            owner=self,
            failed=lambda error: self._refused(error, self.form),
        )

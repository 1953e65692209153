"""Cổng BHYT và đơn thuốc: where they are, the station's accounts, what its claims say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.errors import StationError
from station_emr.domain.gateway import Gateway, GatewayAnswer, Outcome
from station_emr.domain.permissions import PRESCRIBERS
from station_emr.domain.user import User
from station_emr.services.claim_settings import ClaimSettings, SecretsKept
from station_emr.services.gateway_data import OFFICIAL, hosts, standard_dates
from station_emr.services.i18n import _
from station_emr.services.secret import Secret
from station_emr.ui.kit import (
    GAP_M,
    GAP_S,
    Banner,
    CheckField,
    ChoiceField,
    Form,
    LineField,
    Message,
    Option,
    Severity,
    Shortcut,
    hbox,
    primary,
    secondary,
)
from station_emr.ui.kit.secret import SecretField
from station_emr.ui.models.moments import parse_day
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.tasks import Lane

_OTHER: Final = "other"
_KEPT: Final = "Đã có trong kho khóa của máy này. Để trống nếu không đổi."
_MISSING: Final = "Chưa có. Mật khẩu được cất trong kho khóa của máy này."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    settings: ClaimSettings
    kept: SecretsKept
    people: tuple[User, ...]


class GatewayPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.gateway_panel",
            _("Cổng BHYT và đơn thuốc"),
            _(
                "Chưa bật thì không gửi gì và trạm vẫn làm việc như thường. Chỉ bật trên một máy của "
                "trạm, để không gửi hai lần."
            ),
        )
        self._found: _Found | None = None
        self._doctors: dict[str, tuple[LineField, SecretField]] = {}
        self.form = Form("gateway")
        self._insurance_parts()
        self._claim_parts()
        self._prescription_parts()
        self.add(self.form)
        self.note = Banner("settings.gateway.note", closable=False)
        self.add(self.note)
        self._save = primary(_("Lưu"), "settings.gateway.save", Shortcut.SAVE)
        self.try_insurance = secondary(
            _("Thử cổng &BHYT"), "settings.gateway.try_insurance", icon="plugs-connected"
        )
        self.try_prescriptions = secondary(
            _("Thử hệ thống đơn &thuốc"),
            "settings.gateway.try_prescriptions",
            icon="plugs-connected",
        )
        self._save.clicked.connect(self.save)
        gateways = self._services.gateways
        self.try_insurance.clicked.connect(
            lambda: self._try(lambda: gateways.settings.test_insurance(self._actor))
        )
        self.try_prescriptions.clicked.connect(
            lambda: self._try(lambda: gateways.settings.test_prescriptions(self._actor))
        )
        self.body.addSpacing(GAP_S)
        self.body.addLayout(
            hbox(self._save, self.try_insurance, self.try_prescriptions, None, gap=GAP_M)
        )
        self.body.addStretch(1)

    def _insurance_parts(self) -> None:
        self.form.add_heading(_("Cổng giám định BHYT"))
        self.insurance_on = CheckField(_("Gửi hồ sơ và tra &thẻ qua cổng này"))
        self.form.add("insurance_on", _("Kết nối"), self.insurance_on)
        self.form.add_row(
            ("insurance_choice", _("Địa &chỉ cổng"), _host_field(Gateway.INSURANCE)),
            ("insurance_url", _("Địa chỉ khác"), LineField(placeholder="https://…")),
            stretch=(2, 3),
        )
        self.account = LineField(placeholder=_("Tên tài khoản do bảo hiểm xã hội cấp"))
        self.password = SecretField("gateway.password")
        self.form.add_row(
            ("insurance_account", _("Tài &khoản của trạm"), self.account),
            ("insurance_password", _("&Mật khẩu"), self.password),
        )
        self.form.add_row(
            ("clerk_name", _("&Người tra cứu thẻ"), LineField()),
            ("clerk_id", _("Số căn cước người tra cứu"), LineField(max_length=12)),
        )
        self.sign_check_in = CheckField(_("Ký số cả tệp check-in (XML0)"))
        self.sign_check_in.set_hint(_("Bỏ trống thì check-in gửi ngay khi có chi phí đầu tiên."))
        self.form.add("sign_check_in", _("Check-in"), self.sign_check_in)

    def _claim_parts(self) -> None:
        self.form.add_heading(_("Trạm trong hồ sơ BHYT"))
        self.form.add_row(
            ("department", _("Mã kh&oa (MA_KHOA)"), LineField(placeholder="K01", max_length=50)),
            ("head_code", _("Mã người đứng đầu (MA_TTDV)"), LineField(max_length=255)),
        )
        self.form.add_row(
            (
                "payment_method",
                _("Phương thức thanh toán"),
                ChoiceField(
                    [
                        Option("1", _("1 Phí dịch vụ")),
                        Option("2", _("2 Định suất")),
                        Option("3", _("3 Trường hợp bệnh")),
                    ]
                ),
            ),
            ("district", _("Mã huyện cư trú"), LineField(placeholder=_("Để trống"), max_length=3)),
        )
        self.standards = LineField(placeholder=_written(standard_dates()))
        self.standards.set_hint(_("Để trống: theo ngày hiệu lực của các quyết định."))
        self.days_off = LineField(placeholder="16/2/2026; 17/2/2026")
        self.days_off.set_hint(_("Ngày nghỉ lễ khác ngày cố định, để tính hạn ngày làm việc."))
        self.form.add_row(
            ("standards", _("Bảng dữ liệu và ngày dùng"), self.standards),
            ("days_off", _("Ngày nghỉ thêm"), self.days_off),
        )

    def _prescription_parts(self) -> None:
        self.form.add_heading(_("Hệ thống đơn thuốc quốc gia"))
        self.prescriptions_on = CheckField(_("Gửi đơn thuốc đã ký qua &hệ thống này"))
        self.form.add("prescriptions_on", _("Kết nối"), self.prescriptions_on)
        self.form.add_row(
            ("prescription_choice", _("Địa chỉ &hệ thống"), _host_field(Gateway.PRESCRIPTION)),
            ("prescription_url", _("Địa chỉ khác"), LineField(placeholder="https://…")),
            stretch=(2, 3),
        )
        self.facility_password = SecretField("gateway.facility_password")
        self.form.add_row(
            ("prescription_facility", _("Mã liên thông của trạm"), LineField()),
            ("facility_password", _("Mật khẩu của trạm"), self.facility_password),
        )

    # -- showing -------------------------------------------------------------------------------

    @override
    def load(self) -> None:
        gateways, accounts, actor = self._services.gateways, self._services.accounts, self._actor

        def read() -> _Found:
            return _Found(
                settings=gateways.settings.read(),
                kept=gateways.settings.secrets_kept(actor),
                people=tuple(
                    one
                    for one in accounts.users(actor)
                    if one.active and one.role in PRESCRIBERS and one.licence_no
                ),
            )

        self._session.ask(
            read,
            self._show,
            owner=self,
            failed=lambda error: self._told(str(error), Severity.DANGER),
        )

    @override
    def focus(self) -> QWidget:
        return self.insurance_on.editor

    def _show(self, found: _Found) -> None:
        self._found = found
        settings = found.settings
        for person in found.people:
            self._add_doctor(person)
        self.form.set_values(
            {
                "insurance_on": settings.insurance_on,
                **_host_values("insurance", Gateway.INSURANCE, settings.insurance_host),
                "insurance_account": settings.insurance_account,
                "insurance_password": "",
                "clerk_name": settings.clerk_name,
                "clerk_id": settings.clerk_id,
                "sign_check_in": settings.sign_check_in,
                "department": settings.department,
                "head_code": settings.head_code,
                "payment_method": settings.payment_method,
                "district": settings.district,
                "standards": _written(settings.standards),
                "days_off": "; ".join(f"{day:%d/%m/%Y}" for day in settings.days_off),
                "prescriptions_on": settings.prescriptions_on,
                **_host_values("prescription", Gateway.PRESCRIPTION, settings.prescription_host),
                "prescription_facility": settings.prescription_facility,
                "facility_password": "",
                **{
                    f"doctor.{one.id}": settings.prescribers.get(one.id, "") for one in found.people
                },
                **{f"secret.{one.id}": "" for one in found.people},
            }
        )
        self.password.set_hint(_(_KEPT if found.kept.insurance else _MISSING))
        self.facility_password.set_hint(_(_KEPT if found.kept.facility else _MISSING))
        for user_id, (_code, secret) in self._doctors.items():
            secret.set_hint(_(_KEPT if user_id in found.kept.prescribers else _MISSING))

    def _add_doctor(self, person: User) -> None:
        if person.id in self._doctors:
            return
        code, secret = LineField(), SecretField(f"gateway.doctor.{person.id}")
        self.form.add_row(
            (f"doctor.{person.id}", _("Mã của {name}").format(name=person.full_name), code),
            (f"secret.{person.id}", _("Mật khẩu của {name}").format(name=person.full_name), secret),
        )
        self._doctors[person.id] = (code, secret)

    # -- saving --------------------------------------------------------------------------------

    @override
    def save(self) -> None:
        found = self._found
        if found is None:
            return
        values = self.form.values()
        try:
            wanted = _settings(found.settings, values, tuple(self._doctors))
        except ValueError as wrong:
            self._told(str(wrong), Severity.DANGER)
            return
        secrets = {
            "insurance": str(values["insurance_password"]),
            "facility": str(values["facility_password"]),
            **{user: str(values[f"secret.{user}"]) for user in self._doctors},
        }
        desk, actor = self._services.gateways.settings, self._actor

        def write() -> None:
            desk.save(actor, wanted)
            for name, text in secrets.items():
                if not text:
                    continue
                if name == "insurance":
                    desk.set_insurance_password(actor, Secret(text))
                elif name == "facility":
                    desk.set_facility_password(actor, Secret(text))
                else:
                    desk.set_prescriber_password(actor, name, Secret(text))

        self._session.ask(
            write,
            lambda _nothing: self._saved(),
            owner=self,
            failed=lambda error: self._refused(error, self.form),
        )

    def _saved(self) -> None:
        self.form.set_problems([])
        self._told(_("Đã lưu, có hiệu lực ngay."), Severity.SUCCESS)
        self.load()

    # -- trying --------------------------------------------------------------------------------

    def _try(self, work: Callable[[], GatewayAnswer]) -> None:
        self._busy(on=True)
        self._told(_("Đang thử đăng nhập…"), Severity.INFO)
        self._session.runner.run(
            work,
            done=self._tried,
            failed=self._not_tried,
            finally_=lambda: self._busy(on=False),
            owner=self,
            lane=Lane.POOL,
        )

    def _tried(self, answer: GatewayAnswer) -> None:
        if answer.outcome is Outcome.ACCEPTED:
            self._told(_("Đăng nhập được. Chưa gửi gì khi thử."), Severity.SUCCESS)
        else:
            self._told(answer.reason, Severity.WARNING)

    def _not_tried(self, error: StationError) -> None:
        self._told(str(error), Severity.DANGER)

    def _busy(self, *, on: bool) -> None:
        for button in (self.try_insurance, self.try_prescriptions, self._save):
            button.setEnabled(not on)

    def _told(self, text: str, severity: Severity) -> None:
        self.note.show_message(Message(text=text, severity=severity))


def _host_field(gateway: Gateway) -> ChoiceField:
    options = [Option(host.key, _(host.name)) for host in hosts(gateway)]
    return ChoiceField([*options, Option(_OTHER, _("Địa chỉ khác"))])


def _host_values(name: str, gateway: Gateway, choice: str) -> dict[str, str]:
    known = choice in {host.key for host in hosts(gateway)}
    return {
        f"{name}_choice": choice if known else _OTHER,
        f"{name}_url": "" if known else choice,
    }


def _host(values: dict[str, Any], name: str) -> str:
    choice = str(values[f"{name}_choice"] or OFFICIAL)
    return str(values[f"{name}_url"]).strip() if choice == _OTHER else choice


def _written(standards: tuple[tuple[str, date], ...]) -> str:
    return "; ".join(f"{name} {day:%d/%m/%Y}" for name, day in standards)


def _settings(
    before: ClaimSettings, values: dict[str, Any], doctors: tuple[str, ...]
) -> ClaimSettings:
    """What was typed. Raises ValueError with a sentence for a date that cannot be read."""
    return replace(
        before,
        insurance_on=bool(values["insurance_on"]),
        insurance_host=_host(values, "insurance"),
        insurance_account=str(values["insurance_account"]).strip(),
        clerk_name=str(values["clerk_name"]).strip(),
        clerk_id=str(values["clerk_id"]).strip(),
        sign_check_in=bool(values["sign_check_in"]),
        department=str(values["department"]).strip(),
        head_code=str(values["head_code"]).strip(),
        payment_method=str(values["payment_method"] or "1"),
        district=str(values["district"]).strip(),
        standards=tuple(_standard(text) for text in _parts(values["standards"])),
        days_off=tuple(_day(text) for text in _parts(values["days_off"])),
        prescriptions_on=bool(values["prescriptions_on"]),
        prescription_host=_host(values, "prescription"),
        prescription_facility=str(values["prescription_facility"]).strip(),
        prescribers={
            **before.prescribers,
            **{user: str(values[f"doctor.{user}"]).strip() for user in doctors},
        },
    )


def _parts(text: object) -> list[str]:
    return [part.strip() for part in str(text).split(";") if part.strip()]


def _standard(text: str) -> tuple[str, date]:
    name, _space, day = text.partition(" ")
    if name not in {one for one, _since in standard_dates()}:
        raise ValueError(_("Không có bảng dữ liệu “{name}”.").format(name=name))
    return name, _day(day)


def _day(text: str) -> date:
    found = parse_day(text, date.max.replace(year=2999))
    if found is None or found.year > 2900:
        raise ValueError(_("“{text}” không phải ngày. Hãy ghi như 16/2/2026.").format(text=text))
    return found

"""What the insurance and the e-prescription system must know of this station, and how they are reached.

Passwords are not here: they lie in the key store of the operating system, by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final

from station_emr.domain.errors import Problem, UserError
from station_emr.domain.gateway import Gateway, GatewayAnswer, MessageKind
from station_emr.domain.permissions import Action
from station_emr.domain.user import Actor

from .gateway_data import OFFICIAL, base_url, standard_dates
from .gateway_ports import GatewayLines, InsuranceAccount, PrescriberAccount, SecretShelf
from .guards import allow, refuse
from .ports import Clock, Store, Work
from .secret import Secret, wiped

KEY: Final = "claims.settings"
INSURANCE_SECRET: Final = "bhxh"  # noqa: S105  the name of a secret
FACILITY_SECRET: Final = "donthuoc.facility"  # noqa: S105  the name of a secret
_DOCTOR_SECRET: Final = "donthuoc.doctor."  # noqa: S105  the name of a secret
_LOCAL: Final = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")
_PAYMENT_METHODS: Final = ("1", "2", "3")

NOT_FILLED: Final = (
    "Chưa khai báo tài khoản của {gateway}. Hồ sơ vẫn lưu ở trạm. "
    "Nhờ giám đốc khai trong Quản trị, mục Cổng BHYT và đơn thuốc."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSettings:
    """Everything empty and off until somebody fills it in: the station works all the same."""

    department: str = ""  # MA_KHOA, from the facility's approved list
    head_code: str = ""  # MA_TTDV
    payment_method: str = "1"  # MA_PTTT
    district: str = ""  # MAHUYEN_CU_TRU: empty since districts are gone
    standards: tuple[tuple[str, date], ...] = ()  # empty: the dates of the decisions
    days_off: tuple[date, ...] = ()

    insurance_on: bool = False
    insurance_host: str = OFFICIAL
    insurance_account: str = ""
    insurance_since: datetime | None = None
    clerk_name: str = ""
    clerk_id: str = ""
    sign_check_in: bool = False

    prescriptions_on: bool = False
    prescription_host: str = OFFICIAL
    prescription_facility: str = ""  # ma_lien_thong_co_so_kham_chua_benh
    prescription_since: datetime | None = None
    prescribers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """User id to ma_lien_thong_bac_si."""

    def standard_on(self, day: date) -> str:
        """The tables (4750, 3176, 1931) that count for a visit of this day."""
        dates = self.standards or standard_dates()
        started = [name for name, since in sorted(dates, key=lambda one: one[1]) if since <= day]
        return started[-1] if started else min(dates, key=lambda one: one[1])[0]

    def on(self, gateway: Gateway) -> bool:
        return self.insurance_on if gateway is Gateway.INSURANCE else self.prescriptions_on

    def base_url(self, gateway: Gateway) -> str:
        insurance = gateway is Gateway.INSURANCE
        return base_url(gateway, self.insurance_host if insurance else self.prescription_host)

    def signs(self, kind: MessageKind) -> bool:
        """Whether this kind waits for the digital signature of the facility."""
        return kind is MessageKind.RECORD or (kind is MessageKind.CHECK_IN and self.sign_check_in)


def read_claim_settings(work: Work) -> ClaimSettings:
    """As kept; what cannot be read (a newer program's) counts as not filled in."""
    try:
        found: dict[str, Any] = json.loads(work.settings.get(KEY) or "{}")
        return _from_plain(found)
    except (ValueError, TypeError, KeyError):
        return ClaimSettings()


def _from_plain(found: dict[str, Any]) -> ClaimSettings:
    known = {name: found[name] for name in ClaimSettings.__dataclass_fields__ if name in found}
    known["standards"] = tuple(
        (name, date.fromisoformat(day)) for name, day in found.get("standards", ())
    )
    known["days_off"] = tuple(date.fromisoformat(day) for day in found.get("days_off", ()))
    for name in ("insurance_since", "prescription_since"):
        text = found.get(name)
        known[name] = datetime.fromisoformat(text) if text else None
    known["prescribers"] = MappingProxyType(dict(found.get("prescribers", {})))
    return ClaimSettings(**known)


def written(settings: ClaimSettings) -> str:
    """As :func:`read_claim_settings` reads it."""
    plain: dict[str, Any] = {
        name: getattr(settings, name) for name in ClaimSettings.__dataclass_fields__
    }
    plain["standards"] = [[name, day.isoformat()] for name, day in settings.standards]
    plain["days_off"] = [day.isoformat() for day in settings.days_off]
    plain["prescribers"] = dict(settings.prescribers)
    for name in ("insurance_since", "prescription_since"):
        moment: datetime | None = plain[name]
        plain[name] = moment.isoformat() if moment else ""
    return json.dumps(plain, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsKept:
    """Which passwords are in the key store; never the passwords."""

    insurance: bool
    facility: bool
    prescribers: frozenset[str]


class ClaimSettingsDesk:
    """Reading, changing and trying them."""

    def __init__(
        self, store: Store, clock: Clock, secrets: SecretShelf, lines: GatewayLines
    ) -> None:
        self._store = store
        self._clock = clock
        self._secrets = secrets
        self._lines = lines

    def read(self) -> ClaimSettings:
        with self._store.read() as work:
            return read_claim_settings(work)

    def secrets_kept(self, actor: Actor) -> SecretsKept:
        allow(actor, Action.SETTINGS_EDIT)
        settings = self.read()
        return SecretsKept(
            insurance=bool(self._secrets.get(INSURANCE_SECRET)),
            facility=bool(self._secrets.get(FACILITY_SECRET)),
            prescribers=frozenset(
                user for user in settings.prescribers if self._secrets.get(_DOCTOR_SECRET + user)
            ),
        )

    def save(self, actor: Actor, settings: ClaimSettings) -> ClaimSettings:
        """Raises InvalidRecord. What was written before a gateway was switched on is not sent by
        itself afterwards.
        """
        allow(actor, Action.SETTINGS_EDIT)
        refuse(check_settings(settings))
        with self._store.write() as work:
            before = read_claim_settings(work)
            now = self._clock.now()
            settings = replace(
                settings,
                insurance_since=_since(settings.insurance_on, before.insurance_since, now),
                prescription_since=_since(
                    settings.prescriptions_on, before.prescription_since, now
                ),
            )
            work.settings.put(KEY, written(settings))
            work.audit.append(actor, "setting.update", now, detail={"key": KEY})
        return settings

    def set_insurance_password(self, actor: Actor, secret: Secret) -> None:
        self._keep(actor, INSURANCE_SECRET, secret)

    def set_facility_password(self, actor: Actor, secret: Secret) -> None:
        self._keep(actor, FACILITY_SECRET, secret)

    def set_prescriber_password(self, actor: Actor, user_id: str, secret: Secret) -> None:
        self._keep(actor, _DOCTOR_SECRET + user_id, secret)

    def _keep(self, actor: Actor, name: str, secret: Secret) -> None:
        """The secret is wiped when this returns, however it ends."""
        with wiped(secret):
            allow(actor, Action.SETTINGS_EDIT)
            self._secrets.put(name, secret.reveal())
        with self._store.write() as work:
            work.audit.append(
                actor, "gateway.secret", self._clock.now(), detail={"key": name.partition(".")[0]}
            )

    def test_insurance(self, actor: Actor) -> GatewayAnswer:
        """Log in and send nothing. Raises UserError when something is not filled in."""
        allow(actor, Action.SETTINGS_EDIT)
        with self._store.read() as work:
            account = insurance_account(work, self._secrets)
        answer = self._lines.insurance(account).test()
        self._note_test(actor, Gateway.INSURANCE, answer)
        return answer

    def test_prescriptions(self, actor: Actor) -> GatewayAnswer:
        """Log the facility in, and the acting prescriber where an account is filled in."""
        allow(actor, Action.SETTINGS_EDIT)
        with self._store.read() as work:
            account = facility_account(work, self._secrets, actor.user.id)
        answer = self._lines.prescriptions(account).test()
        self._note_test(actor, Gateway.PRESCRIPTION, answer)
        return answer

    def _note_test(self, actor: Actor, gateway: Gateway, answer: GatewayAnswer) -> None:
        with self._store.write() as work:
            detail = {"to": gateway.value, "result": answer.outcome.value}
            work.audit.append(actor, "gateway.test", self._clock.now(), detail=detail)


def insurance_account(work: Work, secrets: SecretShelf) -> InsuranceAccount:
    """Raises UserError while something is missing."""
    settings = read_claim_settings(work)
    password = secrets.get(INSURANCE_SECRET)
    if not (settings.insurance_account and password):
        raise UserError(NOT_FILLED.format(gateway=Gateway.INSURANCE.label))
    return InsuranceAccount(
        base_url=settings.base_url(Gateway.INSURANCE),
        username=settings.insurance_account,
        password=password,
        facility_code=work.settings.station().code,
        clerk_name=settings.clerk_name,
        clerk_id=settings.clerk_id,
    )


def prescriber_account(work: Work, secrets: SecretShelf, user_id: str) -> PrescriberAccount:
    """Of the person who signed. Raises UserError while something is missing."""
    account = facility_account(work, secrets, user_id)
    if not (account.doctor and account.doctor_password):
        name = next((one.full_name for one in work.users.all() if one.id == user_id), "")
        raise UserError(
            f"Chưa có mã liên thông hoặc mật khẩu đơn thuốc quốc gia của {name or 'người kê đơn'}. "
            "Nhờ giám đốc khai trong Quản trị, mục Cổng BHYT và đơn thuốc."
        )
    return account


def facility_account(work: Work, secrets: SecretShelf, user_id: str) -> PrescriberAccount:
    """With the prescriber's own part where there is one."""
    settings = read_claim_settings(work)
    password = secrets.get(FACILITY_SECRET)
    if not (settings.prescription_facility and password):
        raise UserError(NOT_FILLED.format(gateway=Gateway.PRESCRIPTION.label))
    return PrescriberAccount(
        base_url=settings.base_url(Gateway.PRESCRIPTION),
        facility=settings.prescription_facility,
        facility_password=password,
        doctor=settings.prescribers.get(user_id, ""),
        doctor_password=secrets.get(_DOCTOR_SECRET + user_id),
    )


def _since(on: bool, before: datetime | None, now: datetime) -> datetime | None:
    """From when; switched off, it is forgotten."""
    return (before or now) if on else None


def check_settings(settings: ClaimSettings) -> tuple[Problem, ...]:
    """What cannot stand."""
    problems = []
    for name, choice, gateway in (
        ("insurance_host", settings.insurance_host, Gateway.INSURANCE),
        ("prescription_host", settings.prescription_host, Gateway.PRESCRIPTION),
    ):
        url = base_url(gateway, choice)
        if not url.startswith(("https://", *_LOCAL)):
            problems.append(
                _problem(name, "Địa chỉ phải bắt đầu bằng https://, ví dụ https://cong.example.")
            )
    if settings.insurance_on and not settings.insurance_account.strip():
        problems.append(_problem("insurance_account", "Chưa có tên tài khoản của trạm trên cổng."))
    if settings.prescriptions_on and not settings.prescription_facility.strip():
        problems.append(_problem("prescription_facility", "Chưa có mã liên thông của trạm."))
    if settings.clerk_id and not (settings.clerk_id.isascii() and settings.clerk_id.isdigit()):
        problems.append(_problem("clerk_id", "Số căn cước chỉ gồm chữ số."))
    if bool(settings.clerk_id) != bool(settings.clerk_name.strip()):
        missing = "clerk_name" if settings.clerk_id else "clerk_id"
        problems.append(_problem(missing, "Người tra cứu cần cả họ tên và số căn cước."))
    if settings.payment_method not in _PAYMENT_METHODS:
        problems.append(_problem("payment_method", "Phương thức thanh toán là 1, 2 hoặc 3."))
    return tuple(problems)


def _problem(name: str, message: str) -> Problem:
    return Problem(field=name, code=f"{name}-wrong", message=message)

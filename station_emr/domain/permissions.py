"""Who may do what: one table, as data.

Two walls stand whatever a station configures: only a licensed prescriber signs, and an
administrator never reads a clinical record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from station_emr.domain.errors import PermissionDenied


class Role(StrEnum):
    """A person's place at the station."""

    DIRECTOR = "director"
    DOCTOR = "doctor"
    PHYSICIAN_ASSISTANT = "physician_assistant"
    NURSE = "nurse"
    MIDWIFE = "midwife"
    PHARMACIST = "pharmacist"
    ADMINISTRATOR = "administrator"
    INSPECTOR = "inspector"

    @property
    def label(self) -> str:
        return _ROLE_LABELS[self]


_ROLE_LABELS: Final = {
    Role.DIRECTOR: "Giám đốc trạm",
    Role.DOCTOR: "Bác sĩ",
    Role.PHYSICIAN_ASSISTANT: "Y sĩ",
    Role.NURSE: "Điều dưỡng",
    Role.MIDWIFE: "Hộ sinh",
    Role.PHARMACIST: "Dược sĩ",
    Role.ADMINISTRATOR: "Quản trị hệ thống",
    Role.INSPECTOR: "Thanh tra, kiểm tra",
}


class Action(StrEnum):
    """Something a person can do that is worth guarding."""

    PATIENT_VIEW = "patient_view"
    PATIENT_EDIT = "patient_edit"
    ENCOUNTER_VIEW = "encounter_view"
    VITALS_RECORD = "vitals_record"
    ENCOUNTER_EDIT = "encounter_edit"
    ENCOUNTER_SIGN = "encounter_sign"
    PRESCRIPTION_PREPARE = "prescription_prepare"
    PRESCRIPTION_SIGN = "prescription_sign"
    REFERRAL_PREPARE = "referral_prepare"
    REFERRAL_SIGN = "referral_sign"
    APPOINTMENT_PREPARE = "appointment_prepare"
    APPOINTMENT_SIGN = "appointment_sign"
    RECORD_AMEND = "record_amend"
    RECORD_VOID = "record_void"
    RECORD_RESTORE = "record_restore"
    DISPENSE = "dispense"
    PRINT = "print"
    CATALOG_VIEW = "catalog_view"
    CATALOG_IMPORT = "catalog_import"
    USER_MANAGE = "user_manage"
    SETTINGS_EDIT = "settings_edit"
    AUDIT_VIEW = "audit_view"
    BACKUP = "backup"
    SYNC_VIEW = "sync_view"
    SYNC_RUN = "sync_run"
    STATION_SETUP = "station_setup"
    ACCOUNT_UNLOCK = "account_unlock"
    SIGNATURE_RECORD = "signature_record"
    SENSITIVE_VIEW = "sensitive_view"
    CONSENT_RECORD = "consent_record"
    PRIVACY_HANDLE = "privacy_handle"
    REGISTER_VIEW = "register_view"
    CERTIFICATE_PREPARE = "certificate_prepare"
    CERTIFICATE_SIGN = "certificate_sign"
    NOTIFICATION_REPORT = "notification_report"
    BILL_PREPARE = "bill_prepare"
    BILL_CLOSE = "bill_close"
    RECORD_EXPORT = "record_export"

    @property
    def label(self) -> str:
        return _ACTION_LABELS[self]


_ACTION_LABELS: Final = {
    Action.PATIENT_VIEW: "xem hồ sơ người bệnh",
    Action.PATIENT_EDIT: "đăng ký hoặc sửa thông tin người bệnh",
    Action.ENCOUNTER_VIEW: "xem lượt khám",
    Action.VITALS_RECORD: "ghi dấu hiệu sinh tồn",
    Action.ENCOUNTER_EDIT: "ghi lượt khám",
    Action.ENCOUNTER_SIGN: "ký chẩn đoán và kết thúc lượt khám",
    Action.PRESCRIPTION_PREPARE: "soạn đơn thuốc",
    Action.PRESCRIPTION_SIGN: "ký đơn thuốc",
    Action.REFERRAL_PREPARE: "soạn phiếu chuyển cơ sở khám bệnh, chữa bệnh",
    Action.REFERRAL_SIGN: "ký phiếu chuyển cơ sở khám bệnh, chữa bệnh",
    Action.APPOINTMENT_PREPARE: "soạn phiếu hẹn khám lại",
    Action.APPOINTMENT_SIGN: "ký phiếu hẹn khám lại",
    Action.RECORD_AMEND: "sửa đổi hồ sơ đã ký",
    Action.RECORD_VOID: "hủy hồ sơ đã ký",
    Action.RECORD_RESTORE: "khôi phục phiên bản cũ của hồ sơ",
    Action.DISPENSE: "cấp phát thuốc",
    Action.PRINT: "in giấy tờ",
    Action.CATALOG_VIEW: "xem danh mục",
    Action.CATALOG_IMPORT: "nhập danh mục",
    Action.USER_MANAGE: "quản lý người dùng",
    Action.SETTINGS_EDIT: "thay đổi cài đặt",
    Action.AUDIT_VIEW: "xem nhật ký truy cập",
    Action.BACKUP: "sao lưu dữ liệu",
    Action.SYNC_VIEW: "xem tình trạng đồng bộ",
    Action.SYNC_RUN: "đồng bộ dữ liệu",
    Action.STATION_SETUP: "thiết lập trạm",
    Action.ACCOUNT_UNLOCK: "mở khóa tài khoản",
    Action.SIGNATURE_RECORD: "ghi nhận chữ ký tay hoặc sinh trắc học",
    Action.SENSITIVE_VIEW: "xem nội dung hạn chế (HIV, tâm thần)",
    Action.CONSENT_RECORD: "ghi sự đồng ý của người bệnh",
    Action.PRIVACY_HANDLE: "giải quyết yêu cầu về hồ sơ và sự cố dữ liệu",
    Action.REGISTER_VIEW: "xem và xuất sổ khám bệnh, báo cáo",
    Action.CERTIFICATE_PREPARE: "soạn giấy nghỉ việc hưởng BHXH",
    Action.CERTIFICATE_SIGN: "ký giấy nghỉ việc hưởng BHXH",
    Action.NOTIFICATION_REPORT: "báo bệnh truyền nhiễm",
    Action.BILL_PREPARE: "lập bảng kê chi phí",
    Action.BILL_CLOSE: "chốt, sửa hoặc hủy bảng kê chi phí",
    Action.RECORD_EXPORT: "xuất hồ sơ ra tệp",
}

SIGNING: Final = frozenset(
    {
        Action.ENCOUNTER_SIGN,
        Action.PRESCRIPTION_SIGN,
        Action.REFERRAL_SIGN,
        Action.APPOINTMENT_SIGN,
        Action.CERTIFICATE_SIGN,
        Action.RECORD_AMEND,
        Action.RECORD_VOID,
        Action.RECORD_RESTORE,
    }
)
"""Actions that put a practitioner's name under clinical content."""

CLINICAL: Final = SIGNING | {
    Action.PATIENT_VIEW,
    Action.PATIENT_EDIT,
    Action.ENCOUNTER_VIEW,
    Action.VITALS_RECORD,
    Action.ENCOUNTER_EDIT,
    Action.PRESCRIPTION_PREPARE,
    Action.REFERRAL_PREPARE,
    Action.APPOINTMENT_PREPARE,
    Action.DISPENSE,
    Action.PRINT,
    Action.SIGNATURE_RECORD,
    Action.SENSITIVE_VIEW,
    Action.CONSENT_RECORD,
    Action.PRIVACY_HANDLE,
    Action.CERTIFICATE_PREPARE,
    Action.NOTIFICATION_REPORT,
    Action.BILL_PREPARE,
    Action.BILL_CLOSE,
    Action.REGISTER_VIEW,
    Action.RECORD_EXPORT,
}
"""Actions that show or change what a record says about a person."""

PRESCRIBERS: Final = frozenset({Role.DIRECTOR, Role.DOCTOR, Role.PHYSICIAN_ASSISTANT})
"""Roles that may sign, provided the person holds a practising licence (TT 26/2025)."""

_CARE: Final = frozenset(
    {
        Action.PATIENT_VIEW,
        Action.PATIENT_EDIT,
        Action.ENCOUNTER_VIEW,
        Action.VITALS_RECORD,
        Action.ENCOUNTER_EDIT,
        Action.PRESCRIPTION_PREPARE,
        Action.REFERRAL_PREPARE,
        Action.APPOINTMENT_PREPARE,
        Action.PRINT,
        Action.SIGNATURE_RECORD,
        Action.CONSENT_RECORD,
        Action.PRIVACY_HANDLE,
        Action.CERTIFICATE_PREPARE,
        Action.NOTIFICATION_REPORT,
        Action.BILL_PREPARE,
        Action.BILL_CLOSE,
        Action.REGISTER_VIEW,
        Action.CATALOG_VIEW,
        Action.SYNC_VIEW,
        Action.SYNC_RUN,
    }
)
_RUNNING: Final = frozenset(
    {
        Action.CATALOG_VIEW,
        Action.CATALOG_IMPORT,
        Action.USER_MANAGE,
        Action.SETTINGS_EDIT,
        Action.AUDIT_VIEW,
        Action.BACKUP,
        Action.SYNC_VIEW,
        Action.SYNC_RUN,
        Action.STATION_SETUP,
        Action.ACCOUNT_UNLOCK,
    }
)
_PRESCRIBING: Final = _CARE | SIGNING | {Action.SENSITIVE_VIEW, Action.BACKUP}

PermissionTable = Mapping[Role, frozenset[Action]]

DEFAULT_TABLE: Final[PermissionTable] = MappingProxyType(
    {
        Role.DIRECTOR: _PRESCRIBING | _RUNNING | {Action.RECORD_EXPORT, Action.DISPENSE},
        Role.DOCTOR: _PRESCRIBING,
        Role.PHYSICIAN_ASSISTANT: _PRESCRIBING,
        Role.NURSE: _CARE,
        Role.MIDWIFE: _CARE,
        Role.PHARMACIST: frozenset(
            {
                Action.PATIENT_VIEW,
                Action.ENCOUNTER_VIEW,
                Action.DISPENSE,
                Action.BILL_PREPARE,
                Action.BILL_CLOSE,
                Action.PRINT,
                Action.REGISTER_VIEW,
                Action.CATALOG_VIEW,
                Action.SYNC_VIEW,
                Action.SYNC_RUN,
            }
        ),
        Role.ADMINISTRATOR: _RUNNING,
        Role.INSPECTOR: frozenset(
            {
                Action.PATIENT_VIEW,
                Action.ENCOUNTER_VIEW,
                Action.REGISTER_VIEW,
                Action.CATALOG_VIEW,
                Action.AUDIT_VIEW,
                Action.SYNC_VIEW,
            }
        ),
    }
)

_READ_ONLY: Final = frozenset(
    {
        Action.PATIENT_VIEW,
        Action.ENCOUNTER_VIEW,
        Action.REGISTER_VIEW,
        Action.CATALOG_VIEW,
        Action.AUDIT_VIEW,
        Action.SYNC_VIEW,
    }
)


def never(role: Role) -> frozenset[Action]:
    """What no configuration can give this role."""
    barred: frozenset[Action] = frozenset()
    if role not in PRESCRIBERS:
        barred |= SIGNING
    if role is Role.ADMINISTRATOR:
        barred |= CLINICAL
    if role is Role.INSPECTOR:
        barred |= frozenset(Action) - _READ_ONLY
    return barred


def with_overrides(
    overrides: Mapping[Role, Mapping[Action, bool]], table: PermissionTable = DEFAULT_TABLE
) -> PermissionTable:
    """``table`` with a station's own grants and refusals.

    Practice scopes differ between stations (TT 32/2023), so most cells may change; a grant that
    crosses a wall of :func:`never` is left out.
    """
    changed = {role: set(actions) for role, actions in table.items()}
    for role, cells in overrides.items():
        for action, granted in cells.items():
            if granted and action not in never(role):
                changed[role].add(action)
            elif not granted:
                changed[role].discard(action)
    return MappingProxyType({role: frozenset(actions) for role, actions in changed.items()})


def may(role: Role, action: Action, table: PermissionTable = DEFAULT_TABLE) -> bool:
    """Whether the role allows the action; signing also needs :func:`may_sign`."""
    return action in table[role]


def may_sign(role: Role, licence_no: str) -> bool:
    """Whether this person may put a name under clinical content: role and practising licence."""
    return role in PRESCRIBERS and bool(licence_no.strip())


def _names(roles: Iterable[Role]) -> str:
    labels = [role.label for role in roles]
    return ", ".join([labels[0], *(label[0].lower() + label[1:] for label in labels[1:])])


def require(role: Role, action: Action, table: PermissionTable = DEFAULT_TABLE) -> None:
    """Raise PermissionDenied, saying who may, when the role does not allow the action."""
    if may(role, action, table):
        return
    allowed = [other for other in Role if may(other, action, table)]
    who = f" Người làm được việc này: {_names(allowed)}." if allowed else ""
    raise PermissionDenied(f"Vai trò “{role.label}” không được {action.label}.{who}")


def require_signer(
    role: Role, licence_no: str, action: Action, table: PermissionTable = DEFAULT_TABLE
) -> None:
    """Like :func:`require`, and the practising licence must be on file as well."""
    require(role, action, table)
    if not may_sign(role, licence_no):
        raise PermissionDenied(
            f"Chưa có số giấy phép hành nghề nên chưa được {action.label}. "
            "Nhờ giám đốc hoặc người quản trị ghi số giấy phép trong mục Người dùng."
        )


def idle_minutes(role: Role) -> int:
    """Minutes without input after which the screen locks (TCVN 14423: 15, administration 5)."""
    return 5 if role is Role.ADMINISTRATOR else 15

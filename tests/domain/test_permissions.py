"""The permission table, cell by cell, and the two walls around it."""

from __future__ import annotations

import pytest

from station_emr.domain.errors import PermissionDenied
from station_emr.domain.permissions import (
    CLINICAL,
    DEFAULT_TABLE,
    PRESCRIBERS,
    SIGNING,
    Action,
    Role,
    idle_minutes,
    may,
    may_sign,
    require,
    require_signer,
    with_overrides,
)

#                        Dir Doc PA  Nur Mid Pha Adm Ins
TABLE = """
patient_view              x   x   x   x   x   x   .   x
patient_edit              x   x   x   x   x   .   .   .
encounter_view            x   x   x   x   x   x   .   x
vitals_record             x   x   x   x   x   .   .   .
encounter_edit            x   x   x   x   x   .   .   .
encounter_sign            x   x   x   .   .   .   .   .
prescription_prepare      x   x   x   x   x   .   .   .
prescription_sign         x   x   x   .   .   .   .   .
referral_prepare          x   x   x   x   x   .   .   .
referral_sign             x   x   x   .   .   .   .   .
appointment_prepare       x   x   x   x   x   .   .   .
appointment_sign          x   x   x   .   .   .   .   .
record_amend              x   x   x   .   .   .   .   .
record_void               x   x   x   .   .   .   .   .
record_restore            x   x   x   .   .   .   .   .
record_export             x   .   .   .   .   .   .   .
dispense                  x   .   .   .   .   x   .   .
print                     x   x   x   x   x   x   .   .
catalog_view              x   x   x   x   x   x   x   x
catalog_import            x   .   .   .   .   .   x   .
user_manage               x   .   .   .   .   .   x   .
settings_edit             x   .   .   .   .   .   x   .
audit_view                x   .   .   .   .   .   x   x
backup                    x   x   x   .   .   .   x   .
sync_view                 x   x   x   x   x   x   x   x
sync_run                  x   x   x   x   x   x   x   .
station_setup             x   .   .   .   .   .   x   .
account_unlock            x   .   .   .   .   .   x   .
signature_record          x   x   x   x   x   .   .   .
sensitive_view            x   x   x   .   .   .   .   .
consent_record            x   x   x   x   x   .   .   .
privacy_handle            x   x   x   x   x   .   .   .
certificate_prepare       x   x   x   x   x   .   .   .
certificate_sign          x   x   x   .   .   .   .   .
notification_report       x   x   x   x   x   .   .   .
register_view             x   x   x   x   x   x   .   x
bill_prepare              x   x   x   x   x   x   .   .
bill_close                x   x   x   x   x   x   .   .
"""
ROLES = (
    Role.DIRECTOR,
    Role.DOCTOR,
    Role.PHYSICIAN_ASSISTANT,
    Role.NURSE,
    Role.MIDWIFE,
    Role.PHARMACIST,
    Role.ADMINISTRATOR,
    Role.INSPECTOR,
)
CELLS = [
    (role, Action(line.split()[0]), mark == "x")
    for line in TABLE.strip().splitlines()
    for role, mark in zip(ROLES, line.split()[1:], strict=True)
]


def test_the_table_here_is_complete():
    assert set(ROLES) == set(Role) == set(DEFAULT_TABLE)
    assert {(role, action) for role, action, _ in CELLS} == {(r, a) for r in Role for a in Action}


@pytest.mark.parametrize(("role", "action", "allowed"), CELLS)
def test_cell(role, action, allowed):
    assert may(role, action) is allowed
    if allowed:
        require(role, action)
        return
    with pytest.raises(PermissionDenied) as caught:
        require(role, action)
    assert role.label in str(caught.value)
    assert action.label in str(caught.value)
    assert Role.DIRECTOR.label in str(caught.value)


def test_denial_names_who_may():
    with pytest.raises(PermissionDenied) as caught:
        require(Role.NURSE, Action.PRESCRIPTION_SIGN)
    assert str(caught.value) == (
        "Vai trò “Điều dưỡng” không được ký đơn thuốc. "
        "Người làm được việc này: Giám đốc trạm, bác sĩ, y sĩ."
    )


def test_everything_has_a_vietnamese_label():
    labels = [member.label for member in (*Role, *Action)]
    assert all(labels)
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("role", Role)
def test_only_a_licensed_prescriber_signs(role):
    assert may_sign(role, "000123/GL-CCHN") is (role in PRESCRIBERS)
    assert not may_sign(role, "")
    assert not may_sign(role, "   ")


def test_a_director_without_licence_does_not_sign():
    require(Role.DIRECTOR, Action.REFERRAL_SIGN)
    with pytest.raises(PermissionDenied, match="giấy phép hành nghề"):
        require_signer(Role.DIRECTOR, " ", Action.REFERRAL_SIGN)
    require_signer(Role.DIRECTOR, "000123/GL-CCHN", Action.REFERRAL_SIGN)


def test_a_station_may_widen_and_narrow_the_table():
    table = with_overrides(
        {
            Role.NURSE: {Action.DISPENSE: True, Action.PRINT: False},
            Role.DOCTOR: {Action.REFERRAL_SIGN: False},
        }
    )
    assert may(Role.NURSE, Action.DISPENSE, table)
    assert not may(Role.NURSE, Action.PRINT, table)
    assert not may(Role.DOCTOR, Action.REFERRAL_SIGN, table)
    assert may(Role.NURSE, Action.PRINT), "the default table is untouched"


def test_no_override_crosses_the_walls():
    everything = {role: dict.fromkeys(Action, True) for role in Role}
    table = with_overrides(everything)
    for role in set(Role) - PRESCRIBERS:
        assert not table[role] & SIGNING
    assert not table[Role.ADMINISTRATOR] & CLINICAL
    assert table[Role.INSPECTOR] == DEFAULT_TABLE[Role.INSPECTOR]


def test_idle_minutes():
    assert {role: idle_minutes(role) for role in Role} == {
        role: 5 if role is Role.ADMINISTRATOR else 15 for role in Role
    }

"""Every page of every role can be built, at once and without flashing as a window."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QWidget

from station_emr.domain.permissions import Role
from station_emr.ui.models import routes
from station_emr.ui.shell.registry import screens_for

EVERY_PAGE = {
    routes.TODAY,
    routes.PATIENTS,
    routes.REGISTRATION,
    routes.ENCOUNTER,
    routes.REFERRALS,
    routes.MEDICINES,
    routes.BILLING,
    routes.CLAIMS,
    routes.FOREIGN_VISITS,
    routes.PREVIEW,
    routes.CERTIFICATE,
    routes.NOTICES,
    routes.REGISTERS,
    routes.REPORTS,
    routes.SYNC,
    routes.CONFLICTS,
    routes.SETTINGS,
    routes.USERS,
    routes.CATALOGS,
    routes.AUDIT,
    routes.SHARING,
    routes.PRIVACY,
    routes.SIGNING,
    routes.VERSIONS,
    routes.RIGHTS,
    routes.RIGHTS_REVIEW,
    routes.EMERGENCY_REVIEW,
    routes.DOSSIER,
}
MANAGED = {routes.DOSSIER, routes.RIGHTS, routes.RIGHTS_REVIEW, routes.EMERGENCY_REVIEW}
OFFICE = MANAGED | {
    routes.SETTINGS,
    routes.USERS,
    routes.CATALOGS,
    routes.AUDIT,
    routes.SYNC,
}


@pytest.mark.parametrize("role", [Role.DIRECTOR, Role.NURSE, Role.INSPECTOR, Role.ADMINISTRATOR])
def test_pages_are_built_under_their_key(qtbot, session_of, stray_windows, role) -> None:
    for spec in screens_for(session_of(role)):
        page = spec.build()
        qtbot.addWidget(page)
        assert isinstance(page, QWidget)
        assert spec.under == "" or not spec.has_entry


@pytest.mark.parametrize(
    ("role", "missing"),
    [
        (Role.DIRECTOR, set()),
        (Role.DOCTOR, MANAGED | {routes.USERS, routes.AUDIT}),
        (Role.NURSE, MANAGED | {routes.USERS, routes.AUDIT, routes.SIGNING}),
        (
            Role.PHARMACIST,
            MANAGED
            | {
                routes.USERS,
                routes.AUDIT,
                routes.FOREIGN_VISITS,
                routes.REGISTRATION,
                routes.SIGNING,
                routes.PRIVACY,
            },
        ),
        (
            Role.INSPECTOR,
            MANAGED
            | {
                routes.USERS,
                routes.FOREIGN_VISITS,
                routes.REGISTRATION,
                routes.MEDICINES,
                routes.SIGNING,
                routes.PRIVACY,
            },
        ),
        (Role.ADMINISTRATOR, EVERY_PAGE - OFFICE),
    ],
)
def test_each_role_has_its_pages(session_of, role, missing) -> None:
    specs = screens_for(session_of(role))

    found = {spec.key for spec in specs} - {routes.EMERGENCY}  # see the tests of people
    assert found == EVERY_PAGE - missing
    keys = [spec.shortcut for spec in specs if spec.shortcut]
    assert len(keys) == len(set(keys))
    entries = {spec.key for spec in specs if spec.has_entry}
    assert all(
        spec.under in entries for spec in specs if spec.under and spec.under in EVERY_PAGE - missing
    )

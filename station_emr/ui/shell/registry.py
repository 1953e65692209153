"""Which pages a person may open. A page's code is loaded when it is first opened."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from station_emr.domain.permissions import Action
from station_emr.services.i18n import _
from station_emr.services.views import QueueRow
from station_emr.ui.kit import Screen, Shortcut
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session
from station_emr.ui.screens.today import TodayScreen
from station_emr.ui.shell.navigation import ScreenSpec


def screens_for(session: Session, first_queue: tuple[QueueRow, ...] = ()) -> list[ScreenSpec]:
    """The pages of this person's role, in the order of the navigation."""
    clinical = session.may(Action.PATIENT_VIEW)
    gives = session.may(Action.DISPENSE) or session.may(Action.VITALS_RECORD)
    wanted: list[tuple[bool, ScreenSpec]] = [
        (
            clinical,
            ScreenSpec(
                key=routes.TODAY,
                title=_("Hôm nay"),
                icon="house",
                shortcut=Shortcut.TODAY,
                build=lambda: TodayScreen(session, first_queue),
            ),
        ),
        (
            clinical,
            _page(
                session, routes.PATIENTS, "patients", "PatientsScreen", Shortcut.PATIENTS, "user"
            ),
        ),
        (
            session.may(Action.PATIENT_EDIT),
            _page(
                session,
                routes.REGISTRATION,
                "registration",
                "RegistrationScreen",
                under=routes.TODAY,
            ),
        ),
        (
            session.may(Action.ENCOUNTER_VIEW),
            _page(
                session,
                routes.ENCOUNTER,
                "encounter",
                "EncounterScreen",
                Shortcut.ENCOUNTER,
                "stethoscope",
            ),
        ),
        (
            session.may(Action.ENCOUNTER_VIEW),
            _page(
                session,
                routes.REFERRALS,
                "referrals",
                "ReferralsScreen",
                Shortcut.REFERRALS,
                "arrow-right",
            ),
        ),
        (
            clinical and gives,
            _page(
                session, routes.MEDICINES, "medicines", "MedicinesScreen", Shortcut.DRUGS, "pill"
            ),
        ),
        (
            clinical,
            _page(session, routes.PREVIEW, "preview", "PreviewScreen", under=routes.REFERRALS),
        ),
        (
            session.may(Action.SYNC_VIEW),
            _page(session, routes.SYNC, "sync", "SyncScreen", Shortcut.SYNC, "arrows-clockwise"),
        ),
        (
            True,
            _page(
                session,
                routes.SETTINGS,
                "settings",
                "SettingsScreen",
                Shortcut.ADMIN,
                "gear-six",
                title=_("Quản trị"),
                at_foot=True,
            ),
        ),
        (
            session.may(Action.USER_MANAGE),
            _page(session, routes.USERS, "users", "UsersScreen", under=routes.SETTINGS),
        ),
        (
            session.may(Action.CATALOG_VIEW),
            _page(session, routes.CATALOGS, "catalogs", "CatalogsScreen", under=routes.SETTINGS),
        ),
        (
            session.may(Action.AUDIT_VIEW),
            _page(session, routes.AUDIT, "audit", "AuditScreen", under=routes.SETTINGS),
        ),
    ]
    return [spec for allowed, spec in wanted if allowed and _there(spec.key)]


def _page(
    session: Session,
    key: str,
    package: str,
    name: str,
    shortcut: Shortcut | None = None,
    icon: str = "",
    *,
    title: str = "",
    under: str = "",
    at_foot: bool = False,
) -> ScreenSpec:
    return ScreenSpec(
        key=key,
        title=title or (shortcut.label if shortcut else ""),
        icon=icon,
        shortcut=shortcut,
        build=_builder(session, package, name),
        under=under,
        at_foot=at_foot,
    )


def _builder(session: Session, package: str, name: str) -> Callable[[], Screen]:
    def build() -> Screen:
        made: Screen = getattr(import_module(f"station_emr.ui.screens.{package}"), name)(session)
        return made

    return build


def _there(key: str) -> bool:
    found = find_spec(f"station_emr.ui.screens.{key}")
    return found is not None and found.origin is not None

"""Which pages a person may open. A page's code is loaded when it is first opened.

Most days need three or four of them, and log-in must not wait for the rest.
"""

# ruff: noqa: PLC0415 - each page is imported where it is built, see above

from __future__ import annotations

from collections.abc import Callable

from station_emr.domain.permissions import SIGNING, Action
from station_emr.services.views import QueueRow
from station_emr.ui.kit import Screen, Shortcut
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session
from station_emr.ui.screens.today import TodayScreen
from station_emr.ui.shell.navigation import ScreenSpec


def screens_for(session: Session, first_queue: tuple[QueueRow, ...] = ()) -> list[ScreenSpec]:
    """The pages of this person's role, in the order of the navigation."""

    def page(
        key: str,
        build: Callable[[Session], Screen],
        shortcut: Shortcut | None = None,
        icon: str = "",
        *,
        under: str = "",
        at_foot: bool = False,
    ) -> ScreenSpec:
        return ScreenSpec(
            key=key,
            title=shortcut.label if shortcut else "",
            icon=icon,
            shortcut=shortcut,
            build=lambda: build(session),
            under=under,
            at_foot=at_foot,
        )

    def today(session: Session) -> Screen:
        return TodayScreen(session, first_queue)

    may = session.may
    clinical, visits = may(Action.PATIENT_VIEW), may(Action.ENCOUNTER_VIEW)
    gives = visits and (may(Action.DISPENSE) or may(Action.VITALS_RECORD))
    admin = routes.SETTINGS
    may_sign = any(may(action) for action in SIGNING)
    wanted = (
        (visits, page(routes.TODAY, today, Shortcut.TODAY, "house")),
        (clinical, page(routes.PATIENTS, _patients, Shortcut.PATIENTS, "user")),
        (may(Action.PATIENT_EDIT), page(routes.REGISTRATION, _registration, under=routes.TODAY)),
        (visits, page(routes.ENCOUNTER, _encounter, Shortcut.ENCOUNTER, "stethoscope")),
        (visits, page(routes.REFERRALS, _referrals, Shortcut.REFERRALS, "arrow-right")),
        (gives, page(routes.MEDICINES, _medicines, Shortcut.DRUGS, "pill")),
        (visits, page(routes.BILLING, _billing, Shortcut.BILLING, "receipt")),
        (visits, page(routes.CLAIMS, _claims, Shortcut.CLAIMS, "identification-card")),
        (
            may(Action.PATIENT_EDIT),
            page(routes.FOREIGN_VISITS, _foreign_visits, under=routes.CLAIMS),
        ),
        (clinical, page(routes.VERSIONS, _versions, under=routes.PATIENTS)),
        (clinical, page(routes.PREVIEW, _preview)),
        (visits, page(routes.CERTIFICATE, _certificate, under=routes.ENCOUNTER)),
        (visits, page(routes.NOTICES, _notices, under=routes.TODAY)),
        (
            may(Action.REGISTER_VIEW),
            page(routes.REGISTERS, _registers, Shortcut.REPORTS, "notebook"),
        ),
        (may(Action.REGISTER_VIEW), page(routes.REPORTS, _reports, under=routes.REGISTERS)),
        (may(Action.SYNC_VIEW), page(routes.SYNC, _sync, Shortcut.SYNC, "arrows-clockwise")),
        (clinical, page(routes.CONFLICTS, _conflicts, under=routes.SYNC)),
        (True, page(admin, _settings, Shortcut.ADMIN, "gear-six", at_foot=True)),
        (may(Action.USER_MANAGE), page(routes.USERS, _users, under=admin)),
        (may(Action.USER_MANAGE), page(routes.RIGHTS, _rights, under=admin)),
        (may(Action.USER_MANAGE), page(routes.RIGHTS_REVIEW, _rights_review, under=admin)),
        (may(Action.USER_MANAGE), page(routes.EMERGENCY_REVIEW, _emergency_review, under=admin)),
        (session.needs_emergency_door, page(routes.EMERGENCY, _emergency, under=admin)),
        (may(Action.CATALOG_VIEW), page(routes.CATALOGS, _catalogs, under=admin)),
        (may(Action.AUDIT_VIEW), page(routes.AUDIT, _audit, under=admin)),
        (may(Action.SETTINGS_EDIT), page(routes.DOSSIER, _dossier, under=admin)),
        (may_sign, page(routes.SIGNING, _signing, under=admin)),
        (visits, page(routes.SHARING, _sharing, under=admin)),
        (may(Action.PRIVACY_HANDLE), page(routes.PRIVACY, _privacy, under=admin)),
    )
    return [spec for allowed, spec in wanted if allowed]


def _patients(session: Session) -> Screen:
    from station_emr.ui.screens.patients import PatientsScreen

    return PatientsScreen(session)


def _registration(session: Session) -> Screen:
    from station_emr.ui.screens.registration import RegistrationScreen

    return RegistrationScreen(session)


def _encounter(session: Session) -> Screen:
    from station_emr.ui.screens.encounter import EncounterScreen

    return EncounterScreen(session)


def _referrals(session: Session) -> Screen:
    from station_emr.ui.screens.referrals import ReferralsScreen

    return ReferralsScreen(session)


def _medicines(session: Session) -> Screen:
    from station_emr.ui.screens.medicines import MedicinesScreen

    return MedicinesScreen(session)


def _billing(session: Session) -> Screen:
    from station_emr.ui.screens.billing import BillingScreen

    return BillingScreen(session)


def _foreign_visits(session: Session) -> Screen:
    from station_emr.ui.screens.foreign_visits import ForeignVisitsScreen

    return ForeignVisitsScreen(session)


def _certificate(session: Session) -> Screen:
    from station_emr.ui.screens.certificates import CertificateScreen

    return CertificateScreen(session)


def _notices(session: Session) -> Screen:
    from station_emr.ui.screens.notices import NoticesScreen

    return NoticesScreen(session)


def _preview(session: Session) -> Screen:
    from station_emr.ui.screens.preview import PreviewScreen

    return PreviewScreen(session)


def _versions(session: Session) -> Screen:
    from station_emr.ui.screens.versions import VersionsScreen

    return VersionsScreen(session)


def _claims(session: Session) -> Screen:
    from station_emr.ui.screens.claims import ClaimsScreen

    return ClaimsScreen(session)


def _sync(session: Session) -> Screen:
    from station_emr.ui.screens.sync import SyncScreen

    return SyncScreen(session, session.services.courier)


def _conflicts(session: Session) -> Screen:
    from station_emr.ui.screens.conflicts import ConflictsScreen

    return ConflictsScreen(session, session.services.conflicts, session.services.duplicates)


def _settings(session: Session) -> Screen:
    from station_emr.ui.screens.settings import SettingsScreen

    return SettingsScreen(session)


def _dossier(session: Session) -> Screen:
    from station_emr.ui.screens.dossier import DossierScreen

    return DossierScreen(session)


def _registers(session: Session) -> Screen:
    from station_emr.ui.screens.registers import RegistersScreen

    return RegistersScreen(session)


def _reports(session: Session) -> Screen:
    from station_emr.ui.screens.reports import ReportsScreen

    return ReportsScreen(session)


def _signing(session: Session) -> Screen:
    from station_emr.ui.screens.signing import SigningScreen

    return SigningScreen(session)


def _users(session: Session) -> Screen:
    from station_emr.ui.screens.users import UsersScreen

    return UsersScreen(session)


def _rights(session: Session) -> Screen:
    from station_emr.ui.screens.rights import RightsScreen

    return RightsScreen(session)


def _rights_review(session: Session) -> Screen:
    from station_emr.ui.screens.rights import RightsReviewScreen

    return RightsReviewScreen(session)


def _emergency(session: Session) -> Screen:
    from station_emr.ui.screens.emergency import EmergencyScreen

    return EmergencyScreen(session)


def _emergency_review(session: Session) -> Screen:
    from station_emr.ui.screens.emergency import EmergencyReviewScreen

    return EmergencyReviewScreen(session)


def _catalogs(session: Session) -> Screen:
    from station_emr.ui.screens.catalogs import CatalogsScreen

    return CatalogsScreen(session)


def _audit(session: Session) -> Screen:
    from station_emr.ui.screens.audit import AuditScreen

    return AuditScreen(session)


def _privacy(session: Session) -> Screen:
    from station_emr.ui.screens.privacy import PrivacyScreen

    return PrivacyScreen(session)


def _sharing(session: Session) -> Screen:
    from station_emr.ui.screens.sharing import SharingScreen

    return SharingScreen(session)

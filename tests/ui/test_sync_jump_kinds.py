"""From the sync page to a refused record of every kind, and to the field where its screen has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from station_emr.domain.birth import BirthDate
from station_emr.domain.notification import CaseClass, CaseState
from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.domain.sync import OutboxItem
from station_emr.services.record_stores import record_store
from station_emr.services.refused_fields import RefusedField
from station_emr.ui.models import routes
from station_emr.ui.screens.certificates import CertificateScreen
from station_emr.ui.screens.notices import NoticesScreen
from station_emr.ui.screens.privacy import PrivacyScreen
from station_emr.ui.screens.settings import SettingsScreen
from station_emr.ui.screens.sync.jump import field_words, place_of
from station_emr.ui.screens.users import UsersScreen
from tests.interop import fhir_records as sample
from tests.interop.rich_records import SAMPLES
from tests.services.visit_samples import sign, visit
from tests.sync.every_kind import every_kind
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sync_page import REFUSED
from tests.ui.test_notices import coded

__all__ = ["answers"]

RECORDS: dict[RecordKind, Any] = {**SAMPLES, **every_kind(1)}
PERSON = RECORDS[RecordKind.PATIENT].id
VISIT = RECORDS[RecordKind.ENCOUNTER].id

Pages = dict[RecordKind, Callable[[str], tuple[str, object]]]
PAGES: Pages = {
    RecordKind.PATIENT: lambda i: (
        routes.REGISTRATION,
        routes.RegistrationRoute(patient_id=i, itself=True),
    ),
    RecordKind.ENCOUNTER: lambda i: (routes.ENCOUNTER, routes.EncounterRoute(i)),
    RecordKind.PRESCRIPTION: lambda _: (routes.ENCOUNTER, routes.EncounterRoute(VISIT)),
    RecordKind.APPOINTMENT: lambda _: (routes.ENCOUNTER, routes.EncounterRoute(VISIT)),
    RecordKind.REFERRAL: lambda i: (routes.REFERRALS, routes.ReferralRoute(referral_id=i)),
    RecordKind.FEEDBACK: lambda _: PAGES[RecordKind.REFERRAL](RECORDS[RecordKind.REFERRAL].id),
    RecordKind.SIGNATURE: lambda _: PAGES[RecordKind.REFERRAL](RECORDS[RecordKind.REFERRAL].id),
    RecordKind.LINK: lambda i: (routes.CONFLICTS, routes.LinkRoute(i)),
    RecordKind.CONSENT: lambda i: (routes.PRIVACY, routes.PrivacyRoute(PERSON, "consents", i)),
    RecordKind.REQUEST: lambda i: (routes.PRIVACY, routes.PrivacyRoute(PERSON, "requests", i)),
    RecordKind.BREACH: lambda i: (routes.PRIVACY, routes.PrivacyRoute(PERSON, "breaches", i)),
    RecordKind.CERTIFICATE: lambda _: (routes.CERTIFICATE, routes.CertificateRoute(VISIT)),
    RecordKind.NOTIFICATION: lambda i: (routes.NOTICES, routes.NoticeRoute(notification_id=i)),
    RecordKind.BILL: lambda i: (routes.BILLING, routes.BillRoute(bill_id=i)),
    RecordKind.RIGHTS: lambda _: (routes.RIGHTS, None),
    RecordKind.STANDING: lambda _: (
        routes.USERS,
        routes.UserRoute(RECORDS[RecordKind.STANDING].user_id),
    ),
    RecordKind.PRACTITIONER: lambda i: (routes.USERS, routes.UserRoute(i)),
    RecordKind.FACILITY: lambda _: (routes.SETTINGS, routes.SettingsRoute("station")),
}


def refused(kind: RecordKind, record_id: str) -> OutboxItem:
    return replace(REFUSED, kind=kind, record_id=record_id, patient_id=PERSON, reason="")


def test_every_kind_opens_the_record_itself(station) -> None:
    with station.store.write() as work:
        twin = replace(RECORDS[RecordKind.PATIENT], id=RECORDS[RecordKind.LINK].duplicate_id)
        for kind, record in (
            (RecordKind.PATIENT, RECORDS[RecordKind.PATIENT]),
            (RecordKind.PATIENT, twin),
            *every_kind(1).items(),
        ):
            store = record_store(work, kind)
            if store.find(record.id) is None:
                store.add_version(
                    record,
                    RecordStatus.SIGNED,
                    author=sample.DOCTOR,
                    at=sample.AT,
                    reason="",
                    expected_version=0,
                )
    found = {}
    for kind, record in RECORDS.items():
        item = refused(kind, getattr(record, "id", ""))
        named = station.services.sync.refused_field(station.director, item)
        found[kind] = place_of(item, lambda _action: True, named)

    assert found == {kind: PAGES[kind](getattr(RECORDS[kind], "id", "")) for kind in RecordKind}


def test_a_record_that_is_gone_still_opens_something(station) -> None:
    for kind in RecordKind:
        item = refused(kind, sample.made_id(99))
        named = station.services.sync.refused_field(station.director, item)
        assert place_of(item, lambda _action: True, named) is not None, kind


@pytest.mark.parametrize(
    ("kind", "field", "words"),
    [
        (RecordKind.BILL, "items.1.price", "Khoản 2: đơn giá"),
        (RecordKind.BILL, "items.0", "Khoản 1"),
        (RecordKind.BILL, "items.0.tender", "Khoản 1"),
        (RecordKind.CERTIFICATE, "treatment", "Phương pháp điều trị"),
        (RecordKind.NOTIFICATION, "home_address", "Nơi ở hiện nay"),
        (RecordKind.PRACTITIONER, "licence_no", "Số giấy phép hành nghề"),
        (RecordKind.FACILITY, "phone", "Điện thoại"),
        (RecordKind.FACILITY, "name", "Tên trạm"),
    ],
)
def test_the_button_calls_the_field_as_people_do(kind, field, words) -> None:
    assert field_words(kind, field) == words


def test_the_field_goes_along() -> None:
    for kind, field in (
        (RecordKind.BILL, "items.1.price"),
        (RecordKind.NOTIFICATION, "phone"),
        (RecordKind.CERTIFICATE, "days"),
        (RecordKind.PRACTITIONER, "role"),
        (RecordKind.FACILITY, "name"),
    ):
        named = RefusedField(
            encounter_id="v" if kind is RecordKind.CERTIFICATE else "", field=field
        )
        place = place_of(refused(kind, "r"), lambda _action: True, named)
        assert place is not None
        assert getattr(place[1], "field", None) == field


# -- the pages -----------------------------------------------------------------------------------


def at() -> str:
    focused = QApplication.focusWidget()
    return focused.objectName() if focused is not None else ""


class Desk(ScreenDriver):
    def __init__(self, qtbot, session, screen, route) -> None:
        super().__init__(qtbot, screen)
        self.screen.on_enter(route)
        qtbot.waitUntil(lambda: session.runner.busy == 0)


def test_a_certificate_opens_at_the_field(qtbot, station, session_of, answers) -> None:
    session = session_of(Role.DOCTOR)
    encounter = visit(station, station.register(birth=BirthDate(1990, 2, 3)))
    sign(station, encounter)
    route = routes.CertificateRoute(encounter.id, "workplace")

    desk = Desk(qtbot, session, CertificateScreen(session), route)

    desk.until(lambda: at() == "certificate.workplace")


def test_a_notice_opens_at_the_field_and_stays_there_when_it_is_amended(
    qtbot, station, session_of, answers
) -> None:
    notice_id = submitted(station)
    session = session_of(Role.DOCTOR)
    route = routes.NoticeRoute(notification_id=notice_id, field="measures")

    desk = Desk(qtbot, session, NoticesScreen(session), route)

    desk.until(lambda: at() == "notice.measures")
    answers.next = ["Ghi nhầm"]
    desk.press_button("notices.amend")
    desk.until(lambda: at() == "notice.measures")


def submitted(station) -> str:
    encounter = coded(station)
    blank = station.services.notifications.prepare(station.doctor, encounter.id)
    notice = replace(
        blank,
        phone="0900000001",
        home_address="Làng Mẫu",
        onset_address="Làng Mẫu",
        onset_on=encounter.arrived_at.date(),
        case_class=CaseClass.SUSPECTED,
        state=CaseState.OUTPATIENT,
    )
    station.services.notifications.submit(station.doctor, notice)
    return notice.id


def test_a_request_is_found_in_its_list(qtbot, station, session_of) -> None:
    person = station.register(birth=BirthDate(1980, 2, 3))
    requests = station.services.privacy.requests
    ids = []
    for wanted in ("Xin bản sao", "Xin xem hồ sơ", "Xin bản tóm tắt"):
        blank = requests.blank(station.doctor, person.id)
        request = replace(blank, wanted=wanted, purpose="Xem lại", asker_paper="Căn cước mẫu")
        requests.receive(station.doctor, request)
        ids.append(request.id)
    session = session_of(Role.DOCTOR)
    for request_id in ids:
        route = routes.PrivacyRoute(person.id, "requests", request_id)
        desk = Desk(qtbot, session, PrivacyScreen(session), route)
        desk.until(desk.screen.requests.table.hasFocus)
        assert desk.screen.requests.table.current().request.id == request_id


def test_an_account_opens_at_the_field(qtbot, station, session_of) -> None:
    session = session_of(Role.DIRECTOR)
    nurse = station.nurse.user
    route = routes.UserRoute(nurse.id, "phone")

    desk = Desk(qtbot, session, UsersScreen(session), route)

    desk.until(lambda: at() == "user.phone")
    assert desk.screen._chosen.user.id == nurse.id


def test_the_station_opens_at_the_field(qtbot, station, session_of) -> None:
    session = session_of(Role.DIRECTOR)
    route = routes.SettingsRoute("station", "address")

    desk = Desk(qtbot, session, SettingsScreen(session), route)

    desk.until(lambda: at() == "station.address")

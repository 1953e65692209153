"""Consents taken back, and who looked at this station's charts: the real program, the real province."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from sqlalchemy import select

from provincial_server.people.tables import ConsentVersion
from provincial_server.store import EVERY_FACILITY, Facility
from station_emr.domain.errors import (
    EnvironmentFailure,
    NetworkFailure,
    NotFound,
    PermissionDenied,
    UserError,
)
from station_emr.domain.permissions import Role
from station_emr.services.clock import SystemClock
from station_emr.services.elsewhere import Basis
from station_emr.services.sharing import CONSENT_VALID, UNREACHED, ConsentState, Sharing
from station_emr.sync.client import FhirClient
from station_emr.sync.history_line import HistoryOverHttp
from tests.interop import fhir_records as sample
from tests.sync.test_elsewhere import AGREED, DOCTOR, Asking, _shared, asking

__all__ = ["_shared", "asking"]

NOWHERE = "http://127.0.0.1:9"


def versions(asking: Asking, consent_id: str) -> list[str]:
    with asking.database.read(EVERY_FACILITY) as session:
        return list(
            session.scalars(
                select(ConsentVersion.status)
                .where(ConsentVersion.consent_id == consent_id)
                .order_by(ConsentVersion.version)
            )
        )


def at_home(asking: Asking) -> Sharing:
    """The station whose charts were looked at, over its own line."""
    clock = SystemClock()
    root = asking.home.url.removesuffix("/fhir")
    return Sharing(
        asking.station.store,
        clock,
        lambda _work: HistoryOverHttp(FhirClient(root, asking.home.token, clock)),
    )


def state_of(asking: Asking) -> ConsentState:
    [one] = asking.desk.sharing.kept(DOCTOR, sample.PATIENT.id).consents
    return one.state(SystemClock().now())


def test_a_consent_that_was_given_is_listed_and_can_be_taken_back(asking) -> None:
    asking.look(replace(AGREED, basis=Basis.VERBAL, witness="Người Làm Chứng Mẫu"))
    [given] = asking.desk.sharing.kept(DOCTOR).consents
    assert (given.how, given.given_by) == ("verbal", "Người bệnh")
    assert given.patient_name == sample.PATIENT.full_name
    assert given.recorded_by == DOCTOR.user.snapshot.printed_name
    assert given.state(given.at) is ConsentState.VALID
    assert given.state(given.at + CONSENT_VALID + timedelta(minutes=1)) is ConsentState.EXPIRED
    assert versions(asking, given.id) == ["active"]

    assert asking.desk.sharing.withdraw(DOCTOR, given.id)

    assert versions(asking, given.id) == ["active", "inactive"]
    assert state_of(asking) is ConsentState.WITHDRAWN
    with asking.station.store.read() as work:
        rows = [row for row in work.audit.rows(5) if row.action == "patient.withdraw_consent"]
    assert [row.patient_id for row in rows] == [sample.PATIENT.id]
    assert asking.desk.sharing.withdraw(DOCTOR, given.id)  # once more changes nothing
    assert versions(asking, given.id) == ["active", "inactive"]


def test_without_a_line_it_counts_here_and_the_province_hears_of_it_later(asking) -> None:
    asking.look()
    [given] = asking.desk.sharing.kept(DOCTOR).consents
    root, asking.root = asking.root, NOWHERE

    assert not asking.desk.sharing.withdraw(DOCTOR, given.id)
    assert state_of(asking) is ConsentState.WITHDRAWING
    with pytest.raises(NetworkFailure) as told:
        asking.desk.sharing.ask(DOCTOR)
    assert str(told.value) == UNREACHED
    assert versions(asking, given.id) == ["active"]

    asking.root = root
    asking.desk.sharing.ask(DOCTOR)
    assert versions(asking, given.id) == ["active", "inactive"]
    assert state_of(asking) is ConsentState.WITHDRAWN


def test_a_refused_look_leaves_no_consent_and_a_cut_one_does(asking) -> None:
    with pytest.raises(UserError, match="Không tìm thấy"):
        asking.look(replace(AGREED, number=""))
    asking.look(replace(AGREED, basis=Basis.EMERGENCY, reason="Người bệnh bất tỉnh mẫu"))
    assert asking.desk.sharing.kept(DOCTOR).consents == ()
    root, asking.root = asking.root, NOWHERE
    with pytest.raises(NetworkFailure):
        asking.look()
    [cut] = asking.desk.sharing.kept(DOCTOR).consents
    asking.root = root
    assert asking.desk.sharing.withdraw(DOCTOR, cut.id)  # the province never heard of it
    assert versions(asking, cut.id) == []


def test_the_home_station_reads_who_looked_and_keeps_it(asking) -> None:
    home = at_home(asking)
    home.ask(DOCTOR)
    known = {look.number for look in home.kept(DOCTOR).looks}
    asking.look()
    asking.look(replace(AGREED, basis=Basis.EMERGENCY, reason="Người bệnh bất tỉnh mẫu"))

    home.ask(DOCTOR)

    view = home.kept(DOCTOR, sample.PATIENT.id)
    emergency, agreed = [look for look in view.looks if look.number not in known]
    with asking.database.read(EVERY_FACILITY) as session:
        assert agreed.facility == session.get_one(Facility, asking.code).name
    assert agreed.user == DOCTOR.user.snapshot.printed_name
    assert "Khám và điều trị" in agreed.reason
    assert agreed.patient_name == sample.PATIENT.full_name
    assert (agreed.emergency, emergency.emergency) == (False, True)
    assert "bất tỉnh" in emergency.reason
    assert view.answered_at is not None
    assert home.kept(DOCTOR, "ai-khac").looks == ()

    asking.home = replace_url(asking.home)
    cut = at_home(asking)
    with pytest.raises(NetworkFailure):
        cut.ask(DOCTOR)
    assert cut.kept(DOCTOR, sample.PATIENT.id) == view


def replace_url(server):
    """The same station at an address where nobody answers."""

    class Gone:
        url, token = f"{NOWHERE}/fhir", server.token

    return Gone


def test_many_pages_of_looks_are_read_to_the_end_and_only_the_newest_kept(asking) -> None:
    class Pages:
        asked: ClassVar[list[int]] = []

        def looks(self, after: int) -> dict:
            self.asked.append(after)
            rows = [
                {
                    "sequence": number,
                    "at": "2026-11-20T08:00:00.000+07:00",
                    "patient": "p",
                    "facility": {"code": "MAU2", "name": ""},
                    "user": "YS Mẫu",
                    "basis": "consent",
                    "reason": "Khám",
                    "resources": 1,
                }
                for number in range(after + 1, min(after + 200, 700) + 1)
            ]
            return {"entries": rows, "last": after + len(rows), "more": len(rows) == 200}

    desk = Sharing(asking.station.store, SystemClock(), lambda _work: Pages())
    desk.ask(DOCTOR)
    view = desk.kept(DOCTOR)
    assert Pages.asked == [0, 200, 400, 600]
    assert [look.number for look in view.looks] == list(range(700, 200, -1))
    assert view.looks[0].facility == "MAU2"


@pytest.mark.parametrize("odd", [{}, {"entries": [{}], "more": False}, {"entries": 5, "more": 1}])
def test_an_odd_answer_changes_nothing(asking, odd) -> None:
    class Odd:
        def looks(self, after: int) -> dict:
            return odd

    desk = Sharing(asking.station.store, SystemClock(), lambda _work: Odd())
    with pytest.raises(NetworkFailure):
        desk.ask(DOCTOR)
    assert desk.kept(DOCTOR).answered_at is None


def test_who_may_not_see_visits_reads_and_withdraws_nothing(asking) -> None:
    asking.look()
    [given] = asking.desk.sharing.kept(DOCTOR).consents
    keeper = replace(DOCTOR, user=replace(DOCTOR.user, role=Role.ADMINISTRATOR))
    for forbidden in (
        lambda: asking.desk.sharing.kept(keeper),
        lambda: asking.desk.sharing.ask(keeper),
        lambda: asking.desk.sharing.withdraw(keeper, given.id),
    ):
        with pytest.raises(PermissionDenied):
            forbidden()
    assert state_of(asking) is ConsentState.VALID


def test_a_consent_that_is_not_known_and_a_machine_without_a_server(asking) -> None:
    with pytest.raises(NotFound):
        asking.desk.sharing.withdraw(DOCTOR, "khong-co")
    with pytest.raises(EnvironmentFailure, match="chưa nối"):
        Sharing(asking.station.store, SystemClock(), lambda _work: None).ask(DOCTOR)

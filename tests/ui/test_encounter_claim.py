"""The panel of the insurance's rules beside a visit: it counts, it lists, it leads to the field."""

from __future__ import annotations

from datetime import date

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from station_emr.domain.birth import BirthDate
from station_emr.domain.patient import Address, Coverage
from station_emr.domain.record import RecordKind
from station_emr.ui.kit import Severity
from station_emr.ui.models import routes
from station_emr.ui.screens.encounter.claim_panel import ClaimPanel, FaultRow, summary_text
from tests.ui.encounter_desk import Desk
from tests.ui.keys import press
from tests.ui.sweep import clipped, unnamed

ENTER = Qt.Key.Key_Return
CARD = Coverage(number="DN4520000000001", initial_facility="DEMO1", valid_from=date(2020, 1, 1))


@pytest.fixture
def insured_id(station) -> str:
    patient = station.register(
        full_name="Rơ Châm Thẻ Mẫu",
        birth=BirthDate(1965, 3, 12),
        coverages=(CARD,),
        address=Address(line="Thôn 2", commune_name="Xã Mẫu", province_code="52"),
    )
    made = station.services.encounters.check_in(station.nurse, patient.id)
    return made.id_of(RecordKind.ENCOUNTER)


def panel_of(desk: Desk) -> ClaimPanel:
    found = desk.screen.findChild(ClaimPanel)
    assert found is not None
    return found


def row_of(desk: Desk, title: str) -> FaultRow:
    rows = panel_of(desk).findChildren(FaultRow)
    return next(row for row in rows if row.fault.title == title)


def looked(desk: Desk) -> ClaimPanel:
    """The panel once nothing more is on its way to it."""
    panel = panel_of(desk)
    desk.qtbot.waitUntil(lambda: desk.session.runner.busy == 0 and not panel._soon.isActive())
    return panel


def test_a_visit_without_a_card_has_no_panel(desk: Desk) -> None:
    assert looked(desk).isHidden()


def test_what_is_missing_is_counted_and_vanishes_when_it_is_typed(desk_of, insured_id: str) -> None:
    desk = desk_of()
    desk.open(insured_id)
    panel = looked(desk)
    assert panel.isVisible()
    assert "Chưa có cân nặng" in panel.lines
    assert panel.check is not None
    assert f"{panel.check.errors} lỗi" in panel.summary.text()
    desk.go("vitals.weight")
    desk.type("58")
    desk.enter()
    desk.screen.save_action()
    desk.qtbot.waitUntil(lambda: "Chưa có cân nặng" not in panel.lines)


def test_what_comes_later_in_the_visit_is_not_called_an_error(desk_of, insured_id: str) -> None:
    desk = desk_of()
    desk.open(insured_id)
    elements = {fault.finding.element for fault in looked(desk).check.faults}
    assert not elements & {"NGAY_RA", "MA_BENH_CHINH", "KET_QUA_DTRI", "T_BHTT"}


def test_by_keys_to_the_field_that_is_missing(desk_of, insured_id: str) -> None:
    desk = desk_of()
    desk.open(insured_id)
    looked(desk)
    press(QApplication.focusWidget(), key=Qt.Key.Key_Z, modifiers=Qt.KeyboardModifier.AltModifier)
    assert isinstance(QApplication.focusWidget(), FaultRow)
    row = row_of(desk, "Chưa có cân nặng")
    row.setFocus()
    press(row, key=ENTER)
    assert desk.at() == "vitals.weight"
    text, severity = desk.said[-1]
    assert "cân nặng" in text
    assert severity is Severity.WARNING


def test_what_the_chart_lacks_leads_to_registration_and_back(desk_of, insured_id: str) -> None:
    desk = desk_of()
    desk.open(insured_id)
    looked(desk)
    panel = panel_of(desk)
    panel.begin()
    row = row_of(desk, "Còn trống: xã cư trú")
    press(row, key=ENTER)
    key, route = desk.gone[-1]
    assert key == routes.REGISTRATION
    assert isinstance(route, routes.RegistrationRoute)
    assert route.field == "commune"


def test_everything_in_the_panel_can_be_read_and_reached(desk_of, insured_id: str) -> None:
    desk = desk_of()
    desk.open(insured_id)
    panel = looked(desk)
    panel.begin()
    assert unnamed(panel) == []
    assert clipped(panel) == []


def test_one_line_says_what_there_is() -> None:
    assert summary_text(None) == "Kiểm tra BHYT"

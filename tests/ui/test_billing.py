"""Bills by keys: from the list to a row, found and added, priced, closed, amended, voided."""

from __future__ import annotations

from decimal import Decimal

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication

from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.ui.kit import dialogs
from station_emr.ui.models import routes
from station_emr.ui.screens.billing import BillingScreen
from station_emr.ui.screens.encounter import EncounterScreen
from tests.services.test_billing import closed, treated
from tests.ui.driver import ScreenDriver, answers

__all__ = ["answers"]


class Desk(ScreenDriver):
    def __init__(self, qtbot, station, session) -> None:
        self.station, self.session = station, session
        super().__init__(qtbot, BillingScreen(session))

    def rest(self) -> None:
        self.qtbot.waitUntil(lambda: self.session.runner.busy == 0)

    def enter(self, encounter_id: str = "") -> None:
        self.screen.on_enter(routes.BillRoute(encounter_id) if encounter_id else None)
        self.rest()

    def of(self, encounter_id: str):
        return self.station.services.billing.of_encounter(self.session.actor, encounter_id)

    def total(self, name: str) -> str:
        return self.find(f"bill.total.{name}").text()

    def fill(self, monkeypatch, fill) -> None:
        """Somebody fills the next dialog and presses its main button."""

        def run(dialog) -> bool:
            fill(dialog)
            dialog.accept()
            return dialog.result() == 1

        monkeypatch.setattr(dialogs, "run_dialog", run)


@pytest.fixture
def bills(qtbot, station, session_of):
    return Desk(qtbot, station, session_of(Role.NURSE))


def test_the_list_leads_to_a_bill_and_esc_leads_back(bills, station) -> None:
    encounter = treated(station)
    bills.enter()
    assert "1 lượt khám · 1 chưa chốt" in bills.screen.list.count.text()
    bills.sweep()

    bills.key(Qt.Key.Key_Return)
    bills.rest()

    rows = bills.screen.sheet.table.rows
    assert [row.item.group for row in rows] == ["13", "1", "18", "4"]
    assert bills.total("t_tongchi_bv") == bills.total("t_bhtt") != "0 đ"
    assert bills.total("patient_pays") == "0 đ"
    assert bills.of(encounter.id) is None  # looked at, nothing written
    bills.sweep()
    assert bills.screen.on_back()
    bills.rest()
    assert bills.screen.list.table.hasFocus()


def test_a_row_is_found_typed_added_and_kept(bills, station) -> None:
    encounter = treated(station)
    bills.enter(encounter.id)
    bills.press_button("bill.kind.2")
    bills.type("bill.add", "gac phau")
    bills.until(lambda: bills.screen.sheet.add_field.typeahead.is_open)
    bills.key(Qt.Key.Key_Return)
    bills.rest()

    assert bills.screen.sheet.table.rows[-1].item.code == "VD.BANG-GAC-10"
    assert bills.of(encounter.id).record.items[-1].code == "VD.BANG-GAC-10"
    assert bills.of(encounter.id).status is RecordStatus.DRAFT


def test_a_number_is_typed_in_the_row_s_sheet_and_the_sums_follow(
    bills, station, monkeypatch
) -> None:
    encounter = treated(station)
    bills.enter(encounter.id)
    before = bills.total("t_tongchi_bv")

    def fill(dialog) -> None:
        dialog.form.field("quantity").line.setText("2,5")
        dialog.form.field("nsnn").line.setText("1.000")

    bills.fill(monkeypatch, fill)
    bills.screen.sheet.choose(3)
    bills.screen.sheet.table.setFocus()
    bills.key(Qt.Key.Key_Return)
    bills.rest()

    item = bills.of(encounter.id).record.items[3]
    assert (item.quantity, item.sources.nsnn) == (Decimal("2.5"), Decimal(1000))
    assert bills.total("t_tongchi_bv") != before
    assert bills.total("t_nguonkhac") == "1.000 đ"


def test_what_is_no_number_keeps_the_sheet_open(bills, station, monkeypatch) -> None:
    encounter = treated(station)
    bills.enter(encounter.id)
    seen = []

    def fill(dialog) -> None:
        dialog.form.field("price").line.setText("mười")
        dialog.accept()
        seen.append((dialog.result(), dialog.form.field("price").problem))
        dialog.reject()

    def run(dialog) -> bool:
        fill(dialog)
        return False

    monkeypatch.setattr(dialogs, "run_dialog", run)
    bills.screen.rows.edit(0)
    ((result, problem),) = seen
    assert result == 0
    assert "12.500" in problem
    assert bills.of(encounter.id) is None


def test_a_row_taken_out_comes_back_with_undo(bills, station) -> None:
    encounter = treated(station)
    bills.enter(encounter.id)
    bills.screen.sheet.choose(2)
    bills.screen.sheet.table.setFocus()
    bills.key(Qt.Key.Key_Delete)
    bills.rest()
    assert [item.group for item in bills.of(encounter.id).record.items] == ["13", "1", "4"]

    bills.messages[-1].action()
    bills.rest()

    assert [item.group for item in bills.of(encounter.id).record.items] == ["13", "1", "18", "4"]


def test_what_is_wrong_stands_beside_its_row_and_keeps_the_bill_open(
    bills, station, monkeypatch
) -> None:
    encounter = treated(station)
    bills.enter(encounter.id)
    bills.fill(monkeypatch, lambda dialog: dialog.form.field("done_by").set_value(""))
    bills.screen.sheet.choose(1)
    bills.screen.sheet.table.setFocus()
    bills.key(Qt.Key.Key_Return)
    bills.rest()
    assert "thiếu người thực hiện" in bills.screen.sheet.findings.text()
    bills.sweep()

    bills.press_button("billing.close")
    bills.rest()

    assert any("còn 1 lỗi" in text for text in bills.said)
    assert bills.of(encounter.id).status is RecordStatus.DRAFT
    assert bills.screen.sheet.table.current().place == 1


def test_a_question_is_asked_before_the_bill_is_closed(
    bills, station, answers, monkeypatch
) -> None:
    encounter = treated(station)
    bills.enter(encounter.id)

    def fill(dialog) -> None:
        dialog.form.field("price").line.setText("31.000")

    bills.fill(monkeypatch, fill)
    bills.screen.sheet.choose(0)
    bills.screen.sheet.table.setFocus()
    bills.key(Qt.Key.Key_Return)
    bills.rest()
    answers.next = [False]
    bills.press_button("billing.close")
    bills.rest()
    assert bills.of(encounter.id).status is RecordStatus.DRAFT

    answers.next = [True]
    bills.press_button("billing.close")
    bills.rest()

    stored = bills.of(encounter.id)
    assert stored.status is RecordStatus.SIGNED
    assert any("Người bệnh trả 1.000 đồng" in text for text in bills.said)
    assert not bills.screen.sheet.add_bar.isVisible()
    bills.sweep()


def test_a_closed_bill_is_amended_with_a_reason_and_printed(bills, station, answers) -> None:
    bill = closed(station).record
    bills.enter(bill.encounter_id)
    answers.next = ["Nhầm số lượng"]
    bills.press_button("billing.amend")
    bills.screen.sheet.choose(2)
    bills.screen.sheet.table.setFocus()
    bills.key(Qt.Key.Key_Delete)
    bills.rest()
    assert len(bills.of(bill.encounter_id).record.items) == 4  # nothing is written yet
    bills.press_button("billing.close")
    bills.rest()
    assert bills.of(bill.encounter_id).status is RecordStatus.AMENDED
    assert len(bills.of(bill.encounter_id).record.items) == 3

    assert bills.screen.print_action()
    assert bills.went[-1] == (routes.PREVIEW, routes.PreviewRoute(RecordKind.BILL, bill.id))


def test_an_amendment_left_half_typed_is_there_again(bills, station, answers) -> None:
    bill = closed(station).record
    bills.enter(bill.encounter_id)
    answers.next = ["Nhầm số lượng"]
    bills.press_button("billing.amend")
    bills.screen.rows.remove(0)
    bills.screen.on_leave()
    bills.rest()
    bills.enter(bill.encounter_id)
    assert len(bills.screen.sheet.table.rows) == 4

    bills.press_button("billing.amend")  # asks for no reason again

    assert len(bills.screen.sheet.table.rows) == 3


def test_a_voided_bill_makes_room_for_another(bills, station, answers) -> None:
    bill = closed(station).record
    bills.enter(bill.encounter_id)
    answers.next = ["Nhầm người"]
    bills.press_button("billing.void")
    bills.rest()
    bills.enter(bill.encounter_id)

    assert bills.screen.buttons.close.isVisible()
    bills.press_button("billing.close")
    bills.rest()
    assert bills.of(bill.encounter_id).record.id != bill.id


def test_who_may_only_read_sees_no_way_to_change(qtbot, station, session_of) -> None:
    bill = closed(station).record
    desk = Desk(qtbot, station, session_of(Role.INSPECTOR))
    desk.enter(bill.encounter_id)

    buttons = desk.screen.buttons
    shown = (buttons.refill, buttons.recount, buttons.amend, buttons.void, buttons.close)
    assert not any(button.isVisible() for button in shown)
    assert not desk.screen.sheet.add_bar.isVisible()


def test_the_visit_leads_to_its_bill(qtbot, station, session_of) -> None:
    encounter = treated(station)
    session = session_of(Role.DOCTOR)
    desk = ScreenDriver(qtbot, EncounterScreen(session))
    desk.screen.on_enter(routes.EncounterRoute(encounter.id))
    qtbot.waitUntil(lambda: session.runner.busy == 0)

    control = Qt.KeyboardModifier.ControlModifier
    wish = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_B, control)
    QApplication.sendEvent(desk.screen, wish)
    assert wish.isAccepted()  # here the key means this visit's bill, not the list
    qtbot.keyClick(desk.screen, Qt.Key.Key_B, control)

    assert desk.went[-1] == (routes.BILLING, routes.BillRoute(encounter.id))
    qtbot.waitUntil(lambda: session.runner.busy == 0)


def test_the_base_salary_is_entered_with_its_day(qtbot, station, session_of, monkeypatch) -> None:
    desk = Desk(qtbot, station, session_of(Role.DIRECTOR))
    desk.enter()
    desk.sweep()

    def fill(dialog) -> None:
        dialog.accept()
        assert dialog.form.field("amount").problem
        dialog.form.field("amount").line.setText("2.600.000")

    desk.fill(monkeypatch, fill)
    desk.press_button("billing.salary")
    desk.rest()

    today = station.clock.now().date()
    assert station.services.billing.base_salaries() == ((today, Decimal(2600000)),)
    assert "Đã ghi lương cơ sở." in desk.said

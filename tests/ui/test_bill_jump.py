"""From what a check found in a row of a claim to the very row of the bill, and the field in it."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.billing import BillItem, ItemKind
from station_emr.domain.permissions import Role
from station_emr.services.resources import resource_path
from station_emr.ui.kit import dialogs
from station_emr.ui.models import routes
from station_emr.ui.screens.billing import BillingScreen
from station_emr.ui.screens.billing.item_dialog import ItemDialog
from tests.services.test_billing import treated
from tests.ui.driver import ScreenDriver

_PLACES = json.loads(resource_path("bhyt", "places.json").read_text(encoding="utf-8"))["elements"]
_IN_ROWS = sorted(
    {field for screen, field in _PLACES.values() if field.startswith("items.{item}.")}
)


@pytest.fixture
def desk(qtbot, station, session_of):
    """The bill of a visit with four rows, entered with a wish."""
    encounter = treated(station)
    session = session_of(Role.NURSE)
    driver = ScreenDriver(qtbot, BillingScreen(session))

    def enter(field: str) -> ScreenDriver:
        driver.screen.on_enter(routes.BillRoute(encounter.id, field=field))
        qtbot.waitUntil(lambda: session.runner.busy == 0)
        return driver

    driver.enter = enter
    return driver


@pytest.mark.parametrize(("field", "row"), [("items.2", 2), ("items.3.price", 3), ("items.0", 0)])
def test_the_row_is_chosen_and_has_the_cursor(desk, field: str, row: int) -> None:
    screen = desk.enter(field).screen
    assert screen.sheet.table.current().place == row
    assert screen.sheet.table.hasFocus()


@pytest.mark.parametrize("field", ["", "items.99.price", "items.x", "T_BHTT"])
def test_a_place_that_is_no_row_chooses_the_first(desk, field: str) -> None:
    assert desk.enter(field).screen.sheet.table.current().place == 0


def test_enter_opens_the_row_at_the_field(desk, monkeypatch) -> None:
    opened = []

    def run(dialog: ItemDialog) -> bool:
        price, quantity = dialog.form.field("price"), dialog.form.field("quantity")
        opened.append("price" if dialog.focusWidget() is price.editor else "")
        opened.append("quantity" if dialog.focusWidget() is quantity.editor else "")
        return False

    monkeypatch.setattr(dialogs, "run_dialog", run)
    desk.enter("items.2.price")
    desk.key(Qt.Key.Key_Return)
    assert opened == ["price", ""]

    desk.key(Qt.Key.Key_Up)
    desk.key(Qt.Key.Key_Return)  # another row begins where rows begin
    assert opened[2:] == ["", "quantity"]


def test_the_next_visit_to_the_page_forgets_the_wish(desk) -> None:
    desk.enter("items.2.price")
    assert desk.enter("").screen.sheet.table.current().place == 0


@pytest.mark.parametrize("field", _IN_ROWS)
def test_every_field_that_a_check_names_is_in_the_row(qtbot, desk, field: str) -> None:
    name = field.removeprefix("items.{item}.")
    item = BillItem(kind=ItemKind.SERVICE, code="M", name="Mẫu")
    now = lambda: datetime(2026, 11, 20)  # never asked
    dialog = ItemDialog(desk.screen, item, (), (), now, field=name)
    qtbot.addWidget(dialog)
    assert dialog.focusWidget() is dialog.form.field(name).editor

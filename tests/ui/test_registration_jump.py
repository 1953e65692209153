"""From what a check found about a person or a card to the very field of the registration."""

from __future__ import annotations

import json
from typing import Final

import pytest

from station_emr.domain.permissions import Role
from station_emr.services.resources import resource_path
from station_emr.ui.models import routes
from station_emr.ui.screens.registration import RegistrationScreen
from tests.services.claim_samples import CARD
from tests.ui.driver import ScreenDriver

_PLACES = json.loads(resource_path("bhyt", "places.json").read_text(encoding="utf-8"))
_NOT_ASKED: Final = {"nationality"}  # everybody is registered as Vietnamese
_FIELDS: Final = sorted(
    {
        field
        for screen, field in (*_PLACES["elements"].values(), *_PLACES["rules"].values())
        if screen == "patient" and field not in _NOT_ASKED
    }
)


@pytest.fixture
def form(qtbot, station, session_of):
    """The chart of somebody with a card, entered for one field; gives the form."""
    person = station.register(coverages=(CARD,))
    session = session_of(Role.NURSE)
    driver = ScreenDriver(qtbot, RegistrationScreen(session))

    def enter(field: str):
        driver.screen.on_enter(routes.RegistrationRoute(patient_id=person.id, field=field))
        qtbot.waitUntil(lambda: session.runner.busy == 0)
        return driver.screen.form

    return enter


@pytest.mark.parametrize("field", _FIELDS)
def test_the_cursor_is_in_the_field_that_is_to_be_mended(form, field: str) -> None:
    shown = form(field)
    name = field.removeprefix("coverage.")
    if name != field:
        wanted = shown.coverages.blocks[0].form.field(name)
    else:
        wanted = next(g.form.field(name) for g in shown.groups if name in g.form.keys)
    assert wanted.editor.hasFocus()


def test_a_field_of_a_card_that_nobody_knows_leads_to_its_number(form) -> None:
    assert form("coverage.xyz").coverages.blocks[0].form.field("number").editor.hasFocus()

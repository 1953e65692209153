"""The station's file on the screen: read, judged, written, saved as papers."""

from __future__ import annotations

import pytest

from station_emr.domain.dossier import Part, Standing
from station_emr.domain.permissions import Role
from station_emr.ui.screens.dossier import DossierScreen
from station_emr.ui.screens.dossier.screen import DATA, REGULATION, STATE
from tests.ui.driver import ScreenDriver, answers

__all__ = ["answers"]


class Page(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, DossierScreen(session))
        self.session = session
        self.screen.on_enter(None)
        self.rest()

    def rest(self) -> None:
        self.qtbot.waitUntil(lambda: self.session.runner.busy == 0)

    def choose(self, key: str) -> None:
        row = next(one for one in self.screen.rows.rows if one.key == key)
        self.screen.rows.choose(row)

    def tab(self, key: str) -> None:
        self.screen.tabs.set_value(key)
        self.screen._show_tab()


@pytest.fixture
def page(qtbot, session_of):
    return Page(qtbot, session_of(Role.DIRECTOR))


def test_every_part_is_laid_out(page) -> None:
    for tab in (STATE, DATA, REGULATION, "rows"):
        page.tab(tab)
        page.sweep()
    page.choose("tt13.5")
    page.sweep()


def test_the_director_judges_a_row(page) -> None:
    page.choose("tt13.5")
    page.screen.card.choice.set_value(Standing.PARTLY.value)
    page.screen.card.note.set_value("Đang số hóa")
    page.press_button("dossier.own.save")
    page.rest()
    row = next(one for one in page.screen.rows.rows if one.key == "tt13.5")
    assert row.shown is Standing.PARTLY
    assert "Đang số hóa" in page.screen.card.own.text()


def test_what_the_program_sees_is_not_judged_by_hand(page) -> None:
    page.choose("tt13.2.4")
    assert not page.screen.card.keep.isVisibleTo(page.screen)
    page.choose("tt13.5")
    assert page.screen.card.keep.isVisibleTo(page.screen)


def test_the_administrator_looks_and_does_not_judge(qtbot, session_of) -> None:
    page = Page(qtbot, session_of(Role.ADMINISTRATOR))
    page.choose("tt13.5")
    assert not page.screen.card.keep.isVisibleTo(page.screen)


def test_settings_are_kept_and_a_wrong_one_is_told(page) -> None:
    page.tab(DATA)
    page.screen.form.field("complete_hours").set_value(0)
    page.press_button("dossier.data.save")
    page.rest()
    assert page.screen.banner.isVisibleTo(page.screen)
    page.screen.form.field("complete_hours").set_value(36)
    page.press_button("dossier.data.save")
    page.rest()
    assert page.session.services.dossier.settings(page.session.actor).complete_hours == 36


def test_an_article_is_rewritten_and_given_back(page) -> None:
    page.tab(REGULATION)
    page.screen.regulation.text.set_value("Điều của trạm.")
    page.press_button("dossier.block.save")
    page.rest()
    assert page.screen.regulation.blocks.rows[0].own
    page.press_button("dossier.block.reset")
    page.rest()
    assert not page.screen.regulation.blocks.rows[0].own


def test_the_papers_are_saved(page, answers, tmp_path) -> None:
    answers.next = [tmp_path]
    page.press_button("dossier.save")
    page.rest()
    assert {one.name for one in tmp_path.glob("*.pdf")} >= {part.file_name for part in Part}

"""The page of a record's versions: read, compared, brought back, and the ways to and from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind, RecordStatus
from station_emr.ui.models import routes
from station_emr.ui.screens.preview import PreviewScreen
from station_emr.ui.screens.versions import VersionsScreen
from tests.services.visit_samples import referral, sign, visit
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]


@pytest.fixture
def letter(station) -> str:
    """A signed letter that was amended once."""
    encounter = visit(station, station.register())
    sign(station, encounter, referral=referral(station, encounter))
    services, doctor = station.services, station.doctor
    with station.store.read() as work:
        stored = work.referrals.of_encounter(encounter.id)
    told = replace(stored.record, plan="<b>Siêu âm tim</b>")
    services.referrals.amend(doctor, told, 1, "Ghi nhầm hướng điều trị")
    return stored.record.id


class Page(ScreenDriver):
    def __init__(self, qtbot, session, record_id) -> None:
        super().__init__(qtbot, VersionsScreen(session))
        self.runner = session.runner
        self.screen.on_enter(routes.VersionsRoute(RecordKind.REFERRAL, record_id))
        self.until(lambda: len(self.screen.table.rows) == 2)
        self.idle()

    def idle(self) -> None:
        self.until(lambda: not self.runner.busy)

    @property
    def text(self) -> str:
        return self.screen.pane.toPlainText()

    def choose(self, version: int) -> None:
        row = next(row for row in self.screen.table.rows if row.version == version)
        self.screen.table.choose(row)
        self.idle()


def test_the_newest_is_compared_with_what_it_was_written_on(qtbot, session_of, letter) -> None:
    page = Page(qtbot, session_of(Role.DOCTOR), letter)
    assert [row.version for row in page.screen.table.rows] == [2, 1]
    assert "Hướng điều trị" in page.text
    assert "<b>Siêu âm tim</b>" in page.text  # what was typed is text, never markup
    assert not page.screen.bring_back.isEnabled()
    assert duplicate_mnemonics(page.screen) == []


def test_a_version_is_read_with_its_clock_its_reason_and_its_hash(
    qtbot, session_of, station, letter
) -> None:
    page = Page(qtbot, session_of(Role.DOCTOR), letter)
    page.screen.against.set_value(0)
    page.screen._read()
    page.idle()
    assert "Ghi nhầm hướng điều trị" in page.text
    assert page.screen.table.current().sha256 in page.text
    assert "theo máy" in page.text


def test_an_earlier_version_comes_back_with_a_reason(
    qtbot, session_of, station, letter, answers
) -> None:
    page = Page(qtbot, session_of(Role.DOCTOR), letter)
    page.choose(1)
    answers.next = ["Bản đầu mới đúng"]
    page.screen.bring_back.click()
    page.until(lambda: len(page.screen.table.rows) == 3)
    with station.store.read() as work:
        stored = work.referrals.get(letter)
        first = work.referrals.at_version(letter, 1)
    assert (stored.version, stored.status) == (3, RecordStatus.AMENDED)
    assert stored.record.plan == first.plan
    assert page.screen.table.rows[0].reason == "Khôi phục bản 1: Bản đầu mới đúng"


def test_who_may_only_read_brings_nothing_back(qtbot, session_of, letter) -> None:
    page = Page(qtbot, session_of(Role.NURSE), letter)
    page.choose(1)
    assert page.screen.bring_back.isHidden()


def test_the_earlier_paper_is_looked_at_and_never_printed(qtbot, session_of, letter) -> None:
    page = Page(qtbot, session_of(Role.DOCTOR), letter)
    page.choose(1)
    asked = []
    page.screen.navigate.connect(lambda key, context: asked.append((key, context)))
    page.screen.open.click()
    assert asked == [(routes.PREVIEW, routes.PreviewRoute(RecordKind.REFERRAL, letter, version=1))]
    paper = ScreenDriver(qtbot, PreviewScreen(session_of(Role.DOCTOR)))
    paper.screen.on_enter(asked[0][1])
    paper.until(lambda: paper.screen.view.page_count == 3)
    assert not paper.screen.print.isEnabled()
    assert not paper.screen.save.isEnabled()

"""Before the log is taken out, the page says which file holds all of it."""

from __future__ import annotations

from station_emr.domain.permissions import Role
from station_emr.services import audit_trail
from station_emr.ui.kit import dialogs
from station_emr.ui.screens.audit import AuditScreen, taking_out
from tests.ui.driver import ScreenDriver, answers

__all__ = ["answers"]


def test_paper_that_holds_a_part_is_offered_as_a_part(
    qtbot, session_of, answers, tmp_path, monkeypatch
) -> None:
    for module in (audit_trail, taking_out):
        monkeypatch.setattr(module, "MOST_ON_PAPER", 2)
    told: list[str] = []
    choose = dialogs.choose

    def listening(parent, title, text, options):
        told.extend([text, *(one.text for one in options)])
        return choose(parent, title, text, options)

    monkeypatch.setattr(taking_out.dialogs, "choose", listening)
    page = ScreenDriver(qtbot, AuditScreen(session_of(Role.DIRECTOR)))
    page.screen.on_enter()
    page.until(lambda: len(page.screen.table.rows) > 0)
    target = tmp_path / "x.pdf"
    answers.next = ["PDF (*.pdf)", target]

    page.press_button("audit.export")

    page.until_said("Đã lưu")
    assert "chỉ có 2 dòng mới nhất" in told[0]
    assert "Tệp Excel có đủ" in told[0]
    assert told[1:] == ["Tệp Excel", "Tệp PDF để in, chỉ 2 dòng mới nhất"]

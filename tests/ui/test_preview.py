"""Looking at, printing and saving papers: the log counts what came out, once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtPrintSupport import QPrinter

from station_emr.domain.permissions import Role
from station_emr.domain.record import RecordKind
from station_emr.ui.models import routes
from station_emr.ui.screens.preview import PreviewScreen
from station_emr.ui.screens.preview.printing import Printing
from tests.ui.driver import ScreenDriver, answers, pdf_text
from tests.ui.visits import letter, signed_letter, visit

__all__ = ["answers", "letter", "signed_letter", "visit"]


class PaperPrinter(Printing):
    """A printer that puts its pages into a file; ``there`` False: no printer at all."""

    def __init__(self, target, *, there: bool = True) -> None:
        self.target = target
        self.there = there
        self.titles: list[str] = []

    def ready(self) -> bool:
        return self.there

    def ask(self, parent, title):
        self.titles.append(title)
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        printer.setResolution(300)
        printer.setOutputFormat(QPrinter.OutputFormat.PdfFormat)
        printer.setOutputFileName(str(self.target))
        return printer


class Page(ScreenDriver):
    def __init__(self, qtbot, session, record_id, printing=None) -> None:
        super().__init__(qtbot, PreviewScreen(session, printing))
        self.screen.on_enter(routes.PreviewRoute(RecordKind.REFERRAL, record_id))
        self.until(lambda: self.screen.view.page_count == 3)
        self.until(lambda: len(self.screen.thumbs._buttons) == 3)


@pytest.fixture
def printer(tmp_path):
    return PaperPrinter(tmp_path / "printed.pdf")


def test_a_signed_paper_is_printed_and_counted_once(
    qtbot, session_of, station, signed_letter, printer
) -> None:
    letter_id = signed_letter()
    page = Page(qtbot, session_of(), letter_id, printer)
    assert "chưa in lần nào" in page.screen.header._detail.text()

    page.shortcut(Qt.Key.Key_P)

    page.until_said("Đã gửi tới máy in.")
    (row,) = station.services.prints.log(station.director)
    assert (row.record_id, row.copy) == (letter_id, 1)
    assert printer.titles == ["Phiếu chuyển A1-0001/2026/PCCKCB"]
    assert printer.target.stat().st_size > 20_000  # three pages of pixels, not blank ones
    page.until(lambda: "đã in 1 lần" in page.screen.header._detail.text())

    page.shortcut(Qt.Key.Key_P)
    page.until_said("bản in lại (lần 2)")
    assert len(station.services.prints.log(station.director)) == 2

    letter = station.services.referrals.get(station.doctor, letter_id)
    better = replace(letter.record, clinical_signs="Đau ngực trái lan ra tay")
    station.services.referrals.amend(station.doctor, better, letter.version, "Bổ sung dấu hiệu")
    page.screen.on_enter(routes.PreviewRoute(RecordKind.REFERRAL, letter_id))
    page.until(lambda: "bản sửa đổi, chưa in lần nào" in page.screen.header._detail.text())


def test_saving_writes_the_very_bytes_that_were_logged(
    qtbot, session_of, station, signed_letter, answers, tmp_path
) -> None:
    page = Page(qtbot, session_of(), signed_letter())
    answers.next = [tmp_path / "phieu.pdf"]

    page.shortcut(Qt.Key.Key_S)

    page.until_said("Đã lưu phieu.pdf.")
    assert "Người Mẫu Một" in pdf_text(tmp_path / "phieu.pdf")
    assert len(station.services.prints.log(station.director)) == 1


def test_a_folder_that_refuses_does_not_count_twice(
    qtbot, session_of, station, signed_letter, answers, tmp_path
) -> None:
    page = Page(qtbot, session_of(), signed_letter())
    answers.next = [tmp_path / "không có" / "phieu.pdf", tmp_path / "phieu.pdf"]

    page.shortcut(Qt.Key.Key_S)
    page.until(page.screen.banner.isVisible)
    assert "Không ghi được tệp" in page.screen.banner.message.text
    page.until(page.screen.save.isEnabled)
    page.shortcut(Qt.Key.Key_S)

    page.until_said("Đã lưu phieu.pdf.")
    assert [row.copy for row in station.services.prints.log(station.director)] == [1]


def test_going_back_from_the_dialog_counts_nothing(
    qtbot, session_of, station, signed_letter, answers
) -> None:
    page = Page(qtbot, session_of(), signed_letter())
    answers.next = [None]

    page.shortcut(Qt.Key.Key_S)

    assert answers.asked == ["Lưu PDF"]
    assert station.services.prints.log(station.director) == ()


def test_without_a_printer_the_person_is_offered_a_pdf(
    qtbot, session_of, station, signed_letter, answers, tmp_path
) -> None:
    page = Page(qtbot, session_of(), signed_letter(), PaperPrinter(tmp_path, there=False))

    page.shortcut(Qt.Key.Key_P)

    assert "chưa có máy in" in page.screen.banner.message.text
    answers.next = [tmp_path / "phieu.pdf"]
    page.press_button("preview.banner.action")
    page.until_said("Đã lưu phieu.pdf.")


@pytest.mark.qt_log_ignore("QPainter::begin", extend=True)
def test_a_printer_that_jams_keeps_the_copy_for_the_next_try(
    qtbot, session_of, station, signed_letter, printer, tmp_path
) -> None:
    good, printer.target = printer.target, tmp_path / "không có" / "printed.pdf"
    page = Page(qtbot, session_of(), signed_letter(), printer)
    page.shortcut(Qt.Key.Key_P)
    page.until(page.screen.banner.isVisible)
    assert "Máy in không nhận" in page.screen.banner.message.text

    printer.target = good
    page.until(page.screen.print.isEnabled)
    page.shortcut(Qt.Key.Key_P)

    page.until_said("Đã gửi tới máy in.")
    assert [row.copy for row in station.services.prints.log(station.director)] == [1]


def test_a_draft_is_shown_but_not_printed(qtbot, session_of, station, letter, printer) -> None:
    page = Page(qtbot, session_of(), letter(), printer)

    assert page.screen.banner.message.text == (
        "Giấy này chưa ký nên chưa in được. Hãy ký trước rồi in."
    )
    page.shortcut(Qt.Key.Key_P)
    assert page.screen.print_action()
    assert printer.titles == []
    assert station.services.prints.log(station.director) == ()


def test_an_inspector_sees_the_paper_without_printing(
    qtbot, session_of, signed_letter, printer
) -> None:
    page = Page(qtbot, session_of(Role.INSPECTOR), signed_letter(), printer)

    assert not page.screen.print.isEnabled()
    assert not page.screen.save.isEnabled()
    assert page.screen.print_action()
    assert printer.titles == []


def test_zoom_and_pages_by_keys(qtbot, session_of, signed_letter) -> None:
    page = Page(qtbot, session_of(), signed_letter())
    view = page.screen.view
    before = view.pages[0].width()

    page.focus("preview.pages")
    page.shortcut(Qt.Key.Key_Plus)
    page.until(lambda: view.pages[0].width() > before)
    page.shortcut(Qt.Key.Key_Minus)
    page.until(lambda: view.pages[0].width() == before)
    page.press_button("preview.thumb.2")
    page.until(lambda: view.page == 2)
    assert page.screen._page_text.text() == "Trang 3/3"


def test_a_paper_voided_meanwhile_shows_so(qtbot, session_of, station, signed_letter) -> None:
    letter_id = signed_letter()
    page = Page(qtbot, session_of(), letter_id)
    assert page.screen.chip.text == "Đã ký"
    station.services.referrals.void(station.doctor, letter_id, "Người bệnh không đi")

    page.screen.on_enter()

    page.until(lambda: page.screen.chip.text == "Đã hủy")


def test_prescriptions_and_slips_are_shown_as_well(qtbot, session_of, station, visit) -> None:
    encounter_id = visit()
    services = station.services
    order = services.prescriptions.prepare(station.doctor, encounter_id)
    services.prescriptions.save_draft(station.doctor, order)
    slip = services.appointments.prepare(station.doctor, encounter_id)
    services.appointments.save_draft(station.doctor, replace(slip, on=station.clock.now().date()))
    screen = PreviewScreen(session_of())
    driver = ScreenDriver(qtbot, screen)

    screen.on_enter(routes.PreviewRoute(RecordKind.PRESCRIPTION, order.id))
    driver.until(lambda: screen.header._title.text() == "Đơn thuốc: Người Mẫu Một")
    screen.on_enter(routes.PreviewRoute(RecordKind.APPOINTMENT, slip.id))
    driver.until(lambda: screen.header._title.text() == "Phiếu hẹn khám lại: Người Mẫu Một")
    driver.until(lambda: screen.view.page_count >= 1)


def test_the_page_is_whole(qtbot, session_of, signed_letter) -> None:
    Page(qtbot, session_of(), signed_letter()).sweep()

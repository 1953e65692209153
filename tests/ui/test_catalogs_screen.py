"""The code lists by keys: looking, previewing an import, applying it, exporting what was refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.catalog import CatalogKind, CatalogPreview, CatalogRow, RefusedRow
from station_emr.domain.catalog_pack import CatalogPack, PackState
from station_emr.domain.permissions import Role
from station_emr.services.catalog_packs import NOTICE
from station_emr.ui.models.catalog_names import CATALOG_NAMES
from station_emr.ui.screens.catalogs import CatalogsScreen
from station_emr.ui.screens.catalogs.refused_file import write_refused
from station_emr.ui.screens.catalogs.wording import change_text, drops_many, number
from tests.ui.driver import ScreenDriver, answers
from tests.ui.sweep import duplicate_mnemonics

__all__ = ["answers"]

ROW = CatalogRow(kind=CatalogKind.FACILITY, code="X1", name="Bệnh viện Mẫu")


class Page(ScreenDriver):
    def __init__(self, qtbot, session) -> None:
        super().__init__(qtbot, CatalogsScreen(session))
        self.screen.on_enter()
        self.list = self.screen.list
        self.imports = self.screen.imports
        self.until(lambda: self.list.kind is CatalogKind.ICD10)
        self.until(lambda: len(self.list.rows.rows) > 500)

    def choose(self, kind: CatalogKind) -> None:
        summary = next(s for s in self.list.lists.rows if s.kind is kind)
        self.list.lists.setFocus()
        self.list.lists.choose(summary)
        self.until(lambda: {row.kind for row in self.list.rows.rows} == {kind})

    def take_in(self, answers, file) -> None:
        answers.next = [file]
        self.shortcut(Qt.Key.Key_N)
        self.until(self.imports.isVisible)


@pytest.fixture
def file(tmp_path):
    """Four of the five demo facilities stay, one is renamed, one is new, one row is bad."""
    path = tmp_path / "co_so.csv"
    path.write_text(
        "code,name,level,province\n"
        "DEMO1,Trạm Y tế xã Mẫu (mẫu),1,52\n"
        "DEMO2,Trung tâm Y tế khu vực Mẫu (mẫu),2,52\n"
        "DEMO3,Bệnh viện Đa khoa tỉnh đổi tên (mẫu),2,52\n"
        "DEMO4,Bệnh viện Chuyên sâu vùng (mẫu),3,52\n"
        "DEMO9,Bệnh viện Mới (mẫu),2,52\n"
        ",=Không có mã,2,52\n",
        encoding="utf-8",
    )
    return path


def names(station) -> dict[str, str]:
    station.clock.forward(seconds=1)
    return {row.code: row.name for row in station.services.catalogs.rows(CatalogKind.FACILITY)}


def test_every_list_has_a_name() -> None:
    assert set(CATALOG_NAMES) == set(CatalogKind)


def test_lists_are_counted_and_searched_without_marks(qtbot, session_of) -> None:
    page = Page(qtbot, session_of())
    counts = {summary.kind: summary.count for summary in page.list.lists.rows}
    assert counts[CatalogKind.PROVINCE] == 34
    assert counts[CatalogKind.COMMUNE] == 3321

    page.type("catalogs.filter", "tang huyet ap")

    page.until(lambda: "I10" in [row.code for row in page.list.rows.rows])
    page.choose(CatalogKind.COMMUNE)
    assert page.list.filter.value() == ""
    assert page.list.count.text() == "2.000 dòng đầu trong 3.321, gõ để tìm"
    page.sweep()


def test_an_import_is_shown_first_and_then_applied(
    qtbot, session_of, station, answers, file
) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.choose(CatalogKind.FACILITY)
    before = names(station)

    page.take_in(answers, file)

    assert [row.code for row in page.imports.added.rows] == ["DEMO9"]
    assert [new.code for _old, new in page.imports.changed.rows] == ["DEMO3"]
    assert [row.code for row in page.imports.closed.rows] == ["DEMO5"]
    assert [row.line for row in page.imports.refused.rows] == [7]
    assert names(station) == before
    page.sweep()
    assert duplicate_mnemonics(page.imports) == []

    page.shortcut(Qt.Key.Key_Return)
    page.until_said("Đã nhập: thêm 1, đổi 1, ngừng 1 dòng.")
    after = names(station)
    assert after["DEMO3"] == "Bệnh viện Đa khoa tỉnh đổi tên (mẫu)"
    assert "DEMO9" in after
    assert "DEMO5" not in after
    page.until(lambda: "DEMO9" in [row.code for row in page.list.rows.rows])


def test_esc_leaves_an_import_without_a_trace(qtbot, session_of, station, answers, file) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.choose(CatalogKind.FACILITY)
    before = names(station)
    page.take_in(answers, file)

    assert page.screen.on_back()

    assert not page.screen.on_import
    assert names(station) == before


def test_another_day_in_force_is_previewed_again(qtbot, session_of, station, answers, file) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.choose(CatalogKind.FACILITY)
    page.take_in(answers, file)

    page.type("catalogs.day", "01/01/2027")
    page.key(Qt.Key.Key_Return)

    page.until(lambda: page.imports.preview.effective_from.isoformat() == "2027-01-01")
    page.until(page.imports.apply.isEnabled)
    page.shortcut(Qt.Key.Key_Return)
    page.until_said("Đã nhập")
    assert "DEMO5" in names(station)  # still in force today


def test_refused_rows_go_to_a_file_that_runs_nothing(
    qtbot, session_of, answers, file, tmp_path
) -> None:
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.choose(CatalogKind.FACILITY)
    page.take_in(answers, file)
    answers.next = [tmp_path / "hong.csv"]

    page.press_button("catalogs.export")

    page.until_said("Đã lưu hong.csv.")
    text = (tmp_path / "hong.csv").read_text(encoding="utf-8-sig")
    assert text.startswith("Dòng,Nội dung,Lý do")
    assert "\n7," in text


def test_a_formula_in_a_refused_row_becomes_text(tmp_path) -> None:
    write_refused(tmp_path / "x.csv", [RefusedRow(line=2, text="=1+1", reason="Thiếu mã")])

    assert (tmp_path / "x.csv").read_bytes() == (
        "\ufeffDòng,Nội dung,Lý do\r\n2,'=1+1,Thiếu mã\r\n".encode()
    )


def test_a_file_that_cannot_be_read_says_why(qtbot, session_of, answers, tmp_path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\x00\x01\x02")
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.choose(CatalogKind.FACILITY)
    answers.next = [tmp_path / "x.csv"]

    page.shortcut(Qt.Key.Key_N)

    page.until(lambda: len(page.said) == 1)
    assert not page.screen.on_import
    assert page.screen.take_in.isEnabled()


def test_a_partial_file_asks_before_it_closes_many_rows(
    qtbot, session_of, station, answers, tmp_path
) -> None:
    (tmp_path / "it.csv").write_text(
        "code,name,level,province\nDEMO1,Trạm Y tế xã Mẫu (mẫu),1,52\n", encoding="utf-8"
    )
    page = Page(qtbot, session_of(Role.DIRECTOR))
    page.choose(CatalogKind.FACILITY)
    before = names(station)
    page.take_in(answers, tmp_path / "it.csv")
    assert "đừng áp dụng" in page.imports.banner.message.text
    answers.next = [False]

    page.shortcut(Qt.Key.Key_Return)

    assert answers.asked[-1] == "Ngừng dùng nhiều dòng?"
    assert names(station) == before


def test_a_nurse_looks_but_takes_nothing_in(qtbot, session_of) -> None:
    page = Page(qtbot, session_of(Role.NURSE))

    assert not page.screen.take_in.isVisible()


def test_changes_are_told_in_words() -> None:
    drug = replace(ROW, attributes={"strength": "5 mg", "toxic": False})
    stronger = replace(ROW, name="Mẫu", attributes={"strength": "10 mg", "toxic": None})

    assert change_text(drug, stronger) == "tên: Bệnh viện Mẫu → Mẫu; hàm lượng: 5 mg → 10 mg"
    assert change_text(ROW, replace(ROW, source="khác")) == "nguồn hoặc ngày hiệu lực"
    assert number(15844) == "15.844"


@pytest.mark.parametrize(
    ("closed", "unchanged", "many"), [(3, 1, False), (4, 1, True), (4, 96, False)]
)
def test_many_is_a_fifth_of_the_list(closed, unchanged, many) -> None:
    preview = CatalogPreview(
        kind=CatalogKind.FACILITY,
        source="x",
        effective_from=ROW.valid_from,
        added=(),
        changed=(),
        closed=(ROW,) * closed,
        unchanged=unchanged,
        refused=(),
    )

    assert drops_many(preview) is many


def test_what_the_province_hands_out_is_told_beside_its_list(qtbot, session_of, station) -> None:
    page = Page(qtbot, session_of())
    assert page.list.province.isHidden()
    today = station.clock.now().date()
    with station.store.write() as work:
        for number, (version, days) in enumerate((("2026.1", -30), ("2027.1", 40)), 1):
            pack = CatalogPack(
                kind=CatalogKind.FACILITY,
                number=number,
                version=version,
                effective=today + timedelta(days=days),
                sha256="00",
                size=1,
                rows=1,
            )
            work.packs.offer(pack)
        work.packs.mark(CatalogKind.FACILITY, 1, PackState.APPLIED)
        said = {"number": 1, "version": "99.1", "available": "2027-03-01", "note": "Cài sau giờ."}
        work.settings.put(NOTICE, json.dumps(said))
    page.screen.on_enter()
    page.until(lambda: "99.1" in page.list.province.text())
    assert page.list.province.text() == (
        "Tỉnh báo có chương trình bản 99.1, cài được từ 01/03/2027. Cài sau giờ."
    )
    page.choose(CatalogKind.FACILITY)
    first, second, third = page.list.province.text().splitlines()
    assert first == f"Bản của tỉnh đang dùng: 2026.1, từ {today - timedelta(days=30):%d/%m/%Y}."
    assert second == f"Bản kế tiếp của tỉnh: 2027.1, dùng từ {today + timedelta(days=40):%d/%m/%Y}."
    assert "99.1" in third

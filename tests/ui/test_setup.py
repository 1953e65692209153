"""The wizard of the first run, by keys, with a gate that writes down what it was asked."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from station_emr.domain.errors import DiskFull, InvalidRecord, Problem
from station_emr.domain.permissions import Role
from station_emr.security.passwords import password_problems
from station_emr.ui.kit import dialogs
from station_emr.ui.kit.memory import memory
from station_emr.ui.models.gate import JOINING, Place
from station_emr.ui.screens.setup import SetupPage
from station_emr.ui.screens.setup.director_step import proposed_username
from station_emr.ui.tasks import TaskRunner
from tests.ui.keys import press, type_text
from tests.ui.sweep import clipped, duplicate_mnemonics, unnamed

CODE = "AAAA-BBBB-CCCC-DDDD-EEEE-F2G3"
PLACES = (
    Place(code="52", name="Tỉnh Gia Lai"),
    Place(code="01", name="Thành phố Hà Nội"),
    Place(code="23737", name="Xã Ia Grai", province="52"),
    Place(code="00004", name="Phường Ba Đình", province="01"),
)
PASSWORD = "Sáng nay 7 giờ!"


class Gate:
    """What the wizard may ask; refuses when told to."""

    def __init__(self) -> None:
        self.created: list[tuple] = []
        self.refusal: Exception | None = None

    def places(self):
        return PLACES

    def password_problems(self, password, username, full_name):
        return password_problems(password, username, full_name)

    def create(self, profile, director, password):
        if self.refusal is not None:
            raise self.refusal
        self.created.append((profile, director, password))
        return CODE

    def recovery_sheet(self, station_name, code):
        return f"%PDF {station_name} {code}".encode()


class Files(dialogs.QtDialogs):
    def __init__(self, path) -> None:
        self.path = path

    def save_file(self, parent, title, proposed, pattern):
        return self.path


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def page(qtbot, gate, stray_windows):
    runner = TaskRunner()
    made = SetupPage(gate, runner)
    stray_windows.expected.add(made)
    qtbot.addWidget(made)
    made.resize(1366, 768)
    made.show()
    qtbot.waitActive(made)
    made.setFocus()
    qtbot.waitUntil(lambda: bool(made.station._communes))
    yield made
    runner.close()


def fill(form, **values) -> None:
    for key, value in values.items():
        editor = form.field(key).editor
        editor.setFocus()
        editor.selectAll()
        type_text(editor, value)


def next_step(page) -> None:
    page.next.click()


def to_director(page) -> None:
    fill(page.station.form, name="Trạm Y tế xã Mẫu", parent_authority="UBND xã Mẫu", code="demo1")
    next_step(page)


def fill_director(page) -> None:
    fill(page.director.form, full_name="Trần Văn Mẫu", password=PASSWORD, again=PASSWORD)


def test_nothing_missing_goes_on(page) -> None:
    next_step(page)

    assert page.station.name.problem == "Chưa có tên trạm y tế."
    assert page.station.code.problem is not None
    assert page.station.name.editor.hasFocus()

    fill(page.station.form, name="Trạm")
    assert page.station.name.problem is None


def test_the_commune_is_found_without_marks_in_its_province(qtbot, page) -> None:
    page.station.province.set_value("52")
    line = page.station.commune.editor
    line.setFocus()
    type_text(line, "ia gr")
    qtbot.waitUntil(lambda: page.station.commune.typeahead.is_open)
    press(line, key=Qt.Key.Key_Return)

    profile = page.station.profile()
    assert (profile.commune_code, profile.commune_name) == ("23737", "Xã Ia Grai")
    assert (profile.province_code, profile.province_name) == ("52", "Tỉnh Gia Lai")


def test_the_password_is_judged_while_it_is_typed(page) -> None:
    to_director(page)
    fill(page.director.form, full_name="Trần Văn Mẫu", password="abc")
    assert page.director.password.problem.startswith("Mật khẩu phải có ít nhất 14 ký tự")
    assert page.director.username.value() == "mau.tv"

    fill(page.director.form, password=PASSWORD, again="Sáng mai")
    assert page.director.password.problem is None
    assert page.director.password.note == "Mật khẩu đạt yêu cầu."
    assert page.director.again.problem == "Khác với mật khẩu đã gõ."


def test_a_whole_set_up_by_keys(qtbot, page, gate, tmp_path) -> None:
    to_director(page)
    fill_director(page)
    press(page.director.again.editor, key=Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.recovery is not None)

    profile, director, password = gate.created[0]
    assert (profile.code, profile.series, profile.device_name) == ("DEMO1", "A", "Máy 1")
    assert (director.username, director.role, director.title) == ("mau.tv", Role.DIRECTOR, "BS.")
    assert password == PASSWORD

    finished = []
    page.finished.connect(lambda: finished.append(True))
    last = page.recovery.last
    last.set_value("F2G3")
    next_step(page)
    assert "lưu phiếu" in last.problem
    assert finished == []

    before = dialogs.use_dialogs(Files(tmp_path / "ma.pdf"))
    try:
        page.recovery.save.click()
    finally:
        dialogs.use_dialogs(before)
    assert CODE.encode() in (tmp_path / "ma.pdf").read_bytes()

    last.set_value("XXXX")
    next_step(page)
    assert last.problem.startswith("Chưa đúng nhóm cuối")
    last.editor.setFocus()
    last.editor.selectAll()
    type_text(last.editor, "f2g3")
    press(last.editor, key=Qt.Key.Key_Return)
    assert finished == [True]


def test_a_full_disk_says_so_and_keeps_what_was_typed(qtbot, page, gate) -> None:
    gate.refusal = DiskFull("Ổ đĩa đã đầy. Chưa có gì được ghi.")
    to_director(page)
    fill_director(page)
    next_step(page)
    qtbot.waitUntil(lambda: page.banner.message is not None)

    assert page.banner.message.text == "Ổ đĩa đã đầy. Chưa có gì được ghi."
    assert page.director.name.value() == "Trần Văn Mẫu"
    assert page.next.isEnabled()


def test_a_refused_field_is_shown_on_its_own_step(qtbot, page, gate) -> None:
    gate.refusal = InvalidRecord((Problem(field="code", code="x", message="Mã đã dùng."),))
    to_director(page)
    fill_director(page)
    next_step(page)

    qtbot.waitUntil(lambda: page.station.code.problem == "Mã đã dùng.")
    assert page.station.isVisible()


def test_a_second_machine_is_told_apart_and_fetches_the_record_later(qtbot, page, gate) -> None:
    to_director(page)
    page._show_step(0)
    box = page.station.joining.box
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert (page.station.device.value(), page.station.series.value()) == ("Máy 2", "B")
    fill(page.station.form, series="C")
    qtbot.keyClick(box, Qt.Key.Key_Space)  # what was typed stays
    assert (page.station.device.value(), page.station.series.value()) == ("Máy 1", "C")
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert memory().get(JOINING) is None
    assert clipped(page) == []

    next_step(page)
    fill_director(page)
    next_step(page)
    qtbot.waitUntil(lambda: page.recovery is not None)

    assert memory().get(JOINING) == "1"
    assert gate.created[0][0].device_name == "Máy 2"


def test_the_demo_is_one_button_away(qtbot, page) -> None:
    with qtbot.waitSignal(page.demo_wanted):
        page.demo.click()


def test_steps_are_named_and_fit(page) -> None:
    for step in (0, 1):
        page._show_step(step)
        assert unnamed(page) == []
        assert duplicate_mnemonics(page) == []
        assert clipped(page) == []


@pytest.mark.parametrize(
    ("name", "username"),
    [("Nguyễn Thị Hoa", "hoa.nt"), ("Rơ Châm H'Bĕ̆", "hbe.rc"), ("Siu", "siu"), ("", "")],
)
def test_a_user_name_is_proposed(name: str, username: str) -> None:
    assert proposed_username(name) == username

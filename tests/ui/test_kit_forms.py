"""Forms and fields driven by keys."""

from __future__ import annotations

from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from station_emr.domain.errors import Problem
from station_emr.ui.kit import (
    CARD_GROUPS,
    CheckField,
    ChoiceField,
    DateField,
    Field,
    Form,
    GroupedField,
    LineField,
    NumberField,
    PhoneField,
    PressureField,
    SegmentedField,
    Severity,
    TextField,
    TypeaheadField,
)
from tests.ui.keys import type_text
from tests.ui.sweep import clipped, duplicate_mnemonics, unnamed, without_object_name


def year_of(text: str) -> int | None:
    return 1900 + int(text) if text.isdigit() and len(text) == 2 else None


def build() -> Form:
    form = Form("visit")
    form.add("reason", "&Lý do", LineField(), required=True)
    form.add_row(
        ("pulse", "&Mạch", NumberField(unit="lần/ph")),
        ("pressure", "&Huyết áp", PressureField()),
    )
    form.add("exam", "&Khám", TextField())
    form.add("sex", "&Giới", ChoiceField([("m", "Nam"), ("f", "Nữ"), ("o", "Đang xác định")]))
    form.add("why", "Lý do chuyển", SegmentedField([(1, "Một"), (2, "Hai")]))
    form.add("icd", "&Chẩn đoán", TypeaheadField())
    form.add("born", "&Năm sinh", DateField(year_of, str, refusal="Gõ hai số cuối"))
    form.add("valid", "", CheckField("&Có giá trị 01 năm"))
    return form


@pytest.fixture
def form(qtbot: QtBot) -> Form:
    host = QWidget()
    made = build()
    QVBoxLayout(host).addWidget(made)
    qtbot.addWidget(host)
    host.resize(700, 700)
    with qtbot.waitExposed(host):
        host.show()
    host.activateWindow()
    qtbot.waitUntil(host.isActiveWindow)
    made.host = host  # type: ignore[attr-defined]
    return made


def focused(form: Form) -> str:
    widget = form.window().focusWidget()
    return widget.objectName() if widget else ""


def test_every_field_is_named_and_fits(form: Form) -> None:
    assert unnamed(form) == []
    assert [n for n in without_object_name(form) if n != "_Segment"] == []
    assert duplicate_mnemonics(form) == ["Alt+C: '&Chẩn đoán' and '&Có giá trị 01 năm'"]
    assert clipped(form) == []


def test_the_sweep_finds_a_nameless_field(form: Form) -> None:
    form.field("pulse").editor.setAccessibleName("")
    for caption in form.findChildren(QLabel):
        if caption.buddy() is form.field("pulse").editor:
            caption.setBuddy(None)  # type: ignore[arg-type]
    assert unnamed(form) == ["QLineEdit 'visit.pulse'"]


def test_labels_are_buddies(form: Form) -> None:
    buddies = {c.buddy().objectName() for c in form.findChildren(QLabel) if c.buddy()}
    assert {"visit.reason", "visit.pulse", "visit.sex", "visit.born"} <= buddies


def test_enter_moves_through_the_fields_and_submits(form: Form, qtbot: QtBot) -> None:
    form.field("reason").editor.setFocus()
    order = []
    for _step in range(8):
        order.append(focused(form))
        qtbot.keyClick(form.window().focusWidget(), Qt.Key.Key_Return)
    assert order[:5] == ["visit.reason", "visit.pulse", "visit.pressure", "visit.exam", "visit.sex"]
    assert order[6:] == ["visit.icd", "visit.born"]
    with qtbot.waitSignal(form.submitted):
        qtbot.keyClick(form.field("valid").editor, Qt.Key.Key_Return)


def test_enter_skips_what_cannot_be_changed(form: Form, qtbot: QtBot) -> None:
    form.field("pulse").set_read_only(True)
    form.field("reason").editor.setFocus()
    qtbot.keyClick(form.field("reason").editor, Qt.Key.Key_Return)
    assert focused(form) == "visit.pressure"


def test_shift_enter_breaks_a_line(form: Form, qtbot: QtBot) -> None:
    exam = form.field("exam")
    exam.editor.setFocus()
    type_text(exam.editor, "Phổi")
    qtbot.keyClick(exam.editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(exam.editor, "Tim")
    assert exam.value() == "Phổi\nTim"
    assert focused(form) == "visit.exam"


def test_text_grows_with_its_lines_and_stops(form: Form) -> None:
    exam = form.field("exam")
    heights = []
    for lines in (1, 3, 8, 30):
        exam.set_value("\n".join(["dòng"] * lines))
        heights.append(exam.editor.height())
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_only_the_person_changes_a_value(form: Form, qtbot: QtBot) -> None:
    seen: list[str] = []
    form.changed.connect(seen.append)
    form.set_values(
        {
            "reason": "Sốt",
            "pulse": 82,
            "pressure": (120, 80),
            "exam": "ổn",
            "sex": "f",
            "why": 2,
            "born": 1992,
            "valid": True,
        }
    )
    assert seen == []
    qtbot.keyClicks(form.field("pulse").editor, "1")
    assert seen == ["pulse"]
    qtbot.mouseClick(form.field("valid").editor, Qt.MouseButton.LeftButton)
    assert seen == ["pulse", "valid"]


def test_values_come_back_as_set(form: Form) -> None:
    values = {
        "reason": "Sốt",
        "pulse": Decimal(82),
        "pressure": (120, 80),
        "exam": "ổn",
        "sex": "f",
        "why": 2,
        "icd": None,
        "born": None,
        "valid": True,
    }
    form.set_values(values)
    assert form.values() == values
    form.clear()
    assert all(not v for v in form.values().values())


def test_problem_stands_under_its_field_and_takes_the_focus(form: Form) -> None:
    left = form.set_problems(
        [
            Problem(field="visit.pulse", code="high", message="Mạch không thể là 900"),
            Problem(field="sex", code="confirm", message="Xem lại", severity="confirm"),
            Problem(field="visit.nothing", code="x", message="Thiếu nơi nhận"),
        ]
    )
    assert [p.message for p in left] == ["Thiếu nơi nhận"]
    assert form.field("pulse").note == "Mạch không thể là 900"
    assert form.field("pulse").severity is Severity.DANGER
    assert form.field("sex").severity is Severity.WARNING
    assert focused(form) == "visit.pulse"
    assert form.field("pulse").editor.accessibleDescription() == "Mạch không thể là 900"
    form.clear_problems()
    assert form.field("pulse").note == ""


def test_problem_takes_the_place_of_the_hint_and_gives_it_back(form: Form) -> None:
    pulse = form.field("pulse")
    pulse.set_hint("60–100")
    pulse.set_problem("Cao: cần đo lại", Severity.WARNING)
    assert pulse.note == "Cao: cần đo lại"
    pulse.set_problem(None)
    assert pulse.note == "60–100"


@pytest.mark.parametrize("typed", ["36,8", "36.8"])
def test_number_takes_comma_and_point(qtbot: QtBot, typed: str) -> None:
    field = NumberField(unit="°C", decimals=1)
    qtbot.addWidget(field)
    qtbot.keyClicks(field.editor, typed)
    assert field.value() == Decimal("36.8")
    field.set_value(Decimal("36.80"))
    assert field.line.text() == "36,8"


def test_number_refuses_letters(qtbot: QtBot) -> None:
    field = NumberField()
    qtbot.addWidget(field)
    qtbot.keyClicks(field.editor, "8a2,5")
    assert field.line.text() == "825"
    assert field.whole() == 825


@pytest.mark.parametrize("typed", ["165/96", "165 96", "165-96", "165,96"])
def test_pressure_is_two_numbers(qtbot: QtBot, typed: str) -> None:
    field = PressureField()
    qtbot.addWidget(field)
    qtbot.keyClicks(field.editor, typed)
    assert field.value() == (165, 96)
    assert field.check()
    assert field.line.text() == "165/96"


def test_half_a_pressure_is_said(qtbot: QtBot) -> None:
    field = PressureField()
    qtbot.addWidget(field)
    qtbot.keyClicks(field.editor, "165")
    assert not field.check()
    assert field.problem == "Nhập hai số, ví dụ 120/80"
    qtbot.keyClicks(field.editor, "/96")
    assert field.check()
    assert field.problem is None


def test_date_keeps_what_it_does_not_understand(form: Form, qtbot: QtBot) -> None:
    born = form.field("born")
    born.editor.setFocus()
    type_text(born.editor, "hôm qua")
    qtbot.keyClick(born.editor, Qt.Key.Key_Return)
    assert born.problem == "Gõ hai số cuối"
    assert isinstance(born, DateField)
    assert born.text_value() == "hôm qua"
    assert born.value() is None
    born.line.selectAll()
    qtbot.keyClicks(born.editor, "92")
    assert born.check()
    assert born.line.text() == "1992"
    assert born.problem is None


def test_numbers_are_grouped_for_reading_and_stored_bare(qtbot: QtBot) -> None:
    phone = PhoneField()
    qtbot.addWidget(phone)
    phone.set_value("0912345678")
    assert phone.line.text() == "0912 345 678"
    assert phone.value() == "0912345678"
    card = GroupedField(CARD_GROUPS)
    qtbot.addWidget(card)
    card.set_value("GD4640991000000")
    assert card.line.text() == "GD 4 64 099 100 0000"
    assert card.value() == "GD4640991000000"


def test_choice_finds_by_letters_without_marks(form: Form, qtbot: QtBot) -> None:
    sex = form.field("sex")
    seen: list[str] = []
    form.changed.connect(seen.append)
    sex.editor.setFocus()
    qtbot.keyClicks(sex.editor, "d")
    assert sex.value() == "o"
    qtbot.keyClicks(sex.editor, "n")
    assert sex.value() == "m"
    assert set(seen) == {"sex"}


def test_choice_ignores_the_wheel(form: Form, qtbot: QtBot) -> None:
    sex = form.field("sex")
    sex.set_value("m")
    from PySide6.QtCore import QPoint, QPointF
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    event = QWheelEvent(
        QPointF(5, 5),
        QPointF(5, 5),
        QPoint(0, -120),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(sex.editor, event)
    assert sex.value() == "m"


def test_segments_move_with_the_arrows(form: Form, qtbot: QtBot) -> None:
    why = form.field("why")
    assert isinstance(why, SegmentedField)
    assert why.value() is None
    why.set_value(1)
    why.buttons[0].setFocus()
    qtbot.keyClick(why.buttons[0], Qt.Key.Key_Right)
    assert why.value() == 2
    assert why.buttons[1].accessibleName() == "Lý do chuyển: Hai"
    why.set_value(None)
    assert why.value() is None


def test_scan_marks_what_it_filled_until_the_person_types(form: Form, qtbot: QtBot) -> None:
    form.set_values({"reason": "Sốt"}, filled_by_program=True)
    reason: Field = form.field("reason")
    assert reason.note == "Điền từ thẻ vừa quét"
    qtbot.keyClicks(reason.editor, "x")
    assert reason.note == ""


def test_focus_goes_to_the_first_empty_field(form: Form) -> None:
    form.set_values({"reason": "Sốt"})
    form.focus_first()
    assert focused(form) == "visit.pulse"


def test_a_key_cannot_be_added_twice(form: Form) -> None:
    with pytest.raises(ValueError, match="reason"):
        form.add("reason", "Lý do", LineField())

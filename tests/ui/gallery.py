"""Draws every widget of the kit in both themes to PNG files, for a look by eye.

``python tests/ui/gallery.py OUT_DIR`` (offscreen works).
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget

from station_emr.domain.errors import Problem
from station_emr.ui.kit import (
    Banner,
    Button,
    ButtonKind,
    Card,
    CheckField,
    Chip,
    ChipRow,
    ChipSpec,
    ChoiceField,
    Column,
    EmptyState,
    Form,
    Line,
    LineField,
    Message,
    NumberField,
    PhoneField,
    PressureField,
    SegmentedField,
    Severity,
    Shortcut,
    Suggestion,
    SuggestionList,
    Table,
    TextField,
    TrendChart,
    TypeaheadField,
    apply_theme,
    dress,
    hbox,
    icon_button,
    label,
    match_spans,
    plain_table,
    primary,
    quiet,
    secondary,
    vbox,
)


def form() -> Form:
    made = Form("visit")
    made.add("reason", "&Lý do đến khám", LineField(placeholder="Người bệnh nói gì"), required=True)
    made.add_row(
        ("pulse", "&Mạch", NumberField(unit="lần/ph")),
        ("pressure", "&Huyết áp", PressureField()),
        ("temperature", "&Nhiệt độ", NumberField(unit="°C", decimals=1)),
        ("spo2", "&SpO₂", NumberField(unit="%")),
        ("weight", "&Cân nặng", NumberField(unit="kg", decimals=1)),
        stretch=(3, 4, 3, 3, 3),
    )
    made.add("exam", "&Khám", TextField(placeholder="Toàn thân, bộ phận"))
    made.add("diagnosis", "Chẩn đ&oán", TypeaheadField(icon="magnifying-glass"))
    made.add_row(
        ("sex", "&Giới", ChoiceField([("m", "Nam"), ("f", "Nữ")], placeholder="Chọn")),
        ("phone", "Điện &thoại", PhoneField()),
        ("drugs", "Thuốc đã dùng (tự lấy)", LineField()),
    )
    made.add(
        "why",
        "Lý do chuyển",
        SegmentedField(
            [(1, "Phù hợp cấp chuyên môn"), (2, "Vượt khả năng của trạm"), (3, "Theo yêu cầu")]
        ),
    )
    made.add("year", "", CheckField("Có giá trị trong 01 năm"))
    made.set_values(
        {
            "reason": "Tái khám, đau đầu vùng chẩm buổi sáng",
            "pulse": 82,
            "pressure": (165, 96),
            "temperature": Decimal("36.8"),
            "spo2": 97,
            "weight": 58,
            "exam": "Tỉnh, tiếp xúc tốt.\nTim đều, phổi không ran.",
            "phone": "0912345678",
            "drugs": "Aspirin 81 mg x 4 viên nhai lúc 08:25",
            "why": 1,
            "year": True,
        }
    )
    made.field("pulse").set_hint("60–100")
    made.field("temperature").set_hint("36–37,5")
    made.field("spo2").set_hint("≥ 95")
    made.field("weight").set_hint("BMI 22,1")
    made.field("drugs").set_read_only(True)
    made.set_problems(
        [
            Problem(
                field="visit.pressure", code="x", message="Cao: cần đo lại", severity="confirm"
            ),
            Problem(field="sex", code="x", message="Chọn giới tính"),
        ],
        focus=False,
    )
    made.field("reason").editor.setFocus()
    return made


def table() -> QWidget:
    rows = [
        ("Amlodipin 10 mg, viên", 30, "Uống sáng 1 viên sau ăn"),
        ("Hydroclorothiazid 25 mg", 15, ""),
    ]
    made: Table[tuple[str, int, str]] = Table(
        "drugs",
        "Đơn thuốc",
        [
            Column(title="Thuốc", text=lambda r: r[0], width=200, strong=True),
            Column(
                title="Số lượng",
                text=lambda r: str(r[1]),
                sort=lambda r: r[1],
                numeric=True,
                width=90,
            ),
            Column(title="Người bệnh đọc", text=lambda r: r[2], stretch=True, muted=True),
            Column(
                title="Tình trạng",
                text=lambda r: "Đã ký",
                chip=lambda r: ChipSpec("Đã ký", Severity.SUCCESS),
                width=110,
            ),
        ],
    )
    made.set_rows(rows)
    made.choose(rows[0])
    return plain_table(made)


def build() -> QWidget:
    page = QWidget()
    left, right = vbox(gap=12), vbox(gap=12)
    card = Card("Khám bệnh")
    card.add(form())
    left.addWidget(card)
    left.addStretch(1)
    right.addLayout(
        hbox(
            secondary("Tiếp đón mới", "new", Shortcut.NEW),
            primary("Gọi người tiếp theo", "next", Shortcut.NEXT),
            quiet("Sửa", "edit", "pencil-simple"),
            icon_button("printer", "print", "In"),
            Button("Hủy phiếu", "void", kind=ButtonKind.DANGER),
            None,
        )
    )
    off = secondary("Không bấm được", "off")
    off.setEnabled(False)
    right.addLayout(hbox(off, secondary("Lưu nháp", "save", Shortcut.SAVE, "floppy-disk"), None))
    right.addWidget(
        ChipRow(
            [
                ChipSpec("Dị ứng penicillin", Severity.DANGER),
                ChipSpec("HA lần trước 168/95", Severity.WARNING),
                ChipSpec("Mạn tính", Severity.INFO),
                ChipSpec("Còn hạn đến 31/12/2026", Severity.SUCCESS),
                ChipSpec("Nháp"),
                ChipSpec("I10 Tăng huyết áp vô căn (nguyên phát)", Severity.INFO, "Chính", ""),
            ]
        )
    )
    right.addLayout(
        hbox(Chip("J00 Viêm mũi họng cấp", Severity.INFO, icon="", removable=True), None)
    )
    chart = TrendChart("bp", "Huyết áp 6 lần gần nhất")
    chart.set_data(
        [Line((150, 146, 158, 149, 168, 160)), Line((92, 90, 96, 92, 98, 95), main=False)],
        band=(90, 140),
        last="168/95",
    )
    facts = Card("Huyết áp 6 lần gần nhất")
    facts.add(chart)
    right.addWidget(facts)
    lines = Card()
    answers = SuggestionList("icd", "Mã bệnh")
    answers.replace(
        [
            Suggestion(lead=code, title=title, matches=match_spans(title, "dau dau"), chip=chip)
            for code, title, chip in (
                ("R51", "Đau đầu", None),
                ("G44.2", "Đau đầu kiểu căng thẳng", None),
                (
                    "G43",
                    "Đau nửa đầu (Migraine)",
                    ChipSpec("có mã chi tiết hơn", Severity.WARNING, "", ""),
                ),
            )
        ]
    )
    answers.show()
    lines.add(answers)
    people = SuggestionList("people", "Người bệnh", two_lines=True)
    people.replace(
        [
            Suggestion(
                title="Rơ Châm H'Bĕ̆",
                detail="Nữ, 34 tuổi · Làng Ơp · CCCD ••• 4821",
                trailing="khám 22/10",
                matches=match_spans("Rơ Châm H'Bĕ̆", "cham hbe"),
            ),
            Suggestion(
                title="Siu Y Blơi",
                detail="Nam, 61 tuổi",
                chip=ChipSpec("BHYT hết hạn", Severity.DANGER),
            ),
        ],
        "Enter để mở, Esc để đóng",
    )
    people.show()
    lines.add(people)
    right.addWidget(lines)
    right.addWidget(table())
    banner = Banner("banner")
    banner.show_message(
        Message(
            text="Chưa gửi được: máy chủ không trả lời. Hồ sơ vẫn an toàn trên máy này.",
            severity=Severity.WARNING,
            action_text="Gửi lại",
        )
    )
    right.addWidget(banner)
    right.addWidget(
        EmptyState(
            "users", "Chưa có ai chờ khám", "Bấm Ctrl+N để tiếp đón", secondary("Tiếp đón", "x")
        )
    )
    right.addWidget(label("Nháp tự lưu 09:12:33", "muted"))
    row = hbox(left, right, gap=16, margin=16, parent=page)
    row.setStretch(0, 1)
    row.setStretch(1, 1)
    return page


def settle(app: QApplication) -> None:
    """Let what was asked for be laid out and painted."""
    QTimer.singleShot(60, app.quit)
    app.exec()


def main(folder: Path) -> None:
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    for name in ("light", "dark"):
        apply_theme(app, name)
        page = dress(build())
        page.resize(1366, 900)
        page.show()
        settle(app)
        page.grab().save(str(folder / f"gallery-{name}.png"))
        page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

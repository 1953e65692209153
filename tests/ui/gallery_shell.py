"""Draws the frame with a page like the day's queue, in both themes, for a look by eye.

``python tests/ui/gallery_shell.py OUT_DIR``
"""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from station_emr.ui.kit import (
    ChipRow,
    ChipSpec,
    ChoiceCard,
    Message,
    Option,
    Screen,
    Severity,
    Shortcut,
    Suggestion,
    apply_theme,
    hbox,
    label,
    match_spans,
    primary,
    secondary,
    vbox,
)
from station_emr.ui.shell import Identity, Link, MainWindow, ScreenSpec, StatusModel

QUEUE = [
    (
        "Rơ Châm H'Bĕ̆",
        "22 phút",
        "Nữ, 34 tuổi · Làng Ơp · khám thường",
        "Dị ứng penicillin",
        Severity.DANGER,
    ),
    ("Siu Y Blơi", "15 phút", "Nam, 61 tuổi · tái khám", "HA lần trước 168/95", Severity.WARNING),
    (
        "Nguyễn Văn Mẫu",
        "9 phút",
        "Nam, 4 tuổi (16 kg) · sốt 2 ngày",
        "Trẻ < 6 tuổi",
        Severity.WARNING,
    ),
    ("Đinh Thị Mẫu", "3 phút", "Nữ, 27 tuổi · thai 32 tuần", "Thai sản", Severity.INFO),
]


class Today(Screen):
    def __init__(self) -> None:
        super().__init__("today")
        self.add_header(
            "Hôm nay",
            "Chủ nhật, 22/11/2026 · 31 lượt · chờ trung bình 14 phút",
            secondary("Tiếp đón mới", "today.new", Shortcut.NEW),
            primary("Gọi người tiếp theo", "today.next", Shortcut.NEXT),
        )
        columns = hbox(gap=12)
        for title in ("Chờ khám", "Đang khám", "Chờ thuốc", "Xong"):
            column = vbox(hbox(label(title, "heading"), label("4", "key"), None))
            for name, wait, detail, chip, severity in QUEUE:
                card = ChoiceCard(f"today.{name}", name)
                line = hbox(label(name, "strong"), None, label(wait, "muted"))
                card.body.addLayout(line)
                card.body.setSpacing(2)
                card.add(label(detail, "muted"))
                card.add(ChipRow([ChipSpec(chip, severity)]))
                card.set_selected(name.startswith("Rơ") and title == "Chờ khám")
                column.addWidget(card)
            column.addStretch(1)
            columns.addLayout(column, 1)
        self.page.addLayout(columns, 1)


def specs() -> list[ScreenSpec]:
    rows = [
        ("today", "house", Shortcut.TODAY),
        ("patients", "user", Shortcut.PATIENTS),
        ("encounter", "stethoscope", Shortcut.ENCOUNTER),
        ("referrals", "arrow-right", Shortcut.REFERRALS),
        ("drugs", "pill", Shortcut.DRUGS),
        ("reports", "notebook", Shortcut.REPORTS),
        ("sync", "arrows-clockwise", Shortcut.SYNC),
    ]
    made = [ScreenSpec(key=k, title=s.label, icon=i, shortcut=s, build=Today) for k, i, s in rows]
    admin = Shortcut.ADMIN
    return [
        *made,
        ScreenSpec(
            key="admin",
            title=admin.label,
            icon="gear-six",
            shortcut=admin,
            build=Today,
            at_foot=True,
        ),
    ]


def settle(app: QApplication) -> None:
    """Let what was asked for be laid out and painted."""
    QTimer.singleShot(60, app.quit)
    app.exec()


def main(folder: Path) -> None:
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    for name in ("light", "dark"):
        apply_theme(app, name)
        window = MainWindow()
        window.open(
            Identity(
                station="Trạm y tế xã Mẫu",
                place="Điểm trạm chính · Máy 1",
                user="BS. Nguyễn Thị Hoa",
            ),
            specs(),
            user_options=[Option("out", "Đăng xuất")] if name == "dark" else (),
        )
        window.navigation.items["sync"].set_badge(2)
        window.set_status(
            StatusModel(
                link=Link.OFFLINE, since="08:40", waiting=3, backup="hôm qua 17:02, đã kiểm tra"
            )
        )
        window.show()
        settle(app)
        window.grab().save(str(folder / f"shell-{name}.png"))
        window.search.activate()
        window.search.line.setText("siu bl")
        window.search.typeahead.ask_now()
        window.set_search_results(
            [
                Suggestion(
                    title=title,
                    detail="Nam, 61 tuổi · Làng Klah · BHYT ••• 4821",
                    trailing="khám 23/10/2026",
                    matches=match_spans(title, "siu bl"),
                )
                for title in ("Siu Y Blơi", "Siu H'Blơi", "Siu Blưn")
            ],
            "siu bl",
        )
        window.show_message(
            Message(
                text="Đã bỏ Siu Y Blơi khỏi hàng chờ.",
                action_text="Hoàn tác",
                severity=Severity.SUCCESS,
            )
        )
        settle(app)
        window.grab().save(str(folder / f"shell-search-{name}.png"))
        window.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

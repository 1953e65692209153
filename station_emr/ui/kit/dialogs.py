"""The only place where a dialog stops the program for an answer; tests replace the asker.

``use_dialogs(fake)`` puts another :class:`Dialogs` in place; screens call the functions below.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QVBoxLayout, QWidget
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit import theme
from station_emr.ui.kit.buttons import Button, ButtonKind
from station_emr.ui.kit.choice_fields import Option
from station_emr.ui.kit.field import Field
from station_emr.ui.kit.icons import IconLabel
from station_emr.ui.kit.layout import hbox, label
from station_emr.ui.kit.names import named
from station_emr.ui.kit.severity import Severity
from station_emr.ui.kit.text_fields import LineField, PasswordField, TextField


class Dialogs(Protocol):
    """What a screen may ask in a dialog; every answer may be "no" (None or False)."""

    def ask_text(
        self, parent: QWidget, title: str, text: str, *, label: str, start: str, lines: int
    ) -> str | None: ...
    def ask_password(self, parent: QWidget, title: str, text: str, *, label: str) -> str | None: ...
    def confirm(
        self, parent: QWidget, title: str, text: str, *, yes: str, no: str, danger: bool
    ) -> bool: ...
    def choose(
        self, parent: QWidget, title: str, text: str, options: Sequence[Option]
    ) -> object | None: ...
    def show_problem(self, parent: QWidget | None, title: str, text: str, detail: str) -> None: ...
    def open_file(self, parent: QWidget, title: str, pattern: str) -> Path | None: ...
    def save_file(
        self, parent: QWidget, title: str, proposed: Path, pattern: str
    ) -> Path | None: ...
    def choose_folder(self, parent: QWidget, title: str) -> Path | None: ...
    def run(self, dialog: QDialog) -> bool: ...


class Box(QDialog):
    """A themed dialog: icon, title, sentence, content, buttons at the right."""

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        text: str = "",
        *,
        severity: Severity = Severity.NEUTRAL,
    ) -> None:
        super().__init__(parent)
        if parent is None:
            theme.dress(self)
        named(self, "dialog", title)
        self.setWindowTitle(title)
        self.setMinimumWidth(420)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(*(theme.GAP_XL - 4,) * 4)
        outer.setSpacing(theme.GAP_M)
        heading = label(title, "title", wrap=True)
        if severity.icon:
            mark = IconLabel(severity.icon, severity.value, 24)
            head = hbox(mark, heading, gap=theme.GAP_S)
            head.setStretch(1, 1)
            outer.addLayout(head)
        else:
            outer.addWidget(heading)
        if text:
            outer.addWidget(label(text, "body", wrap=True))
        self.content = QVBoxLayout()
        self.content.setSpacing(theme.GAP_S)
        outer.addLayout(self.content)
        outer.addSpacing(theme.GAP_XS)
        self._buttons = hbox(None)
        outer.addLayout(self._buttons)

    def add_field(self, text: str, field: Field) -> None:
        """A labelled field in the middle of the dialog; Enter in it accepts."""
        field.set_spoken(text)
        field.moves_on = False
        named(field.editor, "dialog.field")
        caption = label(text, "label")
        caption.setBuddy(field.editor)
        self.content.addWidget(caption)
        self.content.addWidget(field)
        field.entered.connect(self.accept)
        field.editor.setFocus()

    def add_button(
        self, text: str, name: str, *, kind: ButtonKind = ButtonKind.SECONDARY, accept: bool = False
    ) -> Button:
        made = Button(text, name, kind=kind)
        made.clicked.connect(self.accept if accept else self.reject)
        self._buttons.addWidget(made)
        return made


class QtDialogs(Dialogs):
    """The real dialogs."""

    @override
    def run(self, dialog: QDialog) -> bool:
        dialog.setWindowModality(Qt.WindowModality.WindowModal)
        return bool(dialog.exec() == QDialog.DialogCode.Accepted)

    @override
    def ask_text(
        self, parent: QWidget, title: str, text: str, *, label: str, start: str, lines: int
    ) -> str | None:
        field: Field = TextField(least=lines) if lines > 1 else LineField()
        field.set_value(start)
        found = self._ask(parent, title, text, label, field)
        return None if found is None else str(found)

    @override
    def ask_password(self, parent: QWidget, title: str, text: str, *, label: str) -> str | None:
        field = PasswordField()
        found = self._ask(parent, title, text, label, field)
        return None if found is None else str(found)

    def _ask(
        self, parent: QWidget, title: str, text: str, caption: str, field: Field
    ) -> object | None:
        """What was typed, or None for Back or nothing typed."""
        box = Box(parent, title, text)
        box.add_field(caption, field)
        box.add_button(_("Quay lại"), "dialog.no")
        box.add_button(_("Đồng ý"), "dialog.yes", kind=ButtonKind.PRIMARY, accept=True)
        return field.value() if self.run(box) and not field.is_empty() else None

    @override
    def confirm(
        self, parent: QWidget, title: str, text: str, *, yes: str, no: str, danger: bool
    ) -> bool:
        box = Box(parent, title, text, severity=Severity.DANGER if danger else Severity.NEUTRAL)
        back = box.add_button(no, "dialog.no")
        kind = ButtonKind.DANGER if danger else ButtonKind.PRIMARY
        go = box.add_button(yes, "dialog.yes", kind=kind, accept=True)
        (back if danger else go).setFocus()
        return self.run(box)

    @override
    def choose(
        self, parent: QWidget, title: str, text: str, options: Sequence[Option]
    ) -> object | None:
        box = Box(parent, title, text)
        picked: list[object] = []
        for place, option in enumerate(options):
            button = Button(option.text, f"dialog.option.{place}")
            button.clicked.connect(lambda _on=False, key=option.key: picked.append(key))
            button.clicked.connect(box.accept)
            box.content.addWidget(button)
            if place == 0:
                button.setFocus()
        box.add_button(_("Quay lại"), "dialog.no")
        return picked[0] if self.run(box) and picked else None

    @override
    def show_problem(self, parent: QWidget | None, title: str, text: str, detail: str) -> None:
        box = Box(parent, title, text, severity=Severity.DANGER)
        if detail:
            box.content.addWidget(label(detail, "muted", wrap=True, selectable=True))
        box.add_button(_("Đóng"), "dialog.yes", kind=ButtonKind.PRIMARY, accept=True).setFocus()
        self.run(box)

    @override
    def open_file(self, parent: QWidget, title: str, pattern: str) -> Path | None:
        found, _kind = QFileDialog.getOpenFileName(parent, title, "", pattern)
        return Path(found) if found else None

    @override
    def save_file(self, parent: QWidget, title: str, proposed: Path, pattern: str) -> Path | None:
        found, _kind = QFileDialog.getSaveFileName(parent, title, str(proposed), pattern)
        return Path(found) if found else None

    @override
    def choose_folder(self, parent: QWidget, title: str) -> Path | None:
        found = QFileDialog.getExistingDirectory(parent, title)
        return Path(found) if found else None


_dialogs: Dialogs = QtDialogs()


def use_dialogs(dialogs: Dialogs) -> Dialogs:
    """Put another asker in place and return the one before."""
    global _dialogs
    before, _dialogs = _dialogs, dialogs
    return before


def ask_text(
    parent: QWidget, title: str, text: str = "", *, label: str, start: str = "", lines: int = 1
) -> str | None:
    """A text the person must give, such as the reason of an amendment; None means back."""
    return _dialogs.ask_text(parent, title, text, label=label, start=start, lines=lines)


def ask_password(parent: QWidget, title: str, text: str = "", *, label: str) -> str | None:
    """The person's password once more, before a signature."""
    return _dialogs.ask_password(parent, title, text, label=label)


def confirm(
    parent: QWidget, title: str, text: str, *, yes: str, no: str = "Quay lại", danger: bool = False
) -> bool:
    """A yes for something that cannot be undone; elsewhere offer Undo instead."""
    return _dialogs.confirm(parent, title, text, yes=yes, no=no, danger=danger)


def choose(parent: QWidget, title: str, text: str, options: Sequence[Option]) -> object | None:
    """One of a few; returns the option's key or None."""
    return _dialogs.choose(parent, title, text, options)


def show_problem(parent: QWidget | None, title: str, text: str, detail: str = "") -> None:
    """A failure that leaves the person unable to go on; other failures use a banner."""
    _dialogs.show_problem(parent, title, text, detail)


def open_file(parent: QWidget, title: str, pattern: str) -> Path | None:
    return _dialogs.open_file(parent, title, pattern)


def save_file(parent: QWidget, title: str, proposed: Path, pattern: str) -> Path | None:
    return _dialogs.save_file(parent, title, proposed, pattern)


def choose_folder(parent: QWidget, title: str) -> Path | None:
    return _dialogs.choose_folder(parent, title)


def run_dialog(dialog: QDialog) -> bool:
    """Run a dialog of your own (the system's print dialog); True when it was accepted."""
    return _dialogs.run(dialog)

"""The base of every field: an editor, an inside unit or icon, and one note line beneath it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget
from typing_extensions import override

from station_emr.ui.kit import theme
from station_emr.ui.kit.icons import IconLabel
from station_emr.ui.kit.layout import label
from station_emr.ui.kit.names import plain, with_role
from station_emr.ui.kit.severity import Severity

_FILLED: Final = "Điền từ thẻ vừa quét"


class InputFrame(QFrame):
    """The box around an editor: edge by state, ring by focus, unit or icon inside."""

    def __init__(self, editor: QWidget, *, unit: str = "", icon: str = "") -> None:
        super().__init__()
        self.editor = editor
        self._state: Severity | None = None
        self._off = False
        self._ground = "raised"
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.GAP_M - 2, 2, theme.GAP_S, 2)
        row.setSpacing(6)
        if icon:
            row.addWidget(IconLabel(icon, "muted"))
        row.addWidget(editor, 1)
        self.unit = label(unit, "muted")
        row.addWidget(self.unit)
        self.unit.setVisible(bool(unit))  # once it has a parent, else it flashes as a window
        self.setMinimumHeight(theme.CONTROL_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        editor.installEventFilter(self)
        self.setCursor(Qt.CursorShape.IBeamCursor)

    def add_inside(self, widget: QWidget) -> None:
        """Put one more widget at the right edge, such as a key hint or a clear button."""
        layout = self.layout()
        if isinstance(layout, QHBoxLayout):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)

    def watch(self, editor: QWidget) -> None:
        """Also show the ring while this second editor has the focus."""
        editor.installEventFilter(self)

    def set_state(self, severity: Severity | None) -> None:
        self._state = severity
        self.update()

    def set_off(self, off: bool) -> None:
        """Show as filled in by the program: read-only, sunken."""
        self._off = off
        self.update()

    def set_ground(self, token: str) -> None:
        """Another fill than the usual, such as ``surface`` on a raised bar."""
        self._ground = token
        self.update()

    def set_dense(self) -> None:
        self.setMinimumHeight(theme.DENSE_HEIGHT)
        self.setFixedHeight(theme.DENSE_HEIGHT)

    @override
    def sizeHint(self) -> QSize:
        inside = super().sizeHint()  # a text of several lines is taller than one control
        return QSize(inside.width(), max(inside.height(), self.minimumHeight()))

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut, QEvent.Type.EnabledChange):
            self.update()
        return False

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.editor.setFocus(Qt.FocusReason.MouseFocusReason)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        painter = QPainter(self)
        off = self._off or not self.editor.isEnabled()
        fill = t.sunken if off else getattr(t, self._ground)
        edge = t.line if off else t.line_strong
        focused = self._has_focus()
        if self._state in (Severity.WARNING, Severity.DANGER):
            edge = getattr(t, self._state.value)
        width = theme.FOCUS_WIDTH if focused else 1
        if focused and self._state is None:
            edge = t.primary
        theme.paint_box(painter, self.rect(), fill, edge, width)
        painter.end()

    def _has_focus(self) -> bool:
        focused = self.window().focusWidget()
        return bool(focused) and self.isAncestorOf(focused) and self.isActiveWindow()


class Field(QWidget):
    """One value of a record. ``changed`` is emitted when the person changes it, not by the program.

    ``entered`` follows Enter, ``left`` follows the focus leaving. A subclass gives ``value`` and
    ``set_value`` their types.
    """

    changed = Signal()
    entered = Signal()
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.moves_on = True
        self._severity: Severity | None = None
        self._message: str | None = None
        self._hint = ""
        self._quiet = 0
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._note_icon = IconLabel("", "danger", 14)
        self._note_icon.setFixedHeight(18)  # the height of one line, so that both stand level
        self._note = label("", "muted", wrap=True)
        self._note_row = QWidget()
        row = QHBoxLayout(self._note_row)
        row.setContentsMargins(2, 0, 0, 0)
        row.setSpacing(theme.GAP_XS)
        row.addWidget(self._note_icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._note, 1)
        self._note_row.hide()
        self._frame: InputFrame | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    # -- for subclasses ------------------------------------------------------------------------

    def _place(self, body: QWidget, editor: QWidget) -> None:
        """Lay ``body`` out above the note line; ``editor`` takes the focus and the label."""
        self._column.addWidget(body)
        self._column.addWidget(self._note_row)
        self.setFocusProxy(editor)
        editor.installEventFilter(self)
        if isinstance(body, InputFrame):
            self._frame = body

    def _announce(self) -> None:
        """Call when the person changed the value; silent while the program sets it."""
        if not self._quiet:
            self.changed.emit()

    def quietly(self) -> _Quiet:
        """While open, changes are the program's own and ``changed`` stays silent."""
        return _Quiet(self)

    # -- for everybody -------------------------------------------------------------------------

    @property
    def editor(self) -> QWidget:
        """The widget that takes the focus and the keys."""
        found = self.focusProxy()
        return found if found is not None else self

    def value(self) -> object:
        raise NotImplementedError

    def set_value(self, value: object) -> None:
        raise NotImplementedError

    def is_empty(self) -> bool:
        return self.value() in (None, "", ())

    def set_spoken(self, text: str) -> None:
        """The accessible name, normally set by the form from the label."""
        self.editor.setAccessibleName(plain(text))

    def set_hint(self, text: str) -> None:
        """A lasting line beneath, such as the normal range; a problem takes its place."""
        self._hint = text
        self._show_note()

    def set_problem(self, message: str | None, severity: Severity = Severity.DANGER) -> None:
        """Show a sentence beneath with its icon, or take it away with ``None``."""
        self._message = message
        self._severity = severity if message else None
        if self._frame is not None:
            self._frame.set_state(self._severity)
        self._show_note()
        self.editor.setAccessibleDescription(message or self._hint)

    @property
    def problem(self) -> str | None:
        return self._message

    @property
    def severity(self) -> Severity | None:
        return self._severity

    @property
    def note(self) -> str:
        """What the line beneath says now."""
        return self._note.text() if not self._note_row.isHidden() else ""

    def set_read_only(self, read_only: bool) -> None:
        """Keep the value readable and copyable, but not changeable."""
        setter = getattr(self.editor, "setReadOnly", None)
        if setter is None:
            self.editor.setEnabled(not read_only)
        else:
            setter(read_only)
        if self._frame is not None:
            self._frame.set_off(read_only)

    def set_dense(self) -> None:
        """The low form for a row of a table."""
        if self._frame is not None:
            self._frame.set_dense()

    def set_filled_by_program(self, filled: bool) -> None:
        """Mark a value that a scan or a copy filled in, until the person changes it."""
        if filled and self._message is None:
            self.set_hint(_FILLED)
        elif not filled and self._hint == _FILLED:
            self.set_hint("")

    def _show_note(self) -> None:
        text = self._message or self._hint
        severity = self._severity
        self._note.setText(text)
        with_role(self._note, severity.value if severity else "caption")
        self._note_icon.setVisible(severity is not None)
        if severity is not None:
            self._note_icon.set_icon(severity.icon, severity.value)
        self._note_row.setVisible(bool(text))
        self.updateGeometry()

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut:
            self.left.emit()
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._key(event)
        return False

    def _key(self, event: QKeyEvent) -> bool:
        """Enter goes on to the next field. True swallows the key."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return False
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        self.entered.emit()
        if self.moves_on:
            self.focusNextChild()
        return True


class _Quiet:
    def __init__(self, field: Field) -> None:
        self._field = field

    def __enter__(self) -> None:
        self._field._quiet += 1  # noqa: SLF001 - the two halves of one thing

    def __exit__(self, *exc: object) -> None:
        self._field._quiet -= 1  # noqa: SLF001

"""Messages that never take the focus: a lasting bar in a page, and a passing one above it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit import theme
from station_emr.ui.kit.buttons import Button, ButtonKind, icon_button
from station_emr.ui.kit.icons import IconLabel
from station_emr.ui.kit.layout import label
from station_emr.ui.kit.names import named
from station_emr.ui.kit.severity import Severity

_PASSING_MS: Final = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A sentence for the person: what happened, what is safe, what to do.

    ``action`` is a button such as Undo with what it does. A danger stays until it is closed.
    """

    text: str
    severity: Severity = Severity.INFO
    action_text: str = ""
    action: Callable[[], None] | None = None
    lasting: bool = False


class Banner(QWidget):
    """A bar with a severity, its icon, a sentence, an optional action and a closing cross."""

    closed = Signal()

    def __init__(self, name: str, *, closable: bool = True) -> None:
        super().__init__()
        named(self, name)
        self._message: Message | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.GAP_M, theme.GAP_S, theme.GAP_S, theme.GAP_S)
        row.setSpacing(theme.GAP_S)
        self._icon = IconLabel("info", "info")
        self._text = label("", "body", wrap=True)
        self._button = Button("", f"{name}.action", kind=ButtonKind.SECONDARY, dense=True)
        self._button.setAccessibleName(_("Làm theo thông báo"))
        self._button.clicked.connect(self._act)
        self._close = icon_button("x", f"{name}.close", _("Đóng thông báo"))
        self._close.clicked.connect(self.dismiss)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._text, 1)
        row.addWidget(self._button)
        row.addWidget(self._close)
        self._close.setVisible(closable)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.hide()

    @property
    def message(self) -> Message | None:
        """What is shown now."""
        return self._message

    def show_message(self, message: Message) -> None:
        self._message = message
        shown = message.severity.icon or "info"
        self._icon.set_icon(shown, _tone(message.severity))
        self._text.setText(message.text)
        if message.action_text:  # a hidden button keeps its spoken name
            self._button.set_label(message.action_text)
        self._button.setVisible(bool(message.action_text))
        self.setAccessibleName(message.text)
        self.show()
        self.update()

    def dismiss(self) -> None:
        self._message = None
        self.hide()
        self.closed.emit()

    def _act(self) -> None:
        message = self._message
        self.dismiss()
        if message is not None and message.action is not None:
            message.action()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        severity = self._message.severity if self._message else Severity.INFO
        _words, fill, edge = theme.tokens().of(severity)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(edge), 1))
        painter.setBrush(QColor(fill))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.end()


def _tone(severity: Severity) -> str:
    return "muted" if severity is Severity.NEUTRAL else severity.value


class Toast(Banner):
    """A banner that floats at the foot of ``host`` and goes by itself; nothing moves for it."""

    def __init__(self, host: QWidget, name: str = "toast") -> None:
        super().__init__(name)
        self.setParent(host)
        self._host = host
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PASSING_MS)
        self._timer.timeout.connect(self.dismiss)
        host.installEventFilter(self)
        for button in (self._button, self._close):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    @override
    def show_message(self, message: Message) -> None:
        super().show_message(message)
        self._place()
        self.raise_()
        stays = message.lasting or message.severity is Severity.DANGER
        self._timer.stop()
        if not stays:
            self._timer.start()

    @override
    def dismiss(self) -> None:
        self._timer.stop()
        super().dismiss()

    def _place(self) -> None:
        width = min(560, self._host.width() - 2 * theme.GAP_L)
        height = max(self.heightForWidth(width), self.sizeHint().height(), 44)
        left = (self._host.width() - width) // 2
        self.setGeometry(left, self._host.height() - height - theme.GAP_L, width, height)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

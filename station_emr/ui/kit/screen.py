"""The base of every screen: what the frame asks of it and what it may ask of the frame."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget
from typing_extensions import override

from station_emr.ui.kit import theme
from station_emr.ui.kit.banner import Message
from station_emr.ui.kit.layout import label
from station_emr.ui.kit.names import named
from station_emr.ui.kit.severity import Severity


class Screen(QWidget):
    """One page of the frame.

    Subclasses override the ``on_*`` hooks they need; each runs on the GUI thread and returns at
    once. ``go(key, context)`` asks the frame for another screen, ``say`` shows a passing message.
    """

    navigate = Signal(str, object)
    message = Signal(object)
    title_changed = Signal(str)
    least_height = 0  # what a page with much above its list needs; in a lower window it scrolls

    def __init__(self, name: str, *, margin: int = theme.GAP_L) -> None:
        super().__init__()
        named(self, name)
        self.page = QVBoxLayout(self)
        self.page.setContentsMargins(margin, margin, margin, margin)
        self.page.setSpacing(theme.GAP_M)

    # -- hooks of the frame --------------------------------------------------------------------

    def on_enter(self, context: object = None) -> None:
        """The screen has come to the front; ``context`` is what ``go`` was given."""

    def on_leave(self) -> bool:
        """About to go: keep the draft and return True; False stays (say why)."""
        return True

    def on_back(self) -> bool:
        """Esc. True when the screen used it itself, else the frame goes back one screen."""
        return False

    def on_lock(self) -> None:
        """The screen is being covered; keep the draft."""
        self.on_leave()

    def on_search_result(self, payload: object) -> bool:  # noqa: ARG002 - for subclasses
        """A person was chosen in the search field. False leaves it to the frame's default."""
        return False

    def on_scan(self, text: str) -> bool:  # noqa: ARG002 - for subclasses
        """A scanner sent ``text``. False leaves it to the frame's search."""
        return False

    def print_action(self) -> bool:
        """Ctrl+P. False when there is nothing to print here."""
        return False

    def save_action(self) -> bool:
        """Ctrl+S. False when there is no draft to keep."""
        return False

    # -- wishes to the frame -------------------------------------------------------------------

    def go(self, key: str, context: object = None) -> None:
        self.navigate.emit(key, context)

    def say(self, text: str, severity: Severity = Severity.INFO) -> None:
        self.message.emit(Message(text=text, severity=severity))

    # -- shared look ---------------------------------------------------------------------------

    def add_header(self, title: str, detail: str = "", *actions: QWidget) -> ScreenHeader:
        """The title line of the page with its actions at the right."""
        header = ScreenHeader(title, detail, actions)
        self.page.addWidget(header)
        return header


class ScreenHeader(QWidget):
    """Title, an optional chip beside it, a line of detail, and the actions at the right."""

    def __init__(self, title: str, detail: str, actions: tuple[QWidget, ...]) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.GAP_S)
        self._grid.setColumnStretch(0, 1)
        words = QVBoxLayout()
        words.setSpacing(0)
        self._title = label(title, "page-title")
        self._detail = label(detail, "muted")
        self._top = QHBoxLayout()
        self._top.setSpacing(theme.GAP_M)
        self._top.addWidget(self._title)
        self._top.addStretch(1)
        words.addLayout(self._top)
        words.addWidget(self._detail)
        self._grid.addLayout(words, 0, 0)
        self._detail.setVisible(bool(detail))
        self._actions = QWidget()
        row = QHBoxLayout(self._actions)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GAP_S)
        for action in actions:
            row.addWidget(action, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStrut(theme.CONTROL_HEIGHT)
        self._below = False
        self._set_actions()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def set_title(self, title: str, detail: str = "") -> None:
        self._title.setText(title)
        self._detail.setText(detail)
        self._detail.setVisible(bool(detail))
        self._fit()

    @override
    def event(self, event: QEvent) -> bool:
        """An action or a chip that comes or goes changes what stands side by side."""
        done = super().event(event)
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._fit()
        return done

    @override
    def minimumSizeHint(self) -> QSize:
        """Either of both rows; the title is never cut for the sake of the actions."""
        least = super().minimumSizeHint()
        words = max(self._top.minimumSize().width(), self._detail.minimumSizeHint().width())
        return QSize(max(words, self._actions.minimumSizeHint().width()), least.height())

    def _fit(self) -> None:
        """Where the title and the actions do not stand side by side, the actions go below."""
        words = max(self._top.sizeHint().width(), self._detail.sizeHint().width())
        below = words + theme.GAP_S + self._actions.sizeHint().width() > self.width()
        if below != self._below:
            self._below = below
            self._set_actions()

    def _set_actions(self) -> None:
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if self._below:
            self._grid.addWidget(self._actions, 1, 0, 1, 2, right)
        else:
            self._grid.addWidget(self._actions, 0, 1, right)

    def add_beside_title(self, widget: QWidget) -> None:
        """A chip after the title, such as the state of a letter."""
        self._top.insertWidget(self._top.count() - 1, widget)

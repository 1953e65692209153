"""The status line: true at every moment, and a click explains it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy
from typing_extensions import override

from station_emr.services.i18n import _
from station_emr.ui.kit import Severity, hbox, named, theme, with_role
from station_emr.ui.kit.tips import plain_tip

_DOT: Final = 8
_WIDE: Final = 900
_EDGES: Final = 2 * (theme.GAP_S + 2)
Part = tuple[str, bool]


class Saving(StrEnum):
    SAVED = "saved"
    SAVING = "saving"
    FAILED = "failed"


class Link(StrEnum):
    """``NONE``: this station is not joined to a server yet. From ``BUSY`` on somebody or something
    answered, and not as it should.
    """

    NONE = "none"
    ONLINE = "online"
    SENDING = "sending"
    OFFLINE = "offline"
    BUSY = "busy"
    PORTAL = "portal"
    UNTRUSTED = "untrusted"
    STRANGE = "strange"
    REFUSED = "refused"
    REVOKED = "revoked"
    KEY_LOST = "key_lost"


_ANSWERED: Final = {
    Link.BUSY: (Severity.INFO, "Máy chủ đang bận, sẽ tự gửi lại", "Máy chủ đang bận"),
    Link.PORTAL: (
        Severity.WARNING,
        "Mạng này chưa cho qua, có thể cần đăng nhập Wi-Fi",
        "Có thể cần đăng nhập Wi-Fi",
    ),
    Link.UNTRUSTED: (
        Severity.DANGER,
        "Chưa xác minh được chứng chỉ của máy chủ",
        "Chưa xác minh được máy chủ",
    ),
    Link.STRANGE: (Severity.WARNING, "Máy chủ trả lời không đúng", "Máy chủ trả lời không đúng"),
    Link.REFUSED: (Severity.DANGER, "Máy chủ từ chối máy này", "Máy chủ từ chối máy này"),
    Link.REVOKED: (
        Severity.DANGER,
        "Tỉnh đã thu hồi quyền gửi của máy này",
        "Máy này bị thu hồi quyền",
    ),
    Link.KEY_LOST: (
        Severity.DANGER,
        "Máy này không còn khóa để nối với tỉnh",
        "Máy này mất khóa nối",
    ),
}
"""What is said of it: in full, and on a narrow line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusModel:
    """What the status line tells. Times are written out by the caller (``08:40``, ``hôm qua 17:02``).

    ``attention`` counts what the server refused, ``conflicts`` what a person must decide, ``doubles``
    people who may be registered twice.
    """

    saving: Saving = Saving.SAVED
    saving_problem: str = ""
    link: Link = Link.NONE
    since: str = ""
    waiting: int = 0
    attention: int = 0
    conflicts: int = 0
    doubles: int = 0
    last_sync: str = ""
    backup: str = ""
    backup_late: bool = False
    backup_trouble: str = ""


def saving_words(status: StatusModel, *, brief: bool = False) -> tuple[Severity, list[Part]]:
    if status.saving is Saving.FAILED:
        why = status.saving_problem or _("Chưa lưu được, bấm để xem cách xử lý")
        return Severity.DANGER, [(_("Chưa lưu được") if brief else why, True)]
    if status.saving is Saving.SAVING:
        return Severity.INFO, [(_("Đang lưu…"), False)]
    return Severity.SUCCESS, [(_("Đã lưu") if brief else _("Đã lưu trên máy này"), False)]


def link_words(status: StatusModel, *, brief: bool = False) -> tuple[Severity, list[Part]]:
    waiting = (_("{count} chờ gửi") if brief else _("{count} mục chờ gửi")).format(
        count=status.waiting
    )
    severity, parts = Severity.SUCCESS, [(_("Đã gửi hết lên tỉnh"), False)]
    if status.link is Link.NONE:
        severity, parts = Severity.NEUTRAL, [(_("Chưa nối với máy chủ của tỉnh"), False)]
        if status.waiting:
            parts += [(" · ", False), (waiting, True)]
    elif status.link is Link.OFFLINE:
        severity = Severity.WARNING
        since = _("Mất mạng từ {time}").format(time=status.since) if status.since else _("Mất mạng")
        tail = "" if brief else _(", tự gửi khi có mạng")
        rest: list[Part] = [(waiting, True), (tail, False)]
        parts = [
            (f"{since} · ", False),
            *(rest if status.waiting else [(_("không có gì chờ gửi"), False)]),
        ]
    elif status.link in _ANSWERED:
        severity, full, short = _ANSWERED[status.link]
        parts = [(_(short if brief else full), False)]
        if status.waiting:
            parts += [(" · ", False), (waiting, True)]
    elif status.link is Link.SENDING:
        severity = Severity.INFO
        parts = [(_("Đang gửi"), False)]
        if status.waiting:
            parts = [(_("Đang gửi, còn "), False), (waiting, True)]
    elif status.waiting:
        tail = "" if brief else _(", sẽ gửi trong ít phút")
        severity, parts = Severity.INFO, [(waiting, True), (tail, False)]
    elif status.last_sync:
        words = _("Đã gửi hết {time}") if brief else _("Đã gửi hết lên tỉnh lúc {time}")
        parts = [(words.format(time=status.last_sync), False)]
    if status.attention:
        severity = severity if severity is Severity.DANGER else Severity.WARNING
        look = _("{count} cần xem") if brief else _("{count} mục cần xem")
        parts = [*parts, (" · ", False), (look.format(count=status.attention), True)]
    return severity, [part for part in parts if part[0]]


def conflict_words(status: StatusModel, *, brief: bool = False) -> tuple[Severity, list[Part]]:
    """What must be decided; while there is nothing of that, who may be registered twice."""
    if not status.conflicts:
        twice = _("{count} có thể trùng") if brief else _("{count} người có thể đã đăng ký hai lần")
        return Severity.INFO, [(twice.format(count=status.doubles), True)]
    words = _("{count} cần quyết định") if brief else _("{count} hồ sơ cần quyết định")
    return Severity.WARNING, [(words.format(count=status.conflicts), True)]


def backup_words(status: StatusModel, *, brief: bool = False) -> tuple[Severity, list[Part]]:
    if status.backup_trouble:
        return Severity.WARNING, [(status.backup_trouble, True)]
    if not status.backup:
        return Severity.WARNING, [(_("Chưa sao lưu") if brief else _("Chưa sao lưu lần nào"), True)]
    words = _("Sao lưu: {when}") if brief else _("Sao lưu gần nhất: {when}")
    return (Severity.WARNING if status.backup_late else Severity.NEUTRAL), [
        (words.format(when=status.backup), status.backup_late)
    ]


def help_words(_status: StatusModel, *, brief: bool = False) -> tuple[Severity, list[Part]]:
    return Severity.NEUTRAL, [("F1" if brief else _("F1 Trợ giúp"), False)]


class StatusItem(QAbstractButton):
    """One clickable sentence with the dot of its severity."""

    def __init__(self, name: str, *, dot: bool = True) -> None:
        super().__init__()
        named(self, name)
        self._dot = dot
        self._severity = Severity.NEUTRAL
        self._parts: list[Part] = []
        self._whole: list[Part] = []
        self._short: list[Part] = []
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def show_words(
        self, severity: Severity, parts: list[Part], short: list[Part] | None = None
    ) -> None:
        """``short`` says the same in fewer words, for a narrow line."""
        said = (severity, parts, short or parts)
        if said == (self._severity, self._whole, self._short):
            return
        brief = self.is_brief
        self._severity, self._whole, self._short = said
        words = "".join(text for text, _strong in parts)
        if words != self.text():
            self.setText(words)
            self.setAccessibleName(words)
        self.set_brief(brief=brief)

    @property
    def is_brief(self) -> bool:
        return self._parts is self._short and self._short is not self._whole

    @property
    def shown(self) -> str:
        return "".join(text for text, _strong in self._parts)

    def set_brief(self, *, brief: bool) -> None:
        """The full words are told to a screen reader, and to the mouse where they are not shown."""
        wanted = self._short if brief else self._whole
        if wanted is not self._parts:
            self._parts = wanted
            self.setToolTip(plain_tip(self.text()) if self.shown != self.text() else "")
            self.updateGeometry()
            self.update()

    @property
    def severity(self) -> Severity:
        return self._severity

    def width_of(self, *, brief: bool) -> int:
        """The room that all words, or the short ones, want."""
        words = sum(
            QFontMetrics(_font(strong=strong)).horizontalAdvance(text)
            for text, strong in (self._short if brief else self._whole)
        )
        return words + 12 + (_DOT + 6 if self._dot else 0)

    @override
    def sizeHint(self) -> QSize:
        return QSize(self.width_of(brief=self._parts is self._short), 26)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(24, 26)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        t = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.isDown():
            theme.paint_box(painter, self.rect(), t.hover, "")
        left = 6
        if self._dot:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.of(self._severity)[0]))
            painter.drawEllipse(QPointF(left + _DOT / 2, self.height() / 2), _DOT / 2, _DOT / 2)
            left += _DOT + 6
        for text, strong in self._parts:
            font = _font(strong=strong)
            metrics = QFontMetrics(font)
            painter.setFont(font)
            painter.setPen(QColor(t.text if strong or self._calm() else t.muted))
            room = self.width() - left - 6
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room + 2)
            base = (self.height() + metrics.ascent() - metrics.descent()) // 2
            painter.drawText(left, base, shown)
            left += metrics.horizontalAdvance(text)
        if self.hasFocus():
            theme.paint_focus(painter, self.rect())
        painter.end()

    def _calm(self) -> bool:
        return self._dot and self._severity in (Severity.SUCCESS, Severity.DANGER)


def _font(*, strong: bool) -> QFont:
    return theme.font(theme.DENSE_PT, 600 if strong else 400)


class StatusBar(QFrame):
    """The line at the foot.

    ``explain("saving" | "link" | "conflicts" | "backup" | "help")`` follows a click.
    """

    explain = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        with_role(self, "status-bar")
        self.setFixedHeight(theme.STATUS_HEIGHT)
        self.saving = StatusItem("status.saving")
        self.link = StatusItem("status.link")
        self.conflicts = StatusItem("status.conflicts")
        self.backup = StatusItem("status.backup", dot=False)
        self.help = StatusItem("status.help", dot=False)
        row = hbox(
            self.saving,
            self.link,
            self.conflicts,
            None,
            self.backup,
            self.help,
            gap=theme.GAP_XS,
            parent=self,
        )
        row.setContentsMargins(_EDGES // 2, 0, _EDGES // 2, 0)
        for item, topic in (
            (self.saving, "saving"),
            (self.link, "link"),
            (self.conflicts, "conflicts"),
            (self.backup, "backup"),
            (self.help, "help"),
        ):
            item.clicked.connect(lambda _on=False, topic=topic: self.explain.emit(topic))
        self.show_status(StatusModel())

    def show_status(self, status: StatusModel) -> None:
        for item, words in (
            (self.saving, saving_words),
            (self.link, link_words),
            (self.conflicts, conflict_words),
            (self.backup, backup_words),
            (self.help, help_words),
        ):
            item.show_words(*words(status), words(status, brief=True)[1])
        self.conflicts.setVisible(bool(status.conflicts or status.doubles))
        self._give_room()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._give_room()

    def _give_room(self) -> None:
        """A narrow line has no room for a backup that is in order."""
        calm = self.backup.severity is Severity.NEUTRAL
        self.backup.setVisible(self.width() >= _WIDE or not calm)
        # Words are left out rather than cut, the least needed first.
        order = (self.help, self.saving, self.backup, self.conflicts, self.link)
        items = [item for item in order if item is self.help or not item.isHidden()]
        room = self.width() - _EDGES - theme.GAP_XS * len(items)
        wide = sum(item.width_of(brief=False) for item in items)
        for item in items:
            brief = wide > room
            if brief:
                wide += item.width_of(brief=True) - item.width_of(brief=False)
            item.set_brief(brief=brief)
        self.help.setVisible(wide <= room)  # the key works all the same

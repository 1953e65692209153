"""The desk: what two machines wrote differently, people registered twice, and what was decided."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QStackedWidget
from typing_extensions import override

from station_emr.domain.record import Changes
from station_emr.services.i18n import _
from station_emr.ui.kit import GAP_M, Screen, SegmentedField, hbox, named, secondary
from station_emr.ui.models import routes
from station_emr.ui.models.deciding import ConflictDesk, DuplicateDesk
from station_emr.ui.models.session import Session
from station_emr.ui.screens.conflicts.conflict_page import ConflictPage
from station_emr.ui.screens.conflicts.done_page import DonePage
from station_emr.ui.screens.conflicts.pair_page import PairPage

_OPEN, _PAIRS, _DONE = "open", "pairs", "done"
Part = ConflictPage | PairPage | DonePage
_WORDS: Final = ("Hai máy ghi khác nhau", "Một người, hai hồ sơ", "Đã quyết định gần đây")


class ConflictsScreen(Screen):
    """Enter with a :class:`~station_emr.ui.models.routes.ConflictRoute` to open one record, with a
    :class:`~station_emr.ui.models.routes.LinkRoute` to open two charts that were joined.
    """

    least_height = 600

    def __init__(self, session: Session, desk: ConflictDesk, pairs: DuplicateDesk) -> None:
        super().__init__("conflicts")
        self._session = session
        back = secondary(_("Đồng bộ"), "conflicts.sync", icon="arrows-clockwise")
        back.clicked.connect(lambda: self.go(routes.SYNC))
        self.add_header(
            _("Hồ sơ cần quyết định"),
            _("Không bản nào bị mất: bạn chọn điều đúng, bản kia vẫn còn trong lịch sử."),
            back,
        )
        self.tabs = SegmentedField(
            [(_OPEN, _(_WORDS[0])), (_PAIRS, _(_WORDS[1])), (_DONE, _(_WORDS[2]))]
        )
        named(self.tabs.editor, "conflicts.tabs")
        self.tabs.set_spoken(_("Xem"))
        for place, button in enumerate(self.tabs.buttons):
            named(button, f"conflicts.tab.{place}")
        self.page.addLayout(hbox(self.tabs, None, gap=GAP_M))
        self.open = ConflictPage(session, desk)
        self.pairs = PairPage(session, pairs)
        self.done = DonePage(session, desk, pairs)
        self._parts: dict[str, Part] = {
            _OPEN: self.open,
            _PAIRS: self.pairs,
            _DONE: self.done,
        }
        self._stack = QStackedWidget()
        self._waits: dict[str, int] = {}
        self._seeking = False
        for place, (key, part) in enumerate(self._parts.items()):
            self._stack.addWidget(part)
            part.waiting.connect(lambda count, key=key: self._seek(key, count))
            part.told.connect(self.message)
            part.counted.connect(lambda count, place=place: self._label_tab(place, count))
        for page in (self.open, self.pairs):
            page.wanted.connect(self.go)
        self.page.addWidget(self._stack, 1)
        self.tabs.changed.connect(self._choose_part)
        self.tabs.set_value(_OPEN)
        session.changed.connect(self._changed)

    @property
    def part(self) -> Part:
        """The page in front."""
        return self._parts[str(self.tabs.value())]

    def _choose_part(self) -> None:
        self._seeking = False  # from here on the person's own choice holds
        self._show_part()

    def _seek(self, key: str, count: int) -> None:
        """On entering: to the part in which something waits, if the one in front has nothing."""
        self._waits[key] = count
        if not self._seeking:
            return
        front = str(self.tabs.value())
        if self._waits.get(front) != 0:
            self._seeking = front not in self._waits
            return
        for part in (_OPEN, _DONE, _PAIRS):
            if part not in self._waits:
                return  # still being read
            if self._waits[part]:
                self.tabs.set_value(part)
                self._show_part()
                self.part.setFocus()
                break
        self._seeking = False

    def _show_part(self) -> None:
        self._stack.setCurrentWidget(self.part)
        self.part.read()

    def _label_tab(self, place: int, count: int) -> None:
        word = _(_WORDS[place])
        button = self.tabs.buttons[place]
        button.setText(f"{word} ({count})" if count else word)
        button.setAccessibleName(button.text())
        button.updateGeometry()

    def _changed(self, changes: Changes) -> None:
        if self.isVisible():
            for part in self._parts.values():
                part.changed(changes)

    @override
    def on_enter(self, context: object = None) -> None:
        if isinstance(context, routes.ConflictRoute):
            self.open.go_to(context.kind, context.record_id)
            self.tabs.set_value(_OPEN)
        elif isinstance(context, routes.LinkRoute) or context == routes.PAIRS:
            self.tabs.set_value(_PAIRS)
        self.pairs.go_to(context.link_id if isinstance(context, routes.LinkRoute) else "")
        self._waits.clear()
        self._seeking = context is None
        self._stack.setCurrentWidget(self.part)
        for part in self._parts.values():
            part.read()  # all three, so that their counts are true
        self.part.setFocus()

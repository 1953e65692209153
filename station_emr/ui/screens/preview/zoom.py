"""How large the pages are shown: buttons, keys, and the number between them."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from station_emr.services.i18n import _
from station_emr.ui.kit import icon_button, label, secondary
from station_emr.ui.kit.paper import A4_WIDTH, PaperView

_ZOOMS: Final = (0.5, 0.67, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0)


class Zoom(QObject):
    """``all`` are the widgets in their order; the pages fit the window until somebody chooses."""

    def __init__(self, view: PaperView, page: QWidget) -> None:
        super().__init__(page)
        self._view = view
        self._chosen: float | None = None
        self.smaller = icon_button("minus", "preview.zoom_out", _("Thu nhỏ (Ctrl+-)"))
        self.larger = icon_button("plus", "preview.zoom_in", _("Phóng to (Ctrl++)"))
        self.whole = secondary(_("Vừa khung"), "preview.zoom_fit")
        self._text = label("", "muted")
        self.all = (self.smaller, self._text, self.larger, self.whole)
        for keys, step in ((("Ctrl++", "Ctrl+="), 1), (("Ctrl+-",), -1)):
            for key in keys:
                shortcut = QShortcut(QKeySequence(key), page)
                shortcut.activated.connect(lambda by=step: self.step(by))
        QShortcut(QKeySequence("Ctrl+0"), page).activated.connect(self.fit)
        self.larger.clicked.connect(lambda: self.step(1))
        self.smaller.clicked.connect(lambda: self.step(-1))
        self.whole.clicked.connect(self.fit)

    def step(self, by: int) -> None:
        """The next larger or smaller of the usual sizes."""
        now = self._chosen or self._view.page_width() / A4_WIDTH
        larger = [zoom for zoom in _ZOOMS if zoom > now + 0.01]
        smaller = [zoom for zoom in _ZOOMS if zoom < now - 0.01]
        found = (larger[:1] if by > 0 else smaller[-1:]) or [now]
        self._choose(found[0])

    def fit(self) -> None:
        """As large as the window allows."""
        self._choose(None)

    def _choose(self, zoom: float | None) -> None:
        self._chosen = zoom
        self._view.set_zoom(zoom)
        self.say()

    def say(self) -> None:
        """The pages that are shown now may be of another size."""
        self._text.setText(f"{self._view.page_width() / A4_WIDTH:.0%}".replace("%", " %"))

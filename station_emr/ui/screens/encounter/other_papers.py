"""The menu of papers that a visit may need besides its prescription and letter."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu

from station_emr.domain.permissions import Action
from station_emr.services.i18n import _
from station_emr.ui.kit import Button
from station_emr.ui.models.session import Session

_FORMS: Final = (
    ("record-17-bv1", "Bệnh án tuyến xã (17/BV1)"),
    ("record-15-bv1", "Bệnh án ngoại trú (15/BV1)"),
    ("transfer-consent", "Giấy cam kết chuyển cơ sở (45/BV2)"),
)


class OtherPapers(QObject):
    """``certificate_wanted`` and ``form_wanted(template)`` follow the choice."""

    certificate_wanted = Signal()
    form_wanted = Signal(str)

    def __init__(self, session: Session, button: Button) -> None:
        super().__init__(button)
        self._session = session
        self._button = button
        button.clicked.connect(self._open)

    def menu(self) -> QMenu:
        """What this person may issue or print."""
        menu = QMenu(self._button)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(_("Giấy nghỉ việc hưởng BHXH"), self.certificate_wanted.emit)
        if self._session.may(Action.PRINT):
            menu.addSeparator()
            for form, title in _FORMS:
                menu.addAction(_(title), partial(self.form_wanted.emit, form))
        return menu

    def _open(self) -> None:
        self.menu().popup(self._button.mapToGlobal(QPoint(0, self._button.height())))

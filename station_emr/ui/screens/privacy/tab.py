"""What the three lists of the page have in common: a table, its buttons, and how a step is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from PySide6.QtCore import QObject, Signal

from station_emr.services.i18n import _
from station_emr.services.privacy import PatientConsents
from station_emr.ui.kit import Button, Screen, Severity, Table, dialogs, plain_table, secondary
from station_emr.ui.models.session import Session

_PDF: Final = "PDF (*.pdf)"
R = TypeVar("R")


class Tab(QObject, Generic[R]):
    """``refused(error)`` when a step was not taken; ``stale`` when everything is to be read again."""

    refused = Signal(object)
    stale = Signal()

    def __init__(self, session: Session, page: Screen, table: Table[R]) -> None:
        super().__init__(page)
        self._session = session
        self._page = page
        self.table = plain_table(table)
        self.buttons: list[Button] = []
        self.patient_id = ""
        self.wanted = ""  # the record that somebody came for; the cursor goes there once
        self.person: PatientConsents | None = None  # whose page it is, once that was read
        table.picked.connect(lambda _row: self.fit())

    def read(self) -> None:
        """Of the one person, or of all where ``patient_id`` is empty."""
        raise NotImplementedError

    def id_of(self, row: R) -> str:
        """Of the record that a row is about."""
        raise NotImplementedError

    def fit(self) -> None:
        """Only what can be done with the chosen line."""
        raise NotImplementedError

    def _button(self, text: str, key: str, does: Callable[[], None]) -> Button:
        button = secondary(text, f"privacy.{key}")
        button.clicked.connect(does)
        self.buttons.append(button)
        return button

    def _show(self, rows: tuple[R, ...]) -> None:
        self.table.set_rows(rows)
        wanted = next((row for row in rows if self.wanted and self.id_of(row) == self.wanted), None)
        if wanted is not None:
            self.wanted = ""
            self.table.choose(wanted)
            self.table.setFocus()
        if self.table.current() is None:
            self.table.choose_first()
        self.fit()

    def _do(self, action: Callable[[], object], said: str) -> None:
        def done(_answer: object) -> None:
            self._page.say(said, Severity.SUCCESS)
            self.stale.emit()

        self._session.ask(action, done, owner=self, failed=self.refused.emit)

    def _save(self, make: Callable[[], bytes], name: str) -> None:
        """To the file the person chooses; its name says nothing of anybody."""
        target = dialogs.save_file(self._page, _("Lưu giấy"), Path(name), _PDF)
        if target is None:
            return

        def made() -> Path:
            target.write_bytes(make())
            return target

        def done(path: Path) -> None:
            self._page.say(_("Đã lưu {name}.").format(name=path.name), Severity.SUCCESS)

        self._session.ask(made, done, owner=self, failed=self.refused.emit)

"""What the program saw of one requirement, and the head's own word where it sees nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtWidgets import QWidget

from station_emr.domain.dossier import Row, Standing
from station_emr.services.i18n import _
from station_emr.ui.kit import Form, LineField, SegmentedField, hbox, label, named, secondary, vbox

_CHOICES: Final = (Standing.MET, Standing.PARTLY, Standing.NOT_MET, Standing.OWN)


class RowCard(QWidget):
    """``judge(key, standing, note)`` keeps the word; shown to the director only."""

    def __init__(self, judge: Callable[[str, Standing, str], None], *, may_judge: bool) -> None:
        super().__init__()
        self._judge, self._may = judge, may_judge
        self._row: Row | None = None
        self.facts = label("", wrap=True, selectable=True)
        self.own = label("", "muted", wrap=True, selectable=True)
        self.choice = SegmentedField(
            [
                (one.value, _("Chưa đánh giá") if one is Standing.OWN else _(one.label))
                for one in _CHOICES
            ]
        )
        for place, button in enumerate(self.choice.buttons):
            named(button, f"dossier.own.{place}")
        self.form = Form("dossier.own")
        self.form.add("choice", _("Tự đánh &giá"), self.choice)
        self.note = self.form.add("note", _("&Nhận xét"), LineField(max_length=500))
        self.keep = secondary(_("Lưu đánh giá"), "dossier.own.save")
        self._box = QWidget()
        vbox(self.form, hbox(self.keep, None), parent=self._box)
        vbox(self.facts, self.own, self._box, parent=self)
        self.keep.clicked.connect(self._save)
        self._box.hide()

    def show_row(self, row: Row) -> None:
        self._row = row
        self.facts.setText(
            _("{article}. {demand}. {facts}").format(
                article=row.article, demand=row.demand, facts=row.facts
            )
        )
        own = row.own
        self.own.setVisible(own is not None)
        if own is not None:
            self.own.setText(
                _("{by} tự đánh giá ngày {day:%d/%m/%Y}: {standing}. {note}").format(
                    by=own.by, day=own.at, standing=own.standing.label, note=own.note
                )
            )
        self._box.setVisible(self._may and row.standing is Standing.OWN)
        self.choice.set_value((own.standing if own is not None else Standing.OWN).value)
        self.note.set_value(own.note if own is not None else "")

    def _save(self) -> None:
        if self._row is not None:
            self._judge(self._row.key, Standing(str(self.choice.value())), self.note.value())

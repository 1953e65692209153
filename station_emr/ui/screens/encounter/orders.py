"""Rapid tests and procedures done during the visit, with their results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from station_emr.domain.catalog import CatalogHit, CatalogKind, CatalogRow
from station_emr.domain.encounter import Procedure
from station_emr.domain.text import fold
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    CheckField,
    LineField,
    Suggestion,
    TypeaheadField,
    clear,
    hbox,
    icon_button,
    label,
    match_spans,
    named,
    number_text,
    vbox,
)
from station_emr.ui.models.session import Session
from station_emr.ui.screens.encounter.typed import parse_number

_NEGATIVE: Final = frozenset({"a", "am", "am tinh", "at"})
_POSITIVE: Final = frozenset({"d", "duong", "duong tinh", "dt"})


class OrderRow(QWidget):
    """One test or procedure: its name, the result, whether it is abnormal."""

    changed = Signal()
    removed = Signal()

    def __init__(self, procedure: Procedure, row: CatalogRow | None, name: str) -> None:
        super().__init__()
        self._procedure = procedure
        self._limits = _limits(row)
        self._qualitative = row is not None and not row.attributes.get("value_kind")
        words = label(procedure.name, "dense", wrap=True)
        unit = str(row.attributes.get("unit") or "") if row is not None else ""
        self.result = LineField(placeholder=self._hint(), max_length=200, unit=unit)
        self.result.set_dense()
        self.result.set_value(procedure.result)
        named(self.result.editor, f"{name}.result")
        self.result.set_spoken(_("Kết quả {name}").format(name=procedure.name))
        self.abnormal = CheckField(_("Bất thường"))
        self.abnormal.set_value(procedure.abnormal)
        named(self.abnormal.box, f"{name}.abnormal")
        self.abnormal.box.setAccessibleName(_("{name} bất thường").format(name=procedure.name))
        self.abnormal.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.drop = icon_button("x", f"{name}.remove", _("Bỏ {name}").format(name=procedure.name))
        row_box = hbox(words, self.result, self.abnormal, self.drop, gap=GAP_S, parent=self)
        self.abnormal.setVisible(procedure.is_test)
        row_box.setStretch(0, 5)
        row_box.setStretch(1, 4)
        self.result.changed.connect(self.changed)
        self.result.left.connect(self._finish)
        self.result.entered.connect(self._finish)
        self.abnormal.changed.connect(self.changed)
        self.drop.clicked.connect(self.removed)

    def _hint(self) -> str:
        if not self._procedure.is_test:
            return _("Ghi chú (không bắt buộc)")
        low, high = self._limits
        if low is not None and high is not None:
            return f"{number_text(low)}–{number_text(high)}"
        if high is not None:
            return f"≤ {number_text(high)}"
        return _("a: âm tính, d: dương tính") if self._qualitative else _("Kết quả")

    def _finish(self) -> None:
        """``a`` and ``d`` are written out; a number outside the limits is marked abnormal."""
        text = self.result.value()
        if not self._procedure.is_test or text == self._procedure.result:
            return
        typed = fold(text)
        if self._qualitative and (typed in _NEGATIVE or text == "-"):
            self._write(_("Âm tính"), abnormal=False)
        elif self._qualitative and (typed in _POSITIVE or text == "+"):
            self._write(_("Dương tính"), abnormal=True)
        elif any(self._limits) and (value := parse_number(text)) is not None:
            low, high = self._limits
            outside = (low is not None and value < low) or (high is not None and value > high)
            self._write(text, abnormal=outside)
        self._procedure = replace(self._procedure, result=self.result.value())

    def _write(self, text: str, *, abnormal: bool) -> None:
        self.result.set_value(text)
        self.abnormal.set_value(abnormal)
        self.changed.emit()

    @property
    def procedure(self) -> Procedure:
        return replace(self._procedure, result=self.result.value(), abnormal=self.abnormal.value())

    def set_read_only(self, read_only: bool) -> None:
        self.result.set_read_only(read_only)
        self.abnormal.setEnabled(not read_only)
        self.drop.setVisible(not read_only)


class OrdersPanel(QWidget):
    """What was done, and a line to add more."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._locked = False
        self.rows: list[OrderRow] = []
        caption = label(_("Chỉ định: &xét nghiệm nhanh, thủ thuật"), "label")
        self._list = vbox(gap=4)
        self.entry = TypeaheadField(
            placeholder=_("Ví dụ: duong huyet, dien tim, khau vet thuong"),
            icon="magnifying-glass",
            clear_on_choice=True,
        )
        named(self.entry.editor, "encounter.order")
        self.entry.set_spoken(_("Chỉ định: xét nghiệm nhanh, thủ thuật"))
        caption.setBuddy(self.entry.editor)
        vbox(caption, self._list, self.entry, gap=6, parent=self)
        self.entry.wanted.connect(self._look_up)
        self.entry.chosen.connect(self._chosen)

    @property
    def procedures(self) -> tuple[Procedure, ...]:
        return tuple(row.procedure for row in self.rows)

    def fill(self, procedures: tuple[Procedure, ...], known: Mapping[str, CatalogRow]) -> None:
        """``known`` are the list's rows of these procedures, by code."""
        clear(self._list)
        self.rows = []
        self.entry.set_value(None)
        for procedure in procedures:
            self._add(procedure, known.get(procedure.code))

    def set_read_only(self, read_only: bool) -> None:
        self._locked = read_only
        self.entry.setVisible(not read_only)
        for row in self.rows:
            row.set_read_only(read_only)

    def focus_field(self, dotted: str) -> None:
        """Go to the result of ``procedures.1``, or to the line that adds one."""
        place = dotted.partition(".")[2]
        if place.isdigit() and int(place) < len(self.rows):
            self.rows[int(place)].result.editor.setFocus()
        else:
            self.entry.editor.setFocus()

    def _look_up(self, text: str) -> None:
        catalogs = self._session.services.catalogs

        def find() -> list[CatalogHit]:
            found = [
                *catalogs.search(CatalogKind.RAPID_TEST, text, 6),
                *catalogs.search(CatalogKind.PROCEDURE, text, 6),
            ]
            return sorted(found, key=lambda hit: hit.rank)[:8]

        self._session.ask(
            find, lambda hits: self._answer(hits, text), owner=self, latest="encounter.orders"
        )

    def _answer(self, hits: Iterable[CatalogHit], text: str) -> None:
        self.entry.set_results(
            [
                Suggestion(
                    title=hit.row.name,
                    payload=hit.row,
                    trailing=_("Xét nghiệm")
                    if hit.row.kind is CatalogKind.RAPID_TEST
                    else _("Thủ thuật"),
                    matches=match_spans(hit.row.name, text),
                )
                for hit in hits
            ],
            text,
        )

    def _chosen(self, suggestion: object) -> None:
        row = suggestion.payload if isinstance(suggestion, Suggestion) else None
        if not isinstance(row, CatalogRow):
            return
        now, user = self._session.services.clock.now(), self._session.actor.user
        made = self._add(
            Procedure(
                code=row.code,
                name=row.name,
                is_test=row.kind is CatalogKind.RAPID_TEST,
                unit=str(row.attributes.get("unit") or ""),
                indicator=str(row.attributes.get("indicator") or ""),
                ordered_at=now,
                started_at=now,
                performed_by=user.full_name,
                performer_licence=user.snapshot.licence_no,
            ),
            row,
        )
        made.result.editor.setFocus()
        self.changed.emit()

    def _add(self, procedure: Procedure, row: CatalogRow | None) -> OrderRow:
        made = OrderRow(procedure, row, f"encounter.orders.{len(self.rows)}")
        made.set_read_only(self._locked)
        made.changed.connect(self.changed)
        made.removed.connect(lambda: self._remove(made))
        made.result.moves_on = False
        made.result.entered.connect(self.entry.editor.setFocus)
        self.rows.append(made)
        self._list.addWidget(made)
        for row_made in self.rows:
            QWidget.setTabOrder(self.entry.editor, row_made.result.editor)
        return made

    def _remove(self, row: OrderRow) -> None:
        self.rows.remove(row)
        self._list.removeWidget(row)
        row.hide()
        row.deleteLater()
        self.entry.editor.setFocus()
        self.changed.emit()


def _limits(row: CatalogRow | None) -> tuple[Decimal | None, Decimal | None]:
    if row is None:
        return None, None
    low, high = row.attributes.get("normal_low"), row.attributes.get("normal_high")
    return (
        None if low is None else Decimal(str(low)),
        None if high is None else Decimal(str(high)),
    )

"""The table of rights: one line for each thing a person can do, one column for each role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from PySide6.QtWidgets import QWidget
from typing_extensions import override

from station_emr.domain.access import RoleChange
from station_emr.domain.errors import StationError
from station_emr.domain.permissions import Action, Role
from station_emr.services.i18n import _
from station_emr.services.roles import Cell, Origin
from station_emr.ui.kit import (
    GAP_M,
    Card,
    CheckField,
    Column,
    Screen,
    ScreenHeader,
    Severity,
    Shortcut,
    Table,
    dialogs,
    hbox,
    icon_button,
    label,
    named,
    plain_table,
    primary,
    scrolled,
    secondary,
    vbox,
)
from station_emr.ui.models import routes
from station_emr.ui.models.session import Session

_SHORT: Final = {
    Role.DIRECTOR: "Giám đốc",
    Role.DOCTOR: "Bác sĩ",
    Role.PHYSICIAN_ASSISTANT: "Y sĩ",
    Role.NURSE: "Điều dưỡng",
    Role.MIDWIFE: "Hộ sinh",
    Role.PHARMACIST: "Dược sĩ",
    Role.ADMINISTRATOR: "Quản trị",
    Role.INSPECTOR: "Thanh tra",
}

# As wide as the heading needs: the names of what is done are long.
_WIDTHS: Final = {
    Role.DIRECTOR: 74,
    Role.DOCTOR: 54,
    Role.PHYSICIAN_ASSISTANT: 46,
    Role.NURSE: 94,
    Role.MIDWIFE: 64,
    Role.PHARMACIST: 66,
    Role.ADMINISTRATOR: 72,
    Role.INSPECTOR: 78,
}


@dataclass(frozen=True, slots=True)
class RightRow:
    action: Action
    cells: tuple[Cell, ...]

    def of(self, role: Role) -> Cell:
        return next(cell for cell in self.cells if cell.role is role)


def cell_text(row: RightRow, role: Role) -> str:
    """``Có``, with a star where the station decided otherwise than the default."""
    cell = row.of(role)
    words = _("Có") if cell.granted else "–"
    return f"{words} *" if cell.granted is not cell.default else words


_HELD_SHOWN: Final = 2  # the note stays a few lines; the log has them all
_NOTE: Final = (
    "Dấu * là chỗ trạm đã đổi so với mặc định. Thay đổi có hiệu lực ngay ở máy này, và ở các máy khác "
    "của trạm sau lần đồng bộ tới."
)


def origin_text(origin: Origin) -> str:
    """Where the table comes from, and what other PCs decided that was not let in."""
    said = [_(_NOTE)]
    if origin.at is not None:
        words = _("Bảng đang dùng do {name} ghi ở {device} lúc {at}.")
        at = f"{origin.at:%H:%M %d/%m/%Y}"
        said.append(words.format(name=origin.by_name, device=origin.device or _("máy này"), at=at))
    for one in origin.held[:_HELD_SHOWN]:
        words = _(
            "Chưa cho có hiệu lực: {what} ({name} ghi ở {device}), vì {why}. Đồng ý thì tự đặt ở máy này."
        )
        told = {"what": one.words, "name": one.by_name, "device": one.device, "why": one.why}
        said.append(words.format(**told))
    if len(origin.held) > _HELD_SHOWN:
        more = len(origin.held) - _HELD_SHOWN
        said.append(_("Còn {count} mục như vậy; xem trong nhật ký.").format(count=more))
    return " ".join(said)


class RightsScreen(Screen):
    least_height = 560

    def __init__(self, session: Session) -> None:
        super().__init__("rights")
        self._session = session
        self._roles = session.services.people.roles
        self._actor = session.actor
        self._chosen: RightRow | None = None
        back = icon_button("arrow-left", "rights.back", _("Về Quản trị"))
        back.clicked.connect(lambda: self.go(routes.SETTINGS))
        self.review = secondary(_("Rà soát hằng năm"), "rights.review", icon="check")
        self.review.clicked.connect(lambda: self.go(routes.RIGHTS_REVIEW))
        self.save = primary(_("Lưu"), "rights.save", Shortcut.SAVE)
        self.save.clicked.connect(self.save_action)
        row = hbox(back, ScreenHeader(_("Phân quyền"), "", (self.review, self.save)))
        row.setStretch(1, 1)
        self.page.addLayout(row)
        self.table = self._make_table()
        left = Card(margin=1)
        left.add(plain_table(self.table), 1)
        body = hbox(left, self._make_card(), gap=GAP_M)
        body.setStretch(0, 5)
        body.setStretch(1, 1)
        self.page.addLayout(body, 1)
        self.note = label(_(_NOTE), "caption", wrap=True)
        self.page.addWidget(self.note)
        self.table.picked.connect(self._picked)
        self.table.opened.connect(lambda _row: self._first_box())

    def _make_table(self) -> Table[RightRow]:
        def text_of(role: Role) -> Callable[[RightRow], str]:
            return lambda row: cell_text(row, role)

        first: Column[RightRow] = Column(
            title=_("Việc"),
            text=lambda r: r.action.label[0].upper() + r.action.label[1:],
            tip=lambda r: r.action.label[0].upper() + r.action.label[1:],
            stretch=True,
            strong=True,
        )
        rest = [
            Column(
                title=_(_SHORT[role]),
                text=text_of(role),
                width=_WIDTHS[role],
                spare=len(Role) - place,
            )
            for place, role in enumerate(Role)  # on a narrow window the card still has them all
        ]
        return Table("rights.table", _("Bảng phân quyền"), [first, *rest], dense=True)

    def _make_card(self) -> Card:
        card = Card()
        card.setMinimumWidth(208)
        self._what = label("", "heading", wrap=True)
        card.add(self._what)
        self.boxes: dict[Role, CheckField] = {}
        column = QWidget()
        fields = []
        for role in Role:
            box = CheckField(_(role.label))
            named(box.editor, f"rights.{role.value}")
            self.boxes[role] = box
            fields.append(box)
        self._told = label("", "muted", wrap=True)
        vbox(*fields, self._told, None, gap=2, parent=column)
        card.add(scrolled(column), 1)
        return card

    # -- showing ---------------------------------------------------------------------------------

    @override
    def on_enter(self, context: object = None) -> None:
        self._load()
        self.table.setFocus()

    def _load(self) -> None:
        self._session.ask(
            lambda: (self._roles.cells(self._actor), self._roles.origin(self._actor)),
            self._show,
            owner=self,
            failed=self._failed,
            latest="rights.cells",
        )

    def _show(self, told: tuple[tuple[Cell, ...], Origin]) -> None:
        cells, origin = told
        self.note.setText(origin_text(origin))
        rows = [
            RightRow(action, tuple(cell for cell in cells if cell.action is action))
            for action in Action
        ]
        self.table.set_rows(rows)
        wanted = self._chosen.action if self._chosen else None
        found = next((row for row in rows if row.action is wanted), None)
        if found is None:
            self.table.choose_first()
        else:
            self.table.choose(found)
            self._picked(found)

    def _picked(self, row: object) -> None:
        if not isinstance(row, RightRow):
            return
        self._chosen = row
        self._what.setText(row.action.label[0].upper() + row.action.label[1:])
        fixed = []
        for role, box in self.boxes.items():
            cell = row.of(role)
            box.set_value(cell.granted)
            box.editor.setEnabled(not cell.fixed)
            if cell.fixed and cell.fixed not in fixed:
                fixed.append(role.label)
        words = _("Không đổi được cho: {names}. Đây là giới hạn chung, trạm nào cũng vậy.")
        self._told.setText(words.format(names=", ".join(fixed)) if fixed else "")

    def _first_box(self) -> None:
        box = next((one for one in self.boxes.values() if one.editor.isEnabled()), None)
        if box is not None:
            box.editor.setFocus()

    # -- doing -----------------------------------------------------------------------------------

    @override
    def save_action(self) -> bool:
        row = self._chosen
        if row is None:
            return True
        wanted = [
            (role, row.action, box.value())
            for role, box in self.boxes.items()
            if not row.of(role).fixed and box.value() is not row.of(role).granted
        ]
        if not wanted:
            self.say(_("Chưa có gì đổi."), Severity.INFO)
            return True
        told = "\n".join(
            _("{role}: {before} → {after}").format(
                role=role.label, before=_word(not granted), after=_word(granted)
            )
            for role, _action, granted in wanted
        )
        if dialogs.confirm(
            self, _("Đổi quyền “{what}”?").format(what=row.action.label), told, yes=_("Đổi quyền")
        ):
            self._session.ask(
                partial(self._roles.change, self._actor, wanted),
                self._changed,
                owner=self,
                failed=self._failed,
            )
        return True

    def _changed(self, made: tuple[RoleChange, ...]) -> None:
        self._session.rights_changed()
        words = _("Đã đổi {count} quyền. Có hiệu lực ngay, đã ghi nhật ký.")
        self.say(words.format(count=len(made)), Severity.SUCCESS)
        self._load()

    def _failed(self, error: StationError) -> None:
        self.say(str(error), Severity.DANGER)


def _word(granted: bool) -> str:  # one of two words
    return _("được") if granted else _("không được")

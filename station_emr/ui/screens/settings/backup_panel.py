"""Copies in other places: which places, how the last one went, the rehearsal, the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from station_emr.domain.permissions import Action
from station_emr.services.backup_ports import BackupPlace, Drill, Trouble
from station_emr.services.backup_words import GRAVE, brief, sentence
from station_emr.services.backups import BackupCopy, BackupState
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    GAP_S,
    GAP_XS,
    Banner,
    Chip,
    ChipSpec,
    Message,
    Severity,
    clear,
    dialogs,
    hbox,
    label,
    primary,
    quiet,
    rule,
    secondary,
)
from station_emr.ui.models.moments import show_moment
from station_emr.ui.models.session import Session
from station_emr.ui.screens.settings.keep_box import KeepBox
from station_emr.ui.screens.settings.panel import Panel
from station_emr.ui.tasks import Lane

T = TypeVar("T")


class BackupPanel(Panel):
    def __init__(self, session: Session) -> None:
        super().__init__(
            session,
            "settings.backup_panel",
            _("Sao lưu"),
            _(
                "Mỗi ngày chương trình tự chép hồ sơ đã mã hóa ra các nơi dưới đây, mở thử rồi mới tính "
                "là bản sao. Hãy để trên USB hoặc ổ đĩa khác, cất nơi có khóa."
            ),
        )
        self._last = label("", "strong", wrap=True)
        self._place = label("", "muted", wrap=True, selectable=True)
        self.add(self._last)
        self.add(self._place)
        self.warning = Banner("settings.backup.warning", closable=False)
        self.add(self.warning)
        self.note = Banner("settings.backup.note", closable=False)
        self.add(self.note)
        self.make = primary(_("&Sao lưu ngay…"), "settings.backup.make", icon="hard-drives")
        self.make.clicked.connect(self._make)
        self.add_place = secondary(_("&Thêm nơi sao lưu…"), "settings.backup.add", icon="plus")
        self.add_place.clicked.connect(self._add)
        if not session.may(Action.SETTINGS_EDIT):
            self.add_place.hide()
        self.body.addSpacing(GAP_S)
        self.body.addLayout(hbox(self.make, self.add_place, None))
        self.add(rule())
        self.add(label(_("Nơi sao lưu hằng ngày"), "strong"))
        self._rows = QVBoxLayout()
        self._rows.setSpacing(GAP_XS)
        self.body.addLayout(self._rows)
        self.keep = KeepBox(may_change=session.may(Action.SETTINGS_EDIT))
        self.keep.wanted.connect(self._keep)
        self.add(self.keep)
        self.add(rule())
        self.add(label(_("Diễn tập khôi phục"), "strong"))
        self._drilled = label("", "muted", wrap=True)
        self.add(self._drilled)
        self.rehearse = secondary(_("&Diễn tập khôi phục"), "settings.backup.drill", icon="check")
        self.rehearse.clicked.connect(self._drill)
        self.body.addLayout(hbox(self.rehearse, None))
        self._back = label(
            _(
                "Khôi phục thật: đăng xuất, rồi ở màn hình đăng nhập chọn “Khôi phục từ bản sao lưu”. "
                "Chương trình cho xem trước và không xóa gì."
            ),
            "muted",
            wrap=True,
        )
        self.add(self._back)
        self.body.addStretch(1)
        self._places: tuple[BackupPlace, ...] = ()

    @override
    def load(self) -> None:
        backups = self._services.backups
        self._session.runner.run(backups.state, done=self._show, owner=self, lane=Lane.POOL)

    @override
    def focus(self) -> QWidget:
        return self.make

    # -- showing -------------------------------------------------------------------------------

    def _show(self, state: BackupState) -> None:
        if state.last is None:
            self._last.setText(_("Chưa sao lưu lần nào."))
        else:
            self._last.setText(
                _("Sao lưu gần nhất: {when}").format(when=show_moment(state.last.at))
            )
        self._place.setText(state.last.place if state.last is not None else "")
        self._place.setVisible(state.last is not None)
        self._warn(state.troubles)
        self._places = state.places
        self.make.set_label(_("&Sao lưu ngay") if state.places else _("&Sao lưu ngay…"))
        clear(self._rows)
        for place in state.places:
            self._rows.addWidget(self._row(place))
        if not state.places:
            self._rows.addWidget(label(_("Chưa chọn nơi nào."), "muted"))
        self.keep.show_plan(state.plan)
        self._tell_drill(state.drill)

    def _warn(self, troubles: tuple[Trouble, ...]) -> None:
        if not troubles:
            self.warning.dismiss()
            return
        worst = troubles[0]
        severity = Severity.DANGER if worst in GRAVE else Severity.WARNING
        self.warning.show_message(Message(text=sentence(worst), severity=severity))

    def _row(self, place: BackupPlace) -> QWidget:
        when = show_moment(place.last_at) if place.last_at else _("chưa có bản nào")
        if place.trouble is None:
            chip = Chip(_("Tốt"), Severity.SUCCESS) if place.last_at else Chip(_("Chờ"))
        else:
            chip = Chip("")
            chip.set(ChipSpec(brief(place.trouble), Severity.WARNING))
        drop = quiet(_("Bỏ nơi này"), f"settings.backup.remove.{place.mark}", icon="x")
        drop.setAccessibleName(_("Bỏ nơi sao lưu {path}").format(path=place.path))
        if not self._session.may(Action.SETTINGS_EDIT):
            drop.hide()
        drop.clicked.connect(lambda: self._remove(place))
        told = label(f"{place.path}\n{when}", "body", wrap=True, selectable=True)
        row = QWidget()
        line = hbox(told, chip, drop, parent=row)
        line.setStretch(0, 1)
        return row

    def _tell_drill(self, drill: Drill | None) -> None:
        if drill is None:
            self._drilled.setText(
                _("Chưa diễn tập lần nào. Việc này mở thử bản sao gần nhất, không đổi gì.")
            )
            return
        words = (
            _("Lần gần nhất {when}: đạt, {seconds} giây, {count} người bệnh.")
            if drill.passed
            else _("Lần gần nhất {when}: không đạt. {reason}")
        )
        self._drilled.setText(
            words.format(
                when=show_moment(drill.at),
                seconds=f"{drill.seconds:.1f}".replace(".", ","),
                count=drill.counts.get("patient", 0),
                reason=drill.reason,
            )
        )

    # -- doing ---------------------------------------------------------------------------------

    def _run(self, work: Callable[[], T], done: Callable[[T], None], told: str) -> None:
        """In the pool: people go on writing meanwhile."""
        self._enable(on=False)
        self.note.show_message(Message(text=told, severity=Severity.INFO))
        self._session.runner.run(
            work,
            done=done,
            failed=lambda error: self._tell(str(error), Severity.DANGER),
            finally_=lambda: self._enable(on=True),
            owner=self,
            lane=Lane.POOL,
        )

    def _enable(self, *, on: bool) -> None:
        for button in (self.make, self.add_place, self.rehearse, self.keep.keep):
            button.setEnabled(on)

    def _make(self) -> None:
        backups, told = (
            self._services.backups,
            _("Đang sao lưu và kiểm tra bản sao. Bạn vẫn làm việc khác được."),
        )
        if self._places:
            self._run(lambda: backups.make_everywhere(self._actor), self._served, told)
            return
        folder = dialogs.choose_folder(self, _("Chọn nơi để bản sao (USB hoặc ổ đĩa khác)"))
        if folder is not None:
            self._run(lambda: backups.make(self._actor, str(folder)), self._made, told)

    def _served(self, places: tuple[BackupPlace, ...]) -> None:
        bad = next((one.trouble for one in places if one.trouble is not None), None)
        if bad is None:
            self._tell(
                _("Đã sao lưu và mở thử được ở {count} nơi.").format(count=len(places)),
                Severity.SUCCESS,
            )
        else:
            self._tell(sentence(bad), Severity.WARNING)
        self.load()

    def _made(self, copy: BackupCopy) -> None:
        size = f"{copy.size / 1024 / 1024:.1f}".replace(".", ",")
        self._tell(
            _("Đã sao lưu và mở thử được: {name}, {size} MB.").format(
                name=Path(copy.place).name, size=size
            ),
            Severity.SUCCESS,
        )
        self.load()

    def _add(self) -> None:
        folder = dialogs.choose_folder(self, _("Chọn nơi sao lưu hằng ngày"))
        if folder is not None:
            self._run(
                lambda: self._services.backups.add_place(self._actor, str(folder)),
                self._added,
                _("Đang xem nơi vừa chọn."),
            )

    def _added(self, place: BackupPlace) -> None:
        if place.trouble is None:
            self._tell(_("Từ nay mỗi ngày có một bản sao ở {path}.").format(path=place.path))
        else:
            self._tell(sentence(place.trouble), Severity.WARNING)
        self.load()

    def _remove(self, place: BackupPlace) -> None:
        sure = dialogs.confirm(
            self,
            _("Bỏ nơi sao lưu này?"),
            _("Từ nay không sao lưu vào {path} nữa. Các bản sao ở đó vẫn còn.").format(
                path=place.path
            ),
            yes=_("Bỏ nơi này"),
        )
        if sure:
            self._run(
                lambda: self._services.backups.remove_place(self._actor, place.path),
                lambda _none: self._removed(),
                _("Đang bỏ nơi sao lưu."),
            )

    def _removed(self) -> None:
        self._tell(_("Đã bỏ nơi sao lưu. Các bản sao ở đó vẫn còn."))
        self.load()

    def _keep(self, days: int, weeks: int, months: int) -> None:
        self._run(
            lambda: self._services.backups.set_plan(self._actor, days, weeks, months),
            lambda _none: self._kept(),
            _("Đang lưu thời gian giữ bản sao."),
        )

    def _kept(self) -> None:
        self._tell(_("Đã đổi thời gian giữ bản sao. Áp dụng từ lần sao lưu sau."))
        self.load()

    def _drill(self) -> None:
        self._run(
            lambda: self._services.backups.drill(self._actor),
            self._rehearsed,
            _("Đang mở thử bản sao gần nhất. Hồ sơ không bị đụng tới; bạn vẫn làm việc khác được."),
        )

    def _rehearsed(self, drill: Drill) -> None:
        if drill.passed:
            self._tell(_("Diễn tập đạt: bản sao gần nhất mở được và đủ như lúc tạo."))
        else:
            self._tell(drill.reason, Severity.DANGER)
        self.load()

    def _tell(self, text: str, severity: Severity = Severity.SUCCESS) -> None:
        self.note.show_message(Message(text=text, severity=severity))

"""The wizard over an empty folder. Nothing is written before the second step is complete."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QStackedWidget, QWidget

from station_emr.domain.errors import InvalidRecord, Problem, StationError
from station_emr.services.i18n import _
from station_emr.ui.kit import (
    Banner,
    Chip,
    ChipSpec,
    Message,
    Severity,
    Shortcut,
    hbox,
    primary,
    secondary,
)
from station_emr.ui.kit.cover import CoverPage
from station_emr.ui.kit.memory import memory
from station_emr.ui.kit.recovery_step import RecoveryStep
from station_emr.ui.models.gate import JOINING, Gate
from station_emr.ui.screens.setup.director_step import DirectorStep
from station_emr.ui.screens.setup.station_step import StationStep
from station_emr.ui.tasks import Lane, TaskRunner

_WIDTH = 760
_DIRECTOR_FIELDS = ("username", "full_name", "password", "licence_no", "role")


class SetupPage(CoverPage):
    """``finished`` once the station stands and the code is kept; ``demo_wanted`` for a look."""

    finished = Signal()
    demo_wanted = Signal()
    restore_wanted = Signal()

    def __init__(self, gate: Gate, runner: TaskRunner) -> None:
        super().__init__(
            "setup",
            _("Thiết lập trạm mới"),
            _("Làm một lần trên máy này, khoảng năm phút. Không cần mạng."),
            width=_WIDTH,
        )
        self._gate = gate
        self._runner = runner
        self._titles = (_("1. Trạm"), _("2. Giám đốc"), _("3. Mã khôi phục"))
        self._chips = [Chip(title) for title in self._titles]
        self.card.body.addLayout(hbox(*self._chips, None))
        self.banner = Banner("setup.message", closable=False)
        self.card.add(self.banner)
        self.station = StationStep()
        self.director = DirectorStep(gate.password_problems)
        self.recovery: RecoveryStep | None = None
        self._stack = QStackedWidget()
        self._stack.addWidget(self.station)
        self._stack.addWidget(self.director)
        self.card.add(self._stack)
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        policy = self.busy.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.busy.setSizePolicy(policy)
        self.busy.hide()
        self.card.add(self.busy)
        self.demo = secondary(_("Dùng thử trạm mẫu"), "setup.demo", icon="flask")
        self.restore = secondary(
            _("Khôi phục từ bản sao lưu"), "setup.restore", icon="clock-counter-clockwise"
        )
        self.restore.clicked.connect(self.restore_wanted)
        self.back = secondary(_("Quay lại"), "setup.back", Shortcut.BACK)
        self.next = primary(_("Tiếp tục"), "setup.next", Shortcut.SIGN)
        self.card.body.addLayout(hbox(self.demo, self.restore, None, self.back, self.next))
        self.demo.clicked.connect(self.demo_wanted)
        self.back.clicked.connect(lambda: self._show_step(0))
        self.next.clicked.connect(self.go_on)
        self.station.submitted.connect(self.go_on)
        self.director.submitted.connect(self.go_on)
        runner.run(gate.places, done=self.station.set_places, owner=self.station, lane=Lane.POOL)
        self._show_step(0)

    def go_on(self) -> None:
        """Ctrl+Enter: check this step and take the next."""
        step = self._stack.currentIndex()
        if step == 0 and self.station.check():
            self._show_step(1)
        elif step == 1 and self.director.check():
            self._create()
        elif self.recovery is not None:
            self.recovery.check()

    def _show_step(self, step: int) -> None:
        self.banner.dismiss()
        self._stack.setCurrentIndex(step)
        for place, chip in enumerate(self._chips):
            severity = Severity.NEUTRAL
            if place == step:
                severity = Severity.INFO
            elif place < step:
                severity = Severity.SUCCESS
            icon = "check" if place < step else ""
            chip.set(ChipSpec(self._titles[place], severity, icon=icon))
        self.demo.setVisible(step == 0)
        self.restore.setVisible(step == 0)
        self.back.setVisible(step == 1)
        self.next.set_label(_("Xong, đến đăng nhập") if step == 2 else _("Tiếp tục"))
        page = self._pages()[step]
        self.setFocusProxy(page)
        page.setFocus()

    def _pages(self) -> list[QWidget]:
        last = [self.recovery] if self.recovery is not None else []
        return [self.station, self.director, *last]

    # -- creating ------------------------------------------------------------------------------

    def _create(self) -> None:
        profile, director = self.station.profile(), self.director.director()
        password = self.director.password.value()
        self._set_busy(working=True)
        self._runner.run(
            lambda: self._gate.create(profile, director, password),
            done=self._created,
            failed=self._refused,
            owner=self,
        )

    def _created(self, code: str) -> None:
        self._set_busy(working=False)
        if self.station.joining.value():
            memory().put(JOINING, "1")  # the record is fetched once somebody is logged in
        name = self.station.profile().name
        self.recovery = RecoveryStep(code, lambda: self._gate.recovery_sheet(name, code))
        self.recovery.done.connect(self.finished)
        self._stack.addWidget(self.recovery)
        self._show_step(2)

    def _refused(self, error: StationError) -> None:
        self._set_busy(working=False)
        if not isinstance(error, InvalidRecord):
            self.banner.show_message(Message(text=str(error), severity=Severity.DANGER))
            return
        mine = [p for p in error.problems if p.field in _DIRECTOR_FIELDS]
        if mine:
            self.director.show_problems(mine)
        else:
            self._show_step(0)
            self._show_station_problems(error.problems)

    def _show_station_problems(self, problems: tuple[Problem, ...]) -> None:
        for left in self.station.form.set_problems(problems):
            self.banner.show_message(Message(text=left.message, severity=Severity.DANGER))

    def _set_busy(self, *, working: bool) -> None:
        self.busy.setVisible(working)
        parts: tuple[QWidget, ...] = (self._stack, self.back, self.next)
        for part in parts:
            part.setEnabled(not working)

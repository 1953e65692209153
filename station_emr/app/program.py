"""One run of the window: the theme, the tasks, the desk, and the demo with its province."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from station_emr.demo.province import DemoProvince
from station_emr.demo.station import demo_profile
from station_emr.domain.errors import StationError
from station_emr.services.i18n import _
from station_emr.services.ports import Clock
from station_emr.ui.kit import apply_theme, dialogs, use_memory
from station_emr.ui.shell import MainWindow
from station_emr.ui.shell.desk import Desk
from station_emr.ui.shell.file_memory import FileMemory, WrittenSoon
from station_emr.ui.shell.waiting import WaitingPage
from station_emr.ui.tasks import Lane, ProblemSink, Progress, Task, TaskRunner

from .gate import StationGate

if TYPE_CHECKING:
    from station_emr.demo.gateways import DemoGateways

THEME: Final = "ui.theme"
_MEMORY: Final = "window.json"
_PROBLEMS: Final = "problems"
_DEMO_FOLDER: Final = "demo"


class Program(QObject):
    """One run of the window over one data folder."""

    def __init__(self, app: QApplication, folder: Path, clock: Clock, *, demo: bool) -> None:
        super().__init__(app)
        self._app = app
        self._folder = folder
        self._clock = clock
        self._demo = demo
        self._province: DemoProvince | None = None
        self._gateways: DemoGateways | None = None
        self._memory = memory = WrittenSoon(FileMemory(folder / _MEMORY), self)
        use_memory(memory)
        apply_theme(app, "dark" if memory.get(THEME) == "dark" else "light")
        problems = ProblemSink(folder / _PROBLEMS, now=clock.now, parent=self)
        problems.install()
        self.runner = TaskRunner(problems=problems, parent=self)
        self.window = MainWindow()
        self.gate = StationGate(folder, clock, demo=demo)
        self.desk = Desk(self.window, self.gate, self.runner, str(folder), parent=self)
        self.desk.leave_wanted.connect(self.window.close)
        self.desk.setup_wanted.connect(self._set_up)
        self.desk.log_in_shown.connect(self._warm_up)

    def start(self) -> None:
        self.window.show()
        if self._demo:
            self._prepare_demo()
        else:
            self.desk.start()

    def _warm_up(self) -> None:
        """Load what the log-in will need while the person types."""

        def load() -> None:
            import station_emr.station  # noqa: PLC0415 - see the gate
            import station_emr.ui.shell.registry  # noqa: F401, PLC0415 - see the gate

        self.runner.run(load, lane=Lane.POOL)

    def _set_up(self) -> None:
        # Only the first run needs the wizard; every other start is spared its code.
        from station_emr.ui.screens.setup import SetupPage  # noqa: PLC0415

        page = SetupPage(self.gate, self.runner)
        page.finished.connect(self.desk.start)
        page.demo_wanted.connect(self._look_at_demo)
        page.restore_wanted.connect(self.desk.show_restore)
        self.window.cover(page)

    def _look_at_demo(self) -> None:
        """A folder of its own: made-up people never lie where a real station will be."""
        self._folder = self._folder / _DEMO_FOLDER
        self.gate = StationGate(self._folder, self._clock, demo=True)
        self.desk.use_gate(self.gate, str(self._folder))
        self._prepare_demo()

    # -- demo ----------------------------------------------------------------------------------

    def _prepare_demo(self) -> None:
        """Make the station of the demo if need be, start its province, then show the names."""
        page = WaitingPage(
            _("Trạm dùng thử"), _("Dữ liệu giả: khoảng 300 người, một năm khám bệnh.")
        )
        self.window.cover(page)

        def work(progress: Progress) -> None:
            from station_emr.demo.filled import make_filled_station  # noqa: PLC0415 - see the gate

            def tell(done: int, total: int) -> None:
                words = _("{done} trên {total} lượt khám").format(
                    done=min(done, total), total=total
                )
                progress.report(done, total, words)

            make_filled_station(self._folder, tell)
            progress.report(1, 1, _("Khởi động máy chủ tỉnh dùng thử…"))
            self._start_province()

        task: Task = self.runner.run_long(
            work,
            done=lambda _none: self.desk.start(),
            failed=self._demo_failed,
            progress=page.show_progress,
            owner=page,
        )
        page.cancelled.connect(lambda: self._cancel_demo(task))

    def _start_province(self) -> None:
        from station_emr.demo.gateways import DemoGateways  # noqa: PLC0415 - see the gate
        from station_emr.demo.scripted import configure_province  # noqa: PLC0415 - see the gate

        province = DemoProvince(self._folder / "province", demo_profile("").code)
        self._province = province
        address = province.start()
        configure_province(self._folder, address.url, address.token)
        self._gateways = DemoGateways()
        self._gateways.start()
        self._gateways.configure(self._folder)

    def _demo_failed(self, error: StationError) -> None:
        dialogs.show_problem(self.window, _("Chưa mở được trạm dùng thử"), str(error))
        self.window.close()

    def _cancel_demo(self, task: Task) -> None:
        task.cancel()
        self.window.close()

    # -- ending --------------------------------------------------------------------------------

    def end(self) -> None:
        """After the event loop: what was begun is written, then everything is closed."""
        self.desk.close()
        self._memory.write()
        self.gate.release()
        if self._province is not None:
            self._province.stop()
        if self._gateways is not None:
            self._gateways.stop()

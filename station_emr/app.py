"""Composition root with Qt: joins the window to the adapters and runs the program.

The names on the log-in page need no database. What opens one (SQL, cryptography, forms, network)
is imported in the background while the person types the password, hence the imports in methods.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import platformdirs
from PySide6.QtCore import QMessageLogContext, QObject, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from station_emr.catalogs.starter import starter_rows
from station_emr.db import DATABASE_FILE
from station_emr.demo.province import DemoProvince
from station_emr.demo.station import DEMO_PASSWORD, demo_profile
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.errors import Problem, StationError
from station_emr.domain.record import Changes, StationProfile
from station_emr.domain.sync import SyncStatus
from station_emr.domain.user import Actor, User
from station_emr.security import set_up
from station_emr.security.keyslots import FILE_NAME, KeySlots
from station_emr.security.passwords import password_problems
from station_emr.security.window_claim import WindowClaim
from station_emr.services.clock import SystemClock
from station_emr.services.i18n import _
from station_emr.services.ports import Clock
from station_emr.services.station_services import StationServices
from station_emr.services.views import QueueRow
from station_emr.ui.kit import apply_theme, dialogs, use_memory
from station_emr.ui.kit.memory import Forgetful
from station_emr.ui.models.gate import GateFace, LetterVerdict, Place, StaffTile
from station_emr.ui.models.link_watch import LinkWatch
from station_emr.ui.shell import MainWindow
from station_emr.ui.shell.desk import Desk
from station_emr.ui.shell.file_memory import FileMemory
from station_emr.ui.shell.waiting import WaitingPage
from station_emr.ui.tasks import Lane, ProblemSink, Progress, Task, TaskRunner

if TYPE_CHECKING:
    from station_emr.station import OpenStation

THEME: Final = "ui.theme"
_MEMORY: Final = "window.json"
_PROBLEMS: Final = "problems"
_DEMO_FOLDER: Final = "demo"
_EXIT_DISPLAY: Final = 3
_AWAKE_MS: Final = 500
GIVE_WAY: Final = 0.0005
_NO_DISPLAY: Final = (
    "Không mở được cửa sổ: máy này không có màn hình, hoặc thiếu thư viện đồ họa của hệ thống. "
    "Hãy chạy trên máy có màn hình, hoặc dùng dòng lệnh (xem station-emr --help)."
)


@dataclass(slots=True)
class StationDesk:
    """An open station as the frame needs it."""

    station: OpenStation
    profile: StationProfile
    first_queue: tuple[QueueRow, ...]
    link: LinkWatch | None = None

    @property
    def services(self) -> StationServices:
        return self.station.services

    @property
    def actor(self) -> Actor:
        return self.station.actor

    def listen(self, listener: Callable[[SyncStatus], None]) -> Callable[[], None]:
        return self.station.scheduler.listen(listener)

    def hear(self, listener: Callable[[Changes], None]) -> None:
        self.station.engine.watch_changes(listener)

    def start(self) -> None:
        """Called on the GUI thread, which hears what the operating system says of the network."""
        self.link = LinkWatch(self.station.scheduler.wake)
        self.station.engine.link_cost.ask(self.link.metered)
        self.station.start_background()

    def notify(self) -> None:
        self.station.scheduler.notify()

    def read_letter(self, text: str) -> LetterVerdict:
        from station_emr.security.letters import (  # noqa: PLC0415 - see the module
            TrustedStation,
            key_id,
            public_key_of,
            signing_key_from_bytes,
            verify_letter,
        )
        from station_emr.station import LETTER_KEY  # noqa: PLC0415 - see the module

        with self.station.store.read() as work:
            seed = bytes.fromhex(work.settings.get(LETTER_KEY) or "")
        own = public_key_of(signing_key_from_bytes(seed))
        me = TrustedStation(facility_code=self.profile.code, name=self.profile.name, public_key=own)
        verdict = verify_letter(text, {key_id(own): me})
        return LetterVerdict(verdict.message, verdict.trusted, verdict.content is not None)

    def close(self) -> None:
        if self.link is not None:
            self.link.deleteLater()
        self.station.close()


class StationGate:
    """The stations of one data folder, seen from outside."""

    def __init__(self, folder: Path, clock: Clock, *, demo: bool = False) -> None:
        self._folder = folder
        self._clock = clock
        self._demo = demo
        self._claim = WindowClaim(folder)  # kept over log-outs, until the window is gone

    def has_station(self) -> bool:
        set_up.clear_unfinished(self._folder, DATABASE_FILE)
        return any((self._folder / name).exists() for name in (DATABASE_FILE, FILE_NAME))

    def look(self) -> GateFace:
        slots = KeySlots.load(self._folder / FILE_NAME, clock=self._clock.now)
        people = tuple(
            StaffTile(
                username=person.username,
                name=person.display_name,
                role=person.role_label,
                locked=person.locked,
                attempts_left=person.attempts_left,
            )
            for person in slots.people()
        )
        return GateFace(
            station=slots.station_name,
            people=people,
            demo_password=DEMO_PASSWORD if self._demo else "",
        )

    def open(self, username: str, password: str) -> StationDesk:
        from station_emr.station import open_station  # noqa: PLC0415 - see the module

        return self._desk(lambda: open_station(self._folder, username, password, self._clock))

    def check(self, username: str, password: str) -> None:
        KeySlots.load(self._folder / FILE_NAME, clock=self._clock.now).unlock(username, password)

    def recover(self, username: str, code: str, new_password: str) -> StationDesk:
        from station_emr.station import open_with_recovery  # noqa: PLC0415 - see the module

        return self._desk(
            lambda: open_with_recovery(self._folder, username, code, new_password, self._clock)
        )

    def _desk(self, opening: Callable[[], OpenStation]) -> StationDesk:
        """The first screen's rows are read here, still off the GUI thread."""
        taken = self._claim.take()
        try:
            station = opening()
        except BaseException:
            if taken:  # a wrong password keeps no other window out
                self._claim.release()
            raise
        try:
            rows = _first_queue(station)
            return StationDesk(station, station.services.accounts.station(), rows)
        except BaseException:
            station.close()
            raise

    def release(self) -> None:
        """Let another window open the folder; this one has closed its station."""
        self._claim.release()

    def password_problems(
        self, password: str, username: str, full_name: str
    ) -> tuple[Problem, ...]:
        return password_problems(password, username, full_name)

    def places(self) -> tuple[Place, ...]:
        provinces = (Place(code=r.code, name=r.name) for r in starter_rows(CatalogKind.PROVINCE))
        communes = (
            Place(code=r.code, name=r.name, province=str(r.attributes["province"]))
            for r in starter_rows(CatalogKind.COMMUNE)
        )
        return (*provinces, *communes)

    def create(self, profile: StationProfile, director: User, password: str) -> str:
        from station_emr.station import create_station  # noqa: PLC0415 - see the module

        return create_station(self._folder, profile, director, password, self._clock)

    def recovery_sheet(self, station_name: str, code: str) -> bytes:
        from station_emr.printing.documents import PdfDocuments  # noqa: PLC0415 - see the module

        return PdfDocuments().recovery_sheet(station_name, code, self._clock.now())


def _first_queue(station: OpenStation) -> tuple[QueueRow, ...]:
    try:
        return station.services.encounters.queue(station.actor)
    except StationError:
        return ()  # an administrator sees no patients


class Program(QObject):
    """One run of the window over one data folder."""

    def __init__(self, app: QApplication, folder: Path, clock: Clock, *, demo: bool) -> None:
        super().__init__(app)
        self._app = app
        self._folder = folder
        self._clock = clock
        self._demo = demo
        self._province: DemoProvince | None = None
        memory = FileMemory(folder / _MEMORY)
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
            import station_emr.station  # noqa: PLC0415 - see the module
            import station_emr.ui.shell.registry  # noqa: F401, PLC0415 - see the module

        self.runner.run(load, lane=Lane.POOL)

    def _set_up(self) -> None:
        # Only the first run needs the wizard; every other start is spared its code.
        from station_emr.ui.screens.setup import SetupPage  # noqa: PLC0415

        page = SetupPage(self.gate, self.runner)
        page.finished.connect(self.desk.start)
        page.demo_wanted.connect(self._look_at_demo)
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
            from station_emr.demo.filled import make_filled_station  # noqa: PLC0415 - see the module

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
        from station_emr.demo.scripted import configure_province  # noqa: PLC0415 - see the module

        province = DemoProvince(self._folder / "province", demo_profile("").code)
        self._province = province
        address = province.start()
        configure_province(self._folder, address.url, address.token)

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
        self.gate.release()
        if self._province is not None:
            self._province.stop()


def main(arguments: Sequence[str]) -> int:
    """Run the window. Exit status of the program."""
    options = _options(arguments)
    if options.screenshots is not None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # the same on every machine
    # A thread that computes gives way to the window after half a millisecond, not after five: every
    # cell that is painted asks for the interpreter again.
    sys.setswitchinterval(GIVE_WAY)
    app = make_application()
    clock = SystemClock()
    if options.screenshots is not None:
        return take_screenshots(app, options)
    program = Program(app, options.folder, clock, demo=options.demo)
    QTimer.singleShot(0, program.start)
    _end_on_signals(program)
    status = app.exec()
    program.end()
    return status


def _end_on_signals(program: Program) -> None:
    """Ctrl+C in the terminal, or the system going down, closes the window as its cross does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: program.window.close())
    # Python sees a signal only when it runs; Qt's loop alone would sleep through it.
    awake = QTimer(program)
    awake.timeout.connect(lambda: None)
    awake.start(_AWAKE_MS)


def take_screenshots(app: QApplication, options: Options) -> int:
    """Pictures of every screen; of a few when a station is named. Exit status as ``main``."""
    from station_emr.demo.pictured import make_pictured_station, picture_clock  # noqa: PLC0415
    from station_emr.demo.scripted import DIRECTOR, DOCTOR  # noqa: PLC0415
    from station_emr.ui.shell.camera import Camera, Walk  # noqa: PLC0415

    target = options.screenshots or Path()
    with tempfile.TemporaryDirectory(prefix="station-pictures-") as temporary:
        folder = options.data_dir or Path(temporary) / "station"
        if options.data_dir is None:
            make_pictured_station(folder)
        clock: Clock = picture_clock() if options.data_dir is None else SystemClock()
        program = Program(app, folder, clock, demo=True)
        use_memory(Forgetful())  # pictures do not depend on what somebody did before
        walk = Walk(
            target=target,
            password=DEMO_PASSWORD,
            clinician=DOCTOR,
            director=DIRECTOR,
            brief=options.data_dir is not None,
        )
        camera = Camera(program.window, program.desk, program.runner, walk)
        camera.done.connect(app.exit)
        program.window.show()
        camera.start()
        failures = app.exec()
        program.end()
    for path in camera.taken:
        sys.stdout.write(f"{path}\n")
    return 1 if failures else 0


def make_application() -> QApplication:
    """The application; on a machine without a display a sentence instead of an abort."""
    qInstallMessageHandler(_tell_no_display)
    app = QApplication([sys.argv[0]])
    qInstallMessageHandler(None)
    app.setApplicationName("StationEMR")
    app.setApplicationDisplayName(_("Hồ sơ sức khỏe trạm y tế"))
    return app


def _tell_no_display(kind: QtMsgType, _where: QMessageLogContext, text: str) -> None:
    """Qt ends the process by itself when it finds no display; this comes just before."""
    if kind is QtMsgType.QtFatalMsg:
        sys.stderr.write(f"{_(_NO_DISPLAY)}\n")
        sys.stderr.flush()
        os._exit(_EXIT_DISPLAY)
    elif kind is not QtMsgType.QtDebugMsg and kind is not QtMsgType.QtWarningMsg:
        sys.stderr.write(f"{text}\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    folder: Path
    data_dir: Path | None
    demo: bool
    screenshots: Path | None


def _options(arguments: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(prog="station-emr", add_help=False)
    parser.add_argument("mode", nargs="?", choices=["demo"])
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--screenshots", type=Path, default=None)
    given = parser.parse_args(list(arguments))
    demo = given.mode == "demo"
    usual = Path(platformdirs.user_data_dir("StationEMR", appauthor=False))
    folder = given.data_dir or (Path("demo-station") if demo else usual)
    return Options(folder=folder, data_dir=given.data_dir, demo=demo, screenshots=given.screenshots)

"""Pictures of every screen, for the documents and to look at how they fare in a small window."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PySide6.QtWidgets import QApplication

from station_emr.demo.station import DEMO_PASSWORD
from station_emr.services.clock import SystemClock
from station_emr.services.ports import Clock
from station_emr.ui.kit import use_memory
from station_emr.ui.kit.memory import Forgetful

from .options import Options
from .program import Program


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
        brief = options.data_dir is not None
        walk = Walk(
            target=target,
            password=DEMO_PASSWORD,
            clinician=DOCTOR,
            director=DIRECTOR,
            brief=brief,
            themes=("light",) if brief else ("light", "dark"),
            size=options.size,
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

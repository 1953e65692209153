"""Start a provincial server of one's own on loopback, as a separate process."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from station_emr.domain.errors import EnvironmentFailure

START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ProvinceAddress:
    """Where the server listens and the device's token."""

    url: str
    token: str


class DemoProvince:
    """The reference server as a child process; ends with the context or the parent."""

    def __init__(self, folder: Path, facility_code: str) -> None:
        self._folder = folder
        self._facility = facility_code
        self._process: subprocess.Popen[bytes] | None = None
        self.token = self._stored_token()

    def start(self, port: int = 0) -> ProvinceAddress:
        """Start and wait until it answers. Raises EnvironmentFailure when it does not."""
        if getattr(sys, "frozen", False):
            raise EnvironmentFailure(
                "Bản cài đặt này không kèm máy chủ tỉnh dùng thử. "
                "Hãy chạy trạm mẫu từ mã nguồn, hoặc khai báo một máy chủ tỉnh trong Quản trị."
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        port_file = self._folder / "port"
        port_file.unlink(missing_ok=True)
        log = (self._folder / "server.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "provincial_server",
                    "serve",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    str(port),
                    "--port-file",
                    str(port_file),
                    "--database",
                    f"sqlite:///{self._folder / 'province.db'}",
                    "--demo-facility",
                    self._facility,
                    "--stop-with-parent",
                ],
                env=self._environment(),
                stdin=subprocess.PIPE,  # its closing tells the server that this program is gone
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            text = port_file.read_text().strip() if port_file.exists() else ""
            if text:
                return ProvinceAddress(f"http://127.0.0.1:{text}/fhir", self.token)
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        raise EnvironmentFailure(
            f"Máy chủ tỉnh dùng thử không khởi động được. Xem {self._folder / 'server.log'}."
        )

    def stop(self) -> None:
        """End the process this object started, and only that one."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(timeout=10)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _environment(self) -> dict[str, str]:
        """The token goes this way because anybody can list the arguments of a process; a password
        of the station is none of the server's business.
        """
        kept = {k: v for k, v in os.environ.items() if not k.startswith("STATION_EMR_")}
        return {**kept, "PROVINCIAL_SERVER_DEMO_TOKEN": self.token}

    def _stored_token(self) -> str:
        """The same token at every start of the same demo folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / "token"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(32))
        return file.read_text().strip()

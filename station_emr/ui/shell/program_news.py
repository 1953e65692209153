"""Tells whoever is logged in of a newer program, until that person has put the line away."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from station_emr import __version__
from station_emr.domain.catalog_pack import ProgramNotice
from station_emr.ui.kit.memory import memory
from station_emr.ui.models.program_words import program_words
from station_emr.ui.models.session import Session
from station_emr.ui.shell.window import MainWindow


class ProgramNews(QObject):
    """Looks at log-in and at every ``tick``; lives as long as the session."""

    def __init__(
        self, window: MainWindow, session: Session, tick: QTimer, *, running: str = __version__
    ) -> None:
        super().__init__(session)
        self._window = window
        self._session = session
        self._running = running
        self._told = ""
        tick.timeout.connect(self.look)
        window.news.put_away.connect(self._put_away)
        self.look()

    def look(self) -> None:
        session = self._session
        session.ask(
            lambda: session.services.packs.notice(self._running),
            self._tell,
            owner=self,
            latest="frame.program",
        )

    @property
    def _key(self) -> str:
        """Each person puts it away alone: the next one at this desk has not read it."""
        return f"news.program.{self._session.actor.user.username}"

    def _tell(self, notice: ProgramNotice | None) -> None:
        self._told = notice.version if notice is not None else ""
        seen = notice is None or memory().get(self._key) == notice.version
        self._window.set_news("" if notice is None or seen else program_words(notice))

    def _put_away(self) -> None:
        memory().put(self._key, self._told)
        self._window.set_news("")

"""The database and its file, as the station's file for the inspection sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from station_emr import __version__
from station_emr.services.dossier_ports import FileFacts, RecordFigures

from . import schema
from .store import EncryptedStore

_PLAIN: Final = b"SQLite format 3\x00"


class StationFile:
    """Implements :class:`station_emr.services.dossier_ports.DossierSource`. ``system`` names the
    operating system.
    """

    def __init__(self, store: EncryptedStore, system: str) -> None:
        self._store = store
        self._system = system

    def figures(self, older_than: datetime) -> RecordFigures:
        with self._store.read() as work:
            return work.figures.read(older_than)

    def file(self) -> FileFacts:
        """Read as a thief would: the first bytes, without the key."""
        with self._store.path.open("rb") as file:
            start = file.read(len(_PLAIN))
        return FileFacts(
            readable=start == _PLAIN,
            size=self._store.size(),
            schema=str(schema.SCHEMA_VERSION),
            version=__version__,
            system=self._system,
        )

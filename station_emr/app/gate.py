"""The stations of a data folder as the window meets them: from the names to an open desk.

The names on the log-in page need no database. What opens one (SQL, cryptography, forms, network)
is imported in the background while the person types the password, hence the imports in methods.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from station_emr.catalogs.starter import starter_rows
from station_emr.db import DATABASE_FILE
from station_emr.demo.station import DEMO_PASSWORD
from station_emr.domain.catalog import CatalogKind
from station_emr.domain.errors import Problem, StationError
from station_emr.domain.permissions import Action
from station_emr.domain.record import Changes, StationProfile
from station_emr.domain.sync import SyncStatus
from station_emr.domain.user import Actor, User
from station_emr.security import restore_files, set_up
from station_emr.security.keyslots import FILE_NAME, KeySlots
from station_emr.security.passwords import password_problems
from station_emr.security.window_claim import WindowClaim
from station_emr.services.ports import Clock
from station_emr.services.station_services import StationServices
from station_emr.services.views import QueueRow
from station_emr.ui.models.gate import GateFace, LetterVerdict, Place, StaffTile
from station_emr.ui.models.link_watch import LinkWatch

from .restorer import StationRestorer

if TYPE_CHECKING:
    from station_emr.station import OpenStation


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

    @property
    def fresh_codes(self) -> tuple[str, ...]:
        return self.station.fresh_codes

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
        self.services.backups.run_before_closing()
        self.station.close()

    def forget(self) -> None:
        from station_emr.security import forgetting  # noqa: PLC0415 - see the module

        gc.collect()  # pages that are gone die here, and with them what they knew
        forgetting.scrub()


class StationGate:
    """The stations of one data folder, seen from outside."""

    def __init__(self, folder: Path, clock: Clock, *, demo: bool = False) -> None:
        self._folder = folder
        self._clock = clock
        self._demo = demo
        self._claim = WindowClaim(folder)  # kept over log-outs, until the window is gone

    def restorer(self) -> StationRestorer:
        return StationRestorer(self._folder, self._clock, self._claim)

    def has_station(self) -> bool:
        restore_files.clear_unfinished(self._folder, DATABASE_FILE)
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

    def open(
        self, username: str, password: str, code: str = "", new_password: str = ""
    ) -> StationDesk:
        from station_emr.station import open_station  # noqa: PLC0415 - see the module

        return self._desk(
            lambda: open_station(
                self._folder,
                username,
                password,
                self._clock,
                code=code,
                new_password=new_password,
            )
        )

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
        table = station.services.people.roles.table(station.actor)
        if Action.ENCOUNTER_VIEW not in table[station.actor.role]:
            return ()  # an administrator sees no patients, and asking would be logged as a refusal
        return station.services.encounters.queue(station.actor)
    except StationError:
        return ()

"""Copies of the station in other places: made each day, checked, thinned by age, and rehearsed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from station_emr.domain.backup_plan import USUAL, KeepPlan, is_due, is_late, kept, needs_drill
from station_emr.domain.errors import (
    DatabaseDamaged,
    DiskFull,
    EnvironmentFailure,
    NotFound,
    StateError,
    StationError,
    UserError,
)
from station_emr.domain.permissions import Action
from station_emr.domain.user import Actor

from .backup_ports import (
    BackupBook,
    BackupCopy,
    BackupPlace,
    BackupRegister,
    BackupShelf,
    CopyFacts,
    Drill,
    FoundCopy,
    Trouble,
)
from .guards import allow
from .ports import Clock, Store

__all__ = ["LAST_BACKUP", "LAST_PLACE", "BackupCopy", "BackupState", "Backups"]

LAST_BACKUP: Final = "backup.last_at"
LAST_PLACE: Final = "backup.last_place"
KEEP_DAYS: Final = "backup.keep_days"
KEEP_WEEKS: Final = "backup.keep_weeks"
KEEP_MONTHS: Final = "backup.keep_months"
_REMEMBERED: Final = 200
_QUICK: Final = 200 * 1024 * 1024
_BUSY: Final = "Một lần sao lưu khác đang chạy trên máy này. Không có gì bị gián đoạn. Hãy đợi xong rồi làm lại."
_NOTHING: Final = "Chưa có bản sao nào để diễn tập. Hãy sao lưu trước, rồi diễn tập lại."
_GONE: Final = (
    "Không còn thấy bản sao nào ở các nơi đã sao lưu. Hồ sơ trên máy còn nguyên. Hãy cắm USB hoặc nối "
    "thư mục mạng, rồi diễn tập lại."
)
_DIFFERENT: Final = (
    "Bản sao mở được nhưng không giống lúc tạo. Hồ sơ trên máy còn nguyên. Hãy sao lưu ra một ổ khác "
    "rồi diễn tập lại, và báo người phụ trách kỹ thuật."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupState:
    """How the copies stand now; ``troubles`` has the gravest first."""

    last: BackupCopy | None
    places: tuple[BackupPlace, ...]
    drill: Drill | None
    plan: KeepPlan
    troubles: tuple[Trouble, ...]


class Backups:
    """``copied`` is told after each copy, so that the copy is never taken for the database."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        shelf: BackupShelf,
        register: BackupRegister,
        copied: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._shelf = shelf
        self._register = register
        self._copied = copied

    # -- places --------------------------------------------------------------------------------

    def places(self) -> tuple[BackupPlace, ...]:
        return self._register.read().places

    def add_place(self, actor: Actor, folder: str) -> BackupPlace:
        """From now on the folder gets a copy each day. Raises StateError for one that is known."""
        allow(actor, Action.SETTINGS_EDIT)
        if any(one.path == folder for one in self.places()):
            raise StateError("Nơi này đã có trong danh sách sao lưu.")
        place = BackupPlace(path=folder, mark=self._shelf.mark(folder))
        place = replace(place, trouble=self._shelf.look(place))
        with self._store.write() as work:
            self._register.change(lambda book: replace(book, places=(*book.places, place)))
            work.audit.append(actor, "backup.add_place", self._clock.now(), detail={"to": folder})
        return place

    def remove_place(self, actor: Actor, folder: str) -> None:
        """No more copies go there; those that are there stay."""
        allow(actor, Action.SETTINGS_EDIT)
        if not any(one.path == folder for one in self.places()):
            raise NotFound("Nơi này không có trong danh sách sao lưu.")
        with self._store.write() as work:
            self._register.change(
                lambda book: replace(
                    book, places=tuple(one for one in book.places if one.path != folder)
                )
            )
            work.audit.append(
                actor, "backup.remove_place", self._clock.now(), detail={"to": folder}
            )

    def plan(self) -> KeepPlan:
        with self._store.read() as work:
            given = [work.settings.get(key) for key in (KEEP_DAYS, KEEP_WEEKS, KEEP_MONTHS)]
        days, weeks, months = (
            int(text) if text else usual
            for text, usual in zip(given, (USUAL.days, USUAL.weeks, USUAL.months), strict=True)
        )
        return KeepPlan(days=days, weeks=weeks, months=months)

    def set_plan(self, actor: Actor, days: int, weeks: int, months: int) -> None:
        """How long copies stay. Raises UserError for less than a week and a year."""
        allow(actor, Action.SETTINGS_EDIT)
        if days < USUAL.days or weeks < 4 or not 12 <= months <= 600 or days > 366 or weeks > 520:
            raise UserError(
                "Phải giữ ít nhất 7 ngày, 4 tuần và 12 tháng, nhiều nhất 366 ngày, 520 tuần và 600 tháng. "
                "Chưa có gì thay đổi."
            )
        with self._store.write() as work:
            for key, value in (
                (KEEP_DAYS, days),
                (KEEP_WEEKS, weeks),
                (KEEP_MONTHS, months),
            ):
                work.settings.put(key, str(value))
            work.audit.append(
                actor,
                "backup.plan",
                self._clock.now(),
                detail={"days": str(days), "weeks": str(weeks), "months": str(months)},
            )

    # -- making --------------------------------------------------------------------------------

    def make(self, actor: Actor, folder: str) -> BackupCopy:
        """Copy the station, still encrypted, into a new folder inside ``folder``, now."""
        allow(actor, Action.BACKUP)
        with self._shelf.turn() as mine:
            if not mine:
                raise StateError(_BUSY)
            return self._make(actor, folder)

    def make_everywhere(self, actor: Actor) -> tuple[BackupPlace, ...]:
        """A copy into every place now; the places with what became of them."""
        allow(actor, Action.BACKUP)
        if not self.places():
            raise StateError(
                "Chưa chọn nơi sao lưu. Chưa tạo bản sao nào. Hãy thêm một nơi ở USB hoặc ổ đĩa khác."
            )
        return self._round(actor, self.places())

    def run_due(self) -> tuple[BackupPlace, ...]:
        """The day's copies, nobody asking: into every place that has none from today. The places
        that were tried, with what became of them. Writes no more than the places allow and never
        raises for a disk.
        """
        now = self._clock.now()
        due = tuple(one for one in self.places() if is_due(one.last_at, now))
        return self._round(None, due) if due else ()

    def run_before_closing(self) -> None:
        """The day's copies that are still owed, when they take but seconds: nobody waits for a large
        database at the end of the day. Never raises for a disk or a file.
        """
        with suppress(StationError, OSError):
            if self._shelf.size() <= _QUICK and self.is_due():
                self.run_due()

    def is_due(self) -> bool:
        now = self._clock.now()
        return any(is_due(one.last_at, now) for one in self.places())

    def _round(
        self, actor: Actor | None, places: tuple[BackupPlace, ...]
    ) -> tuple[BackupPlace, ...]:
        with self._shelf.turn() as mine:
            return tuple(self._serve(actor, one) for one in places) if mine else ()

    def _serve(self, actor: Actor | None, place: BackupPlace) -> BackupPlace:
        trouble = self._shelf.look(place)
        at = place.last_at
        if trouble in (None, Trouble.SAME_DISK):
            try:
                at = self._make(actor, place.path).at
                self._thin(place.path)
            except DatabaseDamaged:
                trouble = Trouble.DAMAGED
            except DiskFull:
                trouble = Trouble.NO_ROOM
            except EnvironmentFailure:
                trouble = self._shelf.look(place) or Trouble.FAILED
        served = replace(place, last_at=at, trouble=trouble)
        with suppress(EnvironmentFailure):
            self._register.change(lambda book: _with_place(book, served))
        return served

    def _make(self, actor: Actor | None, folder: str) -> BackupCopy:
        now = self._clock.now()
        with self._store.read() as work:
            code = work.settings.station().code
        made = self._shelf.write(folder, f"tram-{code}-{now:%Y%m%d-%H%M%S}", now, code)
        self._copied()
        detail = {"size": str(made.size), "to": made.place}
        if made.facts is not None:
            detail["head"] = made.facts.head
        with self._store.write() as work:
            work.settings.put(LAST_BACKUP, now.isoformat())
            work.settings.put(LAST_PLACE, made.place)
            work.audit.append(actor, "backup.make", now, detail=detail)
        with suppress(EnvironmentFailure):
            self._register.change(
                lambda book: replace(book, copies=(made, *book.copies)[:_REMEMBERED])
            )
        return made

    def _thin(self, folder: str) -> None:
        """After a new copy was checked, so the one that stays for certain is a good one."""
        found = self._shelf.copies(folder)
        verified = {one.place for one in self._register.read().copies}
        newest = next((one.at for one in found if one.place in verified), None)
        protected = {newest} if newest is not None else set()
        staying = kept((one.at for one in found), self._clock.now(), self.plan(), protected)
        gone = [one for one in found if one.at not in staying]
        for one in gone:
            with suppress(EnvironmentFailure):
                self._shelf.remove(one.place)
        if gone:
            with self._store.write() as work:
                work.audit.append(
                    None,
                    "backup.thin",
                    self._clock.now(),
                    detail={"count": str(len(gone)), "to": folder},
                )

    # -- looking -------------------------------------------------------------------------------

    def last(self) -> tuple[datetime, str] | None:
        """When and where the last copy was made, None before the first."""
        with self._store.read() as work:
            at, place = work.settings.get(LAST_BACKUP), work.settings.get(LAST_PLACE)
        return (datetime.fromisoformat(at), place or "") if at else None

    def state(self) -> BackupState:
        """How things stand, for the page of copies, the status line and the inspection's file. Looks
        at the places, which may take a while with a network folder.
        """
        book = self._register.read()
        now = self._clock.now()
        places = tuple(self._seen(one) for one in book.places)
        last = self.last()
        copies = [one for one in book.copies if last is not None and one.place == last[1]]
        newest = copies[0] if copies else None
        if newest is None and last is not None:
            newest = BackupCopy(place=last[1], size=0, at=last[0])
        return BackupState(
            last=newest,
            places=places,
            drill=book.drill,
            plan=self.plan(),
            troubles=_troubles(last[0] if last else None, places, book.drill, now),
        )

    def _seen(self, place: BackupPlace) -> BackupPlace:
        seen = self._shelf.look(place)
        lasting = place.trouble in (Trouble.DAMAGED, Trouble.FAILED)
        return replace(place, trouble=seen or (place.trouble if lasting else None))

    def copies(self, actor: Actor) -> tuple[FoundCopy, ...]:
        """Copies of this database in all places that can be reached, newest first."""
        allow(actor, Action.BACKUP)
        folders = dict.fromkeys(one.path for one in self.places())
        found = [copy for folder in folders for copy in self._shelf.copies(folder)]
        return tuple(sorted(found, key=lambda one: one.at, reverse=True))

    # -- rehearsing ----------------------------------------------------------------------------

    def drill(self, actor: Actor) -> Drill:
        """Open the newest copy that can be reached, aside, and compare it with what it held when it
        was made. The result is kept whatever it is.
        """
        allow(actor, Action.BACKUP)
        with self._shelf.turn() as mine:
            if not mine:
                raise StateError(_BUSY)
            book = self._register.read()
            if not book.copies:
                raise StateError(_NOTHING)
            began = self._clock.now()
            done = self._rehearse(book.copies, began)
        with self._store.write() as work:
            self._register.change(lambda known: replace(known, drill=done))
            work.audit.append(
                actor,
                "backup.drill",
                done.at,
                detail={"to": done.place, "seconds": f"{done.seconds:.1f}"},
                result="ok" if done.passed else "failed",
            )
        return done

    def _rehearse(self, copies: tuple[BackupCopy, ...], began: datetime) -> Drill:
        reason, place = _GONE, ""
        facts: CopyFacts | None = None
        for copy in copies:
            try:
                with self._shelf.rehearse(copy.place) as facts:
                    place, reason = copy.place, ""
            except NotFound:
                continue  # thinned since, or on a stick that is not there
            except EnvironmentFailure as failure:
                place, reason = copy.place, str(failure)
            if not reason and not _fits(facts, copy.facts):
                reason = _DIFFERENT
            break
        at = self._clock.now()
        return Drill(
            at=at,
            passed=not reason,
            place=place,
            seconds=max(0.0, (at - began).total_seconds()),
            counts=dict(facts.counts) if facts is not None else {},
            reason=reason,
        )


def _fits(found: CopyFacts | None, recorded: CopyFacts | None) -> bool:
    """A chain that was broken when it was copied is told by the log's own check."""
    if found is None:
        return False
    return recorded is None or (
        dict(found.counts) == dict(recorded.counts)
        and found.head == recorded.head
        and found.chain_whole == recorded.chain_whole
    )


def _with_place(book: BackupBook, served: BackupPlace) -> BackupBook:
    return replace(
        book, places=tuple(served if one.path == served.path else one for one in book.places)
    )


def _troubles(
    last: datetime | None, places: tuple[BackupPlace, ...], drill: Drill | None, now: datetime
) -> tuple[Trouble, ...]:
    """The gravest first. One good place on another disk is enough for the others to be quiet."""
    found = [one.trouble for one in places if one.trouble is not None]
    good = [one for one in places if one.trouble is None and not is_late(one.last_at, now)]
    named: list[Trouble] = [one for one in found if one is Trouble.DAMAGED]
    if drill is not None and not drill.passed:
        named.append(Trouble.DRILL_FAILED)
    if not good:
        named += [one for one in found if one not in named]
    if last is None:
        named.append(Trouble.NEVER)
    elif is_late(last, now):
        named.append(Trouble.LATE)
    if not places:
        named.append(Trouble.NO_PLACE)
    if last is not None and (drill is None or needs_drill(drill.at, now)):
        named.append(Trouble.NO_DRILL)
    return tuple(dict.fromkeys(named))

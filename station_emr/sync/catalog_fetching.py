"""Fetches the province's lists: last of all, in pieces, within the day's bytes (docs/catalogs.md).

Used by the thread of the run alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date
from typing import Final, Protocol

from station_emr.domain.catalog_pack import CatalogPack, PackState, worth_fetching
from station_emr.services.catalog_packs import NOTICE, PACK_PROBLEM, read_notice
from station_emr.services.catalog_ports import PackPart
from station_emr.services.courier import PROVINCE_KEY
from station_emr.services.ports import Clock, Store

from .catalog_content import Unfit, check, pack_content, rebuild, unpack
from .catalog_line import (
    LARGEST_CONTENT,
    CatalogLine,
    NotSigned,
    Offer,
    Piece,
    check_notice,
    read_pack,
)
from .province_key import ProvinceKey, adopt
from .running import Run

INDEX: Final = "catalogs.index"
NO_KEY: Final = (
    "Máy này chưa có khóa của tỉnh nên chưa nhận danh mục của tỉnh. Danh mục đang dùng vẫn nguyên. "
    "Hãy nhập khóa của tỉnh ở trang Cài đặt."
)
TAMPERED: Final = (
    "Danh mục tải từ tỉnh không đúng chữ ký của tỉnh nên chưa dùng. Danh mục đang dùng vẫn nguyên. "
    "Hãy báo người phụ trách công nghệ thông tin của tỉnh."
)
_LOOK_EVERY: Final = 3600.0  # seconds
_START: Final = 32 * 1024
_LEAST: Final = 4 * 1024
_MOST: Final = 512 * 1024
_SECONDS: Final = 5
_TRIES: Final = 3


class ListsRest(Protocol):
    def forms_must_rest(self, spent: int) -> bool:
        """Whether the day's bytes or a paid link leave nothing for lists."""


class _Rest(Exception):
    """Something goes before the lists, or nothing may go."""


class CatalogFetcher:
    """Looks once an hour, and fetches what is new a piece at a time."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        line: CatalogLine,
        allowance: ListsRest,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._line = line
        self._allowance = allowance
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._looked: float | None = None
        self._size = _START

    def join(self, stopping: threading.Event) -> None:
        """Called by the engine whose part this is."""
        self._stopping = stopping

    def fetch(self, run: Run) -> None:
        """Raises NetworkFailure, Busy, Refused, EnvironmentFailure; what arrived by then stays."""
        with self._store.read() as work:
            mark = work.outbox.last_number()
        try:
            self._look_up(run, mark)
            self._look()
            for pack in self._waiting():
                self._fetch_one(run, mark, pack)
        except _Rest:
            return

    def _look_up(self, run: Run, mark: int) -> None:
        """Before every piece: a record that was written meanwhile goes first."""
        spent = sum(run.spent(self._line.traffic))
        with self._store.read() as work:
            news = work.outbox.last_number() != mark
        if news or self._stopping.is_set() or self._allowance.forms_must_rest(spent):
            raise _Rest

    # --- what is offered ---------------------------------------------------------------------

    def _look(self) -> None:
        now = self._monotonic()
        if self._looked is not None and now - self._looked < _LOOK_EVERY:
            return
        with self._store.read() as work:
            known = work.settings.get(INDEX) or ""
            problem = work.settings.get(PACK_PROBLEM) or ""
            key = ProvinceKey.kept(work.settings.get(PROVINCE_KEY) or "")
        offer = self._line.offer("" if problem else known)
        self._looked = now
        if offer is not None:
            self._take(offer, key)

    def _take(self, offer: Offer, key: ProvinceKey | None) -> None:
        newer = key.follow(offer.key) if key is not None and offer.key else None
        key = newer or key
        problem = ""
        packs: list[CatalogPack] = []
        notice = ""
        if key is None:
            problem = NO_KEY if offer.packs or offer.program else ""
        else:
            for words in offer.packs:
                try:
                    pack = read_pack(words, key)
                except NotSigned:
                    problem = TAMPERED
                    continue
                if pack is not None:
                    packs.append(pack)
            try:
                notice = check_notice(offer.program, key) if offer.program else ""
            except NotSigned:
                problem = TAMPERED
        with self._store.write() as work:
            if newer is not None:
                adopt(work, newer, self._clock.now())
            for pack in worth_fetching(packs, work.packs.all(), self._today()):
                work.packs.offer(pack)
            told, kept = read_notice(notice), read_notice(work.settings.get(NOTICE) or "")
            if told is not None and (kept is None or told.number > kept.number):
                work.settings.put(NOTICE, notice)
            work.settings.put(INDEX, "" if problem else offer.tag)
            if (work.settings.get(PACK_PROBLEM) or "") != problem:
                work.settings.put(PACK_PROBLEM, problem)

    def _today(self) -> date:
        return self._clock.now().date()

    def _waiting(self) -> tuple[CatalogPack, ...]:
        with self._store.read() as work:
            known = work.packs.all()
        waiting = (one.pack for one in known if one.state is PackState.FETCHING)
        return tuple(sorted(waiting, key=lambda pack: (pack.effective, pack.kind, pack.number)))

    # --- one version -----------------------------------------------------------------------------

    def _fetch_one(self, run: Run, mark: int, pack: CatalogPack) -> None:
        for whole in (False, True):  # a difference that does not fit is not believed a second time
            part = self._fetch_all(run, mark, pack, whole=whole)
            if part is None:
                return
            try:
                plain = self._plain(pack, part)
            except Unfit:
                with self._store.write() as work:
                    work.packs.keep_part(pack.kind, pack.number, PackPart())
                if part.base:
                    continue
                with self._store.write() as work:
                    work.packs.mark(pack.kind, pack.number, PackState.REFUSED, TAMPERED)
                    work.settings.put(INDEX, "")
                return
            with self._store.write() as work:
                work.packs.complete(pack.kind, pack.number, pack_content(plain))
            return

    def _fetch_all(self, run: Run, mark: int, pack: CatalogPack, *, whole: bool) -> PackPart | None:
        """All bytes of a version; None when the server does not have them."""
        with self._store.read() as work:
            part = work.packs.part(pack.kind, pack.number)
            held = work.packs.newest_content(pack.kind, pack.number)
        wanted = 0 if whole or held is None else held[0]
        restarts = 0
        while True:
            self._look_up(run, mark)
            piece = self._piece(pack, wanted, len(part.received))
            fits = (
                piece is not None
                and piece.start == len(part.received)
                and (not part.received or (piece.tag, piece.base) == (part.tag, part.base))
                and piece.base in {0, wanted}
            )
            if piece is None or not fits:
                restarts += 1
                if restarts >= _TRIES or (piece is None and not part.received):
                    return None
                part = PackPart()
                continue
            part = PackPart(base=piece.base, tag=piece.tag, received=part.received + piece.content)
            if len(part.received) > LARGEST_CONTENT:
                return None
            with self._store.write() as work:
                work.packs.keep_part(pack.kind, pack.number, part)
            if len(part.received) >= piece.total:
                return part

    def _piece(self, pack: CatalogPack, base: int, start: int) -> Piece | None:
        began = self._monotonic()
        try:
            piece = self._line.piece(pack, base, start, self._size)
        except Exception:
            self._size = max(_LEAST, self._size // 4)
            raise
        took = max(self._monotonic() - began, 0.001)
        carried = len(piece.content) if piece is not None else 0
        if carried >= self._size:
            self._size = min(_MOST, self._size * 4, max(_LEAST, int(carried * _SECONDS / took)))
        return piece

    def _plain(self, pack: CatalogPack, part: PackPart) -> bytes:
        told = unpack(part.received, pack.size if not part.base else LARGEST_CONTENT)
        if not part.base:
            return check(pack, told)
        with self._store.read() as work:
            held = work.packs.newest_content(pack.kind, pack.number)
        if held is None or held[0] != part.base:
            raise Unfit
        old = unpack(held[1], LARGEST_CONTENT)
        return check(pack, rebuild(old, told, pack.size))

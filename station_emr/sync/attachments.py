"""Printed forms go last, in pieces, and give way to every record (docs/sync.md, "Printed forms").

Used by the thread of the run alone.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from station_emr.domain.errors import EnvironmentFailure, NetworkFailure
from station_emr.domain.record import RecordKind
from station_emr.services.ports import Clock, Store
from station_emr.services.sync_ports import Attachment, AttachmentState

from .attachment_line import NAMED_AT_ONCE, Form, FormLine, FormRefused, FormTally, Got
from .place import EPOCH
from .running import OUR_FAULTS, Progress, Run
from .verdicts import UNREADABLE

_log = logging.getLogger(__name__)

FORMS_EPOCH: Final = "sync.forms_epoch"
FORMS_LOOKED: Final = "sync.forms_looked"  # the day on which they were compared last
FORMS_TALLY: Final = "sync.forms_tally"  # as the server should say it
REFUSED_FORM: Final = (
    "Máy chủ tỉnh chưa nhận bản PDF của một phiếu chuyển. Nội dung phiếu đã tới nơi; "
    "chương trình sẽ thử gửi lại bản PDF."
)
_SECONDS: Final = 5  # a piece takes about as long, so a letter signed meanwhile waits no longer
_START: Final = 16 * 1024
_LEAST: Final = 2 * 1024
_GROWTH: Final = 4
_LOST: Final = 3  # answers without progress that are believed before a file is left
_DUE: Final = 500
_EVERY_ITEM: Final = 100_000
_ASK_AGAIN: Final = timedelta(hours=1)
_FORGOTTEN: Final = timedelta(days=90)
_ABOUT: Final = {RecordKind.REFERRAL: "ServiceRequest"}


class MakeForm(Protocol):
    def __call__(self, one: Attachment) -> bytes | None:
        """The bytes of the form; None when there is nothing to send any more."""


class FormsRest(Protocol):
    def forms_must_rest(self, spent: int) -> bool:
        """Whether the day's bytes or a paid link leave nothing for forms."""


class _Rest(Exception):
    """Something goes before the forms, or nothing may go."""

    def __init__(self, *, records_first: bool) -> None:
        super().__init__()
        self.records_first = records_first


class FormSender:
    """Sends the forms that are due, a piece at a time."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        line: FormLine,
        make: MakeForm,
        allowance: FormsRest,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._line = line
        self._make = make
        self._allowance = allowance
        self._monotonic = monotonic
        self._progress: Callable[[Progress], None] = lambda _progress: None
        self._stopping = threading.Event()
        self._size = _START
        self._left: dict[str, datetime] = {}
        """Refused ones with when: not offered again at every run."""

    def join(self, progress: Callable[[Progress], None], stopping: threading.Event) -> None:
        """Called by the engine whose part this is."""
        self._progress = progress
        self._stopping = stopping

    @property
    def stays(self) -> bool:
        """Whether the server takes no forms at all."""
        return self._line.stays

    def mark(self) -> int:
        """A number that moves when a record is written here."""
        with self._store.read() as work:
            return work.outbox.last_number()

    def send(self, run: Run, mark: int) -> bool:
        """Send until nothing is due. True when a record was written after ``mark``: it goes first.

        Raises NetworkFailure, Busy, Refused, EnvironmentFailure; what arrived by then stays.
        """
        self._note_epoch()
        if not (self._line.largest_piece or self._line.takes_whole):
            return False
        try:
            self._send_due(run, mark)
            if self._lost_some(run, mark):
                self._send_due(run, mark)
        except _Rest as rest:
            return rest.records_first
        return False

    def _send_due(self, run: Run, mark: int) -> None:
        for one in self._due():
            self._look_up(run, mark)
            self._send_one(run, mark, one)

    def _lost_some(self, run: Run, mark: int) -> bool:
        """Once a day: whether the province still holds what it confirmed. A server may be put back to
        a backup without a word, and while no cursor is ahead of it nothing else would tell. Few bytes
        as long as count and sum agree; else the forms are named, and what is missing is due again.
        """
        now = self._clock.now()
        today = now.date().isoformat()
        with self._store.read() as work:
            looked = work.settings.get(FORMS_LOOKED)
            known = FormTally.from_text(work.settings.get(FORMS_TALLY) or "")
            held = work.attachments.confirmed(now - _FORGOTTEN) if looked != today else ()
        if not self._line.compares or not held:
            return False
        missing: frozenset[str] = frozenset()
        if looked:  # the first forms have just been confirmed
            self._look_up(run, mark)
            try:
                told = self._line.tally()
                if told != known:
                    missing = self._missing(held)
                known = told
            except FormRefused as refusal:
                _log.warning("forms could not be compared: %s", refusal)
        with self._store.write() as work:
            work.settings.put(FORMS_LOOKED, today)
            work.settings.put(FORMS_TALLY, known.to_text())
            work.attachments.offer_these(one.id for one in held if _name(one) in missing)
        return bool(missing)

    def _missing(self, held: Sequence[Attachment]) -> frozenset[str]:
        names = [_name(one) for one in held]
        portions = range(0, len(names), NAMED_AT_ONCE)
        return frozenset[str]().union(
            *(self._line.missing(names[start : start + NAMED_AT_ONCE]) for start in portions)
        )

    def _note_epoch(self) -> None:
        """A province that went back to a backup may have lost what it had confirmed."""
        with self._store.read() as work:
            epoch = work.settings.get(EPOCH) or ""
            known = work.settings.get(FORMS_EPOCH) or ""
        if epoch and epoch != known:
            with self._store.write() as work:
                if known:
                    work.attachments.offer_again(self._clock.now() - _FORGOTTEN)
                work.settings.put(FORMS_EPOCH, epoch)

    def _due(self) -> tuple[Attachment, ...]:
        """Forms of records that the province has."""
        now = self._clock.now()
        self._left = {name: at for name, at in self._left.items() if abs(now - at) < _ASK_AGAIN}
        with self._store.read() as work:
            due = work.attachments.due(_DUE)
            if not due:
                return ()
            items = (*work.outbox.waiting(_EVERY_ITEM), *work.outbox.quarantined())
        unsettled = {item.record_id for item in items}
        return tuple(
            one for one in due if one.id not in self._left and one.record_id not in unsettled
        )

    def _look_up(self, run: Run, mark: int) -> None:
        """Before every piece."""
        if self._stopping.is_set():
            raise _Rest(records_first=False)
        if self.mark() != mark:
            raise _Rest(records_first=True)
        spent = sum(run.spent(self._line.traffic))
        if self._allowance.forms_must_rest(spent):
            raise _Rest(records_first=False)

    def _send_one(self, run: Run, mark: int, one: Attachment) -> None:
        is_new = one.state is AttachmentState.EMPTY
        form = self._form(one)
        if form is None:
            return
        try:
            if self._line.largest_piece:
                arrived = self._in_pieces(run, mark, one, form, is_new=is_new)
            else:
                self._line.whole(form)
                arrived = True
        except FormRefused as refusal:
            _log.warning("a form was refused: %s", refusal)
            arrived = False
        if arrived:
            with self._store.write() as work:
                work.attachments.done(one.id)
                known = FormTally.from_text(work.settings.get(FORMS_TALLY) or "")
                work.settings.put(FORMS_TALLY, known.plus(form.sha256).to_text())
            run.forms += 1
        else:
            self._left[one.id] = self._clock.now()
            run.detail = run.detail or REFUSED_FORM
        self._progress(Progress(len(run.tried), max(len(run.tried), run.total), one.kind))

    def _form(self, one: Attachment) -> Form | None:
        """The bytes as they were made once: every piece is of the same ones."""
        content = None
        if one.state is AttachmentState.READY:
            with self._store.read() as work:
                content = work.attachments.content(one.id)
        if content is None:
            content = self._made(one)
        if content is None:
            return None
        sha256 = hashlib.sha256(content).hexdigest()
        return Form(
            id=_form_id(one.record_id, sha256),
            content_type=one.content_type,
            sha256=sha256,
            content=content,
            about=f"{_ABOUT[one.kind]}/{one.record_id}",
        )

    def _made(self, one: Attachment) -> bytes | None:
        try:
            content = self._make(one)
        except EnvironmentFailure:
            raise
        except OUR_FAULTS as error:
            # One form must not stop the others. The message may quote it: not logged.
            _log.warning("cannot make a form: %s", type(error).__name__)
            self._left[one.id] = self._clock.now()
            return None
        with self._store.write() as work:
            if content is None:
                work.attachments.drop(one.kind, one.record_id)
            else:
                work.attachments.fill(one.id, content, hashlib.sha256(content).hexdigest())
        return content

    def _in_pieces(self, run: Run, mark: int, one: Attachment, form: Form, *, is_new: bool) -> bool:
        """From where the server says that it is, whatever is remembered here."""
        got = Got(0, whole=False) if is_new else self._line.received(form.id)
        lost = 0
        while not got.whole:
            if got.received >= len(form.content):
                raise NetworkFailure(UNREADABLE)  # all of it, and yet not the whole
            self._look_up(run, mark)
            before, got = got, self._piece(form, got.received)
            if not got.whole and got.received <= before.received:
                lost += 1
                if lost >= _LOST:
                    raise NetworkFailure(UNREADABLE)
            with self._store.write() as work:
                work.attachments.progress(one.id, min(got.received, len(form.content)))
            self._progress(Progress(len(run.tried), max(len(run.tried), run.total), one.kind))
        return True

    def _piece(self, form: Form, start: int) -> Got:
        size, began = min(self._size, self._line.largest_piece), self._monotonic()
        try:
            got = self._line.piece(form, start, size)
        except NetworkFailure:
            self._size = max(_LEAST, self._size // _GROWTH)
            raise
        if got is None:
            return self._line.received(form.id)
        rate = size / max(self._monotonic() - began, 0.001)
        fits = min(int(rate * _SECONDS), self._size * _GROWTH, self._line.largest_piece)
        self._size = max(_LEAST, fits)
        return got


def _form_id(record_id: str, sha256: str) -> str:
    return f"{record_id}-b{sha256[:16]}"


def _name(one: Attachment) -> str:
    return _form_id(one.record_id, one.sha256)

"""The station's keys: a new data key when somebody leaves, the code in the envelope, the tie to the PC.

A change of keys has two halves. First every slot gives the new key, in one write: from then on it is
begun and will be finished, here or after the next log-in. Then the database is encrypted anew while
people work. What is left to do is read from the two files themselves, never from a note that a power
cut could falsify. The database notes how many changes it has seen, so that a slot file put back from
an earlier day (with the slot of somebody who left) is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from station_emr.domain.errors import PermissionDenied, StateError
from station_emr.domain.permissions import Action, Role
from station_emr.domain.user import Actor

from .guards import allow, allow_recovery
from .ports import Clock, Store, Work

GENERATION: Final = "keys.generation"
ROTATED_AT: Final = "keys.rotated_at"
LEAVERS: Final = "keys.leavers"
CODE_MADE_AT: Final = "keys.code_made_at"
CODE_TESTED_AT: Final = "keys.code_tested_at"
TEST_EVERY: Final = timedelta(days=365)

_OLD_SLOTS: Final = (
    "Tệp khóa (keyslots.json) cũ hơn lần đổi khóa gần nhất của trạm, nên mật khẩu chưa mở được hồ sơ: có "
    "thể ai đó đã chép tệp cũ vào. Dữ liệu còn nguyên. Hãy đưa lại tệp khóa mới nhất từ bản sao lưu, hoặc "
    "mở bằng mã khôi phục trong phong bì."
)
_DIRECTOR_ONLY: Final = "Chỉ giám đốc trạm được gắn hồ sơ với máy hoặc bỏ gắn."

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]


def _nobody(_done: int, _total: int) -> None:
    pass


def _never() -> bool:
    return False


class KeyChain(Protocol):
    """The slot file and the database under one key."""

    def generation(self) -> int: ...
    def settled(self) -> bool:
        """Whether the database is under the key that the slots give."""

    def need_room(self) -> None:
        """Raises DiskFull."""

    def begin(self) -> None:
        """A new key in every slot."""

    def encrypt(self, progress: Progress, cancelled: Cancelled) -> float | None:
        """Bring the database under the key of the slots; gives the seconds everybody waited, None when
        ``cancelled``. Raises EnvironmentFailure.
        """

    def check_recovery(self, code: str) -> None:
        """Raises UserError, WrongPassword."""

    def can_tie(self) -> bool: ...
    def machine_state(self) -> tuple[bool, tuple[str, ...]]: ...
    def tie(self) -> None:
        """Raises EnvironmentFailure."""

    def untie(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyState:
    """``settled``: the change of keys is finished; ``leavers`` have left since the last one;
    ``foreign`` have a slot that only another PC opens.
    """

    generation: int
    settled: bool
    rotated_at: datetime | None
    leavers: tuple[str, ...]
    code_made_at: datetime | None
    code_tested_at: datetime | None
    tied: bool
    foreign: tuple[str, ...]


class Keys:
    """Use cases of the director and the administrator."""

    def __init__(self, store: Store, clock: Clock, chain: KeyChain) -> None:
        self._store = store
        self._clock = clock
        self._chain = chain

    def state(self, actor: Actor) -> KeyState:
        allow(actor, Action.USER_MANAGE)
        tied, foreign = self._chain.machine_state()
        with self._store.read() as work:
            return KeyState(
                generation=self._chain.generation(),
                settled=self._chain.settled(),
                rotated_at=_moment(work, ROTATED_AT),
                leavers=_leavers(work),
                code_made_at=_moment(work, CODE_MADE_AT),
                code_tested_at=_moment(work, CODE_TESTED_AT),
                tied=tied,
                foreign=foreign,
            )

    def can_tie(self, actor: Actor) -> bool:
        """Asks the operating system, which may take a moment."""
        allow(actor, Action.USER_MANAGE)
        return self._chain.can_tie()

    # -- a new data key ----------------------------------------------------------------------------

    def rotate(
        self, actor: Actor, progress: Progress = _nobody, cancelled: Cancelled = _never
    ) -> bool:
        """A new data key for the record; everybody keeps their password and goes on working.

        A change that is under way is only carried on. False when ``cancelled`` came first: it is then
        carried on after the next log-in. Raises DiskFull before anything has changed.
        """
        allow(actor, Action.USER_MANAGE)
        if self._chain.settled():
            self._begin(actor)
        return self._encrypt(actor, progress, cancelled)

    def catch_up(self, cancelled: Cancelled = _never) -> bool:
        """What the program does by itself: finish a change that was begun, and begin one when somebody
        has left. False when there was nothing to do.
        """
        if self._chain.settled():
            with self._store.read() as work:
                if not _leavers(work):
                    return False
            self._begin(None)
        return self._encrypt(None, _nobody, cancelled)

    def _begin(self, actor: Actor | None) -> None:
        self._chain.need_room()
        now = self._clock.now()
        # Noted before it happens: a line about a change that never came is harmless.
        with self._store.write() as work:
            left = sorted(user.id for user in work.users.all() if not user.active)
            count = str(self._chain.generation() + 1)
            work.audit.append(actor, "keys.rotate", now, detail={"generation": count})
        self._chain.begin()
        with self._store.write() as work:
            note_generation(work, self._chain.generation())
            work.settings.put(LEAVERS, json.dumps(left))

    def _encrypt(self, actor: Actor | None, progress: Progress, cancelled: Cancelled) -> bool:
        waited = self._chain.encrypt(progress, cancelled)
        if waited is None:
            return False
        now = self._clock.now()
        with self._store.write() as work:
            note_generation(work, self._chain.generation())
            work.settings.put(ROTATED_AT, now.isoformat())
            detail = {
                "generation": str(self._chain.generation()),
                "waited_ms": f"{waited * 1e3:.0f}",
            }
            work.audit.append(actor, "keys.rotated", now, detail=detail)
        return True

    # -- the code in the envelope ------------------------------------------------------------------

    def check_recovery_code(self, actor: Actor, code: str) -> datetime:
        """Prove that the code on paper opens this record. Raises UserError for a slip of the pen,
        WrongPassword for a code of another station or an older one.
        """
        allow_recovery(actor)
        now = self._clock.now()
        self._chain.check_recovery(code)
        with self._store.write() as work:
            work.settings.put(CODE_TESTED_AT, now.isoformat())
            work.audit.append(actor, "keys.test_recovery", now)
        return now

    def code_reminder(self, actor: Actor) -> str:
        """What to say to the director about the envelope; empty when all is well."""
        if actor.role is not Role.DIRECTOR:
            return ""
        with self._store.read() as work:
            if work.settings.station().demo:
                return ""  # made-up people, and a code that nobody has on paper
            made, tested = _moment(work, CODE_MADE_AT), _moment(work, CODE_TESTED_AT)
        if tested is None or (made is not None and made > tested):
            return (
                "Mã khôi phục chưa được thử lần nào. Mã đúng thì mới mở lại được hồ sơ khi quên mật khẩu. "
                "Hãy mở Quản trị, Khóa dữ liệu rồi gõ thử mã trên phiếu."
            )
        if self._clock.now() - tested > TEST_EVERY:
            return (
                f"Mã khôi phục được thử lần cuối ngày {tested:%d/%m/%Y}, đã hơn một năm. "
                "Hãy mở Quản trị, Khóa dữ liệu rồi gõ thử lại mã trên phiếu."
            )
        return ""

    # -- the PC ------------------------------------------------------------------------------------

    def tie_to_machine(self, actor: Actor) -> None:
        """Passwords open the record on this PC only. Raises EnvironmentFailure."""
        self._change_tie(actor, "keys.tie", self._chain.tie)

    def untie_from_machine(self, actor: Actor) -> None:
        self._change_tie(actor, "keys.untie", self._chain.untie)

    def _change_tie(self, actor: Actor, action: str, change: Callable[[], None]) -> None:
        allow(actor, Action.USER_MANAGE)
        if actor.role is not Role.DIRECTOR:
            raise PermissionDenied(_DIRECTOR_ONLY)
        with self._store.write() as work:
            work.audit.append(actor, action, self._clock.now())
            change()  # last: when it fails, the line is taken back


def note_generation(work: Work, generation: int) -> None:
    """The database remembers the newest slot file it has seen."""
    if generation > int(work.settings.get(GENERATION) or 1):
        work.settings.put(GENERATION, str(generation))


def refuse_old_slots(work: Work, generation: int) -> None:
    """Raises StateError for a slot file of before the last change of keys."""
    if is_older(work, generation):
        raise StateError(_OLD_SLOTS)


def is_older(work: Work, generation: int) -> bool:
    return generation < int(work.settings.get(GENERATION) or 1)


def accept_old_slots(work: Work, generation: int, now: datetime) -> tuple[str, ...]:
    """The recovery code vouches for a slot file put back from an earlier day. Everybody who has left
    is counted as leaving anew, so that the key is changed at once; gives their names.
    """
    before = work.settings.get(GENERATION) or "1"
    work.settings.put(GENERATION, str(generation))
    work.settings.put(LEAVERS, "[]")
    detail = {"before": before, "generation": str(generation)}
    work.audit.append(None, "keys.rolled_back", now, detail=detail)
    return tuple(user.username for user in work.users.all() if not user.active)


def note_new_code(work: Work, now: datetime) -> None:
    """A new code lies in the envelope; nobody has tried it yet."""
    work.settings.put(CODE_MADE_AT, now.isoformat())


def _leavers(work: Work) -> tuple[str, ...]:
    """Names of those who have left since the last change of keys."""
    known = frozenset(json.loads(work.settings.get(LEAVERS) or "[]"))
    return tuple(u.username for u in work.users.all() if not u.active and u.id not in known)


def _moment(work: Work, key: str) -> datetime | None:
    kept = work.settings.get(key)
    return datetime.fromisoformat(kept) if kept else None

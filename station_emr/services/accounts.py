"""People of the station: set-up, log-in, roles, passwords.

Passwords open key slots (a port); the record only knows who exists and what they may do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from station_emr.domain.audit import Source
from station_emr.domain.errors import InvalidRecord, NotFound, PermissionDenied, Problem
from station_emr.domain.permissions import Action, Role
from station_emr.domain.record import Changes, StationProfile
from station_emr.domain.station_rights import LEFT
from station_emr.domain.text import clean
from station_emr.domain.user import Actor, User

from .account_rules import active_user, check_user, keep_one_director
from .enrolment import SERVER_TOKEN, SERVER_URL, place_of
from .guards import allow, allow_oneself, allow_recovery, refuse
from .incarnation import closed_series
from .keys import note_new_code
from .letterhead_rules import check_series, check_station
from .old_passwords import chosen_by_oneself, reuse_problems, set_by_another
from .ports import Clock, Store
from .rights_records import write_standing
from .timekeeping import accept_time, clock_problem, clock_warning, note_use
from .views import AuditRow


class KeyRing(Protocol):
    """The key slots beside the database, once it is open."""

    def add(self, username: str, display_name: str, role_label: str, password: str) -> None: ...
    def describe(self, username: str, display_name: str, role_label: str) -> None:
        """Change what the log-in tile shows."""

    def change_password(self, username: str, old: str, new: str) -> None: ...
    def reset_password(self, username: str, display_name: str, role_label: str, new: str) -> None:
        """A new password; a person who had left gets a slot again."""

    def unlock_account(self, username: str) -> None: ...
    def remove(self, username: str) -> None: ...
    def new_recovery_code(self) -> str:
        """Replace the station's recovery code; the one before opens nothing from then on."""

    def is_locked(self, username: str) -> bool: ...
    def check(self, username: str, password: str) -> None:
        """Whether this is the person's password. Raises WrongPassword, AccountLocked."""

    def password_problems(
        self, password: str, username: str, full_name: str, *, second_factor: bool = False
    ) -> tuple[Problem, ...]:
        """``second_factor``: eight characters are enough."""


class Accounts:
    """Use cases of users and of the station's own profile."""

    def __init__(self, store: Store, clock: Clock, keys: KeyRing) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys

    def log_in(
        self,
        username: str,
        device: str,
        *,
        recovery: bool = False,
        source: Source = Source.WINDOW,
    ) -> Actor:
        """The person behind an opened key slot. Raises PermissionDenied when inactive.

        ``recovery`` says that the printed code opened it and a new password was set.
        """
        now = self._clock.now()
        with self._store.write() as work:
            user = active_user(work, username)
            work.users.save(replace(user, last_login_at=now), author=None, at=now)
            note_use(work, now)
            session = self._clock.new_id()
            actor = Actor(user=user, device=device, source=source, session=session)
            work.audit.append(actor, "account.recovery" if recovery else "account.log_in", now)
            return actor

    def log_out(self, actor: Actor, why: str = "person") -> None:
        """``why``: ``person``, ``idle`` or ``close``."""
        with self._store.write() as work:
            work.audit.append(actor, "account.log_out", self._clock.now(), detail={"why": why})

    def users(self, actor: Actor) -> tuple[User, ...]:
        allow(actor, Action.USER_MANAGE)
        with self._store.read() as work:
            return work.users.all()

    def locked(self, actor: Actor, username: str) -> bool:
        allow(actor, Action.USER_MANAGE)
        return self._keys.is_locked(username)

    def password_problems(
        self, password: str, username: str, full_name: str, *, second_factor: bool = False
    ) -> tuple[Problem, ...]:
        """What keeps this password from being used; reads nothing, so it can follow the typing."""
        short = {"second_factor": True} if second_factor else {}
        return self._keys.password_problems(password, username, full_name, **short)

    def add_user(self, actor: Actor, user: User, password: str) -> Changes:
        """A new person with a first password. Raises InvalidRecord with every field at fault."""
        allow(actor, Action.USER_MANAGE)
        now = self._clock.now()
        user = replace(
            user,
            id=user.id or self._clock.new_id(),
            username=user.username.strip().lower(),
            full_name=clean(user.full_name),
        )
        problems = [*check_user(user)]
        problems += self._keys.password_problems(password, user.username, user.full_name)
        with self._store.write() as work:
            if work.users.by_username(user.username) is not None:
                problems.append(
                    Problem(
                        field="username",
                        code="username-taken",
                        message=f"Tên đăng nhập “{user.username}” đã có người dùng. Hãy chọn tên khác.",
                    )
                )
            refuse(problems)
            changed = work.users.save(user, author=actor.user.snapshot, at=now)
            set_by_another(work, user, password, now, self._clock.random)
            work.audit.append(
                actor,
                "user.add",
                now,
                kind="practitioner",
                record_id=user.id,
                detail={"role": user.role},
            )
            # Last inside the transaction: a slot without a user is harmless, the reverse is not.
            self._keys.add(user.username, user.snapshot.printed_name, user.role.label, password)
            return Changes((changed,))

    def update_user(self, actor: Actor, user: User) -> Changes:
        """Change name, role, licence or whether the account is in use."""
        allow(actor, Action.USER_MANAGE)
        now = self._clock.now()
        user = replace(user, full_name=clean(user.full_name))
        refuse(check_user(user))
        with self._store.write() as work:
            before = work.users.get(user.id)
            if before.username != user.username:
                raise InvalidRecord(
                    (
                        Problem(
                            field="username",
                            code="username-fixed",
                            message="Tên đăng nhập không đổi được sau khi tạo.",
                        ),
                    )
                )
            if before.role is Role.DIRECTOR and (user.role is not Role.DIRECTOR or not user.active):
                keep_one_director(work.users.all(), user)
            if user.id == actor.user.id and (user.role is not before.role or not user.active):
                raise InvalidRecord(
                    (
                        Problem(
                            field="role",
                            code="own-role",
                            message="Không tự đổi vai trò hay ngừng tài khoản của chính mình. Hãy nhờ người quản lý khác làm.",
                        ),
                    )
                )
            changed = work.users.save(user, author=actor.user.snapshot, at=now)
            work.audit.append(
                actor,
                "user.update",
                now,
                kind="practitioner",
                record_id=user.id,
                detail={"role": user.role, "active": str(user.active)},
            )
            if user.active and not before.active:
                state = work.access.state(user.id)  # the days of absence do not count
                work.access.put_state(replace(state, last_use=now, closed=None))
                write_standing(work, actor, user, now)
            elif before.active and not user.active:
                write_standing(work, actor, user, now, shut=LEFT)  # on every other PC as well
            if before.active and not user.active:
                self._keys.remove(user.username)
            elif user.active:
                self._keys.describe(user.username, user.snapshot.printed_name, user.role.label)
            return Changes((changed,))

    def confirm_oneself(self, actor: Actor, password: str) -> None:
        """Whether the one who acts knows the own password. Raises WrongPassword, AccountLocked."""
        allow_oneself(actor)
        self._keys.check(actor.user.username, password)

    def describe(self, user: User) -> None:
        """The log-in tile follows a role that changed; called inside the transaction that changes it."""
        self._keys.describe(user.username, user.snapshot.printed_name, user.role.label)

    def unlock(self, actor: Actor, username: str) -> None:
        """Let a locked account try again. Raises NotFound for an unknown name."""
        allow(actor, Action.ACCOUNT_UNLOCK)
        with self._store.write() as work:
            user = work.users.by_username(username)
            if user is None:
                raise NotFound(f"Không có tài khoản “{username}”.")
            self._keys.unlock_account(username)
            work.access.put_state(replace(work.access.state(user.id), wrong_codes=0))
            work.audit.append(
                actor, "account.unlock", self._clock.now(), kind="practitioner", record_id=user.id
            )

    def reset_password(self, actor: Actor, username: str, new: str) -> None:
        allow(actor, Action.USER_MANAGE)
        with self._store.write() as work:
            user = work.users.by_username(username)
            if user is None:
                raise NotFound(f"Không có tài khoản “{username}”.")
            refuse(self._keys.password_problems(new, username, user.full_name))
            now = self._clock.now()
            state = work.access.state(user.id)
            refuse(reuse_problems(state, new))
            if user.id == actor.user.id:
                chosen_by_oneself(work, user, new, now, self._clock.random)
            else:
                set_by_another(work, user, new, now, self._clock.random)
            self._keys.reset_password(username, user.snapshot.printed_name, user.role.label, new)
            work.audit.append(
                actor,
                "account.reset_password",
                self._clock.now(),
                kind="practitioner",
                record_id=user.id,
            )

    def change_password(self, actor: Actor, old: str, new: str) -> None:
        """The actor's own password. Raises WrongPassword, InvalidRecord."""
        user = actor.user
        if new == old:
            raise InvalidRecord(
                (
                    Problem(
                        field="password",
                        code="password-same",
                        message="Mật khẩu mới giống mật khẩu đang dùng. Hãy chọn mật khẩu khác.",
                    ),
                )
            )
        with self._store.read() as work:
            state = work.access.state(user.id)
        short = {"second_factor": True} if state.has_second_factor else {}
        refuse(
            (
                *self._keys.password_problems(new, user.username, user.full_name, **short),
                *reuse_problems(state, new),
            )
        )
        self._keys.change_password(user.username, old, new)
        now = self._clock.now()
        with self._store.write() as work:
            chosen_by_oneself(work, user, new, now, self._clock.random)
            work.audit.append(actor, "account.change_password", now)

    def new_recovery_code(self, actor: Actor) -> str:
        """A new code for the sealed envelope: the director's alone, for it opens every record."""
        allow_recovery(actor)
        # Noted first and committed: a line about a code that was never made is harmless, a code
        # nobody knows of is not. And the slow key derivation keeps nobody from writing.
        now = self._clock.now()
        with self._store.write() as work:
            note_new_code(work, now)
            work.audit.append(actor, "account.new_recovery_code", now)
        return self._keys.new_recovery_code()

    def station(self) -> StationProfile:
        with self._store.read() as work:
            return work.settings.station()

    def save_station(self, actor: Actor, profile: StationProfile) -> None:
        """Change the letterhead. What the station is (its identity, a demo or not) stays."""
        allow(actor, Action.SETTINGS_EDIT)
        refuse(check_station(profile))
        now = self._clock.now()
        with self._store.write() as work:
            before = work.settings.station()
            if profile.series != before.series:
                refuse(check_series(profile.series, closed_series(work)))
            profile = replace(profile, facility_id=before.facility_id, demo=before.demo)
            work.settings.save_station(profile, now)
            work.audit.append(actor, "station.update", now)

    def setting(self, key: str, default: str = "") -> str:
        """Raises PermissionDenied for what only the program itself may read."""
        _public_setting(key)
        with self._store.read() as work:
            value = work.settings.get(key)
        return default if value is None else value

    def save_setting(self, actor: Actor, key: str, value: str) -> None:
        allow(actor, Action.SETTINGS_EDIT)
        _public_setting(key)
        with self._store.write() as work:
            if key == SERVER_URL and place_of(value) != place_of(work.settings.get(key) or ""):
                # A fixed token is good for reading the record: no other server may be shown it.
                work.settings.put(SERVER_TOKEN, "")
            work.settings.put(key, value)
            where = {"address": value} if key == SERVER_URL else {}
            detail = {"key": key, **where}
            work.audit.append(actor, "setting.update", self._clock.now(), detail=detail)

    def clock_problem(self) -> str:
        """Why nothing can be signed at this machine's time; empty when the clock is in order."""
        with self._store.read() as work:
            return clock_problem(work, self._clock.now())

    def clock_warning(self, actor: Actor) -> str:  # noqa: ARG002  everybody may know
        """What is odd about the machine's time, for the banner at log-in: everything that
        :meth:`clock_problem` says, and what keeps nobody from signing. Empty when nothing is.
        """
        with self._store.read() as work:
            return clock_warning(work, self._clock.now())

    def accept_clock(self, actor: Actor) -> None:
        """Confirm that the machine's time is right now, after a signature in a wrong future."""
        allow(actor, Action.SETTINGS_EDIT)
        now = self._clock.now()
        with self._store.write() as work:
            accept_time(work, now)
            work.audit.append(actor, "clock.accept", now)

    def audit(
        self, actor: Actor, limit: int = 200, before: int | None = None
    ) -> tuple[AuditRow, ...]:
        allow(actor, Action.AUDIT_VIEW)
        with self._store.read() as work:
            return work.audit.rows(limit, before)

    def verify_audit(self, actor: Actor) -> int | None:
        """None when no line was changed or removed, otherwise the first broken line."""
        allow(actor, Action.AUDIT_VIEW)
        with self._store.read() as work:
            return work.audit.verify()


# Kept among the settings, but no setting: the letter key, the identity, the guard of the clock.
_PRIVATE_SETTINGS = (
    "access.",
    "audit.",
    "signing.",
    "keys.",
    "letter.",
    "station.",
    "clock.",
    "sync.incarnation",
    "sync.key_id",
)


def _public_setting(key: str) -> None:
    if key.startswith(_PRIVATE_SETTINGS):
        raise PermissionDenied("Mục này do chương trình tự giữ nên không xem hay đổi được ở đây.")

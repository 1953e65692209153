"""Who can open the encrypted database: one key slot per person and one for the recovery code.

The file lies beside the database and is read before it is open, so it also feeds the log-in
tiles. Every operation reads it afresh under a lock, so that two programs on one machine agree.
A wrong password is counted on disk before it is checked: pulling the plug gives no free guess.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from station_emr.domain.errors import (
    AccountLocked,
    DatabaseDamaged,
    DatabaseMissing,
    EnvironmentFailure,
    StateError,
    UserError,
    WrongPassword,
)
from station_emr.domain.text import clean
from station_emr.security import durable_file, key_wrap, slot_file
from station_emr.security.attempt_log import AttemptLog
from station_emr.security.key_wrap import DEFAULT_COST, KdfCost, Rng, Unopened
from station_emr.security.machine_tie import MachineTie
from station_emr.security.recovery_code import make_recovery_code, read_recovery_code
from station_emr.security.slot_content import (
    DAMAGED,
    MAX_ATTEMPTS,
    RECOVERY,
    MachineSecrets,
    check_origin,
    cost_of,
    earlier_keys,
    find,
    is_locked,
    lock_box,
    need,
    new_slot,
    reseal,
    tied,
    untied,
    where,
    with_slot,
)
from station_emr.security.slot_file import SlotFile
from station_emr.services.failed_attempts import How

FILE_NAME: Final = "keyslots.json"

_LOCKED: Final = (
    "Tài khoản này đã bị khóa vì sai mật khẩu 5 lần. "
    "Nhờ giám đốc hoặc người quản trị mở khóa, hoặc dùng mã khôi phục của trạm."
)
_OTHER_MACHINE: Final = (
    "Hồ sơ này được gắn với một máy khác, nên mật khẩu chưa mở được ở đây. Dữ liệu còn nguyên. Hãy mở trên "
    "máy cũ, hoặc dùng mã khôi phục trong phong bì của trạm."
)
_DENIED: Final = (
    "Không đọc được tệp khóa của trạm (keyslots.json): máy không cho mở. Không có gì bị thay đổi. "
    "Hãy kiểm tra ổ đĩa và cấp quyền đọc thư mục dữ liệu cho tài khoản này rồi mở lại."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What a log-in tile shows."""

    username: str
    display_name: str
    role_label: str
    locked: bool
    attempts_left: int


class KeySlots:
    """The key slot file of one station database. Safe to share between threads and programs."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime],
        rng: Rng,
        tie: MachineTie | None = None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._rng = rng
        self._tie = tie or MachineTie()
        self.attempts = AttemptLog(path.parent, rng)
        """What did not open the record, until the log in the database takes it over."""

    def __repr__(self) -> str:
        return f"KeySlots({self._path.name})"

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        station_name: str,
        database_id: str,
        username: str,
        display_name: str,
        password: str,
        clock: Callable[[], datetime],
        role_label: str = "",
        rng: Rng = secrets.token_bytes,
        cost: KdfCost = DEFAULT_COST,
    ) -> tuple[KeySlots, bytes, str]:
        """A new file with its first person: the slots, the new data key, the recovery code.

        Raises StateError when a file is there already: it may be the only way to somebody's data.
        """
        slots = cls(path, clock=clock, rng=rng)
        data_key = rng(key_wrap.KEY_BYTES)
        code = make_recovery_code(rng(15))
        content = SlotFile(
            station_name=clean(station_name),
            database_id=database_id,
            fingerprint=key_wrap.fingerprint(data_key),
            previous=(),
            slots=(),
            recovery=lock_box(code, data_key, database_id, RECOVERY, cost, rng),
        )
        slot = new_slot(content, username, display_name, role_label, password, data_key, cost, rng)
        with durable_file.locked(path):
            if path.exists() or durable_file.backup_of(path).exists():
                raise StateError(
                    "Thư mục này đã có tệp khóa của một trạm. Không ghi đè. Hãy chọn thư mục khác."
                )
            slots._write(replace(content, slots=(slot,)))
        return slots, data_key, code

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        clock: Callable[[], datetime],
        rng: Rng = secrets.token_bytes,
        tie: MachineTie | None = None,
    ) -> KeySlots:
        """Open an existing file; a damaged one is read from its second copy.

        Raises DatabaseMissing, DatabaseDamaged or DatabaseTooNew.
        """
        slots = cls(path, clock=clock, rng=rng, tie=tie)
        slots._read()
        return slots

    @property
    def station_name(self) -> str:
        return self._read().station_name

    @property
    def database_id(self) -> str:
        return self._read().database_id

    def people(self) -> tuple[Person, ...]:
        """Everybody who has a slot, in order of joining."""
        return tuple(
            Person(
                username=slot.username,
                display_name=slot.display_name,
                role_label=slot.role_label,
                locked=is_locked(slot),
                attempts_left=max(0, MAX_ATTEMPTS - slot.failed_attempts),
            )
            for slot in self._read().slots
        )

    def unlock(self, username: str, password: str) -> bytes:
        """The data key. Raises WrongPassword or AccountLocked."""
        username = username.strip().lower()
        known = find(self._read(), username) is not None
        with self.attempts.judging(username if known else "", How.PASSWORD, self._clock()):
            data_key = self._try(username, password)
        # A full disk here must not keep the right person out: the counter merely stays.
        with contextlib.suppress(EnvironmentFailure):
            self._reset_counter(username)
        return data_key

    def _try(self, username: str, password: str) -> bytes:
        with durable_file.locked(self._path):
            content = self._read()
            slot = find(content, username)
            if slot is None:
                # The same work as for a known name; the tiles list the names anyway.
                key_wrap.derive(password, self._rng(16), content.recovery.cost)
                raise WrongPassword("Sai tên đăng nhập hoặc mật khẩu. Hãy gõ lại.")
            if is_locked(slot):
                raise AccountLocked(_LOCKED)
            if slot.machine and self._secrets(content)(slot.machine) is None:
                raise StateError(_OTHER_MACHINE)  # nothing is tried, so nothing is counted
            attempts = slot.failed_attempts + 1
            locked_at = self._clock().astimezone(UTC) if attempts >= MAX_ATTEMPTS else None
            counted = replace(slot, failed_attempts=attempts, locked_at=locked_at)
            self._write(with_slot(content, counted))
        try:
            loose = untied(content, slot, self._secrets(content)) or slot
            opened = key_wrap.unlock(password, loose.box, where(content, username))
        except Unopened:
            left = MAX_ATTEMPTS - attempts
            if left <= 0:
                raise AccountLocked(_LOCKED) from None
            raise WrongPassword(
                f"Sai mật khẩu. Còn {left} lần thử, sau đó tài khoản bị khóa."
            ) from None
        check_origin(content, opened)
        return opened.data_key

    def unlock_with_recovery(self, code: str) -> bytes:
        """The data key, from the code printed at set-up. Raises UserError or WrongPassword."""
        squeezed = read_recovery_code(code)
        if squeezed is None:
            raise UserError(
                "Mã khôi phục chưa đúng dạng: 24 ký tự, chia 6 nhóm. "
                "Có lẽ gõ nhầm một ký tự, hãy so lại với tờ giấy."
            )
        content = self._read()
        with self.attempts.judging("", How.RECOVERY, self._clock()):
            try:
                opened = key_wrap.unlock(squeezed, content.recovery, where(content, RECOVERY))
            except Unopened:
                raise WrongPassword(
                    "Mã khôi phục này không phải của trạm này, hoặc đã được thay bằng mã mới hơn."
                ) from None
        check_origin(content, opened)
        return opened.data_key

    def add(
        self,
        username: str,
        display_name: str,
        password: str,
        data_key: bytes,
        *,
        role_label: str = "",
    ) -> None:
        """Give one more person a slot. Raises UserError for a name taken or not usable."""
        with self._changing(data_key) as content:
            if find(content, username.strip().lower()) is not None:
                raise UserError("Tên đăng nhập này đã có người dùng. Hãy chọn tên khác.")
            slot = new_slot(
                content,
                username,
                display_name,
                role_label,
                password,
                data_key,
                cost_of(content, data_key),
                self._rng,
            )
            slot = tied(content, slot, self._secrets(content), self._rng)
            self._write(replace(content, slots=(*content.slots, slot)))

    def describe(self, username: str, *, display_name: str, role_label: str) -> None:
        """Change what the log-in tile shows."""
        with durable_file.locked(self._path):
            content = self._read()
            slot = need(content, username)
            shown = replace(slot, display_name=clean(display_name), role_label=clean(role_label))
            self._write(with_slot(content, shown))

    def change_password(self, username: str, old: str, new: str) -> None:
        """The person's own change. A wrong old password counts like one at log-in."""
        data_key = self.unlock(username, old)
        self.reset_password(username, new, data_key)

    def reset_password(self, username: str, new: str, data_key: bytes) -> None:
        """A new password for somebody, which also unlocks the account."""
        with self._changing(data_key) as content:
            slot = need(content, username)
            cost = cost_of(content, data_key)
            box = lock_box(new, data_key, content.database_id, slot.username, cost, self._rng)
            fresh = replace(slot, box=box, failed_attempts=0, locked_at=None, machine="")
            fresh = tied(content, fresh, self._secrets(content), self._rng)
            self._write(with_slot(content, fresh))

    def unlock_account(self, username: str) -> None:
        """Let a locked person try again; the caller has checked who asks."""
        self._reset_counter(need(self._read(), username).username)

    def remove(self, username: str) -> None:
        """Take a leaver's slot away; the data key should then be changed (:meth:`replace_all`)."""
        with durable_file.locked(self._path):
            content = self._read()
            slot = need(content, username)
            rest = tuple(other for other in content.slots if other is not slot)
            if not rest:
                raise StateError(
                    "Không bỏ được người dùng cuối cùng: sẽ không còn ai mở được hồ sơ."
                )
            self._write(replace(content, slots=rest))

    def new_recovery_code(self, data_key: bytes) -> str:
        """Replace the recovery code; the old one opens nothing from now on."""
        code = make_recovery_code(self._rng(15))
        with self._changing(data_key) as content:
            cost = cost_of(content, data_key)
            box = lock_box(code, data_key, content.database_id, RECOVERY, cost, self._rng)
            self._write(replace(content, recovery=box))
        return code

    def replace_all(self, data_key: bytes, new_data_key: bytes) -> None:
        """Give everybody a new data key without their passwords; the recovery code stays.

        Call it first, re-key the database after: :meth:`previous_keys` opens a database that a
        power cut left under the old key, and older backups.
        """
        with self._changing(data_key) as content:
            fresh = []
            for slot in content.slots:
                place = where(content, slot.username)
                fresh.append(
                    replace(slot, box=reseal(slot.box, place, data_key, new_data_key, self._rng))
                )
            place = where(content, RECOVERY)
            wrapped = key_wrap.wrap_previous(data_key, new_data_key, content.database_id, self._rng)
            self._write(
                replace(
                    content,
                    fingerprint=key_wrap.fingerprint(new_data_key),
                    previous=(wrapped, *content.previous),
                    slots=tuple(fresh),
                    recovery=reseal(content.recovery, place, data_key, new_data_key, self._rng),
                )
            )

    def previous_keys(self, data_key: bytes) -> tuple[bytes, ...]:
        """Earlier data keys, newest first."""
        return tuple(earlier_keys(self._read(), data_key))

    @property
    def generation(self) -> int:
        """The how many-th data key this file gives: one more with every change of keys."""
        return 1 + len(self._read().previous)

    # -- this machine ------------------------------------------------------------------------------

    def can_tie(self) -> bool:
        """Whether this machine has a store that a secret can be kept in."""
        return self._tie.has_store()

    def machine_state(self) -> tuple[bool, tuple[str, ...]]:
        """Whether the file asks for a machine besides a password, and who cannot log in here for it."""
        content = self._read()
        known = self._secrets(content)
        foreign = [s.username for s in content.slots if s.machine and known(s.machine) is None]
        return bool(content.machine), tuple(foreign)

    def tie_to_machine(self, data_key: bytes) -> None:
        """From now on passwords open the record on this PC alone; the recovery code opens it anywhere.
        Raises EnvironmentFailure where the operating system keeps no secrets.
        """
        with self._changing(data_key) as content:
            name = self._tie.make(content.database_id, self._rng)
            secrets_here = self._secrets(content)
            moved = replace(content, machine=name)
            slots = tuple(
                slot
                if (loose := untied(content, slot, secrets_here)) is None
                else tied(moved, loose, secrets_here, self._rng)
                for slot in content.slots
            )
            self._write(replace(moved, slots=slots))

    def untie_from_machine(self, data_key: bytes) -> None:
        """Passwords alone open the record again, wherever the folder lies."""
        with self._changing(data_key) as content:
            known = self._secrets(content)
            slots = tuple(untied(content, slot, known) or slot for slot in content.slots)
            self._write(replace(content, machine="", slots=slots))

    def _secrets(self, content: SlotFile) -> MachineSecrets:
        return lambda name: self._tie.secret(content.database_id, name)

    def _reset_counter(self, username: str) -> None:
        with durable_file.locked(self._path):
            content = self._read()
            slot = find(content, username)
            if slot is not None and (slot.failed_attempts or slot.locked_at):
                self._write(with_slot(content, replace(slot, failed_attempts=0, locked_at=None)))

    @contextlib.contextmanager
    def _changing(self, data_key: bytes) -> Iterator[SlotFile]:
        """The content under the lock, for a caller that really holds its data key."""
        with durable_file.locked(self._path):
            content = self._read()
            if not hmac.compare_digest(content.fingerprint, key_wrap.fingerprint(data_key)):
                raise ValueError("this is not the data key of these slots")
            yield content

    def _read(self) -> SlotFile:
        found = False
        denied: OSError | None = None
        for path in (self._path, durable_file.backup_of(self._path)):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                denied = error
                continue
            found = True
            with contextlib.suppress(slot_file.Damaged):
                return slot_file.parse(data)
        if denied is not None:
            raise EnvironmentFailure(_DENIED) from denied
        if found:
            raise DatabaseDamaged(DAMAGED)
        raise DatabaseMissing(
            "Chưa có trạm nào trong thư mục này (không thấy keyslots.json). "
            "Hãy chọn đúng thư mục dữ liệu, hoặc thiết lập trạm mới."
        )

    def _write(self, content: SlotFile) -> None:
        durable_file.write_twice(self._path, slot_file.dump(content))

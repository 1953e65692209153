"""The key slots of an open station, as the use case of accounts needs them."""

from __future__ import annotations

from collections.abc import Callable

from station_emr.domain.errors import Problem
from station_emr.security import forgetting
from station_emr.security.keyslots import KeySlots
from station_emr.security.passwords import WITH_SECOND_FACTOR, PasswordPolicy, password_problems


class SlotKeyRing:
    """Key slots with the open data key. ``left`` hears that somebody's slot was taken away."""

    def __init__(self, slots: KeySlots, data_key: bytes) -> None:
        self._slots = slots
        self._data_key = data_key
        self.left: Callable[[], None] = lambda: None

    @property
    def data_key(self) -> bytes:
        return self._data_key

    @property
    def generation(self) -> int:
        return self._slots.generation

    def change_data_key(self, new_data_key: bytes) -> None:
        """Everybody's slot and the recovery code give the new key from now on."""
        self._slots.replace_all(self._data_key, new_data_key)
        self._data_key = new_data_key

    def forget(self) -> None:
        """Overwrite the data key; the record is closed."""
        forgetting.overwrite(self._data_key)
        self._data_key = b""
        forgetting.scrub()

    def check_recovery(self, code: str) -> None:
        """Whether the code opens this record. Raises UserError, WrongPassword."""
        self._slots.unlock_with_recovery(code)

    def machine_state(self) -> tuple[bool, tuple[str, ...]]:
        return self._slots.machine_state()

    def can_tie(self) -> bool:
        return self._slots.can_tie()

    def tie_to_machine(self) -> None:
        self._slots.tie_to_machine(self._data_key)

    def untie_from_machine(self) -> None:
        self._slots.untie_from_machine(self._data_key)

    def add(self, username: str, display_name: str, role_label: str, password: str) -> None:
        """A slot for somebody new to the record. One that is there already was left when the power
        went between the slot and the record; it is given anew, so that the name can be used.
        """
        if self._has(username):
            self._slots.remove(username)
        self._slots.add(username, display_name, password, self._data_key, role_label=role_label)

    def describe(self, username: str, display_name: str, role_label: str) -> None:
        if self._has(username):
            self._slots.describe(username, display_name=display_name, role_label=role_label)

    def change_password(self, username: str, old: str, new: str) -> None:
        self._slots.change_password(username, old, new)

    def reset_password(self, username: str, display_name: str, role_label: str, new: str) -> None:
        if self._has(username):
            self._slots.reset_password(username, new, self._data_key)
        else:  # a person who had left and is back
            self.add(username, display_name, role_label, new)

    def check(self, username: str, password: str) -> None:
        """Opens the slot, which counts wrong passwords as at log-in."""
        self._slots.unlock(username, password)

    def unlock_account(self, username: str) -> None:
        self._slots.unlock_account(username)

    def remove(self, username: str) -> None:
        self._slots.remove(username)
        self.left()

    def new_recovery_code(self) -> str:
        return self._slots.new_recovery_code(self._data_key)

    def _has(self, username: str) -> bool:
        return any(person.username == username for person in self._slots.people())

    def is_locked(self, username: str) -> bool:
        return any(p.username == username and p.locked for p in self._slots.people())

    def password_problems(
        self, password: str, username: str, full_name: str, *, second_factor: bool = False
    ) -> tuple[Problem, ...]:
        policy = WITH_SECOND_FACTOR if second_factor else PasswordPolicy()
        return tuple(password_problems(password, username, full_name, policy))

"""The secret that ties key slots to one PC, kept in the key store of its operating system.

On Windows that is the store which DPAPI protects with the account's log-in; on Linux the Secret
Service. Whoever carries the data folder away has the slots but not this secret.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Callable
from typing import Final

from station_emr.domain.errors import EnvironmentFailure

from .device_key import Vault, os_vault
from .key_wrap import KEY_BYTES, Rng

NO_STORE: Final = (
    "Máy này không có kho khóa của hệ điều hành dùng được nên chưa gắn được hồ sơ với máy. Không có gì "
    "thay đổi. Hãy đăng nhập Windows bằng tài khoản riêng có mật khẩu rồi làm lại."
)


class MachineTie:
    """Secrets by name. ``vault`` finds the store, only when one is asked for."""

    def __init__(self, vault: Callable[[], Vault | None] = os_vault) -> None:
        self._vault = vault

    def has_store(self) -> bool:
        return self._vault() is not None

    def secret(self, database_id: str, name: str) -> bytes | None:
        """None where this machine does not hold it."""
        vault = self._vault()
        if vault is None:
            return None
        with contextlib.suppress(Exception):  # a locked or broken store, or another kind of text
            found = base64.b64decode(vault.get(_label(database_id, name)) or "", validate=True)
            return found if len(found) == KEY_BYTES else None
        return None

    def make(self, database_id: str, rng: Rng) -> str:
        """A new secret, kept and read back; gives its name. Raises EnvironmentFailure."""
        vault = self._vault()
        name, secret = rng(8).hex(), rng(KEY_BYTES)
        if vault is not None:
            with contextlib.suppress(Exception):  # any refusal of the store means the same
                label = _label(database_id, name)
                vault.put(label, base64.b64encode(secret).decode("ascii"))
                if self.secret(database_id, name) == secret:
                    return name
        raise EnvironmentFailure(NO_STORE)


def _label(database_id: str, name: str) -> str:
    return "slots-" + hashlib.sha256(f"{database_id}/{name}".encode()).hexdigest()[:32]

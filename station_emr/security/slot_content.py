"""What key slots hold: finding a person's slot, making one, sealing it anew. No file is touched."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from station_emr.domain.errors import DatabaseDamaged, NotFound, UserError
from station_emr.domain.text import clean
from station_emr.security import key_wrap
from station_emr.security.key_wrap import KdfCost, Rng, Unopened
from station_emr.security.slot_file import Slot, SlotFile

MachineSecrets = Callable[[str], bytes | None]
"""The secret of this machine by its name; None where it has none."""

MAX_ATTEMPTS: Final = 5  # TCVN 14423: five wrong passwords lock the account
RECOVERY: Final = "recovery code"  # no user name has a space
_USERNAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")

DAMAGED: Final = (
    "Tệp khóa của trạm (keyslots.json) bị hỏng, chưa mở được hồ sơ. Cơ sở dữ liệu không bị đụng tới. "
    "Hãy chép lại tệp này từ bản sao lưu gần nhất rồi mở lại."
)


def where(content: SlotFile, owner: str) -> bytes:
    """To what a box is bound, so that it opens in its own place only."""
    return key_wrap.context(content.database_id, owner)


def lock_box(
    secret: str, data_key: bytes, database_id: str, owner: str, cost: KdfCost, rng: Rng
) -> key_wrap.KeyBox:
    """The data key in a box that the secret opens."""
    secret = secret.replace("-", "") if owner == RECOVERY else secret
    return key_wrap.lock(secret, data_key, key_wrap.context(database_id, owner), cost, rng)


def new_slot(
    content: SlotFile,
    username: str,
    display_name: str,
    role_label: str,
    password: str,
    data_key: bytes,
    cost: KdfCost,
    rng: Rng,
) -> Slot:
    """A slot for one person. Raises UserError for a name that is not usable."""
    username = username.strip().lower()
    if not _USERNAME.fullmatch(username):
        raise UserError(
            "Tên đăng nhập gồm 2 đến 32 chữ thường không dấu, chữ số, dấu chấm hoặc gạch nối, "
            "ví dụ “nga.yt”."
        )
    return Slot(
        username=username,
        display_name=clean(display_name),
        role_label=clean(role_label),
        box=lock_box(password, data_key, content.database_id, username, cost, rng),
    )


def find(content: SlotFile, username: str) -> Slot | None:
    return next((slot for slot in content.slots if slot.username == username), None)


def need(content: SlotFile, username: str) -> Slot:
    """Raises NotFound."""
    slot = find(content, username.strip().lower())
    if slot is None:
        raise NotFound("Không có người dùng này trong danh sách đăng nhập của trạm.")
    return slot


def with_slot(content: SlotFile, changed: Slot) -> SlotFile:
    """The content with one person's slot exchanged."""
    slots = tuple(changed if s.username == changed.username else s for s in content.slots)
    return replace(content, slots=slots)


def is_locked(slot: Slot) -> bool:
    return slot.locked_at is not None or slot.failed_attempts >= MAX_ATTEMPTS


def earlier_keys(content: SlotFile, data_key: bytes) -> Iterator[bytes]:
    """The data keys before this one, newest first."""
    key = data_key
    for wrapped in content.previous:
        try:
            key = key_wrap.unwrap_previous(wrapped, key, content.database_id)
        except Unopened:
            return
        yield key


def check_origin(content: SlotFile, opened: key_wrap.Opened) -> None:
    """The key found must be the one the secret vouches for, or lead back to it."""
    current = key_wrap.fingerprint(opened.data_key)
    if not hmac.compare_digest(current, content.fingerprint):
        raise DatabaseDamaged(DAMAGED)
    for key in (opened.data_key, *earlier_keys(content, opened.data_key)):
        if hmac.compare_digest(key_wrap.fingerprint(key), opened.fingerprint):
            return
    raise DatabaseDamaged(DAMAGED)


def cost_of(content: SlotFile, data_key: bytes) -> KdfCost:
    """What a new password shall cost to try: as the recovery code, if a holder of the key said so.
    Raises DatabaseDamaged.
    """
    cost = key_wrap.bound_cost(content.recovery, where(content, RECOVERY), data_key)
    if cost is None:
        raise DatabaseDamaged(DAMAGED)
    return cost


def reseal(
    box: key_wrap.KeyBox, place: bytes, data_key: bytes, new_data_key: bytes, rng: Rng
) -> key_wrap.KeyBox:
    """The same box around a new data key, without its secret."""
    cost = key_wrap.bound_cost(box, place, data_key)
    if cost is None:
        raise DatabaseDamaged(DAMAGED)  # a public half that no holder of the key put here
    vouched = cost if cost == box.cost else None  # a figure nobody vouched for stays one
    return replace(
        box,
        sealed=key_wrap.seal(new_data_key, box.public, place, rng),
        binding=key_wrap.bind(new_data_key, box.public, place, vouched),
    )


def tied(content: SlotFile, slot: Slot, secrets: MachineSecrets, rng: Rng) -> Slot:
    """The slot tied to the machine as the file asks; as it is where this machine has no secret."""
    secret = secrets(content.machine) if content.machine else None
    if secret is None or slot.machine:
        return slot
    wrapped = key_wrap.tie_to_machine(
        slot.box.wrapped_private, secret, where(content, slot.username), rng
    )
    return replace(slot, machine=content.machine, box=replace(slot.box, wrapped_private=wrapped))


def untied(content: SlotFile, slot: Slot, secrets: MachineSecrets) -> Slot | None:
    """The slot without its machine; None where this is not that machine."""
    if not slot.machine:
        return slot
    secret = secrets(slot.machine)
    if secret is None:
        return None
    try:
        wrapped = key_wrap.untie(slot.box.wrapped_private, secret, where(content, slot.username))
    except Unopened:
        return None
    return replace(slot, machine="", box=replace(slot.box, wrapped_private=wrapped))

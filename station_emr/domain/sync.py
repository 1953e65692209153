"""What the link to the province is doing, in words the status line can say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from .record import RecordKind, RecordStatus

# Settings of the link, as a director or administrator keeps them.
DAILY_BYTES: Final = "sync.daily_bytes"  # a whole number; empty or 0: no limit
NOT_ON_METERED: Final = "sync.not_on_metered"  # "1": rest on a link paid by the megabyte


class UnitState(StrEnum):
    WAITING = "waiting"
    QUARANTINED = "quarantined"


class LinkState(StrEnum):
    """``unconfigured``: no server set; ``unknown``: not tried since start."""

    UNCONFIGURED = "unconfigured"
    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"
    REFUSED = "refused"


class LinkTrouble(StrEnum):
    """Why the last try did not reach the province, told apart by what a person can do about it.

    ``away``: nobody answered; ``portal``: something between answered with a page; ``untrusted``: the
    certificate could not be verified; ``busy``: the server asks for time; ``strange``: it answers
    otherwise than a server of the province does; ``refused``: it does not let this machine in;
    ``revoked``: and no longer knows it; ``key_lost``: this machine has lost what it proves itself by.
    """

    NONE = ""
    AWAY = "away"
    PORTAL = "portal"
    UNTRUSTED = "untrusted"
    BUSY = "busy"
    STRANGE = "strange"
    REFUSED = "refused"
    REVOKED = "revoked"
    KEY_LOST = "key_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxItem:
    """One committed change that the province does not have yet. ``seq`` orders and acknowledges."""

    seq: int
    op_id: str
    kind: RecordKind
    record_id: str
    version: int
    status: RecordStatus
    patient_id: str
    created_at: datetime
    state: UnitState = UnitState.WAITING
    attempts: int = 0
    reason: str = ""
    size: int = (
        0  # bytes: of its line for an exchange (0: not sealed), else of the record as kept here
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRun:
    """One attempt to reach the province, kept as evidence of outages (NĐ 188/2025 art. 38).

    ``outcome`` is complete, partial, waiting (the day's bytes are spent, or the link is a paid one),
    offline, refused or elsewhere (another process sends; not kept).
    """

    started_at: datetime
    ended_at: datetime
    outcome: str
    sent: int = 0
    changed: int = 0
    quarantined: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    detail: str = ""
    verified: bool = False
    received: int = 0  # operations that arrived; this and what follows are not kept
    conflicts: int = 0  # of those, how many a person has to decide
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStatus:
    """Everything the sync screen and the status line show."""

    link: LinkState
    trouble: LinkTrouble = LinkTrouble.NONE  # of a link that is offline or refused
    server: str = ""
    waiting: int = 0
    oldest_waiting_at: datetime | None = None  # of what a believable clock wrote
    undated: bool = False  # something that waits was written while the clock was impossible
    quarantined: int = 0
    last_complete_at: datetime | None = None
    last_verified: bool = False
    offline_since: datetime | None = None
    next_try_at: datetime | None = None
    running: bool = False
    detail: str = ""
    verified_at: datetime | None = None  # count and sum agreed with the province's; None: never
    conflicts: int = 0  # records that a person must decide
    doubles: int = 0  # pairs of charts that may be one person's
    bytes_today: int = 0
    budget: int = 0  # bytes a day; 0: no limit
    metered: bool = False  # resting because this link is paid by the megabyte
    skew_seconds: float | None = None  # the server's clock minus this machine's; None: unknown
    revoked: bool = False  # the province no longer lets this machine in
    parked: int = 0  # arrived lines that wait for what they are written on
    unreadable: int = 0  # arrived lines that this program cannot show
    forms: int = 0  # printed forms that still go to the province
    form_bytes: int = 0  # what is left of those that were made
    forms_stay: bool = False  # the server takes none
    kinds_stay: tuple[RecordKind, ...] = ()  # kinds of records that the server does not take

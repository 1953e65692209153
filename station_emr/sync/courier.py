"""The station's side of the stick: what waits goes out, the province's answer comes in, the whole
record moves to another PC (docs/courier.md).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from station_emr.domain.outages import EARLIEST_RUN
from station_emr.domain.sync import OutboxItem
from station_emr.services.courier import (
    PROVINCE_KEY,
    CourierKey,
    CourierRefused,
    CourierReport,
)
from station_emr.services.enrolment import DEVICE_ID, KEY_ID
from station_emr.services.ports import Clock, Store, Work

from .applying import Applier
from .courier_file import (
    REPLY,
    SNAPSHOT,
    SUFFIX,
    UNITS,
    CourierFile,
    Preamble,
    fingerprint,
    grouped,
    open_file,
)
from .courier_log import show_log
from .courier_reply import ReplyIntake
from .courier_writing import Signer, recipient_of, write_file
from .exchange_peer import ExchangeRequest
from .exchange_wire import encode_request
from .place import read_place
from .province_key import ProvinceKey
from .running import CANNOT_BUILD, OUR_FAULTS
from .sealing import NotYet, Numbers, Sealer, key_of_item

_log = logging.getLogger(__name__)

NUMBER: Final = "courier.number"
ROOM: Final = 64 * 1024 * 1024
_ALL: Final = 1_000_000
_AT_ONCE: Final = 200
_SEALED_AT_ONCE: Final = 25  # one short transaction: a nurse's own write never waits long
_IDS_A_LINE: Final = 400
_LONGEST_KEY_FILE: Final = 64 * 1024

NO_PROVINCE: Final = (
    "Máy này chưa có khóa của tỉnh nên chưa lập được tệp. Dữ liệu vẫn an toàn trên máy. "
    "Hãy kết nối mạng một lần để ghi danh, hoặc nhập tệp khóa do tỉnh cấp."
)
NOT_ENROLLED: Final = (
    "Máy này chưa được ghi danh bằng khóa của máy, nên tỉnh không nhận tệp của nó. "
    "Dữ liệu vẫn an toàn trên máy. Hãy ghi danh máy bằng mã của tỉnh."
)
NO_KEY_FILE: Final = (
    "Tệp này không phải tệp khóa của tỉnh. Chưa có gì thay đổi. "
    "Hãy xin tỉnh tệp khóa lập bằng lệnh provincial-server courier key."
)
NO_PC_KEY: Final = (
    "Đây không phải khóa nhận tệp của một máy trạm. Chưa ghi gì. "
    "Hãy chép lại khóa đang hiện trên máy mới; khóa bắt đầu bằng age1."
)
NOT_A_REPLY: Final = (
    "Đây không phải tệp trả lời của tỉnh. Chưa có gì thay đổi. Hãy chọn tệp mà tỉnh đưa lại."
)
NOT_OUR_FACILITY: Final = (
    "Tệp này của cơ sở {code}, không phải của trạm này ({own}). Chưa có gì thay đổi. "
    "Hãy đưa tệp về đúng trạm."
)
NOT_THIS_DEVICE: Final = (
    "Tệp trả lời này dành cho một máy khác của trạm. Chưa có gì thay đổi. "
    "Hãy nhập tệp ở máy đã xuất tệp gửi đi."
)
NOT_THE_PROVINCE: Final = (
    "Tệp này không do tỉnh của trạm ký, nên không được tin. Chưa có gì thay đổi. "
    "Nếu tỉnh vừa đổi khóa, hãy xin tệp khóa mới và so dấu vân tay qua điện thoại."
)

OTHER_FINGERPRINT: Final = (
    "Dấu vân tay của tệp không giống dấu vân tay đã so, nên tệp không được tin. Chưa có gì thay đổi. "
    "Hãy so lại từng ký tự với máy đã xuất tệp; nếu vẫn khác thì đừng dùng tệp này."
)


class DeviceSigner(Signer, Protocol):
    @property
    def key_id(self) -> str: ...


class DeviceSigners(Protocol):
    """The keys of this machine; private halves stay inside."""

    def find(self, key_id: str) -> DeviceSigner | None: ...
    def candidate(self, in_use: str) -> DeviceSigner: ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CourierMeans:
    """What the desk works with. ``identity`` and ``public`` are this machine's age pair."""

    sealer: Sealer
    applier: Applier
    signers: DeviceSigners
    identity: str
    public: str
    clock: Clock


@dataclass(frozen=True, slots=True)
class _Here:
    """What the settings say of this machine."""

    facility: str
    device: str
    key_id: str
    province: ProvinceKey | None


class CourierDesk:
    """See :class:`station_emr.services.courier.CourierDesk`."""

    def __init__(self, store: Store, means: CourierMeans) -> None:
        self._store = store
        self._means = means

    # --- out -------------------------------------------------------------------------------------

    def export(self, path: str, at: datetime, *, log_alone: bool = False) -> CourierReport:
        """``log_alone``: the end of the log without any operation."""
        here = self._here()
        if here.province is None:
            raise CourierRefused("not-ready", NO_PROVINCE)
        signer = self._means.signers.find(here.key_id) if here.key_id else None
        if signer is None or not here.device:
            raise CourierRefused("not-ready", NOT_ENROLLED)
        if not log_alone:
            self._seal_all()
        number = self._next_number()
        with self._store.write() as work:
            log = show_log(work, at)
        preamble = Preamble(
            kind=UNITS,
            facility=here.facility,
            device=here.device,
            created=at.isoformat(timespec="seconds"),
            number=number,
            recipient=here.province.encrypt,
            reply_to=self._means.public,
        )
        target = _target(path, f"gui-tinh-{here.facility}", at)
        with self._store.read() as work:
            queued = [] if log_alone else _queued(work, at)
            size = write_file(target, preamble, self._units(work, queued, at, log), signer)
        return CourierReport(
            path=str(target),
            created=at,
            number=number,
            size=size,
            operations=len(queued),
            waiting=len(queued),
        )

    def _units(
        self, work: Work, queued: Sequence[str], at: datetime, log: dict[str, Any]
    ) -> Iterator[bytes]:
        place = read_place(work)
        oldest = work.outbox.oldest_waiting_at(EARLIEST_RUN)
        request = ExchangeRequest(
            incarnation=self._means.sealer.incarnation.current(work),
            number=work.outbox.last_number(),
            epoch=place.epoch,
            cursor=place.cursor,
            room=ROOM,
            state={
                "waiting": len(queued),
                "oldest": oldest.isoformat() if oldest else "",
                "clock": at.isoformat(timespec="seconds"),
            },
        )
        yield encode_request(request, self._means.clock.random(16).hex(), log=log)
        for name in queued:
            line = work.operations.line(name)
            if line is not None:
                yield line

    def export_snapshot(self, path: str, recipient: str, at: datetime) -> CourierReport:
        here = self._here()
        try:
            recipient_of(recipient)
        except ValueError as error:
            raise CourierRefused("wrong-key", NO_PC_KEY) from error
        self._seal_all()
        signer = self._signer(here)
        number = self._next_number()
        preamble = Preamble(
            kind=SNAPSHOT,
            facility=here.facility,
            device=here.device or "-",
            created=at.isoformat(timespec="seconds"),
            number=number,
            recipient=recipient,
        )
        target = _target(path, f"ho-so-{here.facility}", at)
        with self._store.read() as work:
            total, not_held = _survey(work)
            lines = _snapshot_lines(work, total, not_held)
            size = write_file(target, preamble, lines, signer)
        return CourierReport(
            path=str(target),
            created=at,
            number=number,
            size=size,
            operations=total,
            waiting=len(not_held),
        )

    def _seal_all(self) -> None:
        """Give every waiting version its line, even on a base that has no answer yet: a file that
        travels for a week must hold everything.
        """
        now = self._means.clock.now()
        incarnation = self._means.sealer.incarnation
        with self._store.write() as work:
            if not incarnation.current(work):
                incarnation.renew(work)
            items = work.outbox.operations(_ALL, now.date())
        loose = [item for item in items if not item.op_id]
        numbers = {key_of_item(item): item.seq for item in items if item.version}
        for start in range(0, len(loose), _SEALED_AT_ONCE):
            with self._store.write() as work:
                for item in loose[start : start + _SEALED_AT_ONCE]:
                    try:
                        self._seal(work, item, numbers)
                    except OUR_FAULTS as error:
                        # One record must not stop the others. The message may quote it.
                        _log.warning("cannot build a %s: %s", item.kind.value, type(error).__name__)
                        work.outbox.quarantine(item, CANNOT_BUILD, now)

    def _seal(self, work: Work, item: OutboxItem, numbers: Numbers) -> None:
        """Never on what was refused already; on what has no answer yet, because it goes along."""
        try:
            self._means.sealer.seal_item(work, item, numbers)
        except NotYet:
            self._means.sealer.seal_now(work, key_of_item(item), numbers)

    def _next_number(self) -> int:
        with self._store.write() as work:
            number = int(work.settings.get(NUMBER) or "0") + 1
            work.settings.put(NUMBER, str(number))
            return number

    # --- in --------------------------------------------------------------------------------------

    def import_reply(self, path: str, at: datetime) -> CourierReport:
        courier = open_file(Path(path))
        here = self._here()
        preamble = courier.preamble
        if preamble.kind != REPLY:
            raise CourierRefused("wrong-kind", NOT_A_REPLY)
        check_facility(courier, here.facility)
        if here.province is None:
            raise CourierRefused("not-ready", NO_PROVINCE)
        if courier.signer_key not in here.province.signers:
            raise CourierRefused("unknown-sender", NOT_THE_PROVINCE)
        if preamble.device != here.device:
            raise CourierRefused("other-device", NOT_THIS_DEVICE)
        intake = ReplyIntake(
            self._store,
            self._means.sealer,
            self._means.applier,
            self._means.clock,
            here.province,
        )
        courier.read(self._means.identity, intake.take)
        created = moment_of(preamble.created, at)
        return intake.finish(str(path), created, preamble.answers, courier.size)

    # --- keys ------------------------------------------------------------------------------------

    def read_province_key(self, path: str) -> tuple[str, str]:
        try:
            with Path(path).open("rb") as file:
                key = ProvinceKey.parse(file.read(_LONGEST_KEY_FILE).decode("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise CourierRefused("not-ours", NO_KEY_FILE) from error
        if key is None:
            raise CourierRefused("not-ours", NO_KEY_FILE)
        return key.keep(), grouped(key.fingerprint)

    def fingerprint_of(self, kept: str) -> str:
        key = ProvinceKey.parse(kept)
        return grouped(key.fingerprint) if key else ""

    def own_key(self) -> CourierKey:
        signer = self._signer(self._here())
        return CourierKey(
            encrypt=self._means.public, fingerprint=grouped(fingerprint(signer.public_der))
        )

    def _signer(self, here: _Here) -> DeviceSigner:
        """The enrolled key; before an enrolment the one that will be enrolled."""
        found = self._means.signers.find(here.key_id) if here.key_id else None
        return found or self._means.signers.candidate(here.key_id)

    def _here(self) -> _Here:
        with self._store.read() as work:
            return _Here(
                facility=work.settings.station().code,
                device=work.settings.get(DEVICE_ID) or "",
                key_id=work.settings.get(KEY_ID) or "",
                province=ProvinceKey.kept(work.settings.get(PROVINCE_KEY) or ""),
            )


def check_facility(courier: CourierFile, own: str) -> None:
    """Raises CourierRefused for a file of another facility."""
    code = courier.preamble.facility
    if code != own:
        raise CourierRefused("other-facility", NOT_OUR_FACILITY.format(code=code[:32], own=own))


def moment_of(said: str, otherwise: datetime) -> datetime:
    """When a file says that it was written, in the time of this place (``otherwise``): a province writes
    UTC. Only ever shown.
    """
    try:
        found = datetime.fromisoformat(said)
        return found.astimezone(otherwise.tzinfo) if found.tzinfo else otherwise
    except (ValueError, OverflowError):
        return otherwise


def _target(path: str, name: str, at: datetime) -> Path:
    given = Path(path)
    return given / f"{name}-{at:%Y%m%d-%H%M%S}{SUFFIX}" if given.is_dir() else given


def _queued(work: Work, at: datetime) -> list[str]:
    """The operations that wait, in the order of an exchange."""
    return [item.op_id for item in work.outbox.operations(_ALL, at.date()) if item.op_id]


def _survey(work: Work) -> tuple[int, list[str]]:
    """How many lines there are, and which of them the province does not hold."""
    total, last = 0, ""
    not_held: list[str] = []
    while some := work.operations.all_lines(last, _AT_ONCE):
        total += len(some)
        not_held += [name for name, _ in some if not work.operations.is_held(name)]
        last = some[-1][0]
    return total, not_held


def _snapshot_lines(work: Work, total: int, not_held: Sequence[str]) -> Iterator[bytes]:
    place, tally = read_place(work), work.operations.tally()
    notes = [
        {"waiting": list(not_held[start : start + _IDS_A_LINE])}
        for start in range(0, len(not_held), _IDS_A_LINE)
    ]
    header: dict[str, Any] = {
        "v": 1,
        "epoch": place.epoch,
        "cursor": place.cursor,
        "lines": total,
        "count": tally.count,
        "sum": tally.total,
        "notes": len(notes),
    }
    yield from (_json(one) for one in (header, *notes))
    last = ""
    while some := work.operations.all_lines(last, _AT_ONCE):
        yield from (line for _, line in some)
        last = some[-1][0]


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")

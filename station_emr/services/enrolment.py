"""The machine's place at the province: enrolling it, and the authority that vouches for the server.

What the settings say is written only after the province has answered: a code that is refused or a
line that breaks leaves the machine as it was.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from station_emr.domain.errors import EnvironmentFailure, InvalidRecord, Problem, UserError
from station_emr.domain.permissions import Action
from station_emr.domain.record import StationProfile
from station_emr.domain.user import Actor

from .courier import PROVINCE_KEY
from .guards import allow
from .ports import Clock, Store, Work

SERVER_URL: Final = "sync.server_url"
SERVER_TOKEN: Final = "sync.token"  # noqa: S105  the name of a setting, not a secret
DEVICE_ID: Final = "sync.device_id"
KEY_ID: Final = "sync.key_id"
TOKEN_URL: Final = "sync.token_url"  # noqa: S105  the name of a setting, not a secret
AUTHORITY: Final = "sync.authority"

WRONG_FACILITY: Final = (
    "Mã ghi danh này là của cơ sở {code}, không phải của trạm này ({own}). Máy chưa được nối và "
    "không gửi gì. Hãy báo quản trị của tỉnh thu hồi thiết bị vừa ghi danh và cấp mã cho đúng trạm."
)
NOT_CONNECTED: Final = (
    "Máy này chưa nối với máy chủ tỉnh bằng mã truy cập. Hãy ghi danh bằng mã của tỉnh."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The province's answer. ``courier_key`` is empty when the server has none to give."""

    device_id: str
    server_url: str
    token_url: str
    facility_code: str
    facility_name: str
    courier_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """How this machine is known to the province. ``own_key`` is False for the fixed token of the
    first release; ``key_here`` is False when the key was left behind on another machine.
    """

    server_url: str
    device_id: str
    own_key: bool
    key_here: bool
    own_authority: bool

    @property
    def enrolled(self) -> bool:
        return bool(self.server_url and (self.key_here or not self.own_key))


class Registrar(Protocol):
    """The province's enrolment desk. Raises UserError (a refusal) or EnvironmentFailure."""

    def enrol(
        self, server: str, code: str, device_name: str, public_key: str, *, authority: str = ""
    ) -> Enrolled: ...
    def add_key(
        self, server: str, token: str, public_key: str, *, authority: str = ""
    ) -> Enrolled: ...


class PublicKey(Protocol):
    @property
    def key_id(self) -> str: ...
    @property
    def public_pem(self) -> str: ...


class KeyShelf(Protocol):
    """The keys of one machine; private halves stay inside."""

    def find(self, key_id: str) -> PublicKey | None: ...
    def candidate(self, in_use: str) -> PublicKey:
        """A key to enrol, kept before it is given."""

    def keep_only(self, key_id: str) -> None: ...


class AuthorityFiles(Protocol):
    def __call__(self, path: str) -> str:
        """The certificates in a file as PEM. Raises UserError."""


class Enrolments:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        keys: KeyShelf,
        registrar: Registrar,
        authority_files: AuthorityFiles,
    ) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys
        self._registrar = registrar
        self._authority_files = authority_files

    def state(self) -> Enrolment:
        with self._store.read() as work:
            found = {
                key: work.settings.get(key) or ""
                for key in (SERVER_URL, DEVICE_ID, KEY_ID, AUTHORITY)
            }
        key_id = found[KEY_ID]
        return Enrolment(
            server_url=found[SERVER_URL],
            device_id=found[DEVICE_ID],
            own_key=bool(key_id),
            key_here=bool(key_id) and self._keys.find(key_id) is not None,
            own_authority=bool(found[AUTHORITY]),
        )

    def enrol(self, actor: Actor, server: str, code: str) -> Enrolment:
        """Make this machine known with a code of the province. It counts from the next log-in.

        Raises InvalidRecord for empty fields, UserError for a wrong, used or expired code or an
        address in the clear, EnvironmentFailure when the server cannot be reached or trusted.
        """
        allow(actor, Action.SETTINGS_EDIT)
        _filled(server=server, code=code)
        in_use, authority, profile = self._now()
        key = self._keys.candidate(in_use)
        answer = self._registrar.enrol(
            server.strip(),
            code,
            profile.device_name or "Máy 1",
            key.public_pem,
            authority=authority,
        )
        if answer.facility_code != profile.code:
            raise UserError(WRONG_FACILITY.format(code=answer.facility_code, own=profile.code))
        return self._write(actor, key, answer, "device.enrol")

    def add_key(self, actor: Actor) -> Enrolment:
        """Change from the fixed token of the first release to a key of this machine's own."""
        allow(actor, Action.SETTINGS_EDIT)
        with self._store.read() as work:
            server = work.settings.get(SERVER_URL) or ""
            token = work.settings.get(SERVER_TOKEN) or ""
        if not (server and token):
            raise UserError(NOT_CONNECTED)
        in_use, authority, _ = self._now()
        key = self._keys.candidate(in_use)
        answer = self._registrar.add_key(server, token, key.public_pem, authority=authority)
        return self._write(actor, key, answer, "device.add_key")

    def trust_authority(self, actor: Actor, path: str) -> None:
        """Trust the province's own certificate authority, from the file it handed out; an empty
        path goes back to what the machine trusts. It counts from the next log-in.
        """
        allow(actor, Action.SETTINGS_EDIT)
        pem = self._authority_files(path) if path else ""
        with self._store.write() as work:
            work.settings.put(AUTHORITY, pem)
            work.audit.append(actor, "setting.update", self._clock.now(), detail={"key": AUTHORITY})

    def _now(self) -> tuple[str, str, StationProfile]:
        with self._store.read() as work:
            return (
                work.settings.get(KEY_ID) or "",
                work.settings.get(AUTHORITY) or "",
                work.settings.station(),
            )

    def _write(self, actor: Actor, key: PublicKey, answer: Enrolled, action: str) -> Enrolment:
        with self._store.write() as work:
            _remember(work, key, answer)
            detail = {"device": answer.device_id, "address": answer.server_url}
            work.audit.append(actor, action, self._clock.now(), detail=detail)
        with suppress(EnvironmentFailure):  # the key before is merely left lying
            self._keys.keep_only(key.key_id)
        return self.state()


def _remember(work: Work, key: PublicKey, answer: Enrolled) -> None:
    for name, value in (
        (SERVER_URL, answer.server_url),
        (TOKEN_URL, answer.token_url),
        (DEVICE_ID, answer.device_id),
        (KEY_ID, key.key_id),
        (SERVER_TOKEN, ""),
    ):
        work.settings.put(name, value)
    if answer.courier_key:
        work.settings.put(PROVINCE_KEY, answer.courier_key)


def place_of(url: str) -> str:
    """Scheme, host and port of an address, for comparing."""
    scheme, _, rest = url.strip().partition("://")
    return f"{scheme}://{rest.partition('/')[0]}".lower()


def _filled(**fields: str) -> None:
    problems = tuple(
        Problem(field=name, code=f"{name}-required", message=message)
        for name, message in (
            ("server", "Chưa có địa chỉ máy chủ tỉnh."),
            ("code", "Chưa có mã ghi danh."),
        )
        if not fields[name].strip()
    )
    if problems:
        raise InvalidRecord(problems)

"""What an operator may set: by argument, by environment, in one file; in this order of weight.

The file is TOML with one flat table. A key it does not know is a fault that names it, because a
setting that is silently not in force is worse than a server that does not start. No secret stands
in the file: a password is in the environment or in a file of its own.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from provincial_server.settings import Limits, Rate, Rates, Settings
from provincial_server.stations.plan import Plan

PREFIX = "PROVINCIAL_SERVER_"
FILE_VARIABLE = f"{PREFIX}CONFIG"
PASSWORD_VARIABLE = f"{PREFIX}DATABASE_PASSWORD"
IDENTITY_VARIABLE = f"{PREFIX}BACKUP_IDENTITY"
DEFAULT_DATABASE = "sqlite:///provincial-server.db"
LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("json", "text")
OWNER_VARIABLE = f"{PREFIX}OWNER_DATABASE"
USER_PASSWORD_VARIABLE = f"{PREFIX}PASSWORD"
DEMO_TOKEN_VARIABLE = f"{PREFIX}DEMO_TOKEN"
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")
_LIMITS = Limits()
_RATES = Rates()
_PLAN = Plan()


class WrongConfiguration(Exception):
    """The text names the key and what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Every key, with what holds when nobody says anything (docs/server.md explains each)."""

    database: str = DEFAULT_DATABASE
    database_password_file: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str | None = None
    log_level: str = "warning"
    log_format: str = "json"
    drain_seconds: int = 5
    grace_seconds: int = 10
    enrol_code_hours: int = 72
    backup_folder: Path | None = None
    backup_recipient: str | None = None
    backup_identity_file: Path | None = None
    postgres_programs: Path | None = None
    received_bytes: int = _LIMITS.received_bytes
    body_bytes: int = _LIMITS.body_bytes
    entries: int = _LIMITS.entries
    page: int = _LIMITS.page
    device_requests_per_second: float = _RATES.device.per_second
    device_burst: int = _RATES.device.burst
    address_requests_per_second: float = _RATES.address.per_second
    address_burst: int = _RATES.address.burst
    planned_stations: int = _PLAN.planned
    live_days: int = _PLAN.live_days
    silent_days: int = _PLAN.silent_days
    backlog_alarm: int = _PLAN.backlog
    wanted_program: str = _PLAN.program

    def settings(self, database: str | None = None) -> Settings:
        """What the application needs of it."""
        return Settings(
            database or self.database,
            public_url=self.public_url,
            limits=Limits(
                received_bytes=self.received_bytes,
                body_bytes=self.body_bytes,
                entries=self.entries,
                page=self.page,
                default_page=min(_LIMITS.default_page, self.page),
            ),
            rates=Rates(
                device=Rate(self.device_requests_per_second, self.device_burst),
                address=Rate(self.address_requests_per_second, self.address_burst),
            ),
            enrol_code_hours=self.enrol_code_hours,
            plan=Plan(
                planned=self.planned_stations,
                live_days=self.live_days,
                silent_days=self.silent_days,
                backlog=self.backlog_alarm,
                program=self.wanted_program,
            ),
        )


_LEAST = {"port": 0, "drain_seconds": 0}
_MANY = 1_000_000
_MOST = {
    "port": 65535,
    "drain_seconds": 300,
    "grace_seconds": 600,
    "enrol_code_hours": 24 * 366,
    "received_bytes": 1 << 30,
    "body_bytes": 1 << 30,
    "entries": 10_000,
    "page": 10_000,
    "live_days": _PLAN.days,
    "silent_days": 3660,
}
"""And of every other number `_MANY`."""
_CHOICES = {"log_level": LEVELS, "log_format": FORMATS}
_KINDS: dict[str, str] = {item.name: str(item.type) for item in fields(Configuration)}


def load(
    arguments: Mapping[str, Any], environment: Mapping[str, str], file: Path | None = None
) -> Configuration:
    """`arguments` holds what was given on the command line (None: was not). Raises
    WrongConfiguration."""
    if file is None and environment.get(FILE_VARIABLE):
        file = Path(environment[FILE_VARIABLE])
    _check_names(environment)
    found: dict[str, Any] = _from_file(file) if file is not None else {}
    for key in _KINDS:
        text = environment.get(PREFIX + key.upper())
        if text:
            found[key] = _from_text(key, text)
    found |= {key: arguments[key] for key in _KINDS if arguments.get(key) is not None}
    for key, value in found.items():
        _check(key, value)
    return _with_password(Configuration(**found), environment)


_VARIABLES = frozenset(
    {
        *(FILE_VARIABLE, PASSWORD_VARIABLE, IDENTITY_VARIABLE, OWNER_VARIABLE),
        *(USER_PASSWORD_VARIABLE, DEMO_TOKEN_VARIABLE),
        *(PREFIX + key.upper() for key in _KINDS),
    }
)


def _check_names(environment: Mapping[str, str]) -> None:
    for name in environment:
        if name.startswith(PREFIX) and name not in _VARIABLES:
            near = get_close_matches(name.upper(), _VARIABLES, 1)
            hint = f" Có phải là “{near[0]}”?" if near else ""
            raise WrongConfiguration(f"Môi trường có biến lạ {name}.{hint} Chưa có gì thay đổi.")


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongConfiguration(f"Không đọc được tệp cấu hình {path}.") from error
    except UnicodeDecodeError as error:
        raise WrongConfiguration(f"Tệp cấu hình {path} không phải chữ UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        where = f"dòng {place[1]}, cột {place[2]}" if place else "cuối tệp"
        raise WrongConfiguration(f"Tệp cấu hình {path} không đúng dạng TOML ở {where}.") from error
    found: dict[str, Any] = {}
    for key, value in content.items():
        if key not in _KINDS:
            near = get_close_matches(key, _KINDS, 1)
            hint = f" Có phải là “{near[0]}”?" if near else ""
            raise WrongConfiguration(f"Tệp cấu hình {path} có khóa lạ “{key}”.{hint}")
        found[key] = _from_toml(key, value)
    if "database" in found and _password_in(found["database"]):
        raise WrongConfiguration(
            f"Khóa “database” trong {path} chứa mật khẩu. Hãy để mật khẩu trong biến "
            f"{PASSWORD_VARIABLE} hoặc trong tệp mà khóa “database_password_file” chỉ tới."
        )
    return found


def _password_in(url: str) -> bool:
    try:
        return make_url(url).password is not None
    except ArgumentError:
        return False


def _from_toml(key: str, value: Any) -> Any:
    kind = _KINDS[key]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "int" and number and isinstance(value, int):
        return value
    if kind == "float" and number:
        return float(value)
    if kind.startswith("Path") and isinstance(value, str) and value:
        return Path(value)
    if kind.startswith("str") and isinstance(value, str):
        return value
    raise _wrong(key, value)


def _from_text(key: str, text: str) -> Any:
    kind = _KINDS[key]
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
    except ValueError:
        raise _wrong(key, text) from None
    return Path(text) if kind.startswith("Path") else text


def _check(key: str, value: Any) -> None:
    choices = _CHOICES.get(key)
    if choices and value not in choices:
        raise WrongConfiguration(f"Khóa “{key}” chỉ nhận: {', '.join(choices)}.")
    if isinstance(value, (int, float)):
        least, most = _LEAST.get(key, 1), _MOST.get(key, _MANY)
        if not least <= value <= most:  # NaN too is refused
            raise WrongConfiguration(f"Khóa “{key}” phải từ {least} trở lên và không quá {most}.")
    if key == "public_url" and not _is_public_address(value):
        raise WrongConfiguration(
            "Khóa “public_url” (--public-url) phải là địa chỉ mà các trạm nhìn thấy, dạng "
            "https://emr.tinh.example; http:// chỉ dùng để thử với 127.0.0.1."
        )


def _is_public_address(text: str) -> bool:
    """Whether tokens, links and cookies can be made for it: an address of https, or of http that
    leaves this machine never."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or not text.isprintable() or " " in text:
        return False
    if parts.username is not None or "?" in text or "#" in text:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host))


def _is_this_machine(host: str) -> bool:
    """As `serving.is_loopback`, without loading the web framework for every command."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(key: str, value: object) -> WrongConfiguration:
    wanted = {"int": "một số nguyên", "float": "một số"}.get(_KINDS[key], "một chuỗi chữ")
    return WrongConfiguration(f"Khóa “{key}” cần {wanted}, không nhận “{str(value)[:80]}”.")


def _with_password(found: Configuration, environment: Mapping[str, str]) -> Configuration:
    password = environment.get(PASSWORD_VARIABLE, "")
    if not password and found.database_password_file is not None:
        password = read_secret(found.database_password_file, "database_password_file")
    try:
        url = make_url(found.database)
    except ArgumentError:
        raise WrongConfiguration(
            "Khóa “database” phải là địa chỉ dạng sqlite:///… hoặc postgresql://…"
        ) from None
    if not password or url.password is not None:
        return found
    whole = url.set(password=password).render_as_string(hide_password=False)
    values = {item.name: getattr(found, item.name) for item in fields(found)}
    return Configuration(**{**values, "database": whole})


def read_secret(path: Path, key: str) -> str:
    """The first line of a file that holds nothing else. Raises WrongConfiguration."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongConfiguration(f"Không đọc được tệp {path} của khóa “{key}”.") from error
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):  # age writes its comments like this
            return line.strip()
    raise WrongConfiguration(f"Tệp {path} của khóa “{key}” không có gì.")

"""People who open the pages: their accounts, passwords and sessions.

A password is checked outside any transaction (the slow hash would hold SQLite's only writer), but
the try is counted before it: guesses sent side by side are still five. Nothing said to the asker
tells whether a name exists or is locked.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import unicodedata
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from provincial_server.auth import hash_secret
from provincial_server.store import EVERY_FACILITY, FACILITY_CODE, Base, Facility

if TYPE_CHECKING:  # it imports this module first, for the tables
    from provincial_server.database import Database

RECEIVER, OVERSEER, ADMINISTRATOR = "receiver", "overseer", "administrator"
ROLES = {
    RECEIVER: "Nơi nhận người bệnh",
    OVERSEER: "Theo dõi của Sở Y tế",
    ADMINISTRATOR: "Quản trị",
}
MAX_ATTEMPTS = 5
LOCK_MS = 15 * 60_000
IDLE_MS = 30 * 60_000
LONGEST_MS = 12 * 3_600_000
MIN_PASSWORD = 14
_MAX_PASSWORD = 200
_SEEN_EVERY_MS = 60_000
_KINDS = ("chữ thường", "chữ hoa", "chữ số", "ký hiệu")

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
# Of a password that nobody knows, made with the same cost: a name that does not exist takes as long.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=1$/HX9FJvAtLCTdwlTC/RuFA$dBBl2sngzcS2j+LZ82JTd//sRW1br90W9iHgvgDzDfg"
# Each check takes 64 MB for a moment: a flood of log-ins must queue, not fill the memory. Those that
# would queue too long are sent away: the threads that wait are the ones that serve the stations.
_one_by_one = threading.BoundedSemaphore(2)
_places = threading.BoundedSemaphore(8)


class WebUser(Base):
    """A person with a password. Receivers belong to one facility; the others to none."""

    __tablename__ = "web_user"
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    full_name: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    facility_code: Mapped[str | None] = mapped_column(FACILITY_CODE, ForeignKey("facility.code"))
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[int] = mapped_column(BigInteger)
    failed_count: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[int | None] = mapped_column(BigInteger)


class WebSession(Base):
    """One log-in. Only the hash of what the cookie holds is kept."""

    __tablename__ = "web_session"
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36), ForeignKey("web_user.id"))
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(BigInteger)
    last_seen_at: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "user_id"),)


@dataclass(frozen=True)
class SignedIn:
    """Who is behind a cookie, and the session's word for forms."""

    user: WebUser
    csrf: str
    last_seen_at: int


class TooManyAtOnce(Exception):
    """More people log in just now than passwords can be checked."""


class AccountRefused(ValueError):
    """The account or password cannot be taken; the text is for the person who asked."""


def password_problem(password: str, username: str = "") -> str | None:
    """What TCVN 14423 misses in a password without a second factor; None when it may be used."""
    text = unicodedata.normalize("NFC", password)
    if len(text) < MIN_PASSWORD:
        return f"Mật khẩu phải có ít nhất {MIN_PASSWORD} ký tự, đang có {len(text)}."
    if len(text) > _MAX_PASSWORD:
        return f"Mật khẩu dài quá {_MAX_PASSWORD} ký tự."
    present = (
        any(c.islower() for c in text),
        any(c.isupper() for c in text),
        any(c.isdecimal() for c in text),
        any(not c.isalnum() for c in text),
    )
    missing = [name for name, has in zip(_KINDS, present, strict=True) if not has]
    if missing:
        return f"Mật khẩu còn thiếu {', '.join(missing)}."
    if len(username) >= 4 and username.lower() in text.lower():
        return "Mật khẩu không được chứa tên đăng nhập."
    if len(set(text.lower())) < 6:
        return "Mật khẩu lặp lại quá ít ký tự khác nhau. Hãy chọn câu khác."
    return None


def hash_password(password: str) -> str:
    with _one_by_one:
        return _hasher.hash(unicodedata.normalize("NFC", password))


def _fits(stored: str, password: str) -> bool:
    with _one_by_one:
        try:
            return _hasher.verify(stored, unicodedata.normalize("NFC", password)[:_MAX_PASSWORD])
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


def add_user(
    session: Session,
    username: str,
    full_name: str,
    role: str,
    password: str,
    now: int,
    *,
    facility_code: str | None = None,
) -> WebUser:
    """AccountRefused when the name is taken, the facility unknown or the password too weak."""
    name = username.strip().lower()
    if not 3 <= len(name) <= 64 or not all(
        c.isascii() and (c.isalnum() or c in "._-") for c in name
    ):
        raise AccountRefused("Tên đăng nhập có 3 đến 64 chữ không dấu, số, dấu chấm hay gạch.")
    if role not in ROLES:
        raise AccountRefused("Vai trò không có.")
    if (role == RECEIVER) != (facility_code is not None):
        raise AccountRefused("Tài khoản nơi nhận phải thuộc một cơ sở; tài khoản khác thì không.")
    if facility_code is not None and session.get(Facility, facility_code) is None:
        raise AccountRefused(f"Chưa có cơ sở {facility_code}. Hãy thêm bằng lệnh facility add.")
    if session.scalar(select(WebUser.id).where(WebUser.username == name)) is not None:
        raise AccountRefused(f"Tên đăng nhập {name} đã có người dùng.")
    problem = password_problem(password, name)
    if problem:
        raise AccountRefused(problem)
    user = WebUser(
        id=str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)),
        username=name,
        full_name=full_name.strip()[:200] or name,
        role=role,
        facility_code=facility_code,
        password_hash=hash_password(password),
        active=True,
        created_at=now,
        failed_count=0,
    )
    session.add(user)
    session.flush()
    return user


def check_password(database: Database, username: str, password: str, now: int) -> WebUser | None:
    """The person, or None: wrong name, wrong password, closed or locked account alike. Raises
    TooManyAtOnce before a try is counted.
    """
    if not _places.acquire(blocking=False):
        raise TooManyAtOnce
    try:
        return _check(database, username, password, now)
    finally:
        _places.release()


def _check(database: Database, username: str, password: str, now: int) -> WebUser | None:
    with database.write(EVERY_FACILITY) as session:
        user = session.scalars(
            select(WebUser).where(WebUser.username == username.strip().lower()).with_for_update()
        ).first()
        stored = _count_try(user, now) if user is not None else None
    if not _fits(stored or _NOBODY, password) or user is None or stored is None:
        return None
    with database.write(EVERY_FACILITY) as session:
        known = session.get_one(WebUser, user.id)
        if not known.active or known.password_hash != stored:
            return None  # closed or changed while the password was being checked
        known.failed_count, known.locked_until = 0, None
        if _hasher.check_needs_rehash(stored):
            known.password_hash = hash_password(password)
        return known


def _count_try(user: WebUser, now: int) -> str | None:
    """The hash to check against, or None when no try is left. The fifth try may still be right."""
    if not user.active:
        return None
    if user.locked_until is not None:
        if user.locked_until > now:
            return None
        user.locked_until, user.failed_count = None, 0
    user.failed_count += 1
    if user.failed_count >= MAX_ATTEMPTS:
        user.locked_until = now + LOCK_MS
    return user.password_hash


def change_password(session: Session, user_id: str, password: str) -> None:
    """Sets it, and ends every session: whoever knew the old one is out."""
    user = session.get_one(WebUser, user_id)
    problem = password_problem(password, user.username)
    if problem:
        raise AccountRefused(problem)
    user.password_hash = hash_password(password)
    user.failed_count, user.locked_until = 0, None
    close_all_sessions(session, user_id)


def open_session(session: Session, user: WebUser, now: int) -> str:
    """The text for the cookie; it is shown only now."""
    token = secrets.token_urlsafe(32)
    session.execute(delete(WebSession).where(WebSession.created_at <= now - LONGEST_MS))
    session.add(
        WebSession(
            token_hash=hash_secret(token),
            user_id=user.id,
            csrf=secrets.token_urlsafe(32),
            created_at=now,
            last_seen_at=now,
        )
    )
    return token


def find_session(session: Session, token: str, now: int) -> SignedIn | None:
    """Who holds the cookie, while the account is open and the session neither idle nor too old."""
    row = session.execute(
        select(WebUser, WebSession)
        .join(WebSession, WebSession.user_id == WebUser.id)
        .where(
            WebSession.token_hash == hash_secret(token),
            WebSession.last_seen_at > now - IDLE_MS,
            WebSession.created_at > now - LONGEST_MS,
            WebUser.active,
        )
    ).first()
    return None if row is None else SignedIn(row[0], row[1].csrf, row[1].last_seen_at)


def seen_is_due(found: SignedIn, now: int) -> bool:
    return now - found.last_seen_at >= _SEEN_EVERY_MS


def note_seen(session: Session, token: str, now: int) -> None:
    session.execute(
        update(WebSession)
        .where(WebSession.token_hash == hash_secret(token))
        .values(last_seen_at=now)
    )


def close_session(session: Session, token: str) -> None:
    session.execute(delete(WebSession).where(WebSession.token_hash == hash_secret(token)))


def close_all_sessions(session: Session, user_id: str) -> None:
    session.execute(delete(WebSession).where(WebSession.user_id == user_id))


def same_word(given: str, expected: str) -> bool:
    """Compares two secrets without telling by the time where they differ."""
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    )


def place_of(session: Session, user: WebUser) -> str:
    """Where the person works, as shown at the top of each page."""
    facility = session.get(Facility, user.facility_code) if user.facility_code else None
    return facility.name if facility else ROLES[user.role]

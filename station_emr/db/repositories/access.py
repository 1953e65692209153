"""Accounts, grants and their reviews."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from station_emr.db.codec import decode, encode, maybe_moment, stamp, utc_text
from station_emr.db.statements import text
from station_emr.domain.access import (
    AccountState,
    EmergencyRow,
    Grant,
    GrantKind,
    Review,
    RightsReview,
    RoleChange,
)

_GRANTS: Final = (
    "SELECT g.content, e.at_utc, e.at_offset, r.content AS review FROM access_grant AS g "
    "LEFT JOIN access_end AS e ON e.grant_id = g.id "
    "LEFT JOIN access_review AS r ON r.grant_id = g.id "
)


def _grant(row: Any) -> Grant:
    return replace(decode(row.content, Grant), ended_at=maybe_moment(row.at_utc, row.at_offset))


def _emergency(row: Any) -> EmergencyRow:
    review = decode(row.review, Review) if row.review is not None else None
    return EmergencyRow(grant=_grant(row), review=review)


class AccessRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def state(self, user_id: str) -> AccountState:
        found = self._connection.execute(
            text("SELECT content FROM account_state WHERE user_id = :id"), {"id": user_id}
        ).scalar_one_or_none()
        return AccountState(user_id=user_id) if found is None else decode(found, AccountState)

    def put_state(self, state: AccountState) -> None:
        self._connection.execute(
            text(
                "INSERT INTO account_state (user_id, content) VALUES (:id, :content) "
                "ON CONFLICT (user_id) DO UPDATE SET content = excluded.content"
            ),
            {"id": state.user_id, "content": encode(state)},
        )

    def add_grant(self, grant: Grant) -> None:
        self._connection.execute(
            text(
                "INSERT INTO access_grant (id, kind, user_id, until_utc, content) "
                "VALUES (:id, :kind, :user, :until, :content)"
            ),
            {
                "id": grant.id,
                "kind": grant.kind.value,
                "user": grant.user_id,
                "until": utc_text(grant.until),
                "content": encode(grant),
            },
        )

    def end_grant(self, grant_id: str, by_id: str, at: datetime) -> None:
        self._connection.execute(
            text(
                "INSERT INTO access_end (grant_id, at_utc, at_offset, by_id) "
                "VALUES (:id, :at_utc, :at_offset, :by) ON CONFLICT (grant_id) DO NOTHING"
            ),
            {"id": grant_id, "by": by_id, **stamp("at", at)},
        )

    def grants_of(self, user_id: str, now: datetime) -> tuple[Grant, ...]:
        """Those of one person that have not run out."""
        rows = self._connection.execute(
            text(f"{_GRANTS} WHERE g.user_id = :user AND g.until_utc > :now ORDER BY g.row_id"),
            {"user": user_id, "now": utc_text(now)},
        )
        return tuple(grant for row in rows if (grant := _grant(row)).is_open(now))

    def given_to(self, user_id: str) -> tuple[Grant, ...]:
        rows = self._connection.execute(
            text(f"{_GRANTS} WHERE g.user_id = :user AND g.kind = :kind ORDER BY g.row_id"),
            {"user": user_id, "kind": GrantKind.RIGHT.value},
        )
        return tuple(_grant(row) for row in rows)

    def rights_given(self) -> tuple[Grant, ...]:
        rows = self._connection.execute(
            text(f"{_GRANTS} WHERE g.kind = :kind ORDER BY g.row_id DESC LIMIT 200"),
            {"kind": GrantKind.RIGHT.value},
        )
        return tuple(_grant(row) for row in rows)

    def emergencies(self, limit: int = 200) -> tuple[EmergencyRow, ...]:
        """Those that wait for a review first, oldest first; then the newest of the others."""
        rows = self._connection.execute(
            text(
                f"{_GRANTS} WHERE g.kind = :kind ORDER BY (r.grant_id IS NOT NULL), "
                "CASE WHEN r.grant_id IS NULL THEN g.row_id ELSE -g.row_id END LIMIT :limit"
            ),
            {"kind": GrantKind.EMERGENCY.value, "limit": limit},
        )
        return tuple(_emergency(row) for row in rows)

    def emergency(self, grant_id: str) -> EmergencyRow | None:
        row = self._connection.execute(
            text(f"{_GRANTS} WHERE g.id = :id AND g.kind = :kind"),
            {"id": grant_id, "kind": GrantKind.EMERGENCY.value},
        ).one_or_none()
        return None if row is None else _emergency(row)

    def grant(self, grant_id: str) -> Grant | None:
        row = self._connection.execute(
            text(f"{_GRANTS} WHERE g.id = :id"), {"id": grant_id}
        ).one_or_none()
        return None if row is None else _grant(row)

    def add_review(self, review: Review) -> None:
        self._connection.execute(
            text("INSERT INTO access_review (grant_id, content) VALUES (:id, :content)"),
            {"id": review.grant_id, "content": encode(review)},
        )

    def add_role_change(self, change: RoleChange) -> None:
        self._connection.execute(
            text("INSERT INTO role_change (content) VALUES (:content)"),
            {"content": encode(change)},
        )

    def role_changes(self) -> tuple[RoleChange, ...]:
        """Oldest first."""
        rows = self._connection.execute(text("SELECT content FROM role_change ORDER BY row_id"))
        return tuple(decode(row.content, RoleChange) for row in rows)

    def add_rights_review(self, review: RightsReview) -> None:
        self._connection.execute(
            text("INSERT INTO rights_review (user_id, content) VALUES (:user, :content)"),
            {"user": review.user_id, "content": encode(review)},
        )

    def rights_reviews(self) -> tuple[RightsReview, ...]:
        """The newest of each person."""
        rows = self._connection.execute(
            text(
                "SELECT content FROM rights_review WHERE row_id IN "
                "(SELECT max(row_id) FROM rights_review GROUP BY user_id)"
            )
        )
        return tuple(decode(row.content, RightsReview) for row in rows)

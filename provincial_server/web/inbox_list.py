"""The list of letters that a receiving facility's people see, and its search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from sqlalchemy import and_, func, or_, select

from provincial_server.database import Database
from provincial_server.exchange.indexing import catch_up_with
from provincial_server.referrals import tables
from provincial_server.referrals.addressing import folded
from provincial_server.referrals.letter import shown_date
from provincial_server.referrals.tables import ReferralInbox
from provincial_server.settings import Clock
from provincial_server.web.accounts import RECEIVER
from provincial_server.web.inbox_wording import FILTERS, state_of
from provincial_server.web.pages import Pages

_PAGE = 50


@dataclass(frozen=True)
class _Asked:
    code: str
    chosen: str
    words: str
    page: int


@dataclass(frozen=True)
class _Found:
    rows: list[ReferralInbox]
    total: int
    unread: int


def add_routes(app: FastAPI, pages: Pages, path: str) -> None:
    @app.get(path, include_in_schema=False)
    async def inbox(request: Request) -> Response:
        user = await pages.signed_in(request, RECEIVER)
        asked = request.query_params
        chosen = asked.get("state", "") if asked.get("state", "") in FILTERS else ""
        words = asked.get("q", "")[:100].replace("\x00", "")
        number = asked.get("page", "1")
        page = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1
        wanted = _Asked(str(user.facility_code), chosen, words, max(1, min(page, 10_000)))
        services = pages.services
        found = await services.run(
            lambda: _look(services.database, services.settings.clock, wanted)
        )
        request.state.counts = {"given": len(found.rows)}
        if words:
            request.state.action = "search"
        return pages.render(
            request,
            "inbox.html",
            rows=found.rows,
            total=found.total,
            unread=found.unread,
            filters=FILTERS,
            chosen=chosen,
            words=words,
            page=wanted.page,
            last_page=max(1, -(-found.total // _PAGE)),
            state_of=state_of,
            shown_date=shown_date,
        )


def _look(database: Database, clock: Clock, asked: _Asked) -> _Found:
    """One page. A letter that its sender has just taken elsewhere must not stand on it because nobody
    read that yet: the log of each sender on the page is followed first."""
    followed: set[str] = set()
    while True:
        found = _read(database, asked)
        senders = {row.sender_code for row in found.rows} - followed
        if not catch_up_with(database, clock, senders):
            return found
        followed |= senders


def _read(database: Database, asked: _Asked) -> _Found:
    with database.read(asked.code) as session:
        query = _wanted(asked.code, asked.chosen, asked.words)
        total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
        urgent = and_(ReferralInbox.emergency, ReferralInbox.status == tables.REQUESTED)
        ordered = query.order_by(
            _is_unread(ReferralInbox).desc(),
            urgent.desc(),
            ReferralInbox.written_at.desc(),
        )
        rows = session.scalars(ordered.limit(_PAGE).offset((asked.page - 1) * _PAGE)).all()
        fresh = _wanted(asked.code, "unread", "").subquery()
        unread = session.scalar(select(func.count()).select_from(fresh)) or 0
        return _Found(list(rows), total, unread)


def _is_unread(model: type[ReferralInbox]) -> Any:
    return and_(model.read_version < model.version, model.letter_state == tables.CURRENT)


def _wanted(code: str, chosen: str, words: str) -> Any:
    query = select(ReferralInbox).where(
        ReferralInbox.facility_code == code, ReferralInbox.letter_state != tables.MOVED
    )
    if chosen == "unread":
        query = query.where(_is_unread(ReferralInbox))
    elif chosen == tables.WITHDRAWN:
        query = query.where(ReferralInbox.letter_state == tables.WITHDRAWN)
    elif chosen:
        query = query.where(
            ReferralInbox.status == chosen, ReferralInbox.letter_state == tables.CURRENT
        )
    for word in folded(words).split():
        query = query.where(
            or_(
                ReferralInbox.search_words.contains(word, autoescape=True),
                func.lower(ReferralInbox.insurance).contains(word, autoescape=True),
            )
        )
    return query

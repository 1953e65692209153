"""Pages about people who may have charts at several stations, and about who looked at whose charts."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from provincial_server.people import review
from provincial_server.people.facts import fold, fold_place
from provincial_server.people.review import SAME, UNDONE, VERDICTS, WAITING, Case, Pair, mask
from provincial_server.people.sharing import EMERGENCY, emergencies
from provincial_server.people.tables import Proposal, SharedAccess
from provincial_server.store import EVERY_FACILITY, Facility
from provincial_server.structure import ID
from provincial_server.web.accounts import OVERSEER, WebUser
from provincial_server.web.overview_pages import LOOKS
from provincial_server.web.pages import MENU, PageFault, Pages, not_found

PATH = "/web/trung-nguoi"
STRENGTHS = {"strong": "rất giống", "probable": "khá giống", "weak": "hơi giống"}
_CHIPS = {"strong": "success", "probable": "info", "weak": ""}
_LISTS = {
    "": ("Chờ xem", WAITING),
    "cung": ("Cùng một người", SAME),
    "khac": ("Khác người", review.DIFFERENT),
    "chua-ro": ("Chưa rõ", review.UNCLEAR),
}
_SEX = {"male": "Nam", "female": "Nữ"}
_PAGE = 25
MENU.append((frozenset({OVERSEER}), PATH, "Người trùng"))
MENU.append((frozenset({OVERSEER}), LOOKS, "Xem hồ sơ liên trạm"))


def add_routes(app: FastAPI, pages: Pages) -> None:
    _add_review(app, pages)
    _add_looks(app, pages)


def _add_review(app: FastAPI, pages: Pages) -> None:
    services = pages.services

    @app.get(PATH, include_in_schema=False)
    async def proposals(request: Request) -> Response:
        await pages.signed_in(request, OVERSEER)
        shown = request.query_params.get("loc", "")
        shown = shown if shown in _LISTS else ""
        place = _page(request)

        def work() -> tuple[list[Proposal], dict[str, int], dict[str, str]]:
            with services.database.read(EVERY_FACILITY) as session:
                verdict = _LISTS[shown][1]
                rows = review.list_proposals(session, verdict, place * _PAGE, _PAGE + 1)
                return rows, review.waiting_counts(session), _names(session)

        rows, counts, names = await services.run(work)
        return pages.render(
            request,
            "proposals.html",
            path=PATH,
            rows=rows[:_PAGE],
            more=len(rows) > _PAGE,
            page=place,
            shown=shown,
            lists=[(key, label, counts.get(word, 0)) for key, (label, word) in _LISTS.items()],
            names=names,
            strengths=STRENGTHS,
            chips=_CHIPS,
        )

    address = f"{PATH}/{{first}}/{{one}}/{{second}}/{{other}}"

    @app.get(address, include_in_schema=False)
    async def proposal(request: Request, first: str, one: str, second: str, other: str) -> Response:
        user = await pages.signed_in(request, OVERSEER)
        pair = _pair(first, one, second, other)

        def work() -> tuple[Case | None, dict[str, str], dict[str, str]]:
            with services.database.write(EVERY_FACILITY) as session:
                found = review.read_case(session, pair)
                if found is not None:
                    review.note_case(session, pair, user.id, "person-compare", pages.now())
                return found, _names(session), _users(session, found)

        found, names, users = await services.run(work)
        if found is None:
            raise not_found()
        return pages.render(
            request,
            "proposal.html",
            path=PATH,
            here_path="/".join((PATH, *pair)),
            case=found,
            names=names,
            users=users,
            rows=_compared(found),
            reasons=found.proposal.reasons.split("\n"),
            strengths=STRENGTHS,
            chips=_CHIPS,
            verdicts=VERDICTS,
            said={**VERDICTS, UNDONE: "Hoàn tác"},
        )

    @app.post(address, include_in_schema=False)
    async def decide(request: Request, first: str, one: str, second: str, other: str) -> Response:
        user = await pages.signed_in(request, OVERSEER)
        fields = await pages.check_form(request)
        verdict, seen = fields.get("verdict", ""), fields.get("seen", "")
        if verdict not in {*VERDICTS, UNDONE} or not (seen.isascii() and seen.isdigit()):
            raise PageFault(400, "Không đọc được biểu mẫu", "Chưa có gì được ghi. Hãy làm lại.")
        pair = _pair(first, one, second, other)
        await services.run(
            lambda: _decide(pages, user, pair, verdict, fields.get("note", ""), int(seen[:6]))
        )
        return RedirectResponse("/".join((PATH, *pair)) if verdict == UNDONE else PATH, 303)


def _pair(*parts: str) -> Pair:
    """404 for what cannot be codes and ids, some of which no database takes."""
    if not all(map(ID.fullmatch, parts)):
        raise not_found()
    first, one, second, other = parts
    return first, one, second, other


def _decide(pages: Pages, user: WebUser, pair: Pair, verdict: str, note: str, seen: int) -> None:
    with pages.services.database.write(EVERY_FACILITY) as session:
        if session.get(Proposal, pair) is None:
            raise not_found()
        done = review.decide(session, pair, verdict, user.id, note.strip(), seen, pages.now())
    if not done:
        raise PageFault(
            409,
            "Có người vừa quyết định cặp này",
            "Quyết định của bạn chưa được ghi. Hãy mở lại cặp này để xem rồi quyết định.",
        )


def _compared(case: Case) -> list[tuple[str, str, str, bool]]:
    """Label, both values as shown, and whether they are the same. Numbers are masked."""
    one, other = case.one, case.other
    return [
        ("Họ và tên", one.name, other.name, fold(one.name) == fold(other.name)),
        ("Ngày sinh", _day(one.birth), _day(other.birth), one.birth == other.birth),
        ("Giới tính", _SEX.get(one.sex, ""), _SEX.get(other.sex, ""), one.sex == other.sex),
        _masked("Số CCCD", one.national_id, other.national_id),
        _masked("Số CMND cũ", one.old_national_id, other.old_national_id),
        (
            "Thẻ BHYT",
            ", ".join(map(mask, one.cards)),
            ", ".join(map(mask, other.cards)),
            bool(one.person_numbers & other.person_numbers),
        ),
        (
            "Thôn, làng",
            one.village,
            other.village,
            fold_place(one.village) == fold_place(other.village),
        ),
        ("Xã, phường", one.commune, other.commune, fold(one.commune) == fold(other.commune)),
    ]


def _masked(label: str, one: str, other: str) -> tuple[str, str, str, bool]:
    return label, mask(one), mask(other), one == other


def _day(birth: str) -> str:
    """1990-05-17 → 17/05/1990; a year alone stays a year."""
    return "/".join(reversed(birth.split("-")))


def _add_looks(app: FastAPI, pages: Pages) -> None:
    services = pages.services

    @app.get(LOOKS, include_in_schema=False)
    async def looks(request: Request) -> Response:
        await pages.signed_in(request, OVERSEER)
        only = request.query_params.get("loc") == "khan-cap"
        home = request.query_params.get("tram", "")
        home = home if ID.fullmatch(home) else ""
        place = _page(request)

        def work() -> tuple[list[SharedAccess], int, dict[str, str]]:
            query = select(SharedAccess).order_by(
                SharedAccess.at.desc(), SharedAccess.facility_code, SharedAccess.sequence.desc()
            )
            if only:
                query = query.where(SharedAccess.basis == EMERGENCY)
            if home:
                query = query.where(SharedAccess.facility_code == home)
            with services.database.read(EVERY_FACILITY) as session:
                rows = session.scalars(query.offset(place * _PAGE).limit(_PAGE + 1)).all()
                alarms = emergencies(session, pages.now())
                return list(rows), alarms, _names(session)

        rows, alarms, names = await services.run(work)
        return pages.render(
            request,
            "looks.html",
            path=LOOKS,
            rows=rows[:_PAGE],
            more=len(rows) > _PAGE,
            page=place,
            only=only,
            home=home,
            alarms=alarms,
            names=names,
            emergency=EMERGENCY,
        )


def _names(session: Session) -> dict[str, str]:
    return {row.code: row.name for row in session.scalars(select(Facility))}


def _users(session: Session, found: Case | None) -> dict[str, str]:
    ids = {line.user_id for line in found.decisions} if found else set()
    rows = session.scalars(select(WebUser).where(WebUser.id.in_(ids))) if ids else ()
    return {row.id: row.full_name for row in rows}


def _page(request: Request) -> int:
    text = request.query_params.get("trang", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0

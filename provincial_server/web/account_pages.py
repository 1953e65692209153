"""Logging in and out, and changing one's own password."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from provincial_server.faults import FhirFault
from provincial_server.store import EVERY_FACILITY
from provincial_server.web import accounts
from provincial_server.web.access_log import PROVINCE, note_access
from provincial_server.web.accounts import AccountRefused, TooManyAtOnce, WebUser
from provincial_server.web.pages import COOKIE, MENU, PageFault, Pages

_WRONG = (
    "Sai tên đăng nhập hoặc mật khẩu. Sau 5 lần sai, tài khoản bị khóa 15 phút; "
    "nếu quên mật khẩu, hãy gọi quản trị của Sở Y tế."
)


def add_routes(app: FastAPI, pages: Pages) -> None:
    _add_sessions(app, pages)
    _add_password(app, pages)


def _safe(target: str) -> str:
    """Only a page of ours may follow a log-in, never an address that somebody put into a link."""
    plain = target.startswith("/web") and target.isascii() and target.isprintable()
    return target if plain and not set(target) & set("\\:@?#") else "/web"


def _add_sessions(app: FastAPI, pages: Pages) -> None:
    services = pages.services

    @app.get("/web", include_in_schema=False)
    async def home(request: Request) -> Response:
        user = await pages.signed_in(request)
        first = next((path for roles, path, _ in MENU if user.role in roles), "/web/account")
        return RedirectResponse(first, 303)

    @app.get("/web/login", include_in_schema=False)
    async def login_form(request: Request) -> Response:
        target = _safe(request.query_params.get("next", "/web"))
        return pages.login_page(request, target=target, username="", problem="")

    @app.post("/web/login", include_in_schema=False)
    async def login(request: Request) -> Response:
        fields = await pages.check_login_form(request)
        username, password = fields.get("username", "")[:64], fields.get("password", "")
        target = _safe(fields.get("next", "/web"))

        def enter() -> str | None:
            now = pages.now()
            user = accounts.check_password(services.database, username, password, now)
            with services.database.write(EVERY_FACILITY) as session:
                if user is None:
                    _note(session, username, now, "login", "refused")
                    return None
                _note(session, user.id, now, "login", "ok")
                return accounts.open_session(session, user, now)

        try:
            token = await services.run(enter)
            request.state.noted = True  # who it was, or the name that was tried
            if token is None:
                services.take_turn(request)  # whoever guesses waits longer and longer
        except (TooManyAtOnce, FhirFault):
            raise PageFault(
                429,
                "Hãy đợi một phút",
                "Máy chủ đang nhận quá nhiều lần đăng nhập. Hãy thử lại sau.",
            ) from None
        if token is None:
            return pages.login_page(
                request, status=403, target=target, username=username, problem=_WRONG
            )
        response = RedirectResponse(target, 303)
        pages.set_cookie(request, response, COOKIE, token)
        return response

    @app.post("/web/logout", include_in_schema=False)
    async def logout(request: Request) -> Response:
        user = await pages.signed_in(request)
        await pages.check_form(request)

        def leave() -> None:
            with services.database.write(EVERY_FACILITY) as session:
                accounts.close_session(session, request.cookies.get(COOKIE, ""))
                _note(session, user.id, pages.now(), "logout", "ok")

        await services.run(leave)
        response = RedirectResponse("/web/login", 303)
        response.delete_cookie(COOKIE, path="/web")
        return response


def _add_password(app: FastAPI, pages: Pages) -> None:
    services = pages.services

    @app.get("/web/account", include_in_schema=False)
    async def account(request: Request) -> Response:
        await pages.signed_in(request)
        return pages.render(request, "account.html", roles=accounts.ROLES, problem="")

    @app.post("/web/account", include_in_schema=False)
    async def change(request: Request) -> Response:
        user = await pages.signed_in(request)
        fields = await pages.check_form(request)
        new = fields.get("new", "")

        def work() -> tuple[str, str]:
            now = pages.now()
            if new != fields.get("again", ""):
                return "", "Hai lần gõ mật khẩu mới không giống nhau."
            problem = accounts.password_problem(new, user.username)
            if problem:
                return "", problem
            try:
                held = accounts.check_password(
                    services.database, user.username, fields.get("old", ""), now
                )
            except TooManyAtOnce:
                return "", "Máy chủ đang bận. Hãy thử lại sau một phút."
            if held is None:
                return "", "Mật khẩu đang dùng không đúng."
            return _change(held, now)

        def _change(held: WebUser, now: int) -> tuple[str, str]:
            with services.database.write(EVERY_FACILITY) as session:
                try:
                    accounts.change_password(session, held.id, new)
                except AccountRefused as refused:
                    return "", str(refused)
                _note(session, held.id, now, "password", "ok")
                return accounts.open_session(session, held, now), ""

        token, problem = await services.run(work)
        if problem:
            return pages.render(
                request, "account.html", status=422, roles=accounts.ROLES, problem=problem
            )
        response = RedirectResponse("/web", 303)
        pages.set_cookie(request, response, COOKIE, token)
        return response


def _note(session: Session, actor: str, now: int, action: str, result: str) -> None:
    note_access(
        session,
        facility_code=PROVINCE,
        at=now,
        actor_kind="user",
        actor_id=actor,
        action=action,
        object_type="account",
        object_id=actor,
        purpose="đăng nhập",
        result=result,
    )

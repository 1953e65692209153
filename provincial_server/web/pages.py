"""What every page shares: templates, the signed-in person, forms that only our own pages can send.

A part adds its pages with `@pages.get(path)`-less plain FastAPI routes under /web, asks
`await pages.signed_in(request, RECEIVER)` who is there, reads a form with
`await pages.check_form(request)` and answers with `pages.render(...)`.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.exc import OperationalError
from starlette.staticfiles import StaticFiles

from provincial_server.audit import Actor
from provincial_server.context import Services
from provincial_server.faults import FhirFault
from provincial_server.referrals.answering import purpose_of
from provincial_server.serving import is_loopback
from provincial_server.store import EVERY_FACILITY
from provincial_server.web import accounts
from provincial_server.web.accounts import SignedIn, WebUser

MENU: list[tuple[frozenset[str], str, str]] = []
"""(roles, path, label): each part appends its own entry when it is imported."""

COOKIE = "web_session"
_LOGIN_COOKIE = "web_form"
_FORM_BYTES = 256 * 1024
_FORM_FIELDS = 200
_HERE = Path(__file__).parent
_VIETNAM = timezone(timedelta(hours=7))
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


_NOT_DONE = (
    "Chưa làm được",
    "Máy chủ không nhận yêu cầu này. Hãy quay lại, tải lại trang rồi làm lại.",
)
_LOOK_FIRST = "hãy tải lại trang và xem nội dung vừa gửi đã được ghi chưa trước khi làm lại."
_REFUSED = {
    429: ("Hãy đợi một phút", "Máy chủ đang nhận quá nhiều yêu cầu. Hãy thử lại sau."),
    500: ("Máy chủ gặp lỗi", f"Hãy báo quản trị của Sở Y tế; {_LOOK_FIRST}"),
    503: ("Máy chủ đang bận", f"Hãy đợi một phút; {_LOOK_FIRST}"),
}


class GoTo(Exception):
    """Ends a request with a redirect."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class PageFault(Exception):
    """Ends a request with a page that says what happened and what to do."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.status, self.title, self.text = status, title, text


def not_found() -> PageFault:
    return PageFault(
        404, "Không có trang này", "Địa chỉ sai, hoặc nội dung không dành cho cơ sở của bạn."
    )


def moment(milliseconds: int | None) -> str:
    """14:05 ngày 23/11/2026, Vietnam's time."""
    return _shown(milliseconds, "%H:%M ngày %d/%m/%Y")


def day(milliseconds: int | None) -> str:
    return _shown(milliseconds, "%d/%m/%Y")


def _shown(milliseconds: int | None, form: str) -> str:
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, _VIETNAM).strftime(form)


def waiting(milliseconds: int) -> str:
    """How long in words: the two largest units at most."""
    minutes = max(0, milliseconds) // 60_000
    if minutes < 1:
        return "vừa xong"
    if minutes < 60:
        return f"{minutes} phút"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} giờ {minutes} phút" if minutes else f"{hours} giờ"
    days, hours = divmod(hours, 24)
    return f"{days} ngày {hours} giờ" if hours and days < 7 else f"{days} ngày"


class Pages:
    """One per application."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(moment=moment, day=day, waiting=waiting)

    def render(
        self, request: Request, template: str, *, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """The page, with the person's menu around it."""
        found: SignedIn | None = getattr(request.state, "signed_in", None)
        user = found.user if found else None
        shown = {
            "user": user,
            "user_place": getattr(request.state, "user_place", ""),
            "csrf": found.csrf if found else "",
            "menu": [(path, label) for roles, path, label in MENU if user and user.role in roles],
            "here": request.url.path,
            "now": self.now(),
        }
        text = self._templates.get_template(template).render({**shown, **context})
        return HTMLResponse(text, status, HEADERS)

    def now(self) -> int:
        return self.services.settings.clock()

    async def signed_in(self, request: Request, *roles: str) -> WebUser:
        """The person, who has one of the roles (none named: any); else the log-in page."""
        token = request.cookies.get(COOKIE, "")
        now = self.now()
        database = self.services.database

        def look_up() -> tuple[SignedIn, str] | None:
            with database.read(EVERY_FACILITY) as session:
                found = accounts.find_session(session, token, now)
                if found is None:
                    return None
                place = accounts.place_of(session, found.user)
            if accounts.seen_is_due(found, now):
                with database.write(EVERY_FACILITY) as session:
                    accounts.note_seen(session, token, now)
            return found, place

        answer = await self.services.run(look_up) if token else None
        if answer is None:
            back = request.url.path if request.method == "GET" else "/web"
            raise GoTo(f"/web/login?next={quote(back, safe='/')}")
        found, request.state.user_place = answer
        request.state.signed_in = found
        request.state.device_id = f"user:{found.user.id}"  # who, for the access line
        request.state.actor = _actor(found.user)
        if roles and found.user.role not in roles:
            raise PageFault(
                403, "Không xem được trang này", "Tài khoản của bạn không có quyền với trang này."
            )
        return found.user

    async def check_form(self, request: Request) -> dict[str, str]:
        """The fields of a form of ours. Comes after `signed_in`; 403 when it was not our page that
        sent it.
        """
        fields = await read_form(request)
        found: SignedIn = request.state.signed_in
        if not accounts.same_word(fields.pop("csrf", ""), found.csrf):
            raise _foreign_form()
        return fields

    def is_secure(self, request: Request) -> bool:
        """Cookies travel over https alone, except on this machine itself."""
        public = self.services.settings.public_url or ""
        if public.startswith("https:") or request.url.scheme == "https":
            return True
        return not is_loopback(request.url.hostname or "")

    def set_cookie(self, request: Request, response: Response, name: str, value: str) -> None:
        response.set_cookie(
            name,
            value,
            path="/web",
            secure=self.is_secure(request),
            httponly=True,
            samesite="strict",
        )

    # The log-in form comes before any session: the word stands in a cookie and in the form.

    def login_page(self, request: Request, *, status: int = 200, **context: Any) -> HTMLResponse:
        word = request.cookies.get(_LOGIN_COOKIE, "")
        if not 20 <= len(word) <= 64:
            word = secrets.token_urlsafe(24)
        response = self.render(request, "login.html", status=status, word=word, **context)
        self.set_cookie(request, response, _LOGIN_COOKIE, word)
        return response

    async def check_login_form(self, request: Request) -> dict[str, str]:
        fields = await read_form(request)
        word = request.cookies.get(_LOGIN_COOKIE, "")
        if not word or not accounts.same_word(fields.pop("csrf", ""), word):
            raise _foreign_form()
        return fields

    def fault_page(self, request: Request, fault: PageFault) -> HTMLResponse:
        return self.render(
            request, "fault.html", status=fault.status, title=fault.title, text=fault.text
        )

    def refused(self, request: Request, fault: FhirFault) -> HTMLResponse:
        """The page for what a program would be told as an OperationOutcome."""
        title, text = _REFUSED.get(fault.status, _NOT_DONE)
        page = self.fault_page(request, PageFault(fault.status, title, text))
        page.headers.update(fault.headers)
        return page

    async def nothing_here(self, request: Request) -> HTMLResponse:
        """The page for an address that is none of ours, around it the menu of who is signed in."""
        with suppress(GoTo, OperationalError):  # then the page stands without a menu
            await self.signed_in(request)
        return self.fault_page(request, not_found())

    def add_handlers(self, app: FastAPI) -> None:
        """Redirects, fault pages and the files that pages need."""

        async def _go(_request: Request, error: Exception) -> Response:
            assert isinstance(error, GoTo)  # noqa: S101 -- registered for it alone
            return RedirectResponse(error.path, 303)

        async def _fault(request: Request, error: Exception) -> Response:
            assert isinstance(error, PageFault)  # noqa: S101 -- the same
            return self.fault_page(request, error)

        app.add_exception_handler(GoTo, _go)
        app.add_exception_handler(PageFault, _fault)
        app.mount("/web/static", StaticFiles(directory=_HERE / "static"), name="web-static")


def _actor(user: WebUser) -> Actor:
    if user.facility_code is None:
        return Actor("user", user.id, purpose=accounts.ROLES.get(user.role, ""))
    return Actor("user", user.id, user.facility_code, purpose_of(user.facility_code))


def _foreign_form() -> PageFault:
    return PageFault(
        403,
        "Biểu mẫu đã hết hạn",
        "Chưa có gì được ghi. Hãy quay lại, tải lại trang rồi làm lại.",
    )


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a small form; of a name that comes twice the last one counts."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    broken = PageFault(400, "Không đọc được biểu mẫu", "Chưa có gì được ghi. Hãy làm lại.")
    if media_type != "application/x-www-form-urlencoded":
        raise broken
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > _FORM_BYTES:
            raise PageFault(413, "Nội dung quá dài", "Chưa có gì được ghi. Hãy viết ngắn lại.")
    try:
        pairs = parse_qsl(
            received.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(received),
            errors="strict",
            max_num_fields=_FORM_FIELDS,
        )
    except ValueError:
        raise broken from None
    return {name: value.replace("\r\n", "\n").replace("\x00", "") for name, value in pairs}

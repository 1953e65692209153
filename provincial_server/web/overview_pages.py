"""The overview for Sở Y tế: all stations, one station, the same figures as an Excel file."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import FastAPI, Request, Response
from markupsafe import Markup

from provincial_server.dates import VIETNAM
from provincial_server.people.sharing import emergencies
from provincial_server.stations import charts
from provincial_server.stations.charts import Series
from provincial_server.stations.choosing import FILTERS, Choice, cut
from provincial_server.stations.export import export
from provincial_server.stations.figures import Figures, read_figures
from provincial_server.store import EVERY_FACILITY
from provincial_server.web.accounts import ADMINISTRATOR, OVERSEER
from provincial_server.web.pages import HEADERS, MENU, Pages, not_found

PATH = "/web/tong-quan"
LOOKS = "/web/xem-ho-so"
"""Who looked at other stations' charts (people_pages.py)."""
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ROLES = (OVERSEER, ADMINISTRATOR)
MENU.append((frozenset(_ROLES), PATH, "Tổng quan các trạm"))


def add_routes(app: FastAPI, pages: Pages) -> None:
    @app.get(PATH, include_in_schema=False)
    async def overview(request: Request) -> Response:
        await pages.signed_in(request, *_ROLES)
        figures = await pages.services.run(lambda: _read(pages))
        alarms = await pages.services.run(lambda: _alarms(pages))
        choice = Choice.read(request.query_params)
        return pages.render(
            request,
            "overview.html",
            path=PATH,
            figures=figures,
            choice=choice,
            filters=FILTERS,
            alarms=alarms,
            looks=LOOKS,
            page=cut(choice.apply(figures.stations), choice.page),
            weekly=_weekly(figures),
            daily=_daily("Lượt khám của toàn tỉnh", figures, figures.visits_by_day),
            spark=charts.spark,
            skew_text=skew_text,
            minutes_text=minutes_text,
        )

    @app.get(f"{PATH}/xuat.xlsx", include_in_schema=False)
    async def as_sheet(request: Request) -> Response:
        await pages.signed_in(request, *_ROLES)
        figures = await pages.services.run(lambda: _read(pages))
        made = await pages.services.run(lambda: export(figures))
        today = datetime.fromtimestamp(figures.now / 1000, VIETNAM)
        name = f"tong-quan-tram-{today:%Y-%m-%d}.xlsx"
        headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(made, 200, headers, media_type=_SHEET)

    @app.get(f"{PATH}/{{code}}", include_in_schema=False)
    async def station(request: Request, code: str) -> Response:
        await pages.signed_in(request, *_ROLES)
        if not code.isprintable():  # no code, and not every database takes it in a question
            raise not_found()
        figures = await pages.services.run(lambda: _read(pages, code))
        if not figures.stations:
            raise not_found()
        one = figures.stations[0]
        days = tuple(
            (date.fromisoformat(label), count, spoke)
            for label, count, spoke in zip(
                figures.day_labels, one.days, one.contact_days, strict=True
            )
        )
        return pages.render(
            request,
            "station.html",
            path=PATH,
            figures=figures,
            one=one,
            days=days,
            daily=_daily(f"Lượt khám của {one.name}", figures, one.days),
            skew_text=skew_text,
            minutes_text=minutes_text,
        )


def _read(pages: Pages, code: str = "") -> Figures:
    settings = pages.services.settings
    with pages.services.database.read(EVERY_FACILITY) as session:
        return read_figures(session, settings.plan, settings.clock(), [code] if code else ())


def _alarms(pages: Pages) -> int:
    with pages.services.database.read(EVERY_FACILITY) as session:
        return emergencies(session, pages.now())


def _weekly(figures: Figures) -> Markup:
    return charts.line(
        Series(
            title="Trạm đang dùng bệnh án điện tử, theo tuần",
            labels=[_short(start) for start, _ in figures.weeks],
            values=[live for _, live in figures.weeks],
            unit="trạm",
            goal=figures.plan.planned,
        )
    )


def _daily(title: str, figures: Figures, values: tuple[int, ...]) -> Markup:
    labels = [_short(label) for label in figures.day_labels]
    return charts.bars(Series(title, labels, values, "lượt khám"))


def _short(day: str) -> str:
    return f"{date.fromisoformat(day):%d/%m}"


def skew_text(seconds: int | None) -> str:
    """How far a clock is off, in words; small differences are the time a message travels."""
    if seconds is None:
        return "chưa rõ"
    size = abs(seconds)
    if size < 60:
        return "đúng giờ"
    word = "nhanh" if seconds > 0 else "chậm"
    if size < 7200:
        return f"{word} {size // 60} phút"
    return f"{word} {size // 3600} giờ" if size < 172_800 else f"{word} {size // 86_400} ngày"


def minutes_text(minutes: int | None) -> str:
    if minutes is None:
        return "chưa có"
    if minutes < 60:
        return f"{minutes} phút"
    return f"{minutes // 60} giờ" if minutes < 2880 else f"{minutes // 1440} ngày"

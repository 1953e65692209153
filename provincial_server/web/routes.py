"""Puts the pages into the application. Each part adds its own routes here."""

from __future__ import annotations

from fastapi import FastAPI

from provincial_server.context import Services
from provincial_server.web import account_pages, inbox, overview_pages, people_pages
from provincial_server.web.pages import Pages


def add_routes(app: FastAPI, services: Services) -> Pages:
    pages = Pages(services)
    pages.add_handlers(app)
    account_pages.add_routes(app, pages)
    inbox.add_routes(app, pages)
    overview_pages.add_routes(app, pages)
    people_pages.add_routes(app, pages)
    return pages

"""Where the check goes: a page with chat for a visitor and one for the user, and how the app is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, g
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from ... import providers
from ...settings import Settings
from ...state import current_state
from ...widget import csp, tag
from ...widget.request_state import request_state
from ..crawler import Crawler, place_of_pages
from ..limits import Limits, silence
from ..routes import NOWHERE, Routes
from .records import Person
from .tab import person_of
from .vendor import Vendor


class NoPage(Exception):
    """There is nothing to check; the text says what to do."""


@dataclass(frozen=True)
class Plan:
    """``page`` is None where only the user has chat; ``user_page`` where nobody is to log in."""

    app: Flask
    livechat: Any
    vendor: Vendor
    user: Any = field(repr=False)
    person: Person | None = field(repr=False)  # whom the server names
    page: str | None
    user_page: str | None
    way_out: Rule | None

    @property
    def settings(self) -> Settings:
        return current_state(self.app).settings

    @property
    def route(self) -> str:
        """The page's route: its address may hold what belongs to somebody."""
        path = self.page or self.user_page or "/"
        host = urlsplit(self.vendor.origin).netloc
        try:
            rule, _ = self.app.url_map.bind(host).match(path.partition("?")[0], method="GET", return_rule=True)
        except HTTPException:
            return "a page that no route answers"
        return str(rule.rule)


def plan_of(
    app: Flask, provider: str, *, user: Any, path: str | None, skip: Iterable[str], base_url: str | None
) -> Plan:
    """Look for the pages with this vendor's chat. Raises ``NoPage`` where there is none."""
    state = current_state(app)
    settings = state.settings
    origin, page = _page_with_chat(app, provider, None, path, [*skip], base_url)
    user_page = None
    if user is not None:
        origin, user_page = _page_with_chat(app, provider, user, path or page, [*skip], base_url or origin)
    if page is None and user_page is None:
        title = providers.load(provider).title
        hint = "name one with --page PATH, and who may see it with --user ID"
        raise NoPage(f"no page with {title}'s chat was seen: {hint}")
    needs = csp.needs_of(settings, [provider])
    stand_in = f"{settings.url_prefix}/sandbox/" if settings.sandbox else None
    vendor = Vendor(providers.load(provider), settings.providers[provider], needs, origin, stand_in)
    person = None if user is None else _person(app, provider, user, user_page or "/", origin)
    way_out = next(Routes(app, [*skip], []).ways_out(), None) if user is not None else None
    return Plan(app, state.livechat, vendor, user, person, page, user_page, way_out)


def _page_with_chat(
    app: Flask, provider: str, user: Any, path: str | None, skip: list[str], base_url: str | None
) -> tuple[str, str | None]:
    """(the app's origin, the first page that has it)."""
    limits = Limits()
    crawler = Crawler(app, user, limits, base_url or place_of_pages(app))
    with silence():
        for address, rule, as_user in Routes(app, skip, []).visits(user, [path or "/"], limits):
            if as_user != (user is not None) or address == NOWHERE or (path and address != path):
                continue
            crawler.visit(address, rule, as_user)
            last = crawler.pages[-1] if crawler.pages else None
            if last and last.path == address and last.status < 400 and last.payload.get("provider") == provider:
                return crawler.base_url, address
    return crawler.base_url, None


def _person(app: Flask, provider: str, user: Any, path: str, origin: str) -> Person | None:
    with silence(), app.test_request_context(path, base_url=origin):
        g._login_user = app.login_manager._user_callback(user.get_id())  # type: ignore[attr-defined]
        named = tag.identity_payload(current_state(app), request_state(), provider)
    return person_of(named["visitor"], named["proof"])

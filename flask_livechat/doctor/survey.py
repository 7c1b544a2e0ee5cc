"""What the checks look at: the app's pages as a browser gets them, its templates and static files, its ways out.

Only GET routes without values in their addresses are visited, and none whose name says that it does something. Whatever
cannot be looked at is said, and the rest goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException

from .. import providers
from ..settings import Settings
from ..state import State, current_state
from ..widget.secret_scanner import SecretScanner
from ..widget.sensitive_urls import Address
from .crawler import Answer, Crawler, Leaving, Page, Visit, place_of_pages
from .findings import Place, Skipped
from .limits import Limits
from .reading import File, Script, Template
from .routes import Routes
from .sources import files, templates

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Survey:
    """All that the checks look at."""

    app: Flask
    now: datetime
    user: Any
    pages: tuple[Page, ...]
    visits: tuple[Visit, ...]
    rendered: frozenset[str]  # names of the templates that visited pages are made of
    leaks: tuple[tuple[Place, str], ...]  # responses of any kind with a configured secret in them, and its key
    leavings: tuple[Leaving, ...]
    answers: tuple[Answer, ...]
    failures: tuple[tuple[Place, str], ...]  # callables of the app's own that raised, and where
    templates: tuple[Template, ...]
    files: tuple[File, ...]
    leaking: tuple[tuple[Place, str], ...]  # static files of any kind with a configured secret in them, and its key
    environment: Mapping[str, str] = field(repr=False)
    origin: str  # of the site, as its visitors have it
    unseen: tuple[Skipped, ...]

    @property
    def state(self) -> State:
        return current_state(self.app)

    @property
    def settings(self) -> Settings:
        return self.state.settings

    @property
    def with_chat(self) -> tuple[Page, ...]:
        """The pages with a vendor's tag. One that has help alone asks nothing of a vendor."""
        return tuple(page for page in self.pages if page.tagged and not page.is_help_alone)

    @property
    def has_users(self) -> bool:
        """Whether the app knows visitors at all."""
        return hasattr(self.app, "login_manager") or self.state.callbacks.visitor_loader is not None

    def can_prove(self, provider: str) -> bool:
        """Whether the secret that proves who a visitor is to this vendor is configured."""
        return bool(self.settings.providers[provider].get(providers.load(provider).identity))

    @cached_property
    def routes(self) -> tuple[tuple[str, str], ...]:
        """(address with its values' names, endpoint) of what answers a GET."""
        return tuple(
            (rule.rule, rule.endpoint) for rule in self.app.url_map.iter_rules() if "GET" in (rule.methods or ())
        )

    def found(self, path: str) -> list[Address]:
        """What answers a path, at any host."""
        hosts = {rule.host for rule in self.app.url_map.iter_rules() if rule.host} or {"localhost"}
        addresses = []
        for host in hosts:
            try:
                endpoint, _ = self.app.url_map.bind(host).match(path, method="GET")
            except HTTPException:  # no route, or one that redirects to another
                continue
            addresses.append(Address(path, endpoint))
        return addresses

    @cached_property
    def written(self) -> tuple[Script, ...]:
        """Every script that somebody wrote: in templates and static files."""
        code = [script for template in self.templates for script in template.document.code]
        return (*code, *(script for file in self.files for script in file.scripts))

    @cached_property
    def scripts(self) -> tuple[Script, ...]:
        """These, and those of pages that are not the same to the letter."""
        known = {(script.src, script.text.strip()) for script in self.written}
        rendered = (script for page in self.pages for script in page.document.code)
        return (*self.written, *(script for script in rendered if (script.src, script.text.strip()) not in known))


def collect(
    app: Flask,
    *,
    now: datetime,
    user: Any = None,
    paths: Iterable[str] = (),
    skip: Iterable[str] = (),
    base_url: str | None = None,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    progress: Progress = lambda done, total, what: None,
) -> Survey:
    """Looks at everything. ``user``: whom the pages are also visited as. ``paths``: further addresses."""
    crawler = Crawler(app, user, limits, base_url or place_of_pages(app))
    skipped, unseen = [*skip], crawler.unseen
    static, leaking = files(app, guard_of(app), limits, unseen)
    written = tuple(templates(app, limits, unseen))
    routes = Routes(app, skipped, unseen)
    to_visit = routes.visits(user, [*paths], limits)
    for done, (path, rule, as_user) in enumerate(to_visit):
        progress(done, len(to_visit), path)
        crawler.visit(path, rule, as_user)
    progress(len(to_visit), len(to_visit), "")
    for rule in routes.ways_out():
        crawler.leave(rule)
    return Survey(
        app,
        now,
        user,
        tuple(crawler.pages),
        tuple(crawler.visits),
        frozenset(crawler.rendered),
        tuple(crawler.leaks),
        tuple(crawler.leavings),
        tuple(crawler.answers),
        tuple(crawler.failures),
        written,
        static,
        leaking,
        os.environ,
        f"https://{crawler.base_url.partition('://')[2]}",
        tuple(unseen),
    )


def guard_of(app: Flask) -> SecretScanner:
    config = current_state(app).settings
    return SecretScanner(config.providers, sandbox=config.sandbox)

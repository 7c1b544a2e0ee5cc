"""Ending a visitor's chat with the response: the vendor's cookies expire, and a mark stays for the next page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from flask import Request, Response
from werkzeug.http import dump_cookie

from .. import providers
from ..settings import Settings

MARK = "livechat_left"
COOKIE_NAME = re.compile(r"[!#$%&'*+\-./^_`|~0-9A-Za-z]{1,300}")  # of a client's own: it goes into a header
MAX_NAMED = 4  # cookies of one kind
MARK_LIFE = 270 * 24 * 3600  # seconds; nine months, as long as the longest-lived of the vendors' cookies


def end(response: Response, request: Request, settings: Settings) -> None:
    """Expire every configured vendor's first-party cookies, and leave the mark that the loader reads and clears.

    The mark names the vendors that are still to end, because each page runs only one vendor's loader.
    """
    if not settings.providers:
        return
    for header in _expired(settings, request):
        response.headers.add("Set-Cookie", header)
    mark = ".".join(settings.providers)
    # Not HttpOnly: the loader has to see it on pages that come out of a cache. It holds nothing about anybody.
    response.headers.add("Set-Cookie", dump_cookie(MARK, mark, max_age=MARK_LIFE, path="/", samesite="Lax"))


def marked(request: Request, provider: str) -> bool:
    """Whether the last visitor of this browser logged out and ``provider`` has not ended that session yet."""
    if MARK not in request.environ.get("HTTP_COOKIE", ""):
        return False  # without reading them all
    return provider in request.cookies.get(MARK, "").split(".")


def _expired(settings: Settings, request: Request) -> Iterator[str]:
    domains = (None, *_domains(request.host, settings.cookie_domain))
    for name, values in settings.providers.items():
        for pattern in providers.load(name).cookies(values):
            for cookie in _named(pattern, request):
                for domain in domains:
                    yield _expire(cookie, domain)


def _named(pattern: str, request: Request) -> Iterable[str]:
    """The cookies that a pattern names: itself, or, where it ends in ``*``, what of the kind the request carries."""
    if not pattern.endswith("*"):
        return (pattern,)
    return [name for name in request.cookies if name.startswith(pattern[:-1]) and COOKIE_NAME.fullmatch(name)][:MAX_NAMED]


def _expire(cookie: str, domain: str | None) -> str:
    # Written by hand: a vendor's name may have a slash in it, which dump_cookie quotes or refuses.
    where = f"; Domain={domain}" if domain else ""
    return f"{cookie}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0{where}; Path=/"


def _domains(host: str, configured: str | None) -> Iterable[str]:
    """The host and its parents, which is where vendors put their cookies. Browsers ignore one that is too wide."""
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    if configured:
        return (configured.lstrip("."),)
    labels = name.split(".")
    if len(labels) < 2 or not re.fullmatch(r"[a-zA-Z0-9.-]+", name) or labels[-1].isdigit():
        return ()  # localhost, an IP address, or nothing to put into a header
    return tuple(".".join(labels[n:]) for n in range(len(labels) - 1))

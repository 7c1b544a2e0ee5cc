"""Ending a visitor's chat with the response: the vendor's cookies expire, and a mark stays for the next page."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from itertools import product
from urllib.parse import quote

from flask import Request, Response
from werkzeug.http import dump_cookie

from .. import providers
from ..providers import Provider, Values
from ..settings import Settings

MARK = "livechat_left"
MAX_HEADER_BYTES = 3000  # of all Set-Cookie lines together: the smallest buffers of proxies have 4,096 for all headers


def end(response: Response, request: Request, settings: Settings) -> None:
    """Expire the configured vendors' first-party cookies, and leave the mark that the loader reads and clears.

    The mark names the vendors that are still to end, because each page runs only one vendor's loader. It is always
    sent. Cookies that do not fit beside it within MAX_HEADER_BYTES are left to the loader.
    """
    if not settings.providers:
        return
    marks = [_mark(request, settings, name) for name in settings.providers]
    # What other apps on this origin have left is still to end.
    others = [mark for mark in _marks(request) if re.fullmatch(r"[\w./~-]{1,100}", mark, re.ASCII)]
    names = "|".join([*marks, *[mark for mark in others if mark not in marks][:6]])
    # Not HttpOnly: the loader has to see it on pages that come out of a cache. It holds nothing about anybody. It lives
    # for nine months, as long as the longest-lived of the vendors' cookies.
    mark = dump_cookie(MARK, names, max_age=270 * 24 * 3600, path="/", samesite="Lax")
    space = MAX_HEADER_BYTES - len(f"Set-Cookie: {mark}\r\n")
    for header in _expired(settings, request):
        size = len(f"Set-Cookie: {header}\r\n")
        if size <= space:
            space -= size
            response.headers.add("Set-Cookie", header)
    response.headers.add("Set-Cookie", mark)
    # Pages that the browser has fetched or rendered ahead speak of whoever leaves. Browsers that do not know these
    # types ignore them, and there the loader asks the server.
    response.headers.add("Clear-Site-Data", '"prefetchCache", "prerenderCache"')


def marked(request: Request, settings: Settings, provider: str) -> bool:
    """Whether the last visitor of this browser logged out and ``provider`` has not ended that session yet."""
    return not {provider, _mark(request, settings, provider)}.isdisjoint(_marks(request))


def account(provider: Provider, values: Values) -> str:
    """The vendor, and a digest of the account's public ids: what tells accounts apart in the browser's storage."""
    ids = json.dumps(provider.settings(values), sort_keys=True)
    return f"{provider.name}.{hashlib.sha256(ids.encode()).hexdigest()[:6]}"


def _mark(request: Request, settings: Settings, name: str) -> str:
    """What tells one app's chat from another's on the same origin: where our files are, and the account. As the loader
    makes it of their address."""
    path = quote(f"{request.script_root}{settings.url_prefix}/", safe="/~!$&'()*+,;=:@")
    return re.sub(r"[^\w./~-]", "_", path + account(providers.load(name), settings.providers[name]), flags=re.ASCII)


def _marks(request: Request) -> list[str]:
    """What is marked. Earlier versions wrote the vendors' bare names."""
    value = request.cookies.get(MARK, "")
    return value.split("|") if "/" in value else re.split(r"[.|]", value)


def _expired(settings: Settings, request: Request) -> Iterator[str]:
    """The headers that expire cookies, the most useful ones first.

    A browser sends with every request what vendors have set for the whole site. So the cookies that the request
    carries come first. The others are there only where the browser left them out, as it does for the request of
    another site.
    """
    patterns = [name for key, values in settings.providers.items() for name in providers.load(key).cookies(values)]
    exact = [name for name in patterns if not name.endswith("*")]
    kinds = tuple(name[:-1] for name in patterns if name.endswith("*"))
    # A name of a client's own goes into a header: it has no space, comma, semicolon or equals sign.
    carried = [name for name in request.cookies if re.fullmatch(r"[!-+\--:<>-~]{1,1000}", name)]
    known = [name for name in exact if name in carried]
    named = [name for name in carried if kinds and name.startswith(kinds) and name not in exact]
    absent = [name for name in exact if name not in carried]
    domains = _domains(request.host, settings.cookie_domain)
    likely, others = domains[:2], domains[2:]
    for names, where in ((known, likely), (named, likely), (known + named, others), (absent, domains)):
        for domain, name in product(where, names):
            # Written by hand: a vendor's name may have a slash in it, which dump_cookie quotes or refuses. Without a
            # date, which browsers ignore beside Max-Age: the space is needed.
            yield f"{name}=; Max-Age=0{f'; Domain={domain}' if domain else ''}; Path=/"


def _domains(host: str, configured: str | None) -> tuple[str | None, ...]:
    """Where a vendor may have set its cookies, the most likely one first. None is the host alone.

    The vendors' scripts take the widest domain that the browser accepts, which is the one that was registered.
    """
    if configured:
        return (configured.lstrip("."), None)
    name = re.sub(r":\d+$", "", host).lower()
    if not re.fullmatch(r"(?=.{1,253}$)([a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{0,62}", name):
        return (None,)  # localhost, an IP address, or nothing to put into a header
    labels = name.split(".")
    # Second labels below which countries give names to others: co.uk, com.au. No vendor can set a cookie there.
    second_labels = "ac co com edu go gob gouv gov govt ltd mil ne net nhs nom or org plc sch".split()
    shared = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in second_labels
    parents = [".".join(labels[-count:]) for count in range(3 if shared else 2, len(labels) + 1)]
    # Below some suffixes that are not known here (github.io) the second one is what was registered.
    return tuple(dict.fromkeys((parents[0], None, *parents[1:2], parents[-1])))

"""Which of an app's routes are visited, and which of them lead out. By their addresses and names alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from ..safe_text import quantity
from .findings import Skipped
from .limits import Limits

NOWHERE = "/livechat-doctor-asks-for-a-page-that-is-not-there"
LEAVING = frozenset("endsession logoff logout signoff signout".split())
# What may stand beside these words in the name of a way out that only leaves.
AROUND = frozenset(
    """
    a account accounts admin api app auth customer dashboard do endpoint leave me my page portal post session site staff
    user users v1 v2 view
    """.split()
)
# A GET should change nothing; where a name says that it might, nobody asks.
DOING = frozenset(
    """
    accept activate add all approve archive ban backup buy cancel charge clear close confirm create cron deactivate
    delete destroy disable disconnect download drop dump duplicate empty erase everyone exec execute exit export flush
    follow generate impersonate import install invite job jobs join kick kill leave like mark merge migrate move pay
    poll publish purge redeem refund regenerate reindex reject remove resend reset restart restore revoke rotate run
    save seed send set shutdown start stop submit subscribe sync task tasks toggle transfer trigger truncate unban undo
    uninstall unpublish unsubscribe update upgrade upload vote webhook webhooks wipe withdraw
    """.split()
)
# Words beside which these mean a page: /password/reset is a form, /get-started a text.
PAGE = frozenset("password passwort getting about faq help docs how guide".split())


@dataclass(frozen=True, slots=True)
class Routes:
    """An app's routes, without those that ``skip`` names. What is left out of them is added to ``unseen``."""

    app: Flask
    skip: list[str]
    unseen: list[Skipped]

    def visits(self, user: Any, paths: list[str], limits: Limits) -> list[tuple[str, Rule | None, bool]]:
        """(path, route, as the user) of every visit, one after the other for the same page."""
        closed, doing, safe = list[Rule](), list[Rule](), list[Rule]()
        for rule in self.app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or _ours(rule):
                continue
            words = _words(rule)
            does = not LEAVING.isdisjoint(words) or (not DOING.isdisjoint(words) and PAGE.isdisjoint(words))
            takes_value = bool(rule.arguments - set(rule.defaults or ()))
            (closed if takes_value else doing if does or skipped(rule, self.skip) else safe).append(rule)
        known = {endpoint for path in paths for endpoint in self._endpoints(path)}
        self._say_left_out(
            [rule.rule for rule in closed if rule.endpoint not in known],
            [rule.rule for rule in doing if rule.endpoint not in known and LEAVING.isdisjoint(_words(rule))],
        )
        # One of the same address is enough: a rule for another method, or an alias.
        addresses = {(rule.rule, rule.host, rule.subdomain): rule for rule in reversed(safe)}
        latest = [*addresses.values()][::-1][: limits.pages]
        if len(addresses) > len(latest):
            self.unseen.append(Skipped(f"{len(addresses) - len(latest):,} more pages", "--pages N looks at more"))
        given = [(path, None) for path in dict.fromkeys(paths)]
        every = [*given, *((rule.rule, rule) for rule in latest), (NOWHERE, None)]
        return [(path, rule, as_user) for path, rule in every for as_user in ((False, True) if user else (False,))]

    def ways_out(self) -> Iterator[Rule]:
        """The routes that are called a logout. Not one that is called more: /logout-everyone does more, too."""
        for rule in self.app.url_map.iter_rules():
            words = _words(rule)
            if LEAVING.isdisjoint(words) or _ours(rule) or skipped(rule, self.skip):
                continue
            # The words above its last part say where it is: /shop/basket/logout. Not such as name a deed.
            above = {*re.split(r"[^a-z0-9]+", rule.rule.rpartition("/")[0].lower())} - DOING - LEAVING
            if rule.arguments:
                self.unseen.append(Skipped(f"a way out, {rule.rule}", "it takes a value"))
            elif words - LEAVING - AROUND - above:
                self.unseen.append(Skipped(f"a way out, {rule.rule}", "by its name it does more than that"))
            else:
                yield rule

    def _endpoints(self, path: str) -> Iterator[str]:
        for host in {rule.host for rule in self.app.url_map.iter_rules() if rule.host} or {"localhost"}:
            with suppress(HTTPException):
                yield self.app.url_map.bind(host).match(path.partition("?")[0], method="GET")[0]

    def _say_left_out(self, closed: list[str], doing: list[str]) -> None:
        def some(rules: list[str]) -> str:
            return ", ".join(rules[:3]) + (", …" if len(rules) > 3 else "")

        if closed:
            what = f"{quantity(len(closed), 'route that takes', 'routes that take')} a value ({some(closed)})"
            self.unseen.append(Skipped(what, "give addresses of theirs with --path"))
        if doing:
            do = quantity(len(doing), "route that may do something, or is", "routes that may do something, or are")
            self.unseen.append(Skipped(f"{do} skipped ({some(doing)})", "--path visits one nevertheless"))


def _ours(rule: Rule) -> bool:
    blueprint = rule.endpoint.partition(".")[0]
    ours = blueprint == "livechat" or blueprint.startswith("livechat_")
    return ours or rule.endpoint.rpartition(".")[2] == "static" or rule.websocket


def _words(rule: Rule) -> set[str]:
    """The words of a route's address and endpoint: deleteAccount, delete-account and delete_account alike."""
    text = f"{rule.rule} {rule.endpoint.rpartition('.')[2]}"
    parts = [part for part in re.split(r"[^a-z0-9]+", re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", text).lower()) if part]
    joined = {first + second: (first, second) for first, second in pairwise(parts) if first + second in LEAVING}
    return ({*parts} - {part for pair in joined.values() for part in pair}) | joined.keys()


def skipped(rule: Rule, skip: list[str]) -> bool:
    """By its endpoint (also of a blueprint, or with a star), its path, or a path above it."""
    return any(
        fnmatchcase(rule.endpoint, part)
        or rule.endpoint.startswith(f"{part}.")
        or rule.rule == part
        or rule.rule.startswith(f"{part}/")
        for part in skip
    )


def example(route: str) -> str:
    """An address of a route, with something in place of each value."""
    return re.sub(r"<[^>]*>", "1", route)

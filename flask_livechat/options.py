"""The keys of the core under ``LIVECHAT_``: what each one is where nothing is set, and what it may be."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from .widget import rules, texts

POSITION: Mapping[str, Any] = MappingProxyType({"side": "right", "x": 20, "y": 20, "mobile_x": 10, "mobile_y": 70})
LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")


@dataclass(frozen=True, slots=True)
class Option:
    """One key of the core: its default, the check that a value must pass, and what a right value is.

    PROVIDER, RULES, OFFICE_HOURS and POSITION are checked apart: their problems say more.
    """

    default: Any
    check: Callable[[Any], bool] = lambda value: True
    expected: str = ""


def _one_of(*values: Any) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value in values, "one of " + ", ".join(map(repr, values))


def _text(pattern: str, value: Any) -> bool:
    """Whether a value is text of a pattern, or None."""
    return value is None or (isinstance(value, str) and re.fullmatch(pattern, value) is not None)


def whole_number(value: Any, least: int, most: float = math.inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _frames(value: Any) -> bool:
    """Whether a value gives a policy's sources. Each is an origin and nothing else, for it goes into a header."""
    origin = re.compile(r"https://(\*\.)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:\d+)?")
    return value in (False, True) or (
        isinstance(value, list | tuple) and all(isinstance(item, str) and origin.fullmatch(item) for item in value)
    )


def _texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(tag, str)
        and LOCALE.fullmatch(tag)
        and isinstance(words, Mapping)
        and set(words) <= set(texts.NAMES)
        and all(isinstance(text, str) and 0 < len(text) <= texts.MAX_CHARS for text in words.values())
        and texts.UNREAD in words.get("unread", texts.UNREAD)
        for tag, words in value.items()
    )


def _selector(value: Any) -> bool:
    """Whether a value is a list of CSS selectors, roughly: one that a browser refuses would throw at each click."""
    if not isinstance(value, str):
        return value is None
    rest, brackets = re.sub(r"""\\.|"[^"]*"|'[^']*'""", "x", value), 1
    while brackets:
        rest, brackets = re.subn(r"\[[^][()]+\]|\([^][()]+\)", "x", rest)
    odd = r"""[][(){}<"'/;!?@$%^]|[.#:](?![\w:-])|[.#]\d|^[>+~]|[>+~]$"""
    return all(part and not re.search(odd, part) for part in map(str.strip, rest.split(",")))


OPTIONS: Mapping[str, Option] = {
    # PROVIDER, RULES, OFFICE_HOURS, TARGETS and POSITION are checked apart: their problems say more.
    "PROVIDER": Option(None),
    "LOAD": Option("idle", rules.is_load, f"one of {', '.join(rules.STRATEGIES)}"),
    "RULES": Option(()),
    "IDENTITY_DELIVERY": Option("inline", *_one_of("inline", "fetch")),
    "ALLOW_UNVERIFIED": Option(False, *_one_of(False, True)),
    "TOKEN_TTL": Option(
        7200,
        lambda value: whole_number(value, 60, 30 * 24 * 3600),
        "a whole number of seconds from 60 to 2592000 (30 days)",
    ),
    "CONSENT": Option(
        "implied",
        lambda value: callable(value) or value in ("implied", "required", "click"),
        "'implied', 'required', 'click', or a callable that says whether this request's visitor has agreed",
    ),
    "OFFICE_HOURS": Option(None),
    "OFFLINE": Option("show", *_one_of(*rules.OFFLINE)),
    "FALLBACK_URL": Option(
        None,
        partial(_text, r"(?is)(/(?!/)|https?://|mailto:|tel:).*"),
        "a path such as '/contact', an https:, mailto: or tel: address, or None",
    ),
    "POSITION": Option(POSITION),
    "MOBILE": Option("show", *_one_of(*rules.MOBILE)),
    "LAUNCHER": Option("vendor", *_one_of("vendor", "own", "none")),
    "LAUNCHERS_IN": Option(None, _selector, "a CSS selector such as 'header, #help', or None"),
    "TEXTS": Option(
        {}, _texts, f"by language, any of {', '.join(texts.NAMES)}, such as {{'nl': {{'chat': 'Chat met ons'}}}}"
    ),
    "LOCALE": Option(
        None,
        lambda value: callable(value) or _text(LOCALE.pattern, value),
        "a tag such as 'en' or 'pt-BR', a callable, or None",
    ),
    "CSP": Option("off", *_one_of("off", "merge")),
    "CSP_ARTICLES": Option(
        False, _frames, "True, False, or a list of further origins such as ['https://help.example.com']"
    ),
    "NONCE": Option(
        None,
        lambda value: callable(value) or _text(r"(?s).+", value),
        "text, a callable that gives the page's nonce, or None",
    ),
    "URL_PREFIX": Option(
        "/livechat",
        lambda value: value is not None and _text(r"(/[\w.~-]+)+", value),
        "a path such as '/livechat', without a slash at its end",
    ),
    "COOKIE_DOMAIN": Option(
        None, partial(_text, r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"), "a domain such as 'example.com', or None"
    ),
    "REPORT_FAILURES": Option(False, *_one_of(False, True)),
    "CSP_REPORTS": Option(True, *_one_of(False, True)),
    "GUARD": Option(True, *_one_of(False, True)),
    "ON_ERROR": Option(None, *_one_of(None, "conversation")),
    "TRACK_VIA": Option("page", *_one_of("page", "server")),
    "DATABASE_URL": Option(
        None,
        partial(_text, r"(?s)(sqlite|postgres|postgresql)(\+\w+)?://.*"),
        "the URL of an SQLite or PostgreSQL database, or None",
    ),
    "WEBHOOK_TOLERANCE": Option(
        None, lambda value: value is None or whole_number(value, 1), "a whole number of seconds, or None"
    ),
    "KEEP_DAYS": Option(None, lambda value: value is None or whole_number(value, 1), "a whole number of days, or None"),
    "OUTREACH": Option(1, lambda value: whole_number(value, 0, 100), "a whole number from 0 to 100"),
    "CELERY": Option(False, *_one_of(False, True)),
    "INBOX": Option(False, *_one_of(False, True)),
    "TARGETS": Option({}, lambda value: value is not None, "a dict such as {'csat': 0.9}"),
    "ARTICLES": Option(
        None, partial(_text, r"(?s)[^\0]*[^\s\0][^\0]*"), "the folder of the articles, such as 'help', or None"
    ),
    "ARTICLE_PAGES": Option(False, *_one_of(False, True)),
    "KEEP_QUESTIONS": Option(False, *_one_of(False, True)),
    "SITE_URL": Option(
        None,
        partial(_text, r"https?://[\w.:\[\]-]+(/[\w.~-]+)*"),
        "the address of the site, such as 'https://shop.example.com', or None",
    ),
    "FLOWS": Option(
        None, partial(_text, r"(?s)[^\0]*[^\s\0][^\0]*"), "the folder of the flows, such as 'flows', or None"
    ),
    "HELP": Option("off", *_one_of(*rules.HELP)),
    "FLOW_STEPS": Option(3, *_one_of(1, 2, 3, 4)),
    "SANDBOX": Option(False, *_one_of(False, True, "allow")),
}

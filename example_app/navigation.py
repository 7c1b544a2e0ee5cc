"""What every page's frame shows: the sections with their vendors, and what chat does on this page."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Flask, current_app, request, url_for

from . import login, shows
from .chat import TITLE, livechat


class Link(NamedTuple):
    """One entry of the menu."""

    label: str
    endpoint: str


class Section(NamedTuple):
    """One part of the site and the vendor who chats there (a title, or None for no chat)."""

    key: str
    label: str
    vendor: str | None
    links: tuple[Link, ...]


LINKS = {
    "site": ("Site", (Link("Home", "site.landing"), Link("Tour", "site.tour"), Link("Pricing", "site.pricing"),
                      Link("Support", "site.support"), Link("Try to break it", "site.try_it"))),
    "shop": ("Shop", (Link("Supplies", "shop.index"),)),
    "app": ("App", (Link("Dashboard", "workspace.dashboard"), Link("Account", "workspace.account"))),
    "quiet": ("Reading", (Link("Docs", "site.docs"), Link("Blog", "site.blog"))),
}  # fmt: skip
QUIET = ("site.docs", "site.blog")
UNLISTED = ("site.reset_password", "staff.", "inspector.")  # pages outside the menu


def sections() -> list[Section]:
    """The menu."""
    vendors = current_app.config["EXAMPLE_VENDORS"]
    return [Section(key, label, TITLE.get(vendors.get(key)), links) for key, (label, links) in LINKS.items()]


def current_section() -> str:
    """The section this page belongs to, "none" outside the menu; unknown addresses belong to the site."""
    endpoint = request.endpoint or ""
    if endpoint.startswith(QUIET):
        return "quiet"
    if endpoint.startswith(UNLISTED):
        return "none"
    return {"shop": "shop", "workspace": "app"}.get(request.blueprint or "", "site")


def desk_url() -> str | None:
    """Where the sandbox' agent sits, while there is a sandbox."""
    if not current_app.config["LIVECHAT_SANDBOX"]:
        return None
    return f"{request.script_root}{current_app.config.get('LIVECHAT_URL_PREFIX', '/livechat')}/sandbox/"


def support_url(page: str) -> str | None:
    """Where the inbox and the support metrics are, while a vendor tells what happens."""
    endpoint = f"livechat_{page}.page"
    return url_for(endpoint) if endpoint in current_app.view_functions else None


def help_url() -> str | None:
    """Where the help articles are, while they have pages."""
    return url_for("livechat_help.search") if "livechat_help.search" in current_app.view_functions else None


def inspectable_path() -> str:
    """This page's path for the link to the inspector. A reset link's token stays out of other addresses."""
    if request.endpoint == "inspector.show":
        return "/"  # the inspector does not inspect itself
    return "/reset-password/example" if request.endpoint == "site.reset_password" else request.path


def frame() -> dict[str, Any]:
    """Names for ``base.html``."""
    decision = livechat.decide(endpoint=request.endpoint, path=request.path)
    return {
        "sections": sections(),
        "section": current_section(),
        "chat": decision,
        "shown": shows.of(request.endpoint, decision, current_app.config["LIVECHAT_RULES"]),
        "vendor_titles": TITLE,
        "desk_url": desk_url(),
        "inbox_url": support_url("inbox"),
        "metrics_url": support_url("metrics"),
        "help_url": help_url(),
        "inspectable_path": inspectable_path(),
        "viewer": login.viewer(),
        "staff_member": login.staff_member(),
        "viewing_as": login.is_viewing_as(),
    }


def init_app(app: Flask) -> None:
    """Give templates the names of ``frame``."""
    app.context_processor(frame)

"""Everything this site says about chat, in one place: which vendor, where, how it loads, and who the visitor is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from flask import current_app, session
from flask.config import Config

from flask_livechat import Company, LiveChat, Visitor
from flask_livechat.model import Event

from . import headers, login
from .users import User, users

livechat = LiveChat()

PUBLIC_ID = {
    "crisp": "LIVECHAT_CRISP_WEBSITE_ID",
    "tawk": "LIVECHAT_TAWK_PROPERTY_ID",
    "intercom": "LIVECHAT_INTERCOM_APP_ID",
}
TITLE = {"crisp": "Crisp", "tawk": "Tawk.to", "intercom": "Intercom"}

# What a customer sees once, and where the vendor has it.
WELCOME = "tour:101"

# Staff pages show customers' data; nothing of a vendor runs there.
livechat.rule_for("staff", show=False)


def configure(config: Config) -> None:
    """Fill in what the environment left open, so that the site also runs with no configuration at all."""
    accounts = tuple(name for name, key in PUBLIC_ID.items() if config.get(key))
    config.setdefault("LIVECHAT_SANDBOX", not accounts)
    available = tuple(PUBLIC_ID) if config["LIVECHAT_SANDBOX"] else accounts
    config.setdefault("LIVECHAT_PROVIDER", available[0] if available else None)
    config["EXAMPLE_VENDORS"] = vendors = by_section(config["LIVECHAT_PROVIDER"], available)
    config.setdefault("LIVECHAT_RULES", rules(vendors["shop"], vendors["app"]))
    config.setdefault("LIVECHAT_INBOX", True)
    config.setdefault("LIVECHAT_FLOWS", "flows")
    config.setdefault("LIVECHAT_CSP", "merge")
    config.setdefault("LIVECHAT_NONCE", headers.nonce)
    config.setdefault("LIVECHAT_FALLBACK_URL", "/contact")
    # Beside the figures at /livechat/metrics, and what `flask livechat metrics --check` goes by.
    config.setdefault("LIVECHAT_TARGETS", {"first_response": 300, "csat": 0.8})
    config.setdefault("LIVECHAT_ARTICLES", "help")
    config.setdefault("LIVECHAT_ARTICLE_PAGES", True)
    if config["LIVECHAT_SANDBOX"]:
        config.setdefault("LIVECHAT_SITE_URL", "http://127.0.0.1:5000")  # where `make demo` serves it


def by_section(default: str | None, available: tuple[str, ...]) -> dict[str, str | None]:
    """Section of the site -> its vendor. A vendor without an account is stood in for by the default one."""
    return {
        "site": default,
        "shop": "tawk" if "tawk" in available else default,
        "app": "intercom" if "intercom" in available else default,
    }


def rules(shop: str | None, app: str | None) -> list[dict[str, Any]]:
    """``LIVECHAT_RULES``: the first one that matches a page wins; other pages get the default provider on idle."""
    listed: list[dict[str, Any]] = [
        {"path": "/docs/*", "show": False},
        {"path": "/blog/*", "show": False},
        {"path": "/inspect", "show": False},
        {"path": "/pricing", "load": "eager", "preload": True},
        {"path": "/tour", "load": "delay:5"},
        {"path": "/contact", "load": "visible:#help"},
        {"path": "/login", "load": "intent"},
        {"path": "/support", "help": "first"},
        {"blueprint": "shop", "provider": shop, "load": "intent", "help": "first", "flow": "shop"},
        {
            "path": "/dashboard",
            "provider": app,
            "load": "idle",
            "flow": "app",
            "start": WELCOME if app == "intercom" else None,
        },
        {"path": "/account", "provider": app, "load": "interaction", "help": "first", "flow": "app"},
    ]
    # Without any account there is no vendor to name, and the extension refuses to be given None.
    return [{field: value for field, value in rule.items() if value is not None} for rule in listed]


@livechat.visitor_loader
def visitor(user: object) -> Visitor | None:
    """Who the agents talk to. They also see the company and the plan."""
    return visitor_of(user) if isinstance(user, User) else None


def visitor_of(user: User) -> Visitor:
    """A customer as agents know them, in the widget and in what staff write first."""
    return Visitor(
        id=user.id,
        email=user.email,
        name=user.name,
        created_at=user.created_at,
        company=Company(id=user.company_id, name=user.company_name, plan=user.plan, size=user.seats),
        attributes={"role": user.role},
    )


@livechat.context_loader
def context() -> Mapping[str, str | int | float | bool | None]:
    """What agents see about this visit beside the page."""
    user = None if login.is_viewing_as() else login.viewer()
    account: dict[str, str | int] = {"plan": user.plan, "seats": user.seats} if user else {}
    return {**account, "basket": len(session.get("basket", ()))}


@livechat.impersonating
def impersonating() -> bool:
    """While staff view the site as a customer, no identity leaves: the agent must not see staff as that customer."""
    return login.is_viewing_as()


@livechat.staff_required
def may_see_support() -> bool:
    """Who finds anything at ``/livechat/inbox`` and ``/livechat/metrics``."""
    return login.staff_member() is not None and not login.is_viewing_as()


@livechat.profile
def profile(visitor: Visitor) -> Mapping[str, str | int]:
    """What the inbox shows of somebody. Some vendors tell our id, some an email."""
    user = next((user for user in users().all() if visitor.id in (user.id, user.email)), None)
    if user is None:
        return {}
    signed_up = f"{user.created_at:%d %b %Y}"
    return {"Company": user.company_name, "Plan": user.plan, "Seats": user.seats, "Signed up": signed_up}


@livechat.people
def customers() -> Iterator[tuple[str, datetime, bool]]:
    """For ``flask livechat cohort``: do customers who write in their first week take a plan that costs something?"""
    for user in users().all():
        if not user.is_staff:
            yield user.id, user.created_at, user.plan != "starter"


@livechat.on("rated")
def notice(event: Event) -> None:
    """Called by ``flask livechat work``, whichever vendor tells. Somebody should look at what went wrong."""
    if event.rating is not None and event.best == 5 and event.rating <= 2:
        current_app.logger.warning("%s of 5 stars in %s's %s.", event.rating, event.provider, event.conversation)

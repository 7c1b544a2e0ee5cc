"""Palaver: the facts of a vendor that nobody has heard of. Each customer runs its server (as of never)."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..base import Key, Provider, Signs, Values
from .widget import attributes, prove, settings, visitor


def _csp(values: Values) -> dict[str, tuple[str, ...]]:
    url = values["BASE_URL"]
    return {
        "script-src": (url,),
        "style-src": ("'unsafe-inline'", url),
        "img-src": ("data:", url),
        "connect-src": (url, url.replace("https", "wss", 1)),
        "frame-src": (url,),
    }


PROVIDER = Provider(
    name="palaver",
    title="Palaver",
    as_of="2026-11",
    keys=(
        Key(
            "BASE_URL",
            r"https://[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{2,5})?",
            where="The address of your Palaver, without a slash at its end.",
            example="https://palaver.example.com",
            required=True,
        ),
        Key(
            "WEBSITE_TOKEN",
            r"[A-Za-z0-9]{8,64}",
            where="Settings > Inboxes > Website > Configuration.",
            example="exampleWebsiteToken",
            required=True,
        ),
        Key(
            "IDENTITY_SECRET",
            r"\S+",
            where="Settings > Inboxes > Website > Identity validation.",
            example="example-identity-secret",
            secret=True,
        ),
        Key(
            "API_TOKEN",
            r"\S+",
            where="Profile > Access token.",
            example="example-api-token",
            secret=True,
        ),
        Key(
            "WEBHOOK_SECRET",
            r"\S+",
            where="Settings > Integrations > Webhooks.",
            example="example-webhook-secret",
            secret=True,
        ),
    ),
    script=lambda values: f"{values['BASE_URL']}/palaver/sdk.js",
    csp=_csp,
    domains=lambda values: (urlsplit(values["BASE_URL"]).hostname or "",),
    cookies=lambda values: (f"palaver_{values['WEBSITE_TOKEN']}",),
    storage=lambda values: ("palaver.*",),
    settings=settings,
    visitor=visitor,
    prove=prove,
    attributes=attributes,
    identity="IDENTITY_SECRET",
    elements=".palaver-holder",
    can=frozenset({"presence", "message"}),
    signs=Signs(
        loads=r"/palaver/sdk\.js",
        calls=r"\bpalaver\.(?:run|open|identify)\b",
        identifies=r"\bpalaver\.identify\s*\(\s*\{[^}]{1,300}\}",
        proven=r"\bhash\s*:",
        leaks=r"(?i:palaver[\w.\s-]{0,40}(?:secret|token))['\"]?\s*[:=,]\s*['\"]([\w+/=-]{16,})['\"]",
    ),
)

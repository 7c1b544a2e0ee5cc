"""Tawk.to: the facts (as of 2026-11)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ..base import Key, LiveSpec, Provider, Signs
from .widget import attributes, prove, visitor

# The vendor's own allow-list (its Magento plugin, 2024-07). Sockets and API hosts are numbered, so the wildcard is
# needed. Not in that list: data: images and inline styles, which nearly every deployed policy has; assumed required.
CSP = {
    "script-src": ("https://*.tawk.to", "https://cdn.jsdelivr.net"),
    "style-src": ("'unsafe-inline'", "https://*.tawk.to", "https://fonts.googleapis.com", "https://cdn.jsdelivr.net"),
    "font-src": ("https://*.tawk.to", "https://fonts.gstatic.com"),
    "img-src": (
        "data:",
        "https://*.tawk.to",
        "https://tawk.link",
        "https://cdn.jsdelivr.net",
        "https://s3.amazonaws.com",
    ),
    "media-src": ("https://*.tawk.to", "https://tawk.link"),
    "connect-src": ("https://*.tawk.to", "wss://*.tawk.to"),
    "frame-src": ("https://*.tawk.to",),
    "form-action": ("https://*.tawk.to",),
}


def _refusal(answer: Any) -> str | None:
    """``{"ok": false, "error": {"code": …}}``, with whatever status."""
    if not isinstance(answer, dict) or answer.get("ok") is not False:
        return None
    error = answer.get("error")
    code = error.get("code") if isinstance(error, dict) else error
    return code if isinstance(code, str) and code.isidentifier() else "refused"


PROVIDER = Provider(
    name="tawk",
    title="Tawk.to",
    keys=(
        Key(
            "PROPERTY_ID",
            r"[0-9A-Fa-f]{24}",
            where="Administration > Overview > Property ID (24 hexadecimal digits).",
            example="5f0c1d2e3a4b5c6d7e8f9a0b",
            required=True,
        ),
        Key(
            "WIDGET_ID",
            r"[A-Za-z0-9]{1,50}",
            where="Administration > Channels > Chat Widget, the part of the direct link after the property id.",
            example="default",
            default="default",
            use="chat",
        ),
        Key(
            "JS_API_KEY",
            r"[A-Za-z0-9]{40}",
            where="Administration > Overview > JavaScript API, with Secure Mode on (40 characters; not the REST key).",
            example="0123456789abcdef0123456789abcdef01234567",
            secret=True,
        ),
        Key(
            "REST_API_KEY",
            r"\S+",
            where="Edit Profile > REST API Keys (access is on request).",
            example="example-rest-api-key",
            secret=True,
        ),
        Key(
            "WEBHOOK_SECRET",
            r"\S+",
            where="Administration > Settings > Webhooks.",
            example="example-webhook-secret",
            secret=True,
            min_chars=48,  # 96 hexadecimal digits in all that were seen (UNCONFIRMED)
        ),
    ),
    script=lambda values: f"https://embed.tawk.to/{quote(values['PROPERTY_ID'])}/{quote(values['WIDGET_ID'])}",
    csp=lambda values: CSP,
    # The help article writes tawk_uuid_, real browsers hold twk_uuid_: both go.
    cookies=lambda values: (
        f"twk_uuid_{values['PROPERTY_ID']}",
        f"tawk_uuid_{values['PROPERTY_ID']}",
        f"Tawk_{values['PROPERTY_ID']}",  # where the script may not use localStorage
        "twk_idm_key",
        "TawkConnectionTime",
    ),
    # In localStorage and sessionStorage (read in the script of 2025-04).
    storage=lambda values: ("twk_*", "tawk_*", "previousNav"),
    settings=lambda values: {"property_id": values["PROPERTY_ID"], "widget_id": values["WIDGET_ID"]},
    visitor=visitor,
    prove=prove,
    attributes=attributes,
    identity="JS_API_KEY",
    proves=("id", "email"),
    # Read in the script of 2025-04. Where a newer one differs, swapping a page takes the widget with it.
    elements=".widget-visible, .widget-hidden",
    as_of="2026-11",
    # The films that an article of the knowledge base can hold (2025-04).
    article_frames=(
        "https://www.youtube.com",
        "https://www.youtube-nocookie.com",
        "https://player.vimeo.com",
        "https://www.dailymotion.com",
        "https://www.loom.com",
    ),
    domains=lambda values: ("tawk.to", "tawk.link"),
    crossorigin="*",  # as the vendor's own snippet writes it; browsers read it as "anonymous"
    max_segments=10,
    can=frozenset({"presence", "rating", "offsets", "segment", "unsegment"}),
    signs=Signs(
        loads=r"embed\.tawk\.to/(?=[\w{$<+'\"`])|['\"]@tawk\.to/tawk-messenger",
        calls=r"\bTawk_API\b",
        # Before the script (`visitor`), or by a call with an id or an address in it.
        identifies=r"Tawk_API\s*\.\s*(?:visitor\s*=|(?:login|setAttributes)\s*\(\s*\{[^;]{0,500}?\b(?:userId|email)\b)",
        proven=r"\bhash\b['\"]?\s*[:,}]|(?<!location)\.hash\s*=(?!=)",
        # The JavaScript API key: 40 letters and digits, known by the name that it is given.
        leaks=r"(?i)(?:tawk|js[_-]?api[_-]?key)[\w.\s-]{0,30}['\"]?\s*[:=,]\s*['\"]([A-Za-z0-9]{40}|[0-9a-f]{96})['\"]",
    ),
    # `login` has the id's: what it has is not sent twice
    live=LiveSpec(refusal=_refusal, spare=frozenset({"email"})),
)

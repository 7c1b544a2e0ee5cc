"""Crisp: the facts (as of 2026-11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from ..base import Key, LiveSpec, Provider, Signs, Values
from .widget import MOST, attributes, prove, visitor

# docs.crisp.chat, "Crisp domain names" (2024-12), narrowed to the hosts that it names for each use. The rescue and
# stream sockets are optional there; the wildcard for relay does not cover the rescue host.
CSP = {
    "script-src": ("https://client.crisp.chat",),
    "style-src": ("'unsafe-inline'", "https://client.crisp.chat"),
    "font-src": ("https://client.crisp.chat",),
    "img-src": ("data:", "https://client.crisp.chat", "https://image.crisp.chat", "https://storage.crisp.chat"),
    "media-src": ("https://client.crisp.chat", "https://storage.crisp.chat"),
    "connect-src": (
        "https://client.crisp.chat",
        "https://storage.crisp.chat",
        "wss://client.relay.crisp.chat",
        "wss://stream.relay.crisp.chat",
        "wss://client.relay.rescue.crisp.chat",
    ),
    "frame-src": ("https://game.crisp.chat",),
    "worker-src": ("blob:", "https://client.crisp.chat"),
}


def _cookies(values: Values) -> tuple[str, ...]:
    """The session's, one more for each continuity token, whose name holds the token itself, and the socket's.

    Real browsers hold the encoded names (2022-01 to 2026); plain ones are in old notes of the vendor's.
    """
    session, socket = f"crisp-client/session/{values['WEBSITE_ID']}", f"crisp-client/socket/{values['WEBSITE_ID']}"
    return (session, *(name.replace("/", "%2F") for name in (session, f"{session}/*", socket)))


def _verified(values: Values, request: Callable[[str, str], Any], stored: Mapping[str, str]) -> bool | None:
    """Whether operators see the conversation as verified. The session's id is the value of Crisp's cookie."""
    session = next((value for value in stored.values() if value.startswith("session_")), None)
    if session is None:
        return None
    path = f"/v1/website/{quote(values['WEBSITE_ID'])}/conversation/{quote(session, safe='')}/verify"
    answer = request("GET", path)
    # The route is in the vendor's own library; the shape of its answer is that of the webhook, and UNCONFIRMED.
    state = answer.get("is_verified") if isinstance(answer, Mapping) else None
    return state if isinstance(state, bool) else None


PROVIDER = Provider(
    name="crisp",
    title="Crisp",
    keys=(
        Key(
            "WEBSITE_ID",
            r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
            where="Settings > Workspace Settings > Setup & Integrations, the Website ID (a UUID).",
            example="42286ab3-b29a-4fde-8538-da0ae501d825",
            required=True,
        ),
        Key(
            "IDENTITY_SECRET",
            r"\S+",
            where="Settings > Workspace Settings > user verification secret.",
            example="example-crisp-verification-secret",
            secret=True,
        ),
        Key(
            "SESSION_SECRET",
            r"\S+",
            where='A random value of your own, for instance python -c "import secrets; print(secrets.token_hex())".',
            example="example-session-continuity-secret",
            secret=True,
            use="continuity",
        ),
        Key("API_IDENTIFIER", r"\S+", where="Settings > API tokens.", example="example-identifier", credential=True),
        Key("API_KEY", r"\S+", where="Settings > API tokens.", example="example-api-key", secret=True),
        Key(
            "API_TIER",
            r"website|plugin|user",
            where="'website' for a token of one workspace, 'plugin' for a Marketplace token.",
            example="website",
            default="website",
            use="desk",
        ),
        Key(
            "WEBHOOK_SECRET",
            r"\S+",
            where="Your plugin's page in Crisp's Marketplace > signing secret.",
            example="example",
            secret=True,
            min_chars=8,  # nobody documents how long the vendor makes it (UNCONFIRMED)
        ),
        Key("WEBHOOK_KEY", r"\S+", where="The ?key= that you put in the hook's URL.", example="example", secret=True),
    ),
    script=lambda values: "https://client.crisp.chat/l.js",
    csp=lambda values: CSP,
    cookies=_cookies,
    # In localStorage and sessionStorage (read in the script of 2022-01).
    storage=lambda values: ("crisp-client/*", "crisp-client%2F*"),
    settings=lambda values: {"website_id": values["WEBSITE_ID"]},
    visitor=visitor,
    prove=prove,
    attributes=attributes,
    identity="IDENTITY_SECRET",
    proves=("email",),
    # Read in the script of 2022-01, which also puts it into a new body by itself.
    elements=".crisp-client",
    as_of="2026-11",
    # The workspace's helpdesk, unless it has a domain of its own, and the films that an article can hold (2022-01).
    article_frames=(
        "https://*.crisp.help",
        "https://www.youtube.com",
        "https://player.vimeo.com",
        "https://www.dailymotion.com",
    ),
    domains=lambda values: ("crisp.chat",),
    max_segments=MOST,
    # Segments cannot be taken away one by one: the client only adds to them, or replaces all, the agents' own, too.
    can=frozenset({"presence", "article", "scenario", "trigger", "message", "segment"}),
    signs=Signs(
        loads=r"client\.crisp\.chat/l\.js|['\"]crisp-sdk-web['\"]",
        calls=r"\$crisp\b|\bCRISP_WEBSITE_ID\b",
        # The signature is the second item beside the address, ["set", "user:email", [email, signature]]: without a
        # comma there is none.
        identifies=(
            r"['\"]user:email['\"]\s*,\s*(?:\(\s*)?(?:\(\s*\)\s*=>\s*)?\[?\s*(?:\{\{[^}]{0,200}\}\}|[^,\[\]{}]){1,200}\]"
            r"|\bsetEmail\s*\([^,()]{1,200}\)"
        ),
        proven=r"(?!)",
        # An API token's key has 64 hexadecimal digits; a verification secret is known by the name that it is given.
        leaks=(
            r"(?i:crisp[\w.\s-]{0,40}key)[\w.\s-]{0,20}['\"]?\s*[:=,]\s*['\"]([0-9a-f]{64})['\"]"
            r"|(?i:(?:crisp|verif\w{0,12}|identity)[\w.\s-]{0,20}?secret)['\"]?\s*[:=,]\s*['\"]([\w+/=-]{16,})['\"]"
        ),
    ),
    live=LiveSpec(verified=_verified),
)

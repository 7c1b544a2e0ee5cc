"""Intercom: the facts (as of 2026-11)."""

from __future__ import annotations

from urllib.parse import quote

from ..base import Key, Provider, Signs
from .csp import csp
from .widget import attributes, prove, visitor

PROVIDER = Provider(
    name="intercom",
    title="Intercom",
    keys=(
        # The exact grammar of a workspace id is UNCONFIRMED (letters and digits in all that were seen): whatever can
        # stand in a cookie's name passes, and is percent-encoded in the address.
        Key(
            "APP_ID",
            r"[!#-+\--:<>-\[\]-~]+",
            where="Settings > Installation, the Workspace ID (also after /apps/ in the console's address).",
            example="abc12345",
            required=True,
        ),
        Key(
            "IDENTITY_SECRET",
            r"\S+",
            where="Settings > Channels > Messenger > Security, the Messenger API secret (not the client secret).",
            example="example-messenger-secret-0123456789abcdef",
            secret=True,
        ),
        Key(
            "IDENTITY",
            r"jwt|hmac",
            where="'jwt' (recommended), or 'hmac' (deprecated by Intercom in 2025).",
            example="jwt",
            default="jwt",
            use="identity",
        ),
        # No default: an unset region means the United States to the Messenger, but keeps every region in the CSP.
        Key(
            "REGION",
            r"us|eu|au",
            where="Where the workspace's data lives: us, eu or au. Unset means us.",
            example="us",
            use="region",
        ),
        Key("ACCESS_TOKEN", r"\S+", where="Developer Hub > Authentication.", example="example-token", secret=True),
        Key("CLIENT_SECRET", r"\S+", where="Developer Hub > Basic Information.", example="example", secret=True),
        Key("API_VERSION", r"\d+\.\d+", where="Such as 2.16.", example="2.16", default="2.16", use="desk"),
    ),
    script=lambda values: f"https://widget.intercom.io/widget/{quote(values['APP_ID'], safe='')}",
    csp=csp,
    # Every first-party cookie of Intercom starts with intercom-; these are the three that the vendor names.
    cookies=lambda values: tuple(f"intercom-{kind}-{values['APP_ID']}" for kind in ("id", "session", "device-id")),
    # In localStorage and sessionStorage (read in the script of 2022-02).
    storage=lambda values: ("intercom.*", "intercom-*"),
    settings=lambda values: {"app_id": values["APP_ID"], "region": values.get("REGION") or "us"},
    visitor=visitor,
    prove=prove,
    attributes=attributes,
    identity="IDENTITY_SECRET",
    # Read in the scripts of 2022-02. Where a newer one differs, swapping a page takes the widget with it.
    elements="#intercom-container, #intercom-css-container, #intercom-frame, .intercom-lightweight-app",
    as_of="2026-11",
    domains=lambda values: (
        "intercom.io",
        "intercom.com",
        "intercomcdn.com",
        "intercomcdn.eu",
        "intercomassets.com",
        "intercomassets.eu",
        "intercomusercontent.com",
        "intercom-messenger.com",
        "intercom-sheets.com",
        "intercom-reporting.com",
        "intercom.help",
        "intercom-attachments.eu",
        "intercom-attachments.com",
        *(f"intercom-attachments-{n}.com" for n in range(1, 10)),
    ),
    hosts=("https://js.intercomcdn.com",),  # where the Messenger's parts come from
    can=frozenset("tour article survey checklist news ticket space conversation message offsets".split()),
    signs=Signs(
        loads=r"widget\.intercom\.io/widget/|js\.intercomcdn\.com/shim|['\"]@intercom/messenger-js-sdk['\"]",
        calls=r"\bintercomSettings\b|\bIntercom\s*\(|\buser_hash\b",
        identifies=(
            r"(?:intercomSettings\b\s*[=,]|Intercom\s*\((?:\s*['\"](?:boot|update)['\"]\s*,)?)\s*\{"
            r"[^;]{0,500}?['\"]?\b(?:user_id|email)\b['\"]?\s*:"
            r"|intercomSettings\s*\.\s*(?:user_id|email)\s*="
        ),
        proven=r"\b(?:user_hash|intercom_user_jwt)\b",
        # An access token starts with "tok:" in Base64; the Messenger API secret is known by the name that it is given.
        leaks=(
            r"['\"\s=](dG9rO[A-Za-z0-9+/=_-]{20,})"
            r"|(?i:intercom|messenger)[\w.\s-]{0,40}(?i:secret|access_token)[\w.\s-]{0,20}['\"]?\s*[:=,]\s*['\"]"
            r"([A-Za-z0-9=_-]{32,})['\"]"
        ),
    ),
)

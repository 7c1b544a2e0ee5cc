"""What gives Intercom away in somebody's own code (as of 2026-11), for the doctor."""

from .. import Signs

SIGNS = Signs(
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
)

"""Whether a page's address looks like it holds a secret, which the vendor's script would read. Pure.

A mistake to the safe side costs a widget on one page, and the decision says why; a mistake to the other side hands
a password-reset link to a third party. Whole path segments are judged, so ``/blog/reset-your-router`` keeps its chat.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A segment is judged secret when all its words are in these two sets and at least one is in the first.
SECRET_PAGES = frozenset(
    """
    2fa activate activation auth2 callback confirm confirmation forgot forgotten invitation invitations invite
    invites magic mfa oauth oauth2 oidc otp passwordless recover recovery reset saml sso totp twofactor unlock verify
    verification
    """.split()
)
FILLING = frozenset(
    """
    a accept account address change code complete device do done email e factor finish forgot google github html
    link login mail me member my new new2 of or our page password passwd php phone recovery request safe set setup
    sign signin signup start step team the token two u user users verify with work your
    """.split()
)
SECRET_WORDS = frozenset(
    """
    token signature sig password passwd pwd secret otp jwt credential credentials assertion samlresponse nonce ticket
    """.split()
)
# Too common as parts of innocent keys (promo_code, sort_key), so only these whole names count.
SECRET_KEYS = frozenset(
    """
    code key hash auth api_key apikey access_key secret_key auth_code invite_code reset_code reset_key
    activation_key activation_code confirmation_code verification_code confirm_code session sid session_id
    """.split()
)
TOKEN = re.compile(
    r"eyJ[\w-]{8,}(\.[\w-]*)*"  # a JWT
    r"|[\w-]{4,}(\.[\w-]{5,}){0,3}\.[\w-]{20,}"  # signed by itsdangerous: payload, time, signature
    r"|[0-9a-fA-F]{32,}"
)
RANDOM_RUN = re.compile(r"(?=[^\W_]*[a-z])(?=[^\W_]*[A-Z])(?=[^\W_]*\d)[A-Za-z0-9]{16,}")


@dataclass(frozen=True, slots=True)
class Address:
    """One page: its endpoint and path, the names in its query and of its URL rule's arguments."""

    path: str
    endpoint: str | None = None
    query: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    @property
    def blueprint(self) -> str:
        return (self.endpoint or "").rpartition(".")[0]


def secret_in(address: Address) -> str | None:
    """What in the address looks like a secret, as the start of a sentence; None when nothing does."""
    for key in address.query:
        if key.lower() in SECRET_KEYS or SECRET_WORDS & _words(key):
            return f"the query key {key!r} looks like it carries a secret"
    for name in address.arguments:
        if SECRET_WORDS & _words(name):
            return f"the URL argument <{name}> looks like it carries a secret"
    for segment in address.path.split("/"):
        words = _words(segment)
        if words & SECRET_PAGES and words <= SECRET_PAGES | FILLING:
            return f"the path segment {segment!r} looks like a page whose address carries a secret"
        if TOKEN.fullmatch(segment) or RANDOM_RUN.search(segment):
            return "a path segment looks like a token"  # not repeated here: it may be one
    if re.search(r"(^|/)passw(or)?d/(change|new|edit|set)\b", address.path, re.IGNORECASE):
        return "the path looks like a password page"
    endpoint = (address.endpoint or "").rpartition(".")[2]
    words = _words(endpoint)
    if words & SECRET_PAGES and words <= SECRET_PAGES | FILLING:
        return f"the endpoint {address.endpoint!r} looks like a page whose address carries a secret"
    return None


def _words(text: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1-\2", text).lower()) if word}

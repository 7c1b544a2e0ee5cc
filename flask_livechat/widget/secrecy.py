"""Whether a page's address looks like it holds a secret, which the vendor's script would read. Pure.

A mistake to the safe side costs a widget on one page, and the decision says why; a mistake to the other side hands
a password-reset link to a third party. Whole path segments are judged, so ``/blog/reset-your-router`` keeps its chat.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# A segment is judged secret when all its words are in these two sets and at least one is in the first.
SECRET_PAGES = frozenset(
    """
    2fa activate activation auth2 authorized callback challenge confirm confirmation factor forgot forgotten invitation
    invitations invite invites magic mfa oauth oauth2 oidc otp passwordless recover recovery reset resets restore saml
    sso totp twofactor unlock validate verify verification
    """.split()
)
FILLING = frozenset(
    """
    a accept account acs address auth authorize change choose code complete create device do done edit email emails
    finish github google html link login mail me member my new of one or our page password passwords passwd php phone
    request safe set setup sign signin signup start step team the time token two u user users with work your
    """.split()
)
# Words that are written together in addresses: resetpassword, verifyemail, magiclink, oauth2callback.
JOINED = re.compile(
    r"(reset|forgot|forgotten|change|verify|confirm|activate|magic|oauth2?|accept|set|new)"
    r"(?=(password|passwd|email|mail|account|link|callback|invite|invitation)s?$)"
    r"|(password|passwd|email|account)(?=(reset|forgot|recovery|verification|confirmation|activation)s?$)"
)
# Below these, an address is that of a text about something.
READING = frozenset(
    "articles blog docs documentation faq features guide guides help integrations kb learn webhooks wiki".split()
)
# Harmless at the end of a path, but what comes behind them is secret: /accept/abc, /password/abc.
BEFORE_A_SECRET = frozenset("accept approve join passwd password passwords".split())
SECRET_WORDS = frozenset(
    """
    token signature sig password passwd pwd secret otp jwt credential credentials assertion samlresponse nonce hmac
    accesskey accesstoken authtoken idtoken jsessionid oobcode passcode refreshtoken resettoken sessionid
    """.split()
)
# Too common as parts of innocent keys (promo_code, sort_key), so only these whole names count.
SECRET_KEYS = frozenset(
    """
    code key hash auth api_key apikey access_key secret_key auth_code oob_code invite_code invitation_code reset_code
    reset_key activation_key activation_code confirmation_code verification_code verify_code confirm_code login_code
    magic_code session sid session_id phpsessid
    """.split()
)
TOKEN = re.compile(
    r"eyJ[\w-]{8,}(\.[\w-]*)*"  # a JWT
    # Signed by itsdangerous: payload, time, signature. Words with dots and dashes have no capitals and digits mixed.
    r"|[\w-]{4,}(\.[\w-]{5,}){0,3}\.(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{20,}"
    r"|[0-9a-fA-F]{32,}"
)
RANDOM = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d.*\d)[A-Za-z0-9_-]{16,}")
WORDS = re.compile(r"[A-Z]?[a-z]{2,}|[_-]")


@dataclass(frozen=True, slots=True)
class Address:
    """One page: its endpoint and path, the names in its query and of its URL rule's arguments, the query's values."""

    path: str
    endpoint: str | None = None
    query: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    values: tuple[str, ...] = field(default=(), repr=False)

    @property
    def blueprint(self) -> str:
        return (self.endpoint or "").rpartition(".")[0]


def secret_in(address: Address) -> str | None:
    """What in the address looks like a secret, as the start of a sentence; None when nothing does. Never the secret."""
    return (
        next(filter(None, map(_of_query, address.query)), None)
        or ("a value in the query looks like a token" if any(map(_is_token, address.values)) else None)
        or next(filter(None, map(_of_argument, address.arguments)), None)
        or _of_path(address.path)
        or _of_endpoint(address.endpoint)
    )


def _of_query(name: str) -> str | None:
    return f"the query key {name!r} looks like it carries a secret" if _names_a_secret(name) else None


def _of_argument(name: str) -> str | None:
    return f"the URL argument <{name}> looks like it carries a secret" if _names_a_secret(name) else None


def _of_path(path: str) -> str | None:
    segments = [segment for segment in path.split("/") if segment]
    for n, segment in enumerate(segments):
        words, last = _words(segment), n == len(segments) - 1
        if ";" in segment and _names_a_secret(segment.partition(";")[2].partition("=")[0]):
            return "the path has a parameter that looks like it carries a secret"
        if _is_token(segment):
            return "a path segment looks like a token"  # not repeated here: it may be one
        if last and n and segments[n - 1].lower() in READING:
            continue  # /docs/verification is about it
        if _is_secret_page(words) or (not last and BEFORE_A_SECRET & words and words <= BEFORE_A_SECRET | FILLING):
            return f"the path segment {segment!r} looks like a page whose address carries a secret"
        if {"login", "signin"} & words and not last and segments[n + 1] in ("link", "authorized", "callback"):
            return "the path looks like a login by link"
    return None


def _of_endpoint(endpoint: str | None) -> str | None:
    if _is_secret_page(_words((endpoint or "").rpartition(".")[2])):
        return f"the endpoint {endpoint!r} looks like a page whose address carries a secret"
    return None


def _is_secret_page(words: frozenset[str]) -> bool:
    by_phone = {"request", "callback"} <= words
    return bool(words & SECRET_PAGES) and words <= SECRET_PAGES | FILLING | BEFORE_A_SECRET and not by_phone


def _names_a_secret(name: str) -> bool:
    words = _split(name)
    return "_".join(words) in SECRET_KEYS or not SECRET_WORDS.isdisjoint(words)


def _is_token(text: str) -> bool:
    if TOKEN.fullmatch(text):
        return True
    # Random text has few words in it: what is left of Windows11InstallationGuide without its words is short.
    return RANDOM.fullmatch(text) is not None and len(WORDS.sub("", text)) >= 10


def _words(text: str) -> frozenset[str]:
    return frozenset(part for word in _split(text) for part in _unjoined(word))


def _split(text: str) -> list[str]:
    """``inviteCode``, ``invite-code`` and ``invite_code`` alike as their words."""
    return [word for word in re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1-\2", text).lower()) if word]


def _unjoined(word: str) -> list[str]:
    match = JOINED.match(word)
    return [match[0], word[match.end() :]] if match else [word]

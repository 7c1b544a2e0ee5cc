"""Whether a page's address looks like it holds a secret, which the vendor's script would read. Pure.

A mistake to the safe side costs a widget on one page, and the decision says why; a mistake to the other side hands
a password-reset link to a third party. Whole path segments are judged, so ``/blog/reset-your-router`` keeps its chat.

What the names do not tell, the values may: random text is a token. Database ids are random, too: a UUID, an ObjectId,
a ULID or a cuid right behind the name of a thing (``/orders/<uuid>``) identifies that thing and is no secret, and
neither is the hash of a commit behind ``commit``. Alone, behind one letter or behind a verb (``/share/<uuid>``) such
an id is all that protects the page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, zip_longest
from urllib.parse import unquote

MAX_ADDRESS_CHARS = 4000  # a longer address is not judged: chat stays away
MAX_DEPTH = 4  # addresses in addresses, and how often each may be encoded
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
JOINED: dict[str, list[str]] = {
    first + second + plural: [first, second + plural]
    for firsts, seconds in (
        (
            "reset forgot forgotten change verify confirm activate magic oauth oauth2 accept set new",
            "password passwd email mail account link callback invite invitation",
        ),
        ("password passwd email account", "reset forgot recovery verification confirmation activation"),
    )
    for first in firsts.split()
    for second in seconds.split()
    for plural in ("", "s")
}
# Below these, an address is that of a text about something.
READING = frozenset(
    """
    articles blog category categories collections courses docs documentation faq features forum glossary guide guides
    help integrations jobs kb learn manual news posts product products questions reference shop solutions tag tags
    templates threads topic topics tutorials webhooks wiki
    """.split()
)
# Below these, all is text: /docs/oauth/callback.
MANUALS = frozenset("blog docs documentation guide guides handbook manual reference tutorials".split())
# Harmless at the end of a path, but what comes behind them is secret: /accept/abc, /password/abc.
BEFORE_A_SECRET = frozenset("accept approve claim join optout passwd password passwords redeem unsubscribe".split())
# Behind these an id is the permission itself: /share/<uuid>.
PERMITTING = frozenset(
    """
    access cal calendar dl download embed feed feeds go guest guests ical link links open pay preferences preview
    private public redirect secret share shared shares sign unlock view
    """.split()
)
# Behind these a hash is the name of what everybody may see.
HASHED = frozenset(
    "blame blob changeset commit commits compare diff history object patch raw rev revision sha tree".split()
)
SECRET_WORDS = frozenset(
    """
    token signature sig password passwd pwd pw secret otp totp jwt credential credentials assertion samlresponse
    samlrequest samlart nonce hmac bearer verifier passphrase passkey passwort kennwort
    accesskey accesstoken authtoken idtoken jsessionid oobcode passcode refreshtoken resettoken sessionid
    """.split()
)
# Too common as parts of innocent keys (promo_code, sort_key, season_pass), so only these whole names count.
SECRET_KEYS = frozenset(
    """
    code key hash auth authorization api_key apikey access_key secret_key secretkey private_key auth_code auth_key
    authkey oob_code invite_code invitation_code reset_code reset_key activation_key activation_code confirmation_code
    confirmation_key verification_code verification_key verify_code confirm_code login_code magic_code recovery_code
    backup_code security_code access_code sms_code email_code device_code user_code pairing_code join_code gift_code
    redeem_code license_key licence_key session session_key session_id sess sid phpsessid pass passwrd user_pass
    login_pass new_pass old_pass pin user_pin login_pin login_challenge consent_challenge logout_challenge tok
    """.split()
)
# These carry a secret, or say what happened: ?invite=3f9a1c, ?confirmation=sent. The value decides.
MAYBE_KEYS = frozenset(
    """
    activate activation challenge confirm confirmation invitation invite magic magic_link magiclink recover recovery
    reset reset_password signup_link ticket unlock unsubscribe validate verification verify
    """.split()
)
PLAIN_VALUE = re.compile(
    r"|\d{1,9}|[A-Z]{2,8}-\d{1,7}"  # a number, a ticket's name in a tracker
    r"|true|false|yes|no|on|off|all|none|any|ok|done|open|closed|new|sent|success|failed|pending|required|optional",
)
# Random and no secret: what advertisers, pages of a list and versions are told by.
HARMLESS_KEYS = frozenset(
    """
    after before build checksum commit cursor continuation dclid etag fbclid gbraid gclid igsh igshid md5 mkt_tok
    msclkid next_page_token next_token page_token ref rev revision sha sha1 sha256 srsltid ttclid twclid v ver version
    wbraid yclid mc_cid mc_eid li_fat_id ga gl hsenc hsmi
    """.split()
)
TOKEN = re.compile(
    r"eyJ[\w-]{8,}(\.[\w-]*)*"  # a JWT
    # Signed by itsdangerous: payload, time, signature. Words with dots and dashes have no capitals and digits mixed.
    r"|[\w-]{4,}(\.[\w-]{5,}){0,3}\.(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{20,}"
    r"|[0-9a-fA-F]{32,}"
)
DATABASE_ID = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a UUID
    r"|[0-9a-f]{24}|[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}|c[a-z0-9]{24}"  # an ObjectId, a ULID, a cuid
)
NAME_OF_A_THING = re.compile(r"[A-Za-z][A-Za-z_-]{2,}")
MIN_TOKEN_CHARS = 16
# Most paths have short segments of lower-case words, and none of the words below: then nothing else has to be asked.
SHORT_WORDS = re.compile(r"(/[a-z0-9_-]{0,15})*")
WORD = re.compile(r"[a-z0-9]+")
# The pairs of letters that most of a text in a European language is made of; of random letters it is one in four.
PAIRS = frozenset(
    """
    th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic
    ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot il tr ly nc et ut ss so rs un
    lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai sh ir su id os iv ia am fi ci vi pl ig tu ev
    ld ry mp fe bl ab gh ty op wo sa ay ex ke fr oo av ag if ap gr od bo sp rd do uc bu ei ov rm ep tt oc fa ef cu
    rn sc gi da yo cr cl du ga qu ue ba ey va um up lu go ck br ze
    """.split()
)
TELLING_WORDS = frozenset({*SECRET_PAGES, *BEFORE_A_SECRET, *SECRET_WORDS, *JOINED, "login", "signin"})


@dataclass(frozen=True, slots=True)
class Address:
    """One page: its endpoint and path, its query's names and values in their order, its URL rule's arguments.

    ``values`` may be left out: what they could tell then counts as told.
    """

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
    if len(address.path) + sum(map(len, address.query + address.values)) > MAX_ADDRESS_CHARS:
        return f"the address is longer than {MAX_ADDRESS_CHARS} characters, among which a secret could be"
    for name, value in zip_longest(address.query, address.values[: len(address.query)]):
        if secret := _of_pair(name, value, 0):
            return secret
    for name in address.arguments:
        if secret := _of_argument(name):
            return secret
    return _of_path(address.path, 0) or _of_endpoint(address.endpoint)


def _of_pair(name: str, value: str | None, depth: int) -> str | None:
    """One name of a query with its value, which is None where it is not known."""
    if _is_token(name):
        return "the query looks like a token"
    words = _split(name)
    key = "_".join(words) or name
    if key in HARMLESS_KEYS:
        return None
    if _names_a_secret(words) or (key in MAYBE_KEYS and (value is None or not PLAIN_VALUE.fullmatch(value))):
        return f"the query key {name[:40]!r} looks like it carries a secret"
    if value and _is_token(value):
        return "a value in the query looks like a token"
    return _of_value(value, depth) if value else None


def _of_value(value: str, depth: int) -> str | None:
    """A value that is an address itself, such as ``?next=``, encoded or not."""
    for _ in range(MAX_DEPTH):
        plain = unquote(value)
        if plain == value:
            break
        value = plain
    else:
        return "a value in the query is encoded too often to be judged"
    # /a?b=c, https://a.example/b, a;b=c
    if not re.match(r"(?:[a-z][a-z0-9+.-]{1,20}:)?/|[^\s]{0,200}[?&;#][\w.\[\]-]{1,80}=", value, re.IGNORECASE):
        return None
    if depth >= MAX_DEPTH:
        return "the query holds an address in an address too often to be judged"
    return _of_path(value, depth + 1)


@lru_cache(1024)  # an app has few names for the parts of its addresses
def _of_argument(name: str) -> str | None:
    return f"the URL argument <{name}> looks like it carries a secret" if _names_a_secret(_split(name)) else None


def _of_path(path: str, depth: int) -> str | None:
    """A path, behind which another address's host, query and fragment may stand."""
    if SHORT_WORDS.fullmatch(path) and TELLING_WORDS.isdisjoint(WORD.findall(path)):
        return None
    if re.search(r"//[^/?#@:\s]*:[^/?#@\s]+@", path):
        return "an address in the address has a password"
    bare = re.split(r"[?#]", path, maxsplit=1)[0]
    names = re.findall(r"(?:^|[/?&;#])([^?&;#=/\s]{1,80})=([^?&;#\s]*)", path)
    segments = [segment for segment in bare.split("/") if segment]
    if (result := next(filter(None, (_of_pair(name, value, depth) for name, value in names)), None)) is not None:
        return f"of an address in the address, {result}" if depth else result
    return next(filter(None, (_of_segment(segments, n) for n in range(len(segments)))), None)


def _of_segment(segments: list[str], n: int) -> str | None:
    segment, before, last = segments[n], segments[n - 1].lower() if n else "", n == len(segments) - 1
    words = _words(segment)
    if last and segment.lower().endswith((".ics", ".ical")):
        return "the path looks like a calendar's feed, whose address is its password"
    if _is_token(segment, before):
        return "a path segment looks like a token"  # not repeated here: it may be one
    # Behind /docs, or /en/docs, and with nothing but words behind it, it is a chapter.
    is_chapter = not MANUALS.isdisjoint(segment.lower() for segment in segments[: min(n, 2)]) and all(
        NAME_OF_A_THING.fullmatch(segment) for segment in segments[n + 1 : n + 4]
    )
    if (last and before in READING) or is_chapter:
        return None  # /docs/verification is about it
    if _is_secret_page(words) or (not last and BEFORE_A_SECRET & words and words <= BEFORE_A_SECRET | FILLING):
        return f"the path segment {segment!r} looks like a page whose address carries a secret"
    if not last and segment.lower() in SECRET_WORDS and re.search(r"\d", segments[n + 1]):
        return f"what follows the path segment {segment!r} looks like a secret"
    if {"login", "signin"} & words and not last and segments[n + 1] in ("link", "authorized", "callback"):
        return "the path looks like a login by link"
    return None


@lru_cache(1024)  # it is one of the app's own
def _of_endpoint(endpoint: str | None) -> str | None:
    if _is_secret_page(_words((endpoint or "").rpartition(".")[2])):
        return f"the endpoint {endpoint!r} looks like a page whose address carries a secret"
    return None


def _is_secret_page(words: frozenset[str]) -> bool:
    by_phone = {"request", "callback"} <= words
    return bool(words & SECRET_PAGES) and words <= SECRET_PAGES | FILLING | BEFORE_A_SECRET and not by_phone


def _names_a_secret(words: Sequence[str]) -> bool:
    key, end = "_".join(words), "_".join(words[-2:]) if len(words) > 2 else ""  # X-Api-Key ends as api_key does
    if key in HARMLESS_KEYS:
        return False
    return not SECRET_KEYS.isdisjoint((key, end)) or any(
        word in SECRET_WORDS or word.endswith(("token", "password", "secret")) for word in words
    )


def _is_token(text: str, before: str | None = None) -> bool:
    """Whether a text is random. ``before``: the path segment before it; None where the text stands in a query."""
    if len(text) < MIN_TOKEN_CHARS:
        return False
    text = re.sub(r"\.[A-Za-z][A-Za-z0-9]{1,4}$", "", text)  # an extension
    if DATABASE_ID.fullmatch(text):
        named = before is None or (NAME_OF_A_THING.fullmatch(before) and before not in PERMITTING)
        return not named
    if before in HASHED and re.fullmatch(r"[0-9a-f.]{32,}", text):
        return False
    if TOKEN.fullmatch(text):
        return True
    # As Notion and Medium write it: a title, and an id.
    has_title = re.fullmatch(r"[A-Za-z][a-z]+(-[A-Za-z0-9]{1,20}){1,20}-[0-9a-f]{6,32}", text)
    if has_title or not re.fullmatch(r"[A-Za-z0-9_~.:=+-]{16,}", text):
        return False
    # The whole and, for a token behind a name and a sign (``user:k3j9…``), what follows the first one.
    parts = [part for part in re.split(r"[:=.]", text)[1:] if len(part) >= MIN_TOKEN_CHARS]
    return any(map(_is_random, [text, *parts]))


def _is_random(text: str) -> bool:
    """Whether few neighbours in it are as in words: letters beside letters as people write them, digits by digits."""
    usual = strange = 0
    for first, second in pairwise(text):
        if first.isalpha() and second.isalpha():
            hump = first.islower() and second.isupper()
            if hump or (first + second).lower() not in PAIRS:
                strange += 1
            else:
                usual += 1
        elif first.isalnum() and second.isalnum() and not (first.isdigit() and second.isdigit()):
            strange += 1
    return strange >= 8 and strange >= 0.62 * (usual + strange)


def _words(text: str) -> frozenset[str]:
    return frozenset(part for word in _split(text) for part in JOINED.get(word, [word]))


def _split(text: str) -> list[str]:
    """``inviteCode``, ``invite-code`` and ``invite_code`` alike as their words."""
    if text.isascii() and text.isalpha() and text.islower():
        return [text]  # most names are one word
    return [word for word in re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1-\2", text).lower()) if word]

"""LC3xx: who the visitor is, and whether anybody can believe it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flask_login import UserMixin

from .. import providers
from ..model import Visitor
from ..safe_text import quantity
from ..widget.response import outranking
from .findings import Level, Match, Place, check
from .snippets import vendors
from .survey import Survey

DAY = 24 * 3600
HMAC = (
    r"createHmac\s*\(|(?i:hmac_?sha)\d*\s*\(|\bsha(?:1|256|512)\.hmac\b|name\s*:\s*['\"]HMAC['\"]"
    r"|subtle\.sign\s*\(\s*['\"]HMAC|\bnew jsSHA\b|\bhmac\s*\(\s*sha"
)


@check(
    "LC301",
    Level.WARNING,
    "A logged-in page without an identity",
    why="Agents see an anonymous visitor, and the visitor does not see yesterday's conversation.",
    fix="Give the user an id (and what the vendor signs), or say who it is with @livechat.visitor_loader.",
)
def anonymous(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        decision = page.decision
        if not page.logged_in or decision is None or not decision.identify or page.payload.get("who") is None:
            continue
        known = survey.can_prove(str(decision.provider)) or survey.settings.allow_unverified
        if known and page.payload.get("visitor") is None:
            fix = _email_wanted(survey, str(decision.provider)) if page.lacks_email else None
            yield Match(page.place, "a user is logged in, but the page has no identity", fix)


def _email_wanted(survey: Survey, name: str) -> str | None:
    provider, values = providers.load(name), survey.settings.providers[name]
    by_id, by_email = (provider.prove(values, Visitor("1", email=email), 0, DAY) for email in (None, "ann@example.com"))
    if by_id or not by_email:
        return None
    lacking = f"{provider.title} signs the email, and this user has none that may be sent"
    return f"{lacking}: name one with @livechat.visitor_loader."


@check(
    "LC302",
    Level.WARNING,
    "The identity secret is missing",
    why="Without a proof every visitor stays anonymous, because anybody could claim another person's id or address.",
    fix="Set it.",
)
def no_secret(survey: Survey) -> Iterable[Match]:
    for name in survey.settings.providers if survey.has_users else ():
        provider = providers.load(name)
        if not survey.can_prove(name):
            key = next(key for key in provider.keys if key.name == provider.identity)
            place = Place(f"LIVECHAT_{name.upper()}_{key.name}")
            yield Match(place, f"{provider.title} gets no proof of who a visitor is", f"Set it: {key.where}")


@check(
    "LC303",
    Level.WARNING,
    "A hash of the id where a token is possible",
    why="A hash never expires. A person who has seen it once can act as that visitor for ever.",
    fix='Set it to "jwt" (and switch the vendor to tokens, see its security settings).',
)
def hash_not_token(survey: Survey) -> Iterable[Match]:
    for name, values in survey.settings.providers.items():
        if values.get("IDENTITY") == "hmac":
            yield Match(Place(f"LIVECHAT_{name.upper()}_IDENTITY"), "hmac")


@check(
    "LC304",
    Level.WARNING,
    "Tokens live too long",
    why="A token that was copied out of a page opens that visitor's conversations until it expires, days later.",
    fix="Leave it at 7200 (two hours): the loader fetches a new one in time.",
)
def long_lived(survey: Survey) -> Iterable[Match]:
    if survey.settings.token_ttl > DAY:
        yield Match(Place("LIVECHAT_TOKEN_TTL"), quantity(round(survey.settings.token_ttl / DAY), "day"))


@check(
    "LC305",
    Level.ERROR,
    "An identity in a page that a shared cache may keep",
    why="The cache sends the page, with the visitor's name and proof, to the next visitor.",
    fix='Do not make it public after the tag has made it private, or set LIVECHAT_IDENTITY_DELIVERY = "fetch".',
)
def cacheable(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        if not page.payload.get("visitor"):
            continue
        control = page.headers.get("Cache-Control", "").lower()
        directives = {part.strip().partition("=")[0] for part in control.split(",")}
        if names := outranking(page.headers):
            yield Match(page.place, f"{names[0]} is set")
        elif {"public", "s-maxage"} & directives or not {"private", "no-store"} & directives:
            yield Match(page.place, f"Cache-Control: {control or 'is missing'}")


@check(
    "LC306",
    Level.WARNING,
    "get_id() is overridden, and its value is in a page",
    why="Apps override get_id() to make logins revocable. The value is then as sensitive as a password.",
    fix="Use the stable id, or say who the visitor is with @livechat.visitor_loader.",
)
def session_token_shown(survey: Survey) -> Iterable[Match]:
    if survey.user is None or type(survey.user).get_id is getattr(UserMixin, "get_id", None):
        return
    token = str(survey.user.get_id())
    if token == str(getattr(survey.user, "id", "")) or len(token) < 6:
        return
    for page in survey.pages:
        if token in page.html:
            yield Match(page.place, f"the value of {type(survey.user).__name__}.get_id()")


@check(
    "LC307",
    Level.WARNING,
    "Unverified identities are allowed",
    why="A visitor can type another person's address into the console and read that person's conversation.",
    fix="Remove it, and set the vendor's identity secret.",
)
def unverified(survey: Survey) -> Iterable[Match]:
    if survey.settings.allow_unverified:
        yield Match(Place("LIVECHAT_ALLOW_UNVERIFIED"), "True")


@check(
    "LC308",
    Level.ERROR,
    "A script says who the visitor is, without a proof",
    why="A visitor can type another person's address into the console and read that person's conversation.",
    fix="Remove the script. The tag says who the visitor is, and proves it.",
)
def unproven(survey: Survey) -> Iterable[Match]:
    for provider, signs in vendors():
        for script in survey.scripts:
            if re.search(signs.identifies, script.code) and not re.search(signs.proven, script.code):
                yield Match(script.place, f"an id or an address for {provider.title}, with nothing that proves it")


@check(
    "LC309",
    Level.ERROR,
    "The proof is computed in the browser",
    why="The secret that signs it is in the page. A person who reads it can act as any of your visitors.",
    fix="Remove the script, create a new secret at the vendor, and use it on the server only.",
)
def hashed_in_browser(survey: Survey) -> Iterable[Match]:
    for provider, signs in vendors():
        for script in survey.scripts:
            if re.search(HMAC, script.code) and re.search(signs.calls, script.code):
                yield Match(script.place, f"an HMAC in JavaScript, beside {provider.title}'s names")


@check(
    "LC310",
    Level.ERROR,
    "A function of yours raises an exception",
    why="The page is rendered without the function's result: the visitor, the context for agents, or a rule.",
    fix="Fix the function. In debug mode and in tests its exception is raised.",
)
def raising(survey: Survey) -> Iterable[Match]:
    yield from (Match(place, what) for place, what in survey.failures)


@check(
    "LC311",
    Level.ERROR,
    "A page that was made for one visitor is cached for all",
    why="A cache of the app sends a rendered page, or a part of it, to the next visitor. The chat in it asks"
    " the server who that is, but everything else that it says about the first visitor stays in it.",
    fix="Cache what views compute (@cache.memoize), not what they render. Where you cache a whole view, put"
    " @login_required above @cache.cached, and leave out who is logged in:"
    " @cache.cached(unless=lambda: current_user.is_authenticated). Put the tag outside of {% cache %}. If the page"
    ' names nobody, set LIVECHAT_IDENTITY_DELIVERY = "fetch".',
)
def kept_for_all(survey: Survey) -> Iterable[Match]:
    for page in survey.with_chat:
        if page.from_cache:
            yield Match(page.place, "the chat in it was written for another request")

"""Visits -> facts. Pure: it knows no browser and asks nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import unquote_plus, urlsplit

from .records import End, Exchange, Fact, Person, Stored, Visit, Watch
from .vendor import Vendor, host_of, stand_in_refusal, tokens

NAMED_S, SESSION_S = 0.3, 1.0  # in which a chat that ends may still send what names the visitor, or the session
MANY = 6  # of what is listed
FEW_CHARS = 4  # what is shorter is found anywhere
MARK = "flask-livechat check"
WHO = {"visitor": "a visitor", "user": "the user", "next": "the next visitor after the user"}


def started(visit: Visit, vendor: Vendor) -> Fact:
    name, title = f"{visit.name}.starts", f"The chat starts for {WHO[visit.name]}"
    if visit.start.state == "ready":
        return Fact(name, title, True, f"ready after {visit.start.seconds:.1f} s")
    reasons = [reason for event, reason in visit.watch.events if event == "failed"]
    seen = [f"state {visit.start.state}" + (f" ({reasons[-1]})" if reasons else ""), *failures(visit.watch, vendor)]
    return Fact(name, title, False, "; ".join(seen))


def failures(watch: Watch, vendor: Vendor) -> list[str]:
    """What became of the vendor's requests that failed, by host."""
    every = (
        f"{vendor.place(exchange.url)}: {exchange.error or f'status {exchange.status}'}"
        for exchange in vendor.exchanges(watch)
        if exchange.error or (exchange.status or 0) >= 400
    )
    return [*dict.fromkeys(every)][:MANY]


def identified(visit: Visit, vendor: Vendor) -> Fact:
    """Each proof that the page holds went to the vendor, and no answer refused it."""
    name, title = "user.identity", "The user's identity reaches the vendor"
    person = visit.start.person
    if person is None:
        seen = "the page has no identity: is the identity secret set, and is identify not False there?"
        return Fact(name, title, False, seen)
    if not person.proofs:
        known = any(_mentions(text, person) for _, text in texts(visit.watch, vendor))
        seen = "sent without a proof: no identity secret is set" if known else "nothing of it was sent"
        return Fact(name, title, known, seen)
    spare = vendor.provider.live.spare
    needed = {kind: proof for kind, proof in person.proofs.items() if kind not in spare or len(person.proofs) == 1}
    lacking = [kind for kind, proof in needed.items() if not _sent(visit.watch, vendor, proof)]
    refused = [*refusals(visit.watch, vendor, person.proofs.values())]
    if lacking or refused:
        never = [f"the proof of {', '.join(lacking)} was never sent"] if lacking else []
        return Fact(name, title, False, "; ".join([*never, *refused]))
    return Fact(name, title, True, f"sent with the proof of {', '.join(person.proofs)}, and no answer refuses it")


def refusals(watch: Watch, vendor: Vendor, proofs: Iterable[str]) -> Iterator[str]:
    """The answers that refuse a request with a proof in it."""
    every = tuple(proofs)
    reasons = {
        f"{vendor.place(exchange.url)} refused it: {reason}": None
        for exchange in vendor.exchanges(watch)
        if any(proof in exchange.body for proof in every) and (reason := _refusal(exchange, vendor))
    }
    yield from reasons


def _refusal(exchange: Exchange, vendor: Vendor) -> str | None:
    try:
        answer = json.loads(exchange.answer or "null")
    except ValueError:
        answer = None
    code = vendor.provider.live.refusal(answer) if vendor.provider.live.refusal else None
    code = code or stand_in_refusal(exchange.url, answer)
    if code or (exchange.status or 0) >= 400:
        return vendor.mask(code or "") or f"status {exchange.status}"
    return exchange.error or None


def marked(visit: Visit, vendor: Vendor) -> Fact:
    name, title = f"{visit.name}.event", f'An event ("{MARK}") of {WHO[visit.name]} reaches the vendor'
    marks = (MARK, MARK.replace(" ", "-"))
    sent = any(mark in text for _, text in texts(visit.watch, vendor) for mark in marks)
    return Fact(name, title, sent, "sent" if sent else "nothing with this name was sent")


def opened(visit: Visit) -> Fact:
    name, title = f"{visit.name}.opens", f"livechat.open() shows the chat to {WHO[visit.name]}"
    before, during, _ = visit.start.sizes
    grows = during > before
    event = "livechat:open came" if visit.start.opened else "no livechat:open"
    panel = "the vendor's panel is seen" if grows else "no panel of the vendor's is seen"
    return Fact(name, title, visit.start.opened and grows, f"{event}; {panel}")


def closed(visit: Visit) -> Fact:
    name, title = f"{visit.name}.closes", f"livechat.close() hides it from {WHO[visit.name]}"
    _, during, after = visit.start.sizes
    shrinks = after < during
    event = "livechat:close came" if visit.start.closed else "no livechat:close"
    panel = "the panel is gone" if shrinks else "the panel is still seen"
    return Fact(name, title, visit.start.closed and shrinks, f"{event}; {panel}")


def ended(visit: Visit, vendor: Vendor) -> Iterator[Fact]:
    """After ``livechat.logout()`` nothing of the vendor's is stored, open or sent."""
    yield from (_if_started(fact, visit) for fact in _ended(visit, vendor))


def _if_started(fact: Fact, *visits: Visit) -> Fact:
    """A chat that never started leaves nothing behind, which shows nothing."""
    if fact.held and not all(visit.start.state == "ready" for visit in visits):
        return replace(fact, held=None, seen="the chat did not start")
    return fact


def _ended(visit: Visit, vendor: Vendor) -> Iterator[Fact]:
    if (end := visit.end) is None:
        return
    who, left = WHO[visit.name], vendor.stored(visit.watch, end.after)
    begun = vendor.stored(visit.watch, end.before)
    places = {"cookies": "the cookies", "local": "the local storage", "session": "the session storage"}
    for where, place in places.items():
        names = [name for part, name, _ in left if part == where]
        count = sum(part == where for part, _, _ in begun)
        seen = f"still there: {_listed(names, vendor)}" if names else f"none left of {count}"
        yield Fact(f"{visit.name}.{where}", f"A logout leaves nothing of {who} in {place}", not names, seen)
    sockets = vendor.sockets(visit.watch)
    alive = [socket for socket in sockets if socket.closed_at is None]
    seen = f"open: {_hosts((socket.url for socket in alive), vendor)}" if alive else f"none open of {len(sockets)}"
    yield Fact(f"{visit.name}.sockets", f"A logout leaves no socket of {who} open", not alive, seen)
    yield _quiet(visit, vendor, end)


def _quiet(visit: Visit, vendor: Vendor, end: End) -> Fact:
    """Nothing is sent with the name, the proof or the session of whoever has left."""
    person, marks = visit.start.person, _tokens(visit, vendor, end.before)
    named = texts(visit.watch, vendor, end.at + NAMED_S) if person else ()
    late = {f"{place} (their name or proof)" for place, text in named if person and _mentions(text, person)}
    late |= {
        f"{place} (their session)"
        for place, text in texts(visit.watch, vendor, end.at + SESSION_S)
        if _has_any(text, marks) and not place.endswith("/logout")
    }
    seen = f"to {', '.join(sorted(late)[:MANY])}" if late else "nothing"
    return Fact(f"{visit.name}.quiet", f"After a logout nothing of {WHO[visit.name]} is sent", not late, seen)


def followed(user: Visit, following: Visit, vendor: Vendor, constant: set[str]) -> Iterator[Fact]:
    """After a logout on the server nothing of the user is stored or sent. ``constant``: the account's own words."""
    yield from (_if_started(fact, user, following) for fact in _followed(user, following, vendor, constant))


def _followed(user: Visit, following: Visit, vendor: Vendor, constant: set[str]) -> Iterator[Fact]:
    if following.end is None:
        return
    marks = _tokens(user, vendor, following.end.before) - constant
    stored = vendor.stored(following.watch, following.end.after)
    left = [name for item in stored if marks & tokens([item]) for name in [item[1]]]
    title = "After a logout on the server nothing of the user is stored"
    seen = f"still there: {_listed(left, vendor)}" if left else f"none of {len(marks)} marks of the user's session"
    yield Fact("next.stored", title, not left, seen)
    person = user.start.person
    sent = {
        place
        for place, text in texts(following.watch, vendor, following.end.at)
        if not place.endswith("/logout") and ((person and _mentions(text, person)) or _has_any(text, marks))
    }
    title = "After a logout on the server nothing of the user is sent"
    yield Fact("next.quiet", title, not sent, f"to {', '.join(sorted(sent)[:MANY])}" if sent else "nothing")


def account_tokens(visit: Visit, vendor: Vendor) -> set[str]:
    """What another browser holds as well says nothing about anybody."""
    return set() if visit.end is None else tokens(vendor.stored(visit.watch, visit.end.before))


def policy(visits: Iterable[Visit], vendor: Vendor) -> Fact:
    every = [*visits]
    lines = {
        f"{violation.directive} {_blocked(violation.blocked, vendor)}": None
        for visit in every
        for violation in visit.watch.violations
        if vendor.owns(violation.blocked) or vendor.owns(violation.source)
    }
    which = next((visit.policy for visit in every if visit.policy), "none was seen")
    seen = f"blocks {', '.join([*lines][:MANY])} ({which})" if lines else which
    return _if_any_started(Fact("policy", "The Content-Security-Policy lets the vendor work", not lines, seen), every)


def _if_any_started(fact: Fact, visits: list[Visit]) -> Fact:
    if fact.held and not any(visit.start.state == "ready" for visit in visits):
        return replace(fact, held=None, seen="the chat did not start")
    return fact


def _blocked(blocked: str, vendor: Vendor) -> str:
    """A source as a policy names it: an origin, or the browser's word for what has none."""
    parts = urlsplit(blocked)
    return vendor.mask(f"{parts.scheme}://{parts.netloc}") if parts.netloc else blocked.partition(":")[0]


def hosts(visits: Iterable[Visit], vendor: Vendor) -> Fact:
    """All that the vendor's scripts asked for is named by ``livechat.csp()``."""
    lines: dict[str, None] = {}
    every = [*visits]
    for visit in every:
        asked = [(exchange.url, exchange.kind, exchange.asked_by) for exchange in visit.watch.exchanges.values()]
        asked += [(socket.url, "Fetch", socket.asked_by) for socket in visit.watch.sockets.values()]
        for url, kind, asked_by in asked:
            if vendor.owns(url) or vendor.asked(asked_by):
                line = vendor.names(url, kind)
                lines |= {vendor.mask(line): None} if line else {}
    seen = f"not named: {', '.join([*lines][:MANY])}" if lines else "all of them"
    fact = Fact("hosts", "livechat.csp() names each host that the vendor contacted", not lines, seen)
    return _if_any_started(fact, every)


def contacted(visits: Iterable[Visit], vendor: Vendor) -> tuple[str, ...]:
    every = [*visits]
    urls = {exchange.url for visit in every for exchange in vendor.exchanges(visit.watch)}
    urls |= {socket.url for visit in every for socket in vendor.sockets(visit.watch)}
    return tuple(sorted({vendor.place(url) for url in urls}))


def errors(visits: Iterable[Visit], vendor: Vendor, ours: str) -> Fact:
    """No exception of the vendor's or of our own scripts reached the page. ``ours``: the path of our files."""
    seen: dict[str, None] = {}
    every = [*visits]
    for visit in every:
        for name, stack in visit.watch.errors:
            where = "the vendor's script" if vendor.asked(stack) else "our script"
            if where == "our script" and f"{vendor.origin}{ours}/" not in stack:
                continue  # the app's own
            seen[f"{name if name.isidentifier() else 'an exception'} in {where}"] = None
    fact = Fact("errors", "No script of the chat's raised an exception", not seen, ", ".join([*seen][:MANY]) or "none")
    return _if_any_started(fact, every)


def answered(failures: Iterable[str]) -> Fact:
    """No view of the app's raised an exception that no error page answered."""
    every = [*dict.fromkeys(failures)][:MANY]
    return Fact("app", "The app answers each request of its pages", not every, "; ".join(every) or "it does")


# What was sent.


def texts(watch: Watch, vendor: Vendor, since: float = 0) -> Iterator[tuple[str, str]]:
    """(where to, what was sent) of all that went to the vendor, as it is and decoded."""
    for exchange in vendor.exchanges(watch, since):
        place = f"{vendor.place(exchange.url)} {vendor.mask(urlsplit(exchange.url).path)}"
        yield place, _decoded(f"{exchange.url} {exchange.body}")
    for socket in vendor.sockets(watch):
        for at, frame in socket.sent:
            if at >= since:
                yield f"the socket at {vendor.place(socket.url)}", _decoded(frame)


def _decoded(text: str) -> str:
    return f"{text} {unquote_plus(text)}"


def _sent(watch: Watch, vendor: Vendor, proof: str) -> bool:
    return any(proof in text for _, text in texts(watch, vendor))


def _mentions(text: str, person: Person) -> bool:
    words = [word for word in (person.email, person.name) if word and len(word) >= FEW_CHARS]
    if any(word in text for word in (*words, *person.proofs.values())):
        return True
    # An id may be any small number: it counts where its key says that it is one.
    return bool(person.id and re.search(rf"""id\\?"\s*:\s*\\?"{re.escape(person.id)}\\?\"""", text, re.IGNORECASE))


def _has_any(text: str, marks: set[str]) -> bool:
    return any(mark in text for mark in marks)


def _tokens(visit: Visit, vendor: Vendor, stored: Stored) -> set[str]:
    public = {word for value in vendor.public_ids for word in tokens([("", value, "")])}
    return tokens(vendor.stored(visit.watch, stored)) - public - {host_of(vendor.origin)}


def _listed(names: Iterable[str], vendor: Vendor) -> str:
    return ", ".join([*dict.fromkeys(vendor.mask(name) for name in names)][:MANY])


def _hosts(urls: Iterable[str], vendor: Vendor) -> str:
    return ", ".join(sorted({vendor.place(url) for url in urls})[:MANY])

"""What type checkers make of ``LiveChat``. ``make types`` reads this; nothing runs it.

A line that must be refused carries the error it must be refused with: an ignore that is not needed is an error, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, assert_type

from flask import Blueprint, Flask, Response
from markupsafe import Markup

from flask_livechat import (
    Company,
    ConfigError,
    Decision,
    LiveChat,
    LiveChatError,
    Problem,
    Unsupported,
    Visitor,
    __version__,
    signals,
)
from flask_livechat.desk.erasure import Receipt
from flask_livechat.desk.metrics import Csat, Metrics, Topic
from flask_livechat.model import Event

assert_type(__version__, str)

app = Flask(__name__)
livechat = LiveChat()
assert_type(LiveChat(app), LiveChat)
livechat.init_app(app)


class User:
    id: int
    email: str


# -- what the app registers: each decorator gives back what it was given ----------------------------------------------


@livechat.visitor_loader
def visitor(user: User | None, quick: bool = False) -> Visitor:
    return Visitor(
        id="42",
        company=Company(id="7", spend=49.5, size=12, attributes={"seats": 3}),
        attributes={"plan": "pro", "seats": 3},
        segments=("beta",),
    )


assert_type(visitor(None, quick=True), Visitor)


@livechat.context_loader
def context() -> dict[str, int]:
    return {"seats": 3}


assert_type(context(), dict[str, int])


@livechat.impersonating
@livechat.staff_required
def staff(default: bool = False) -> bool:
    return default


assert_type(staff(default=True), bool)


@livechat.people
def people() -> Iterator[tuple[str, datetime, bool]]:
    yield "42", datetime.now(UTC), True


assert_type(people(), Iterator[tuple[str, datetime, bool]])


@app.get("/<int:page>")
@livechat.rule(load="intent", show=True)
def shop(page: int) -> str:
    return str(page)


assert_type(shop(page=1), str)


@livechat.on("message")
def answer(event: Event, loud: bool = False) -> int:
    assert_type(event.kind, str)
    assert_type(event.at, datetime)
    assert_type(event.rating, int | None)
    assert_type(event.tags, tuple[str, ...] | None)
    return len(event.text or "")


registered: Callable[[Event], int] = answer


@livechat.visitor_loader  # type: ignore[type-var]
def no_visitor(user: Any) -> str:
    return "42"


@livechat.context_loader  # type: ignore[type-var]
def takes_something(user: Any) -> dict[str, str]:
    return {}


@livechat.impersonating  # type: ignore[type-var]
def says_who() -> str:
    return "staff"


livechat.rule_for(Blueprint("help", __name__), load="intent")
livechat.rule_for("help", show=False)


# -- what a view says --------------------------------------------------------------------------------------------------


livechat.context(coupon="SPRING", seats=3, trial=None)
livechat.action("upgraded")
livechat.track("plan_selected", plan="pro")
livechat.track("plan_selected", plan=["pro"])  # type: ignore[arg-type]
assert_type(livechat.segment("vip", "spring"), None)
livechat.unsegment(7)  # type: ignore[arg-type]
assert_type(livechat.decide("shop").start, str | None)
livechat.sync()
livechat.sync(User())
livechat.sync_on(signals.message)
assert_type(livechat.forget(Response("bye")), Response)
assert_type(livechat.decide(), Decision)
assert_type(livechat.decide(path="/pricing").why, str)
assert_type(livechat.decide("shop").tour, str | None)
assert_type(livechat.tag(load="manual"), Markup)
assert_type(livechat.button("Chat with us", class_="primary"), Markup)

# -- a policy keeps its form -------------------------------------------------------------------------------------------

assert_type(livechat.csp(), str)
assert_type(livechat.csp(nonce="abc"), str)
assert_type(livechat.csp("default-src 'self'"), str)
assert_type(livechat.csp({"default-src": "'self'"}), dict[str, Any])
assert_type(livechat.csp({"script-src": ["'self'"]}, "abc"), dict[str, Any])
livechat.csp(["default-src 'self'"])  # type: ignore[call-overload]

# -- what webhooks tell ------------------------------------------------------------------------------------------------


def figures(since: datetime) -> None:
    found = livechat.metrics(since, provider="crisp")
    assert_type(found, Metrics)
    assert_type(found.conversations, int)
    assert_type(found.first_response.median, float | None)
    assert_type(found.csat, Csat)
    assert_type(found.topics, tuple[Topic, ...])
    assert_type(found.as_dict(), dict[str, Any])


assert_type(livechat.erase("42"), Receipt)
assert_type(livechat.erase(["42", "ada@example.com"], only=True), Receipt)
assert_type(livechat.erase("42").complete, bool)


def receive(sender: Flask, event: Event) -> None:
    assert_type(livechat.handle(event), None)


signals.message.connect(receive)
signals.conversation_started.connect(receive, app)
signals.conversation_closed.connect(receive)
signals.conversation_reopened.connect(receive)
signals.rated.connect(receive)
signals.contact_changed.connect(receive)
signals.unknown.connect(receive)

# -- what goes wrong ---------------------------------------------------------------------------------------------------

try:
    livechat.init_app(app)
except ConfigError as error:
    assert_type(error.problems, tuple[Problem, ...])
except Unsupported as error:
    root: LiveChatError = error
    assert_type((error.provider, error.method), tuple[str, str])

attributes: Mapping[str, str | int | float | bool | None] = Visitor("42").attributes
Visitor(42)  # type: ignore[arg-type]
Visitor("42").email = "ada@example.com"  # type: ignore[misc]

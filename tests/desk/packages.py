"""A stand-in behind real HTTP that knows what it was asked, for our desk and the vendors' own packages."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from werkzeug.serving import make_server
from werkzeug.wrappers import Request

from flask_livechat import Company, Visitor
from flask_livechat.desk.desk import Desk, open_desk
from flask_livechat.sandbox import sandbox_of

from ..conftest import Quiet, chat_of, create_app
from .conftest import now

ADA = Visitor(id="42", email="ada@example.com", name="Ada")
BOB = Visitor(id="43", email="bob@example.com", name="Bob")
EVE = Visitor(id="44", email="eve@example.com", name="Eve")
OF_ACME = Visitor(id="45", email="fay@example.com", company=Company("acme", "Acme", "pro", "https://acme.example"))
Told = tuple[str, Sequence[Any]]
Calls = Mapping[str, tuple[Callable[[Desk, dict[str, str]], Any], Told | None, Told | None]]
"""What for -> our call, the Python package's, the JavaScript package's. None: the package has no such call."""
Examples = Mapping[str, tuple[Told | None, Told | None, str]]
WHO = ("authorization", "x-crisp-tier", "intercom-version", "content-type")


@dataclass(frozen=True)
class Sent:
    """A call, with what differs from run to run written as ``<name>``. ``path`` is decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    headers: Mapping[str, str] = field(compare=False)


@dataclass
class Seeded:
    """A vendor's stand-in behind real HTTP, with a conversation, a contact and an article in it."""

    name: str
    url: str
    desk: Desk
    values: Mapping[str, Any]
    heard: list[Request]
    ids: dict[str, str]

    def sent(self, call: Callable[[], Any]) -> list[Sent]:
        self.heard.clear()
        call()
        return [self.plain(request) for request in self.heard]

    def given(self, value: Any) -> Any:
        """Arguments with the ids of this run in them."""
        return _each(value, lambda text: self.ids.get(text[1:-1], text) if text[:1] == "<" else text)

    def plain(self, request: Request) -> Sent:
        headers = {name.lower(): value for name, value in request.headers.items() if name.lower() in WHO}
        names = {known: f"<{name}>" for name, known in self.ids.items()}
        path = re.sub(r"(?<=/)how-to-[0-9a-f]{6}\.md$", "<new>", request.path)  # an article's place is made up
        for known, name in names.items():
            path = re.sub(rf"(?<=/){re.escape(known)}(?=/|$)", name, path)
        data = json.loads(request.get_data()) if request.get_data() else None
        body = _each(data, lambda text: names.get(text, text))
        return Sent(request.method, path, request.args.to_dict(), body, headers)


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """A value with each of its texts changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _each(item, change) for name, item in value.items()}
    return [_each(item, change) for item in value] if isinstance(value, list | tuple) else value


@contextmanager
def seeded(name: str) -> Iterator[Seeded]:
    app = create_app(name, secrets=False, LIVECHAT_SANDBOX=True)
    api, heard = sandbox_of(app).apis[name], list[Request]()

    def asked(environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        request.get_data(cache=True)  # read once: what answers reads it from there
        heard.append(request)
        return api.answer(request)(environ, start_response)

    server = make_server("127.0.0.1", 0, asked, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    with app.app_context():
        account = chat_of(app).account(name)
    desk = open_desk(*account, now, base=url)
    mine = desk.conversations.start(ADA, "Hello?")
    desk.conversations.tag(mine.id, "vip")
    if desk.can("visitors.list"):
        sandbox_of(app).apis[name].account.hub.visit(mine.id, "https://shop.example/cart")
    who, article = desk.contacts.find(email=ADA.email), desk.articles.create("Returns", "Send it back.")
    assert who is not None
    first, second = desk.agents.list()
    ids = {"conversation": mine.id, "contact": who.id, "bob": desk.contacts.upsert(BOB).id, "article": article.id}
    ids |= {"me": first.id, "agent": second.id}
    if name == "crisp":
        ids |= dict(zip(("locale", "kind", "place"), article.id.split("/"), strict=True)) | {"new": "new.md"}
    else:
        ids |= {"tag": desk.raw.request("GET", "/tags")["data"][0]["id"]}
        ids |= {"company": desk.raw.request("POST", "/companies", {"company_id": "7", "name": "Seeded"})["id"]}
    # Another desk: what one has asked once for all, the next one asks again.
    yield Seeded(name, url, open_desk(*account, now, base=url), account[1], heard, ids)
    server.shutdown()
    server.server_close()

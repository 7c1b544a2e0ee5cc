"""Why this chat? For a page of this site: the decision, the payload, the policy, and the code behind them.

The page is fetched in-process with the visitor's own cookies, so it shows nothing that the visitor could not see.
"""

from __future__ import annotations

import inspect
import json
import re
from contextvars import Context
from html.parser import HTMLParser
from pathlib import Path
from pprint import pformat
from threading import get_ident
from typing import Any, NamedTuple

from flask import Blueprint, Flask, current_app, make_response, render_template, request, template_rendered
from flask.typing import ResponseReturnValue
from jinja2 import Template
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

from .. import chat
from ..chat import livechat

bp = Blueprint("inspector", __name__)

# Blueprints. Not this one, static files or the extension's own addresses.
INSPECTABLE = {"site", "shop", "workspace", "staff", "auth"}
FIELDS = ("show", "provider", "load", "preload", "mobile", "offline", "identify", "tour", "start", "once", "why")
EXAMPLES = ("/", "/tour", "/pricing", "/support", "/contact", "/shop/", "/shop/sensor", "/dashboard", "/account",
            "/docs/", "/login", "/boom", "/reset-password/example", "/staff/")  # fmt: skip


class Snippet(NamedTuple):
    """A piece of code and where it stands."""

    where: str
    code: str


class Page(NamedTuple):
    """What the inspected page answered."""

    status: str
    location: str | None
    payload: dict[str, Any] | None
    policy: list[str]
    templates: list[str]


class RefusedPathError(Exception):
    """The path is none that the inspector opens; the message says why."""


@bp.get("/inspect")
def show() -> ResponseReturnValue:
    """The inspector."""
    asked = request.args.get("path", "/")
    try:
        body, code = render_template("inspector.html", asked=asked, examples=EXAMPLES, **findings(asked)), 200
    except RefusedPathError as refusal:
        body, code = render_template("inspector.html", asked=asked, examples=EXAMPLES, refusal=str(refusal)), 400
    response = make_response(body, code)
    response.headers["Cache-Control"] = "no-store"  # it may show the visitor's own data
    return response


def findings(asked: str) -> dict[str, Any]:
    """Everything the page shows about ``asked``."""
    path, endpoint = resolve(asked)
    decision = livechat.decide(path=path)
    page = fetch(path)
    return {
        "path": path,
        "decision": {name: getattr(decision, name, None) for name in FIELDS},
        "sources": getattr(decision, "sources", {}),
        "page": page,
        "payload": json.dumps(page.payload, indent=2, ensure_ascii=False) if page.payload else None,
        "overridden": page.payload is not None and page.payload.get("load") != decision.load,
        "snippets": snippets(decision.why, endpoint, page.templates),
    }


def resolve(asked: str) -> tuple[str, str | None]:
    """The path to open and its endpoint (None: no such page).

    Raises RefusedPathError for all but GET pages of this site.
    """
    path = asked.partition("?")[0].partition("#")[0]
    # "%" could spell an address that is refused below; browsers and servers disagree about "//" and "\\".
    if not path.startswith("/") or path.startswith("//") or not path.isprintable() or {"\\", "%"} & set(path):
        raise RefusedPathError("Only plain paths of this site can be inspected, such as /pricing.")
    adapter = current_app.url_map.bind_to_environ(request.environ)
    try:
        endpoint, _ = adapter.match(path, method="GET")
    except RequestRedirect as redirect:
        return resolve(redirect.new_url.removeprefix(request.url_root.rstrip("/")))
    except HTTPException as error:
        if error.code == 404:
            return path, None
        raise RefusedPathError(
            "That address only takes forms. The inspector opens pages, it never changes anything."
        ) from None
    if endpoint.partition(".")[0] not in INSPECTABLE:
        raise RefusedPathError("That address is no page of this site, or it is the inspector itself.")
    return path, str(endpoint)


def fetch(path: str) -> Page:
    """GET the page as this visitor. An own context keeps its ``g`` (nonce, user) apart from ours."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    root, cookie = request.url_root, request.headers.get("Cookie", "")  # read here: a new context has no request yet
    templates: list[str] = []
    thread = get_ident()

    def note(_sender: Flask, template: Template, **_rest: object) -> None:
        if get_ident() == thread:  # other visitors' pages are rendered at the same time
            templates.append(str(template.name))

    def get() -> TestResponse:
        with template_rendered.connected_to(note, app):
            return app.test_client(use_cookies=False).get(path, base_url=root, headers={"Cookie": cookie})

    return read(Context().run(get), templates)


def read(response: TestResponse, templates: list[str]) -> Page:
    """What the inspector shows of an answer."""
    finder = PayloadFinder()
    finder.feed(response.text)
    policy = response.headers.get("Content-Security-Policy", "")
    return Page(
        status=response.status,
        location=response.headers.get("Location"),
        payload=shortened(json.loads(finder.found)) if finder.found else None,
        policy=[directive.strip() for directive in policy.split(";") if directive.strip()],
        templates=templates,
    )


class PayloadFinder(HTMLParser):
    """Finds the text of ``<script id="livechat">``."""

    def __init__(self) -> None:
        super().__init__()
        self.found = ""
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notice the data block."""
        self.inside = tag == "script" and ("id", "livechat") in attrs

    def handle_endtag(self, tag: str) -> None:
        """Notice its end."""
        self.inside = False

    def handle_data(self, data: str) -> None:
        """Keep its text."""
        if self.inside:
            self.found += data


def shortened(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with its proofs cut: people share screenshots of this page."""
    proof = payload.get("proof")
    if isinstance(proof, dict):
        payload["proof"] = {key: f"{value[:8]}…" if isinstance(value, str) else value for key, value in proof.items()}
    return payload


def snippets(why: str, endpoint: str | None, templates: list[str]) -> list[Snippet]:
    """The code that decided: rule, view and template, where there is one."""
    found = [configured_rule(why), blueprint_rule(endpoint), view(endpoint), template_line(templates)]
    return [snippet for snippet in found if snippet]


def configured_rule(why: str) -> Snippet | None:
    """The entry of ``LIVECHAT_RULES`` that the decision names."""
    match = re.search(r"LIVECHAT_RULES\[(\d+)\]", why)
    if not match:
        return None
    rule = current_app.config["LIVECHAT_RULES"][int(match[1])]
    return Snippet(f"example_app/chat.py, LIVECHAT_RULES[{match[1]}]", pformat(rule, sort_dicts=False))


def blueprint_rule(endpoint: str | None) -> Snippet | None:
    """The line with ``rule_for`` that names the endpoint's blueprint."""
    blueprint = (endpoint or "").partition(".")[0]
    call = f'livechat.rule_for("{blueprint}"'
    lines = [line for line in inspect.getsource(chat).splitlines() if line.startswith(call)]
    return Snippet("example_app/chat.py", "\n".join(lines)) if lines else None


def view(endpoint: str | None) -> Snippet | None:
    """The view, with its decorators."""
    if endpoint is None:
        return None
    function = inspect.unwrap(current_app.view_functions[endpoint])
    file = Path(inspect.getsourcefile(function) or "").name
    return Snippet(f"example_app/views/{file}", inspect.getsource(function).rstrip())


def template_line(templates: list[str]) -> Snippet | None:
    """The line that calls ``livechat()``, in the page's template or in one that it extends."""
    name = templates[0] if templates else None
    while name:
        source, _, _ = current_app.jinja_env.loader.get_source(current_app.jinja_env, name)  # type: ignore[union-attr]
        for number, line in enumerate(source.splitlines(), 1):
            if "{{ livechat(" in line:
                return Snippet(f"example_app/templates/{name}, line {number}", line.strip())
        parent = re.search(r'{%\s*extends\s+"([^"]+)"', source)
        name = parent[1] if parent else None
    return None

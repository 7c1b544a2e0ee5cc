"""Answers a browser in the app's name: nothing listens on a port, and the app has its own host in the address bar.

The browser's requests for the app's origin are taken before they reach the network and are given to the app as WSGI. So
cookies have the app's domain, https needs no certificate, and vendors that allow certain domains see the right one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, redirect, session
from flask_login.utils import _create_identifier, logout_user
from werkzeug.datastructures import Headers
from werkzeug.routing import Rule
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Response

from ...widget import csp
from ...widget.response import HTML
from ..crawler import _described, _without_csrf
from ..limits import silence, within

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession

T = TypeVar("T", bound=Response)
# Addresses that the check answers itself: how somebody logs in and out without knowing the app's forms.
LOGIN, LOGOUT = "/livechat-doctor-logs-in", "/livechat-doctor-logs-out"
ANSWER_S = 15.0  # for one response of the app
OURS = "default-src 'self'"


class Bridge:
    """One app at one origin, for one browser."""

    def __init__(
        self, app: Flask, origin: str, user: Any, way_out: Rule | None, needs: Mapping[str, list[str]], prefix: str
    ) -> None:
        self.origin = origin
        self.identity: Mapping[str, Any] | None = None  # what the app's own endpoint last answered
        self.policy = ""  # which policy the last page came with
        self.failures: list[str] = []
        self._app, self._user, self._way_out, self._needs = app, user, way_out, needs
        self._identity_path = f"{prefix}/identity"
        self._cookies: str | None = None  # the last that came from somebody who is logged in

    def attach(self, browser: CDPSession) -> None:
        """Take this tab's requests for the app."""
        from playwright.sync_api import Error  # noqa: PLC0415 - of the extra [live]

        def answer(event: dict[str, Any]) -> None:
            reply = self.reply(event["request"])
            reply["requestId"] = event["requestId"]
            with suppress(Error):  # the tab may have gone on to another page
                browser.send("Fetch.fulfillRequest", reply)

        browser.on("Fetch.requestPaused", answer)
        browser.send("Fetch.enable", {"patterns": [{"urlPattern": f"{self.origin}/*"}]})

    def log_out_everywhere(self) -> None:
        """Empty the session that the check has made, also where the server stores it."""
        if self._cookies is None:
            return
        environ = self._environ({"method": "GET", "url": f"{self.origin}/", "headers": {"Cookie": self._cookies}})
        with suppress(Exception), silence(), self._app.request_context(environ):
            session.clear()
            self._save(self._app.response_class())

    def reply(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The app's answer to a request, in the words of the browser's protocol."""
        try:
            with silence():
                response = within(ANSWER_S, partial(self._respond, request))
        except Exception as error:  # whatever a view raises where the app lets it through
            self.failures.append(_described(error, self._app))
            response = Response("the app raised an exception", 500)
        headers = [{"name": name, "value": value} for name, value in response.headers.items()]
        body = base64.b64encode(response.get_data()).decode()
        return {"responseCode": response.status_code, "responseHeaders": headers, "body": body}

    def _respond(self, request: Mapping[str, Any]) -> Response:
        environ = self._environ(request)
        if self._user is not None:
            self._cookies = environ.get("HTTP_COOKIE", self._cookies)
        path = environ["PATH_INFO"]
        if path == LOGIN:
            return self._log_in(environ)
        if path == LOGOUT:
            return self._log_out(environ)
        response = self._ask(environ)
        if path == self._identity_path and response.status_code == 200:
            with suppress(ValueError):
                self.identity = json.loads(response.get_data())
        self._look_at_the_policy(response)
        return response

    def _environ(self, request: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        parts = urlsplit(request["url"])
        root = (self._app.config.get("APPLICATION_ROOT") or "/").rstrip("/")
        inside = bool(root) and parts.path.startswith(f"{root}/")
        options: dict[str, Any] = {
            "path": parts.path[len(root) :] if inside else parts.path,
            "base_url": f"{self.origin}{root if inside else ''}/",
            "query_string": parts.query,
            "method": request["method"],
            # Answers that the check makes are not unpacked by the browser.
            "headers": Headers([item for item in request["headers"].items() if item[0].lower() != "accept-encoding"]),
            "data": request.get("postData"),
            "environ_base": {"REMOTE_ADDR": "127.0.0.1"},
        }
        return dict(EnvironBuilder(**options | changes).get_environ())

    def _ask(self, environ: dict[str, Any]) -> Response:
        return Client(self._app, use_cookies=False).open(environ, buffered=True)

    def _log_in(self, environ: dict[str, Any]) -> Response:
        """Make the session that flask-login would make, for this browser's address and name."""
        with self._app.request_context(environ):
            session.update(_user_id=self._user.get_id(), _fresh=True, _id=_create_identifier())
            return self._save(redirect(environ["QUERY_STRING"] or "/"))

    def _save(self, response: T) -> T:
        self._app.session_interface.save_session(self._app, session, response)  # type: ignore[arg-type]  # a proxy
        return response

    def _log_out(self, environ: dict[str, Any]) -> Response:
        """Take the app's own way out, or flask-login's where there is none to find."""
        if self._way_out is None:
            with self._app.request_context(environ):
                logout_user()
                return self._app.process_response(self._app.make_response(redirect("/")))
        method = "POST" if "POST" in (self._way_out.methods or ()) else "GET"
        request = {"url": self.origin + self._way_out.rule, "method": method, "headers": {}}
        asked = self._environ(request) | {
            name: value for name, value in environ.items() if name.startswith("HTTP_") or name == "REMOTE_ADDR"
        }
        with _without_csrf(self._app):
            return self._ask(asked)

    def _look_at_the_policy(self, response: Response) -> None:
        """Note which policy a page has. One that has none is given ours on trial, which blocks nothing."""
        if response.mimetype not in HTML or response.status_code >= 300:
            return
        if csp.HEADERS[0] in response.headers:
            self.policy = "the app's own"
            return
        self.policy = f"{OURS} with livechat.csp(), on trial: the app sends none"
        response.headers.add(csp.HEADERS[1], csp.merge(OURS, self._needs))

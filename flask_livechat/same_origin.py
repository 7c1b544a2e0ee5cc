"""Our files answer from the page's own origin: on every host and subdomain that the app serves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, has_request_context, request
from flask.blueprints import BlueprintSetupState

if TYPE_CHECKING:
    from flask import Flask
    from flask.sansio.app import App

ARGUMENT = "livechat_host"  # of our rules, never of our views
Names = str | Iterable[str] | None


class SameOriginBlueprint(Blueprint):
    """A blueprint for the app's hosts: all of them, or those that ``register_blueprint`` is given."""

    def make_setup_state(
        self, app: App, options: dict[str, Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        return _SetupState(self, app, options, first_registration)

    def register(self, app: App, options: dict[str, Any]) -> None:
        super().register(app, options)
        if app.url_map.host_matching or app.subdomain_matching:
            app.url_value_preprocessors[self.name].append(self._drop_argument)
            app.url_default_functions[self.name].append(self._add_argument)

    def _drop_argument(self, endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values is not None:
            values.pop(ARGUMENT, None)

    def _add_argument(self, endpoint: str, values: dict[str, Any]) -> None:
        """Let ``url_for`` find the rule of the host that is asked."""
        adapter = current_app.create_url_adapter(request if has_request_context() else None)
        if adapter is not None:
            here = adapter.server_name if adapter.map.host_matching else adapter.subdomain
            if here and any(ARGUMENT in rule.arguments for rule in adapter.map.iter_rules(endpoint)):
                values.setdefault(ARGUMENT, here)


class _SetupState(BlueprintSetupState):
    def add_url_rule(self, rule: str, endpoint: str | None = None, view_func: Any = None, **options: Any) -> None:
        """Add the rule once for each host or subdomain."""
        places, anywhere = [dict[str, str]()], f"<{ARGUMENT}>"
        if self.app.url_map.host_matching:
            places = [{"host": name} for name in _listed(self.options.get("host"), (anywhere,))]
        elif self.app.subdomain_matching:
            places = [{"subdomain": name} for name in _listed(self.options.get("subdomain"), ("", anywhere))]
        for place in places:
            super().add_url_rule(rule, endpoint, view_func, **options, **place)


def check_places(app: Flask, host: Names, subdomain: Names) -> None:
    """Raise ``ValueError`` for a host or a subdomain that the app would never match."""
    if host is not None and not app.url_map.host_matching:
        raise ValueError("init_app(host=…) needs Flask(…, host_matching=True, static_host=…).")
    if subdomain is not None and not (app.subdomain_matching and not app.url_map.host_matching):
        raise ValueError("init_app(subdomain=…) needs Flask(…, subdomain_matching=True) and SERVER_NAME.")


def own_url(app: Flask, host: Names, subdomain: Names) -> str:
    """Return where the app itself can reach our addresses, within its process."""
    trusted = [name for name in app.config.get("TRUSTED_HOSTS") or () if not name.startswith(".")]
    name = app.config["SERVER_NAME"] or next(iter(trusted), "localhost")
    if host is not None:
        return f"http://{_listed(host, ())[0]}/"
    below = next(iter(_listed(subdomain, ())), "")
    return f"http://{below}.{name}/" if below else f"http://{name}/"


def _listed(names: Names, default: Iterable[str]) -> list[str]:
    return [names] if isinstance(names, str) else [*(default if names is None else names)]


def same_origin(url: str) -> str:
    """Return the path of an address, which browsers ask the page's own origin for.

    A prefix comes from a header where a proxy is trusted: one with two slashes would be another host.
    """
    url = re.sub(r"[\t\r\n]", "", url)  # browsers take these out of addresses
    path = "/" + re.sub(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*", "", url).lstrip("/\\")
    return path.replace("?", "%3F").replace("#", "%23")  # our addresses have neither: a prefix's would cut them short


def is_same_origin_request() -> bool:
    """Whether a request comes from a page of the app's own. A client that says nothing (curl) brings no login anyway.

    Old browsers, and all of them over plain http, send the origin alone. Its host is compared, because its scheme is
    another one behind a proxy that ends TLS.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or origin in (f"http://{request.host}", f"https://{request.host}")

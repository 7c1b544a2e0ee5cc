"""request -> Decision: what a page gets, by all the rules that this app has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from flask import Flask

from .. import providers
from ..errors import ConfigError, Problem
from ..model import Decision
from ..settings import RULES_HELP
from ..state import State, call_app, name_of
from . import rules
from .addresses import address as address_of
from .rules import Rule
from .sensitive_urls import Address

RULE_KEY = "_livechat_rule"
F = TypeVar("F", bound=Callable[..., Any])


def decide(state: State, app: Flask, address: Address | None = None, own: Iterable[Rule] = ()) -> Decision:
    """Decide for ``address``, by default the current page's. ``own`` are the strongest rules: those of the template.

    Raises ``ConfigError`` where a rule names a provider that is not configured.
    """
    address, config = address or address_of(), state.settings
    rules_of_page = [*own]
    view = app.view_functions.get(address.endpoint or "")
    of_view = getattr(view, RULE_KEY, None) or getattr(getattr(view, "view_class", None), RULE_KEY, None)
    if isinstance(of_view, Rule):
        rules_of_page.append(of_view)
    by_blueprint = state.callbacks.blueprint_rules
    name = address.blueprint if by_blueprint else ""
    while name:  # a nested blueprint's own rule first, then its parents'
        if name in by_blueprint:
            rules_of_page.append(by_blueprint[name])
        name = name.rpartition(".")[0]
    decision = rules.decide(address, rules_of_page, config.rules, config.default_decision, _ask)
    if decision.provider is not None and decision.provider not in config.providers:
        title = f"provider={decision.provider!r} ({decision.sources['provider']})"
        raise ConfigError([Problem("LC105", "LIVECHAT_PROVIDER", f"{title} is not configured", "Set its keys.")])
    return decision


def checked_rule(source: str, fields: Mapping[str, Any]) -> Rule:
    """Make a rule. Raises ``ConfigError`` for a wrong field."""
    rule, problems = rules.make(source, fields, providers.names(), where=("when",))
    if problems:
        raise ConfigError([Problem("LC105", source, what, RULES_HELP) for what in problems])
    return rule


def add_view_rule(fields: Mapping[str, Any], view: F) -> F:
    """Put a rule on a view. A second one adds to the first, and is the stronger. Raises ``ConfigError``."""
    rule = checked_rule(f"@livechat.rule on {getattr(view, '__name__', name_of(view))}", fields)
    above = getattr(view, RULE_KEY, None)
    what = {**above.what, **rule.what} if isinstance(above, Rule) else rule.what
    when = rule.when or getattr(above, "when", None)
    setattr(view, RULE_KEY, replace(rule, what=what, when=when, one_view=True))
    return view


def _ask(when: Callable[[], bool]) -> bool:
    return bool(call_app(when, False, f"when={name_of(when)}"))

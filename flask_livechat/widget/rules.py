"""Rules and the decisions that they lead to. Pure: neither Flask nor the clock."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from ..errors import shown
from ..model import Decision
from ..safe_text import well_formed
from .sensitive_urls import Address, secret_in

WHERE = ("path", "endpoint", "blueprint", "when")
MOBILE = ("show", "hide")
HELP = ("off", "first")
OFFLINE = ("show", "hide", "leave-message")
STRATEGIES = ("eager", "idle", "delay:SECONDS", "scroll", "interaction", "visible:SELECTOR", "intent", "manual", "off")
KINDS = ("tour", "article", "survey", "checklist", "news", "ticket", "space", "conversation", "scenario", "trigger")
"""What ``start`` names. Which of them a vendor can start is in its ``Provider.can``."""
MAX_ID_CHARS = 100
NO_PROVIDER = "no provider is configured (LIVECHAT_PROVIDER)"


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """Where it holds, and what it says there. ``what`` has only the fields that the rule names."""

    source: str  # "LIVECHAT_RULES[2] (path '/admin/*')"
    what: Mapping[str, Any]
    path: str | None = None
    endpoint: str | None = None
    blueprint: str | None = None
    when: Callable[[], bool] | None = None
    path_pattern: re.Pattern[str] | None = field(default=None, repr=False)
    endpoint_pattern: re.Pattern[str] | None = field(default=None, repr=False)
    one_view: bool = False  # said at the view itself

    def holds(self, address: Address) -> bool:
        """Whatever its ``when`` says."""
        if self.path_pattern and not self.path_pattern.fullmatch(address.path):
            return False
        if self.endpoint_pattern and not self.endpoint_pattern.fullmatch(address.endpoint or ""):
            return False
        return not self.blueprint or f"{address.blueprint}.".startswith(f"{self.blueprint}.")

    @property
    def exact(self) -> bool:
        """Whether it speaks of one page, not of many: only then may it show chat where the address holds a secret."""
        one_path = self.path is not None and "*" not in self.path
        return self.one_view or one_path or (self.endpoint is not None and "*" not in self.endpoint)


def decide(
    address: Address,
    own: Iterable[Rule],
    configured: Iterable[Rule],
    default: Decision,
    ask: Callable[[Callable[[], bool]], bool] = lambda when: when(),
) -> Decision:
    """Decide what a page gets. Each field comes from the strongest rule that names it, else from ``default``.

    ``own`` are the rules of this very page, strongest first (template, view, blueprint). ``configured`` is
    LIVECHAT_RULES, of which the first that matches counts. ``ask`` calls a rule's ``when``: whoever has a logger knows
    what to do with one that raises.
    """

    def applies(rule: Rule) -> bool:
        return rule.holds(address) and (rule.when is None or ask(rule.when))

    layers = list(filter(applies, own))
    layers += islice(filter(applies, configured), 1)
    decision = _combined(default, layers) if layers else default
    if not decision.show:
        return decision
    refusal = NO_PROVIDER
    if decision.provider is not None:
        is_exact = layers and any(rule.exact and rule.what.get("show") is True for rule in layers)
        secret = None if is_exact else secret_in(address)
        if secret is None:
            return decision
        refusal = f"{secret}; only a rule with show=True for exactly this page shows chat here"
    return replace(decision, show=False, why=refusal, sources={**decision.sources, "show": refusal})


def default_decision(defaults: Mapping[str, Any]) -> Decision:
    """Make what a page gets that no rule speaks of."""
    return Decision(**defaults, why="defaults", sources=dict.fromkeys(defaults, "defaults"))


def _combined(default: Decision, layers: list[Rule]) -> Decision:
    fields, sources = dict[str, Any](), dict(default.sources)
    for rule in reversed(layers):
        names_start = "tour" in rule.what or "start" in rule.what  # two names for one thing: the stronger rule's counts
        what = {"tour": None, "start": None, **rule.what} if names_start else rule.what
        fields |= what
        sources |= dict.fromkeys(what, rule.source)
    why = "; ".join(dict.fromkeys(rule.source for rule in layers if rule.source in sources.values())) or default.why
    return replace(default, **fields, why=why, sources=sources)


def make(
    source: str, fields: Mapping[str, Any], providers: Collection[str], where: Collection[str] = WHERE
) -> tuple[Rule, list[str]]:
    """A rule from its fields, and what is wrong with them (one sentence each)."""
    problems = [_problem(name, value, providers, where) for name, value in fields.items()]
    if fields.get("tour") is not None and fields.get("start") is not None:
        problems.append("tour and start are two names for one thing: keep start")
    what = {name: value for name, value in fields.items() if name in CHECKS}
    at = {name: fields[name] for name in where if fields.get(name) is not None}
    described = ", ".join(f"{name} {value!r}" for name, value in at.items() if name != "when")
    rule = Rule(
        source=f"{source} ({described})" if described else source,
        what=what,
        path=at.get("path"),
        endpoint=at.get("endpoint"),
        blueprint=at.get("blueprint"),
        when=at.get("when"),
        path_pattern=_glob(at["path"], slash=True) if isinstance(at.get("path"), str) else None,
        endpoint_pattern=_glob(at["endpoint"]) if isinstance(at.get("endpoint"), str) else None,
    )
    return rule, [problem for problem in problems if problem]


def _glob(pattern: str, slash: bool = False) -> re.Pattern[str]:
    """``*`` spans anything. With ``slash``, ``/shop/*`` matches ``/shop`` too."""
    bare = pattern[:-2] if slash and pattern.endswith("/*") else pattern
    body = ".*".join(re.escape(part) for part in bare.split("*"))
    return re.compile(body + (r"(/.*)?" if bare != pattern else ""), re.DOTALL)


def _problem(name: str, value: Any, providers: Collection[str], where: Collection[str]) -> str | None:
    if name == "when" and name in where:
        return None if value is None or callable(value) else f"when={shown(value)} must be callable"
    if name == "path" and name in where and isinstance(value, str) and not value.startswith(("/", "*")):
        return f"path={value!r} must begin with '/' or '*', or it would never match"
    if name in where:
        return None if value is None or isinstance(value, str) else f"{name}={shown(value)} must be text"
    if name not in CHECKS:
        near = difflib.get_close_matches(str(name), [*where, *CHECKS], 1)
        return f"there is no field {name!r}" + (f" (did you mean {near[0]!r}?)" if near else "")
    if name == "provider":
        known = ", ".join(providers) or "none"
        return None if value in providers else f"provider={shown(value)} is not configured (configured: {known})"
    check, expected = CHECKS[name]
    return None if check(value) else f"{name}={shown(value)} must be {expected}"


def is_load(value: Any) -> bool:
    """Whether a value is one of the nine strategies."""
    kind, colon, argument = str(value).partition(":")
    if not isinstance(value, str) or (kind in ("delay", "visible")) != bool(colon):
        return False
    if kind == "delay":
        return re.fullmatch(r"\d{1,5}(\.\d{1,3})?", argument) is not None
    return bool(argument.strip()) if kind == "visible" else kind in STRATEGIES


def is_start(value: Any) -> bool:
    """Whether a value says what to start: ``tour:7``."""
    kind, _, content_id = value.partition(":") if isinstance(value, str) else ("", "", "")
    is_text = "\0" not in content_id and content_id == well_formed(content_id)  # what any database takes
    return kind in KINDS and is_text and bool(content_id.strip()) and len(content_id) <= MAX_ID_CHARS


CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "show": (lambda value: isinstance(value, bool), "True or False"),
    "provider": (lambda value: False, "a configured provider"),
    "load": (is_load, f"one of {', '.join(STRATEGIES)}"),
    "preload": (lambda value: isinstance(value, bool), "True or False"),
    "mobile": (lambda value: value in MOBILE, "one of " + ", ".join(MOBILE)),
    "offline": (lambda value: value in OFFLINE, "one of " + ", ".join(OFFLINE)),
    "identify": (lambda value: isinstance(value, bool), "True or False"),
    "tour": (lambda value: value is None or (isinstance(value, str | int) and value != ""), "a tour's id"),
    "start": (
        lambda value: value is None or is_start(value),
        f"a kind and an id of at most {MAX_ID_CHARS} characters, such as 'tour:7'; kinds are {', '.join(KINDS)}",
    ),
    "once": (lambda value: isinstance(value, bool) or value == "server", "True, False or 'server'"),
    "help": (lambda value: value in HELP, "one of " + ", ".join(HELP)),
    "flow": (lambda value: value is None or (isinstance(value, str) and value != ""), "a flow's name"),
}

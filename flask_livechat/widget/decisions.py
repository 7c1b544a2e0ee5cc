"""(address, rules) -> Decision, with its reason. Pure; what was judged once is remembered, in bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from ..model import Decision
from .rules import Predicate, Rule
from .secrecy import Address, secret_in

MOST = 1024  # of each kind that is remembered
LONGEST = 500  # characters of an address: a longer one is judged anew each time


class Table:
    """LIVECHAT_RULES by where they hold: of a thousand, only those are looked at that may match."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._near: dict[tuple[str, str], list[int]] = {}
        for n, rule in enumerate(self._rules):
            self._near.setdefault(_shelf(rule), []).append(n)

    def holding(self, address: Address) -> Iterator[Rule]:
        """The rules that hold for an address, whatever their ``when`` says, in their order."""
        endpoint = address.endpoint or ""
        shelves = (
            ("path", address.path[1:].partition("/")[0]),
            ("endpoint", endpoint.partition(".")[0]),
            ("blueprint", address.blueprint.partition(".")[0]),
            ("", ""),
        )
        for n in sorted(n for shelf in shelves for n in self._near.get(shelf, ())):
            if self._rules[n].holds(address):
                yield self._rules[n]


class Decisions:
    """What the pages of one app get.

    ``configured`` is LIVECHAT_RULES, of which the first that matches counts. Each field comes from the strongest rule
    that names it.
    """

    def __init__(self, configured: Iterable[Rule], defaults: Mapping[str, Any]) -> None:
        table = Table(configured)

        def judge(address: Address) -> tuple[tuple[Rule, ...], str | None]:
            return tuple(_until_certain(table.holding(address))), secret_in(address)

        def settle(layers: tuple[Rule, ...], secret: str | None) -> Decision:
            return _settle(layers, secret, defaults)

        self._judge, self._judge_long = lru_cache(MOST)(judge), judge
        self._settle, self._settle_long = lru_cache(MOST)(settle), settle

    def decide(
        self, address: Address, own: Iterable[Rule], ask: Callable[[Predicate], bool] = lambda when: when()
    ) -> Decision:
        """What a page gets.

        ``own`` are the rules of this very page, strongest first (template, view, blueprint). ``ask`` calls a predicate:
        whoever has a logger knows what to do with one that raises.
        """
        short = address.chars <= LONGEST
        judge, settle = (self._judge, self._settle) if short else (self._judge_long, self._settle_long)
        holding, secret = judge(address)
        layers = [rule for rule in own if rule.holds(address) and _agrees(rule, ask)]
        first = next((rule for rule in holding if _agrees(rule, ask)), None)
        return settle((*layers, first) if first else tuple(layers), secret)


def decide(address: Address, own: Iterable[Rule], configured: Iterable[Rule], defaults: Mapping[str, Any]) -> Decision:
    """The same for one page, and nothing remembered."""
    return Decisions(configured, defaults).decide(address, own)


def _agrees(rule: Rule, ask: Callable[[Predicate], bool]) -> bool:
    return rule.when is None or ask(rule.when)


def _until_certain(rules: Iterable[Rule]) -> Iterator[Rule]:
    """What comes after a rule without a ``when`` never gets its turn."""
    for rule in rules:
        yield rule
        if rule.when is None:
            return


def _shelf(rule: Rule) -> tuple[str, str]:
    """Where the table looks for a rule: by the first part of what it names, as far as that is said in full."""
    if rule.path and rule.path[0] == "/" and (part := _first(rule.path[1:], "/")) is not None:
        return "path", part
    if rule.endpoint is not None and (part := _first(rule.endpoint, ".")) is not None:
        return "endpoint", part
    if rule.blueprint:
        return "blueprint", rule.blueprint.partition(".")[0]
    return "", ""


def _first(pattern: str, sign: str) -> str | None:
    """The first part of what a pattern matches, where it is the same for all of it."""
    said, star, _ = pattern.partition("*")
    part, found, _ = said.partition(sign)
    return part if found or not star else None


def _settle(layers: tuple[Rule, ...], secret: str | None, defaults: Mapping[str, Any]) -> Decision:
    chosen, sources = dict(defaults), dict.fromkeys(defaults, "defaults")
    for rule in reversed(layers):
        chosen |= rule.what
        sources |= dict.fromkeys(rule.what, rule.source)
    why = "; ".join(dict.fromkeys(rule.source for rule in layers if rule.source in sources.values())) or "defaults"
    refusal = _refusal(layers, chosen, secret)
    if refusal:
        chosen["show"], sources["show"], why = False, refusal, refusal
    return Decision(**chosen, why=why, sources=sources)


def _refusal(layers: Iterable[Rule], chosen: Mapping[str, Any], secret: str | None) -> str | None:
    if chosen["provider"] is None:
        return "no provider is configured (LIVECHAT_PROVIDER)"
    if chosen["show"] and secret and not any(rule.exact and rule.what.get("show") is True for rule in layers):
        return f"{secret}; only a rule with show=True for exactly this page shows chat here"
    return None

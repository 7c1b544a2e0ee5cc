"""Read ``app.config`` into ``Settings``, or raise ``ConfigError`` with every ``Problem``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from . import office_hours, providers, targets
from .errors import ConfigError, Problem, shown
from .model import Decision
from .office_hours import OfficeHours
from .options import OPTIONS, POSITION, Option, whole_number
from .providers import Key, Provider, Secrets, Values
from .targets import Target
from .widget import rules
from .widget.rules import Rule

PREFIX = "LIVECHAT_"
RULES_HELP = "docs/rules.rst has the fields."
IN_JSON = "In the environment in JSON: FLASK_LIVECHAT_"


@dataclass(frozen=True)
class Settings:
    """Everything under ``LIVECHAT_``, checked. ``providers`` has the values of each configured vendor."""

    provider: str | None
    load: str
    rules: tuple[Rule, ...]
    identity_delivery: str
    allow_unverified: bool
    token_ttl: int  # seconds
    consent: str | Callable[[], bool]
    office_hours: OfficeHours | None
    offline: str
    fallback_url: str | None
    position: Mapping[str, Any]  # pixels
    mobile: str
    launcher: str
    launchers_in: str | None  # a CSS selector
    texts: Mapping[str, Mapping[str, str]]  # by language, and name
    locale: str | Callable[[], str | None] | None
    csp: str
    csp_articles: bool | tuple[str, ...]  # origins of frames
    nonce: str | Callable[[], str | None] | None = field(repr=False)
    url_prefix: str
    cookie_domain: str | None
    report_failures: bool
    csp_reports: bool
    guard: bool
    on_error: str | None
    track_via: str
    database_url: str | None = field(repr=False)  # may hold a password
    webhook_tolerance: int | None  # seconds
    keep_days: int | None
    outreach: int  # conversations that the team may begin with a visitor within a day
    celery: bool
    inbox: bool
    targets: Mapping[str, Target]
    articles: str | None  # a folder
    article_pages: bool
    keep_questions: bool
    site_url: str | None
    help: str
    flows: str | None  # a folder
    flow_steps: int
    sandbox: bool
    providers: Mapping[str, Values] = field(repr=False)  # holds the secrets

    @cached_property
    def webhook_providers(self) -> tuple[str, ...]:
        """The providers whose webhook secret is configured."""
        specs = {name: providers.webhooks(name) for name in self.providers}
        return tuple(name for name, spec in specs.items() if spec and any(map(self.providers[name].get, spec.secrets)))

    @cached_property
    def uses_help(self) -> bool:
        """Whether the help panel is on by the configuration, on any page."""
        return self.help != "off" or any(rule.what.get("help", "off") != "off" for rule in self.rules)

    @cached_property
    def default_decision(self) -> Decision:
        """The decision for a page that no rule speaks of."""
        return rules.default_decision(
            {
                "show": True,
                "provider": self.provider,
                "load": self.load,
                "preload": False,
                "mobile": self.mobile,
                "offline": self.offline,
                "identify": True,
                "tour": None,
                "start": None,
                "once": True,
                "help": self.help,
                "flow": None,
            }
        )


def keys() -> tuple[str, ...]:
    """Return every key there is, of the core and of every provider."""
    vendors = [f"{name.upper()}_{key.name}" for name in providers.names() for key in providers.load(name).keys]
    return tuple(PREFIX + name for name in (*OPTIONS, *vendors))


def livechat_config(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Return the keys of an app's configuration that are ours, with their values."""
    return ((str(key), value) for key, value in config.items() if str(key).startswith(PREFIX))


def read(config: Mapping[str, Any], *, development: bool) -> Settings:
    """Read and check all of ``LIVECHAT_…``. ``development`` is debug or testing, where the sandbox may run.

    Raise ``ConfigError`` with every problem.
    """
    return _Reader(config, development).settings()


def cautions(read: Settings, *, testing: bool) -> Iterator[str]:
    """Yield what does not keep an app from starting, and is hardly meant. Tests have secrets of their own."""
    named = [name for name in read.providers if any(rule.what.get("provider") == name for rule in read.rules)]
    if read.provider is None and read.providers and not named and not read.sandbox:
        first = next(iter(read.providers))
        needed = [(name, key) for name in read.providers for key in providers.load(name).keys if key.required]
        keys = [f"{PREFIX}{name.upper()}_{key.name}" for name, key in needed]
        yield f"{', '.join(keys)} without LIVECHAT_PROVIDER: no page gets a chat. Set LIVECHAT_PROVIDER = {first!r}."
    if read.inbox and not read.webhook_providers:
        yield "LIVECHAT_INBOX is set, but no vendor's webhook secret: the inbox is off, because nothing would fill it."
    elif read.inbox and find_spec("sqlalchemy") is None:
        yield "LIVECHAT_INBOX is set, but the inbox is off: it needs an extra. pip install Flask-LiveChat[desk]"
    if read.keep_questions and read.keep_days is None:
        yield "LIVECHAT_KEEP_QUESTIONS without LIVECHAT_KEEP_DAYS: the text of visitors' questions is never deleted."
    for key, what in () if testing else weak_secrets(read):
        yield f"{key} {what}. An attacker who guesses it can sign as any visitor."


def weak_secrets(read: Settings) -> Iterator[tuple[str, str]]:
    """Yield the keys of secrets that no vendor has made, and what is wrong with each, without the secret."""
    # What people write until they have one: changeme, your-secret-here, <secret>, xxxxxxxx, ${SECRET}.
    placeholder = re.compile(
        r"(change|replace|put|insert|enter|todo|fixme|your|my|dummy|fake|placeholder)[\W_]*"
        r"(me|it|this|here|secret|key|token)?([\W_]\D*)?"
        r"|(secret|password|example|default|none|null|key|token)[\W_]*\w{0,4}|<.*>|\$\{?\w+\}?|[x*.]+",
        re.IGNORECASE | re.DOTALL,
    )
    for name, values in read.providers.items():
        for key in providers.load(name).keys:
            for value in values.get(key.name) or () if key.secret else ():
                if read.sandbox and value == key.example:
                    continue
                if value == key.example or placeholder.fullmatch(value):
                    yield f"{PREFIX}{name.upper()}_{key.name}", "is a placeholder"
                elif len(value) < key.min_chars:
                    what = f"has {len(value)} characters, but a safe one has at least {key.min_chars}"
                    yield f"{PREFIX}{name.upper()}_{key.name}", what


class _Reader:
    """Reads the configuration of one app. What is wrong with it is collected in ``problems``."""

    def __init__(self, config: Mapping[str, Any], development: bool) -> None:
        self.given = dict(livechat_config(config))
        self.development = development
        self.problems: list[Problem] = []
        self.core: dict[str, Any] = {}  # the keys that are no vendor's, without the prefix
        self.values: dict[str, Values] = {}  # of each vendor that is configured

    def settings(self) -> Settings:
        """Return the settings. Raise ``ConfigError`` with every problem."""
        self._check_names()
        self.core = {name: self._option(name, option) for name, option in OPTIONS.items()}
        self._check_sandbox()
        for name in providers.names():
            values = self._read_provider(providers.load(name))
            if values is not None:
                self.values[name] = values
        self.core["PROVIDER"] = self._provider(self.core["PROVIDER"])
        self._check_stand_ins()
        self.core["RULES"] = self._rules(self.core["RULES"])
        example = '{"tz": "Europe/Berlin", "mon-fri": "09:00-17:00"}'
        self.core["OFFICE_HOURS"] = self._parsed("OFFICE_HOURS", office_hours.parse, "LC107", example)
        example = '{"first_response": 120, "deflection": [0.3, 0.5]}'
        self.core["TARGETS"] = self._parsed("TARGETS", targets.parse, "LC102", example)
        self.core["POSITION"] = self._position(self.core["POSITION"])
        self.core["SANDBOX"] = bool(self.core["SANDBOX"])
        for name, method in (("ON_ERROR", "conversations.start"), ("TRACK_VIA", "contacts.event")):
            if self.core[name] != OPTIONS[name].default:
                self._check_desk(name, method)
        self._check_extras()
        if self.problems:
            raise ConfigError(self.problems)
        core = {name.lower(): value for name, value in self.core.items()}
        return Settings(**core, providers=MappingProxyType(self.values))

    def _problem(self, code: str, name: str, what: str, fix: str) -> None:
        self.problems.append(Problem(code, PREFIX + name, what, fix))

    def _check_names(self) -> None:
        known = keys()
        for key in self.given:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1, cutoff=0.5)
                fix = f"Did you mean {near[0]}?" if near else "Remove it."
                self.problems.append(Problem("LC101", key, "this key does not exist", fix))

    def _option(self, name: str, option: Option) -> Any:
        value = self.given.get(PREFIX + name, option.default)
        if isinstance(option.default, bool) and isinstance(value, str) and value.lower() in ("true", "false"):
            value = value.lower() == "true"  # people write True in the environment, where JSON wants it in lower case
        try:
            right = option.check(value)
        except TypeError:  # the check wants a value that can be hashed, say
            right = False
        if not right:
            # The URL of a database may hold a password, and a nonce is one.
            what = "this" if name in ("DATABASE_URL", "NONCE") else shown(value)
            self._problem("LC102", name, f"{what} is not a valid value", f"It must be {option.expected}.")
            return option.default
        # Many hosts of databases write "postgres", which SQLAlchemy does not know.
        return re.sub(r"^postgres(?=[+:])", "postgresql", value) if name == "DATABASE_URL" and value else value

    def _check_sandbox(self) -> None:
        if self.core["SANDBOX"] and self.core["SANDBOX"] != "allow" and not self.development:
            why = "the sandbox does not start outside debug mode or testing, because its visitors would reach no agent"
            fix = "Use `flask run --debug`; in tests, FLASK_DEBUG=1 or TESTING before LiveChat(app). Or use 'allow'."
            self._problem("LC106", "SANDBOX", why, fix)

    def _read_provider(self, provider: Provider) -> Values | None:
        """Return a vendor's values, or None if nothing of it is configured. In the sandbox examples fill its gaps."""
        is_sandbox = bool(self.core["SANDBOX"]) and providers.has_stand_in(provider.name)
        prefix = f"{provider.name.upper()}_"
        raw = {key.name: self.given.get(PREFIX + prefix + key.name) for key in provider.keys}
        if not is_sandbox and all(value in (None, "") for value in raw.values()):
            return None
        values: dict[str, Any] = {}
        for key in provider.keys:
            value = raw[key.name]
            if value in (None, "", [], ()):
                has_example = is_sandbox and (key.required or key.secret or key.credential)
                value = key.default or (key.example if has_example else None)
                if value is None and key.required:
                    self._problem("LC103", prefix + key.name, f"is missing for {provider.title}", key.where)
            if value is not None:
                read_value = self._secrets if key.secret else self._plain
                values[key.name] = read_value(key, prefix + key.name, value)
        return MappingProxyType(values)

    def _plain(self, key: Key, name: str, value: Any) -> str:
        text = str(value)
        if (isinstance(value, float) and key.name != "API_VERSION") or isinstance(value, bool):
            # from_prefixed_env reads FLASK_…=12e4 as a number; the id is lost by then.
            fix = "Put it in quotes, also in the environment: '\"12e4\"'."
            self._problem("LC104", name, "was read as a number, which changed it", fix)
        elif not _fits(key, text):
            what = f"{shown(value)} does not look right"
            if re.fullmatch(r"\w+(\|\w+)+", key.pattern):
                what = f"{shown(value)} is not one of {', '.join(map(repr, key.pattern.split('|')))}"
            self._problem("LC102", name, what, key.where)
        return text

    def _secrets(self, key: Key, name: str, value: Any) -> Secrets:
        """Read one secret or a list of them, newest first. A wrong one is described, never shown."""
        many = value if isinstance(value, list | tuple) else [value]
        for secret in many:
            # A number is what the environment makes of a secret of digits. Anything else would sign as its repr.
            if not isinstance(secret, str | int) or isinstance(secret, bool):
                self._problem("LC102", name, f"a secret is text, not {type(secret).__name__}", key.where)
            elif not _fits(key, str(secret)):
                what = f"a secret of {len(str(secret))} characters does not look right"
                self._problem("LC102", name, what, key.where)
        return Secrets(map(str, many))

    def _provider(self, name: Any) -> str | None:
        if name in (None, "", False):
            return None
        known = providers.names()
        if not isinstance(name, str) or name not in known:
            near = difflib.get_close_matches(str(name), known, 1, cutoff=0.4)
            fix = f"Did you mean {near[0]!r}?" if near else f"It must be one of {', '.join(known)}, or None."
            self._problem("LC102", "PROVIDER", f"{shown(name)} is not a provider", fix)
        elif name not in self.values:
            provider = providers.load(name)
            needed = [f"{PREFIX}{name.upper()}_{key.name}" for key in provider.keys if key.required]
            has_stand_in = providers.has_stand_in(name)
            sandbox = ", or LIVECHAT_SANDBOX=True to start without an account" if has_stand_in else ""
            fix = f"Set {', '.join(needed)}{sandbox}."
            self._problem("LC103", "PROVIDER", f"{provider.title} is not configured", fix)
        return str(name)

    def _check_stand_ins(self) -> None:
        """Find each vendor without a stand-in: in the sandbox a vendor's own servers are never asked."""
        named = {*self.values, self.core["PROVIDER"]} & {*providers.names()} if self.core["SANDBOX"] else set[str]()
        for name in sorted(name for name in named if not providers.has_stand_in(name)):
            title = providers.load(name).title
            fix = f"Remove LIVECHAT_SANDBOX, or every key of {title}."
            self._problem("LC106", "SANDBOX", f"{title} has no stand-in for the sandbox", fix)

    def _rules(self, given: Any) -> tuple[Rule, ...]:
        if not isinstance(given, list | tuple) or not all(isinstance(rule, Mapping) for rule in given):
            fix = 'Such as [{"path": "/admin/*", "show": False}]. '
            fix += f"""{IN_JSON}RULES='[{{"path": "/admin/*", "show": false}}]'."""
            self._problem("LC105", "RULES", "must be a list of dicts", fix)
            return ()
        key = PREFIX + "RULES"
        made = [rules.make(f"{key}[{n}]", fields, tuple(self.values)) for n, fields in enumerate(given)]
        for n, (_, wrong) in enumerate(made):
            self.problems += [Problem("LC105", f"{key}[{n}]", what, RULES_HELP) for what in wrong]
        return tuple(rule for rule, _ in made)

    def _parsed(self, name: str, parse: Callable[[Any], Any], code: str, example: str) -> Any:
        """What a key's own parser makes of it; None, and a problem, where that cannot be."""
        try:
            return None if self.core[name] is None else parse(self.core[name])
        except (ValueError, AttributeError, TypeError) as error:
            what = str(error) if isinstance(error, ValueError) else "must be a dict"
            self._problem(code, name, what, f"Such as {example}. {IN_JSON}{name}='{example}'.")
            return None

    def _position(self, given: Any) -> Mapping[str, Any]:
        merged = {**POSITION, **given} if isinstance(given, Mapping) else {}
        sides = merged.get("side") in ("left", "right")
        pixels = [merged.get(name) for name in POSITION if name != "side"]
        if not sides or not all(whole_number(n, 0, 1000) for n in pixels) or merged.keys() != POSITION.keys():
            fix = "It takes side ('left' or 'right') and x, y, mobile_x, mobile_y (whole pixels up to 1000)."
            fix += f""" {IN_JSON}POSITION='{{"side": "left", "x": 20}}'."""
            self._problem("LC102", "POSITION", f"{shown(given)} is not a valid value", fix)
            return POSITION
        return MappingProxyType(merged)

    def _check_desk(self, name: str, method: str) -> None:
        """Check that the desk can do, and may do, what it is to do by itself."""
        vendor = self.core["PROVIDER"]
        if vendor is None:
            self._problem("LC103", "PROVIDER", f"is needed for {PREFIX}{name}", "Set its keys.")
        if vendor not in self.values:
            return  # another problem says so by now
        provider, api = providers.load(vendor), providers.api(vendor)
        if api is None or method not in api.methods:
            self._problem("LC108", name, f"{provider.title}'s API cannot do that", "Leave the key out.")
            return
        if find_spec("stamina") is None:
            fix = "pip install Flask-LiveChat[desk], or leave the key out."
            self._problem("LC108", name, "needs the extra [desk]", fix)
        keys_by_name = {key.name: key for key in provider.keys}
        for key in (keys_by_name[need] for need in api.needs if not self.values[vendor].get(need)):
            self._problem("LC103", f"{vendor.upper()}_{key.name}", f"is needed for {PREFIX}{name}", key.where)
        if self.core["CONSENT"] in ("required", "click"):
            fix = "Make LIVECHAT_CONSENT a callable that says whether this request's visitor has agreed."
            self._problem("LC108", name, "the server cannot see a consent that is given in the browser", fix)

    def _check_extras(self) -> None:
        core = self.core
        if core["CELERY"] and not all(find_spec(name) for name in ("celery", "sqlalchemy")):
            fix = "pip install Flask-LiveChat[desk,celery], or leave the key out."
            self._problem("LC109", "CELERY", "needs the extras [desk] and [celery]", fix)
        if core["ARTICLES"] and not all(find_spec(name) for name in ("frontmatter", "markdown_it", "snowballstemmer")):
            fix = "pip install Flask-LiveChat[articles], or leave the key out."
            self._problem("LC110", "ARTICLES", "needs the extra [articles]", fix)
        if core["ARTICLE_PAGES"] and not core["ARTICLES"]:
            fix = "Set it to the folder of the articles, such as 'help'."
            self._problem("LC103", "ARTICLES", f"is needed for {PREFIX}ARTICLE_PAGES", fix)


def _fits(key: Key, text: str) -> bool:
    return text.isprintable() and re.fullmatch(key.pattern, text) is not None

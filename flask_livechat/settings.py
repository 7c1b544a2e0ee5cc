"""Read ``app.config`` into ``Settings``, or raise ``ConfigError`` with every ``Problem``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
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
# What people write until they have a secret: changeme, your-secret-here, <secret>, xxxxxxxx, ${SECRET}.
PLACEHOLDER = re.compile(
    r"(change|replace|put|insert|enter|todo|fixme|your|my|dummy|fake|placeholder)[\W_]*(me|it|this|here|secret|key|token)?"
    r"([\W_]\D*)?|(secret|password|example|default|none|null|key|token)[\W_]*\w{0,4}|<.*>|\$\{?\w+\}?|[x*.]+",
    re.IGNORECASE | re.DOTALL,
)


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
    problems: list[Problem] = []
    given = dict(livechat_config(config))
    _unknown(given, problems)
    core = {name: _option(name, option, given, problems) for name, option in OPTIONS.items()}
    if core["SANDBOX"] and core["SANDBOX"] != "allow" and not development:
        why = "the sandbox does not start outside debug or testing: its visitors would reach nobody"
        fix = "Use `flask run --debug`, in tests FLASK_DEBUG=1 or TESTING before LiveChat(app); 'allow' insists."
        problems.append(Problem("LC106", PREFIX + "SANDBOX", why, fix))
    known = {name: providers.load(name) for name in providers.names()}
    values = {
        name: own
        for name, provider in known.items()
        if (own := _read_provider(provider, given, bool(core["SANDBOX"]), problems)) is not None
    }
    core["PROVIDER"] = _provider(core["PROVIDER"], values, known, problems)
    if core["SANDBOX"]:
        problems += _missing_stand_ins({*values, core["PROVIDER"]} & known.keys())
    core["RULES"] = _rules(core["RULES"], values, problems)
    example = '{"tz": "Europe/Berlin", "mon-fri": "09:00-17:00"}'
    core["OFFICE_HOURS"] = _parsed(core, "OFFICE_HOURS", office_hours.parse, "LC107", example, problems)
    example = '{"first_response": 120, "deflection": [0.3, 0.5]}'
    core["TARGETS"] = _parsed(core, "TARGETS", targets.parse, "LC102", example, problems)
    core["POSITION"] = _position(core["POSITION"], problems)
    core["SANDBOX"] = bool(core["SANDBOX"])
    for name, method in (("ON_ERROR", "conversations.start"), ("TRACK_VIA", "contacts.event")):
        if core[name] != OPTIONS[name].default:
            _by_the_desk(name, method, core, values, problems)
    if core["CELERY"] and not all(find_spec(name) for name in ("celery", "sqlalchemy")):
        fix = "pip install Flask-LiveChat[desk,celery], or leave the key out."
        problems.append(Problem("LC109", PREFIX + "CELERY", "needs what the extras [desk] and [celery] bring", fix))
    if core["ARTICLES"] and not all(find_spec(name) for name in ("frontmatter", "markdown_it", "snowballstemmer")):
        fix = "pip install Flask-LiveChat[articles], or leave the key out."
        problems.append(Problem("LC110", PREFIX + "ARTICLES", "needs what the extra [articles] brings", fix))
    if core["ARTICLE_PAGES"] and not core["ARTICLES"]:
        fix = "Set it to the folder of the articles, such as 'help'."
        problems.append(Problem("LC103", PREFIX + "ARTICLES", f"is needed for {PREFIX}ARTICLE_PAGES", fix))
    if problems:
        raise ConfigError(problems)
    return Settings(**{name.lower(): value for name, value in core.items()}, providers=MappingProxyType(values))


def cautions(read: Settings, *, testing: bool) -> Iterator[str]:
    """Yield what does not keep an app from starting, and is hardly meant. Tests have secrets of their own."""
    named = [name for name in read.providers if any(rule.what.get("provider") == name for rule in read.rules)]
    if read.provider is None and read.providers and not named and not read.sandbox:
        first = next(iter(read.providers))
        needed = [(name, key) for name in read.providers for key in providers.load(name).keys if key.required]
        keys = [f"{PREFIX}{name.upper()}_{key.name}" for name, key in needed]
        yield f"{', '.join(keys)} without LIVECHAT_PROVIDER: no page gets chat. Set LIVECHAT_PROVIDER = {first!r}."
    if read.inbox and not read.webhook_providers:
        yield "LIVECHAT_INBOX without any vendor's webhook secret: there is no inbox, for nothing fills it."
    if read.keep_questions and read.keep_days is None:
        yield "LIVECHAT_KEEP_QUESTIONS without LIVECHAT_KEEP_DAYS: what visitors ask is kept for good."
    for key, what in () if testing else weak_secrets(read):
        yield f"{key} {what}. Whoever guesses it signs as anybody."


def weak_secrets(read: Settings) -> Iterator[tuple[str, str]]:
    """Yield the keys of secrets that no vendor has made, and what is wrong with each, without the secret."""
    for name, values in read.providers.items():
        for key in providers.load(name).keys:
            for value in values.get(key.name) or () if key.secret else ():
                if read.sandbox and value == key.example:
                    continue
                if value == key.example or PLACEHOLDER.fullmatch(value):
                    yield f"{PREFIX}{name.upper()}_{key.name}", "is a placeholder"
                elif len(value) < key.min_chars:
                    what = f"has {len(value)} characters, where {key.min_chars} are the least that is safe"
                    yield f"{PREFIX}{name.upper()}_{key.name}", what


def _by_the_desk(
    name: str, method: str, core: Mapping[str, Any], values: Mapping[str, Values], problems: list[Problem]
) -> None:
    """Check that the desk can do, and may do, what it is to do by itself."""
    vendor, api = core["PROVIDER"], providers.api(core["PROVIDER"]) if core["PROVIDER"] else None
    if vendor is None:
        problems.append(Problem("LC103", PREFIX + "PROVIDER", f"is needed for {PREFIX}{name}", "Set its keys."))
    if vendor not in values:
        return  # another problem says so by now
    loaded = providers.load(vendor)
    if api is None or method not in api.methods:
        problems.append(Problem("LC108", PREFIX + name, f"{loaded.title}'s API cannot do that", "Leave the key out."))
        return
    if find_spec("stamina") is None:
        fix = "pip install Flask-LiveChat[desk], or leave the key out."
        problems.append(Problem("LC108", PREFIX + name, "needs what the extra [desk] brings", fix))
    keys = {key.name: key for key in loaded.keys}
    for key in (keys[need] for need in api.needs if not values[vendor].get(need)):
        what = f"is needed for {PREFIX}{name}"
        problems.append(Problem("LC103", f"{PREFIX}{vendor.upper()}_{key.name}", what, key.where))
    if core["CONSENT"] in ("required", "click"):
        fix = "Make LIVECHAT_CONSENT a callable that says whether this request's visitor has agreed."
        what = "the server cannot see an agreement that is made in the browser"
        problems.append(Problem("LC108", PREFIX + name, what, fix))


def _unknown(given: Mapping[str, Any], problems: list[Problem]) -> None:
    known = keys()
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, cutoff=0.5)
            fix = f"Did you mean {near[0]}?" if near else "Remove it."
            problems.append(Problem("LC101", key, "there is no such key", fix))


def _option(name: str, option: Option, given: Mapping[str, Any], problems: list[Problem]) -> Any:
    value = given.get(PREFIX + name, option.default)
    if isinstance(option.default, bool) and isinstance(value, str) and value.lower() in ("true", "false"):
        value = value.lower() == "true"  # people write True in the environment, where JSON wants it in lower case
    try:
        right = option.check(value)
    except TypeError:  # the check wants a value that can be hashed, say
        right = False
    if not right:
        # The URL of a database may hold a password, and a nonce is one.
        what = "a value" if name in ("DATABASE_URL", "NONCE") else shown(value)
        problems.append(Problem("LC102", PREFIX + name, f"{what} is not right", f"It must be {option.expected}."))
        return option.default
    # Many hosts of databases write "postgres", which SQLAlchemy does not know.
    return re.sub(r"^postgres(?=[+:])", "postgresql", value) if name == "DATABASE_URL" and value else value


def _read_provider(
    provider: Provider, given: Mapping[str, Any], sandbox: bool, problems: list[Problem]
) -> Values | None:
    """Return a vendor's values, or None if nothing of it is configured. In the sandbox examples fill its gaps."""
    sandbox = sandbox and providers.has_stand_in(provider.name)
    prefix = f"{PREFIX}{provider.name.upper()}_"
    raw = {key.name: given.get(prefix + key.name) for key in provider.keys}
    if not sandbox and all(value in (None, "") for value in raw.values()):
        return None
    values: dict[str, Any] = {}
    for key in provider.keys:
        value = raw[key.name]
        if value in (None, "", [], ()):
            value = key.default or (key.example if sandbox and (key.required or key.secret or key.credential) else None)
            if value is None and key.required:
                problems.append(Problem("LC103", prefix + key.name, f"is missing for {provider.title}", key.where))
        if value is not None:
            values[key.name] = (
                _secrets(key, prefix, value, problems) if key.secret else _plain(key, prefix, value, problems)
            )
    return MappingProxyType(values)


def _plain(key: Key, prefix: str, value: Any, problems: list[Problem]) -> str:
    text = str(value)
    if (isinstance(value, float) and key.name != "API_VERSION") or isinstance(value, bool):
        # from_prefixed_env reads FLASK_…=12e4 as a number; the id is lost by then.
        what = "was read as a number, which changes it"
        problems.append(
            Problem("LC104", prefix + key.name, what, "Put it in quotes, also in the environment: '\"12e4\"'.")
        )
    elif not _fits(key, text):
        what = f"{shown(value)} does not look right"
        if re.fullmatch(r"\w+(\|\w+)+", key.pattern):
            what = f"{shown(value)} is not one of {', '.join(map(repr, key.pattern.split('|')))}"
        problems.append(Problem("LC102", prefix + key.name, what, key.where))
    return text


def _fits(key: Key, text: str) -> bool:
    return text.isprintable() and re.fullmatch(key.pattern, text) is not None


def _secrets(key: Key, prefix: str, value: Any, problems: list[Problem]) -> Secrets:
    """Read one secret or a list of them, newest first. A wrong one is described, never shown."""
    many = value if isinstance(value, list | tuple) else [value]
    for secret in many:
        # A number is what the environment makes of a secret of digits. Anything else would sign as its repr.
        if not isinstance(secret, str | int) or isinstance(secret, bool):
            what = f"a secret is text, not {type(secret).__name__}"
        elif not _fits(key, str(secret)):
            what = f"a secret of {len(str(secret))} characters does not look right"
        else:
            continue
        problems.append(Problem("LC102", prefix + key.name, what, key.where))
    return Secrets(map(str, many))


def _provider(
    name: Any, values: Mapping[str, Values], known: Mapping[str, Provider], problems: list[Problem]
) -> str | None:
    if name in (None, "", False):
        return None
    if not isinstance(name, str) or name not in known:
        near = difflib.get_close_matches(str(name), known, 1, cutoff=0.4)
        fix = f"Did you mean {near[0]!r}?" if near else f"It must be one of {', '.join(known)}, or None."
        problems.append(Problem("LC102", PREFIX + "PROVIDER", f"{shown(name)} is not a provider", fix))
    elif name not in values:
        needed = [f"{PREFIX}{name.upper()}_{key.name}" for key in known[name].keys if key.required]
        sandbox = ", or LIVECHAT_SANDBOX=True to start without an account" if providers.has_stand_in(name) else ""
        fix = f"Set {', '.join(needed)}{sandbox}."
        problems.append(Problem("LC103", PREFIX + "PROVIDER", f"{known[name].title} is not configured", fix))
    return str(name)


def _missing_stand_ins(names: Iterable[str]) -> Iterator[Problem]:
    """Yield a problem for each vendor without a stand-in: in the sandbox a vendor's own servers are never asked."""
    for name in sorted(name for name in names if not providers.has_stand_in(name)):
        title = providers.load(name).title
        fix = f"Leave it out, or every key of {title}'s."
        yield Problem("LC106", PREFIX + "SANDBOX", f"{title} has no stand-in for the sandbox", fix)


def _rules(given: Any, values: Mapping[str, Values], problems: list[Problem]) -> tuple[Rule, ...]:
    key = PREFIX + "RULES"
    if not isinstance(given, list | tuple) or not all(isinstance(rule, Mapping) for rule in given):
        fix = 'Such as [{"path": "/admin/*", "show": False}]. '
        fix += f"""{IN_JSON}RULES='[{{"path": "/admin/*", "show": false}}]'."""
        problems.append(Problem("LC105", key, "must be a list of dicts", fix))
        return ()
    made = [rules.make(f"{key}[{n}]", fields, tuple(values)) for n, fields in enumerate(given)]
    for n, (_, wrong) in enumerate(made):
        problems += [Problem("LC105", f"{key}[{n}]", what, RULES_HELP) for what in wrong]
    return tuple(rule for rule, _ in made)


def _parsed(
    core: Mapping[str, Any], name: str, parse: Callable[[Any], Any], code: str, example: str, problems: list[Problem]
) -> Any:
    """What a key's own parser makes of it; None, and a problem, where that cannot be."""
    try:
        return None if core[name] is None else parse(core[name])
    except (ValueError, AttributeError, TypeError) as error:
        what = str(error) if isinstance(error, ValueError) else "must be a dict"
        problems.append(Problem(code, PREFIX + name, what, f"Such as {example}. {IN_JSON}{name}='{example}'."))
        return None


def _position(given: Any, problems: list[Problem]) -> Mapping[str, Any]:
    merged = {**POSITION, **given} if isinstance(given, Mapping) else {}
    sides = merged.get("side") in ("left", "right")
    pixels = [merged.get(name) for name in POSITION if name != "side"]
    if not sides or not all(whole_number(n, 0, 1000) for n in pixels) or merged.keys() != POSITION.keys():
        fix = "It takes side ('left' or 'right') and x, y, mobile_x, mobile_y (whole pixels up to 1000)."
        fix += f""" {IN_JSON}POSITION='{{"side": "left", "x": 20}}'."""
        problems.append(Problem("LC102", PREFIX + "POSITION", f"{shown(given)} is not right", fix))
        return POSITION
    return MappingProxyType(merged)

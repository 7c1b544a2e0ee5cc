"""LC4xx: secrets where browsers can read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..settings import weak_secrets
from ..widget.secret_scanner import secrets, unguarded
from .findings import Level, Match, Place, check
from .reading import at
from .snippets import vendors
from .survey import Survey, guard_of


def configured(survey: Survey) -> dict[str, str]:
    """Value -> key."""
    values = secrets(survey.settings.providers, sandbox=survey.settings.sandbox)
    return {value: key for key, value in values}


@check(
    "LC401",
    Level.ERROR,
    "A configured secret is in a page",
    why="Everybody who opens the page can read it.",
    fix="Remove it, create a new one at the vendor, and check where else it is.",
)
def in_a_page(survey: Survey) -> Iterable[Match]:
    for place, key in survey.leaks:
        yield Match(place, f"the value of {key}")


@check(
    "LC405",
    Level.WARNING,
    "A secret that is easy to guess",
    why="An attacker who guesses it can act as any of your visitors, or as the vendor.",
    fix="Use the one that the vendor created. If you choose it yourself: python -c 'import secrets; "
    "print(secrets.token_hex())'.",
)
def guessable(survey: Survey) -> Iterable[Match]:
    for key, what in weak_secrets(survey.settings):
        yield Match(Place(key), what)


@check(
    "LC402",
    Level.ERROR,
    "A configured secret is in a template or a static file",
    why="Anybody can read static files and the output of templates, and both are in your repository.",
    fix="Remove it, create a new one at the vendor, and keep it in the environment.",
)
def in_a_file(survey: Survey) -> Iterable[Match]:
    known, keys = guard_of(survey.app), set(configured(survey).values())
    for template in survey.templates:
        for name, line in template.keys:
            if name in keys or (name == "*" and keys):
                what = name if name != "*" else "the whole configuration"
                yield Match(Place(template.place.name, line, True), f"writes {what} into the page")
        if key := known.key_in(template.source.encode()):
            yield Match(template.place, f"the value of {key}")
    for place, key in survey.leaking:
        yield Match(place, f"the value of {key}")


@check(
    "LC403",
    Level.ERROR,
    "A value that looks like a vendor's secret",
    why="Everybody who opens the page can read it.",
    fix="If it is one, remove it, create a new one at the vendor, and keep it in the environment.",
)
def shaped(survey: Survey) -> Iterable[Match]:
    known = configured(survey)
    seen: set[str] = set()
    texts = [(template.place, template.source) for template in survey.templates]
    texts += [(file.place, file.source) for file in survey.files]
    texts += [(page.place, page.html) for page in survey.pages]
    for provider, signs in vendors():
        for place, text in texts:
            for match in re.finditer(signs.leaks, text):
                value = match[match.lastindex or 0]
                if value not in known and (value not in seen or place.file):
                    seen.add(value)
                    yield Match(at(place, text, match.start()), f"a text like a secret of {provider.title}")


@check(
    "LC404",
    Level.ERROR,
    "A secret under a name that ships to browsers",
    why="Build tools put every variable with such a name into the JavaScript that they build.",
    fix="Use the LIVECHAT_… key only, and create a new secret at the vendor.",
)
def shipped(survey: Survey) -> Iterable[Match]:
    # Names by which build tools put a variable into the browser's bundle.
    bundled = r"(NEXT_PUBLIC|VITE|REACT_APP|VUE_APP|NUXT_PUBLIC|EXPO_PUBLIC|GATSBY|PUBLIC|SNOWPACK_PUBLIC)_"
    known = configured(survey)
    titles = "|".join(provider.name for provider, _ in vendors())
    for where, name, value in _variables(survey):
        if not re.match(bundled, name):
            continue
        telling = re.search(rf"({titles})\w*(SECRET|API_KEY|ACCESS_TOKEN)", name, re.IGNORECASE)
        if value in known or (telling and value):
            yield Match(Place(where, file=where != "environment"), f"{name} is for browsers, and its value is not")


@check(
    "LC406",
    Level.INFO,
    "A secret that is not searched for in your pages",
    why="A page may contain such a text by chance, so neither the secret guard nor the doctor looks for it.",
    fix="Create a longer, random one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
)
def not_looked_for(survey: Survey) -> Iterable[Match]:
    for key, why in unguarded(survey.settings.providers, sandbox=survey.settings.sandbox):
        yield Match(Place(key), why)


def _variables(survey: Survey) -> Iterator[tuple[str, str, str]]:
    for name, value in survey.environment.items():
        yield "environment", name, value
    for name, value in survey.app.config.items():
        if isinstance(value, str):
            yield "environment", str(name), value
    for folder in dict.fromkeys((Path(survey.app.root_path), Path.cwd())):
        for name in (".env", ".env.local", ".env.production", ".env.development"):
            path = folder / name
            if path.is_file():
                for line in path.read_text("utf-8", "replace").splitlines():
                    variable, _, value = line.removeprefix("export ").partition("=")
                    yield name, variable.strip(), value.strip().strip("'\"")

"""Tables in docs/ that are made: of the vendors' rooms, and of the commands. ``python -m docs.checks`` writes them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from docs.checks import methods, table
from flask_livechat import cli, providers
from flask_livechat.providers import Key, Provider
from flask_livechat.widget.rules import KINDS

FOLDER = Path(__file__).parent
MADE = "made by `make docs-checks`"
BETWEEN = re.compile(r"(\.\. begin of (\w+): " + re.escape(MADE) + r" .*\n\n)(?:.|\n)*?(\.\. end of \2\n)")
CODE = re.compile(r"""(\?key=|python -c ".*")""")  # in the words of a room
WIDTH = 96
ABOUT = "\n".join(
    (
        "This page is for developers and operators. It lists all commands with their options. They are subcommands of",
        "your app's ``flask``. On the sandbox they need debug mode: ``flask --debug livechat …``.",
    )
)
CAPABILITIES: Mapping[str, str] = {
    "presence": "``livechat:status`` events: agents come and go",
    "rating": "``livechat:rating`` events",
    "message": "``data-livechat-message``: a message that is written already",
    **{kind: f'``livechat.start("{kind}", id)``, and in a rule' for kind in KINDS},
    "segment": "``livechat.segment(…)`` in a view: segments, or tags",
    "unsegment": "``livechat.unsegment(…)`` in a view",
    "offsets": "``LIVECHAT_POSITION`` in pixels; without it only the side",
}


def pages() -> dict[Path, str]:
    """Every page with something that is made in it, as it should be."""
    vendors = {FOLDER / "vendors" / f"{name}.rst": dict(of_vendor(name)) for name in providers.names()}
    shared = {"comparison": comparison(), "vendors": "\n\n".join(keys_of_all())}
    made = {**dict.fromkeys((FOLDER / "choosing.rst", FOLDER / "configuration.rst"), shared), **vendors}
    found = {path: filled(path.read_text("utf-8"), tables) for path, tables in made.items()}
    return {**found, FOLDER / "commands.rst": "\n".join(commands())}


def filled(page: str, tables: Mapping[str, str]) -> str:
    """A page with the tables between its marks made anew."""
    return BETWEEN.sub(lambda match: f"{match[1]}{tables[match[2]]}\n\n{match[3]}", page)


# -- vendors -----------------------------------------------------------------------------------------------------------


def keys_of_all() -> Iterator[str]:
    for name in providers.names():
        yield f":doc:`{providers.load(name).title} <vendors/{name}>`"
        yield dict(of_vendor(name))["keys"]


def of_vendor(name: str) -> Iterator[tuple[str, str]]:
    room = providers.load(name)
    yield "keys", table([("Key", "For", "Secret", "Where it is found"), *_keys(room)])
    yield "capabilities", table([("In the browser", ""), *_capabilities(room)])
    yield "methods", _missing(name)
    yield "policy", table(_policy(room))
    yield "traces", table([("What", "Name"), *_traces(room)])


def _keys(room: Provider) -> Iterator[tuple[str, ...]]:
    for key in room.keys:
        whole = f"``LIVECHAT_{room.name.upper()}_{key.name}``"
        where = _wrapped(CODE.sub(r"``\1``", key.where), 60)
        default = f" (``{key.default}``)" if key.default else ""
        yield whole, _use(room, key) + default, "yes" if key.secret else "", where


def _use(room: Provider, key: Key) -> str:
    desk, hooks = providers.api(room.name), providers.webhooks(room.name)
    uses = {
        "chat": key.required,
        "identity": key.name == room.identity,
        "desk": desk is not None and key.name in desk.needs,
        "webhooks": hooks is not None and key.name in hooks.secrets,
    }
    return ", ".join(use for use, holds in uses.items() if holds) or key.use


def _capabilities(room: Provider) -> Iterator[tuple[str, str]]:
    for name, what in CAPABILITIES.items():
        yield what, "yes" if name in room.can else "no"


def _missing(name: str) -> str:
    """What the vendor's desk cannot do."""
    room = providers.api(name)
    every = [method for method, _, _ in methods()]
    missing = [method for method in every if room is None or method not in room.methods]
    count = f"{len(every) - len(missing)} of the desk's {len(every)} methods"
    without = ", ".join(f"``{method}``" for method in missing)
    said = f"{count}: all but {without}." if missing else f"{count}: all of them."
    return "\n".join(textwrap.wrap(said, 118, break_on_hyphens=False))


def _policy(room: Provider) -> Iterator[tuple[str, ...]]:
    """By region, where the vendor has several: first what each of them needs."""
    region = next((key for key in room.keys if key.use == "region"), None)
    values = _required(room)
    if region is None:
        yield "Directive", "Sources"
        yield from ((f"``{name}``", _literals(sources)) for name, sources in room.csp(values).items())
        return
    yield "Directive", "Region", "Sources"
    needs = {name: room.csp({**values, region.name: name}) for name in region.pattern.split("|")}
    for directive, first in next(iter(needs.values())).items():
        shared = [one for one in first if all(one in each[directive] for each in needs.values())]
        yield f"``{directive}``", "all", _literals(shared)
        for name, each in needs.items():
            if own := [one for one in each[directive] if one not in shared]:
                yield f"``{directive}``", f"``{name}``", _literals(own)


def _traces(room: Provider) -> Iterator[tuple[str, str]]:
    values: dict[str, Any] = {key.name: f"<{key.name}>" for key in room.keys}
    yield from (("cookie", f"``{name}``") for name in room.cookies(values))
    yield from (("storage", f"``{name}``") for name in room.storage(values))


def comparison() -> str:
    rooms = [providers.load(name) for name in providers.names()]
    every = len([*methods()])
    can = [(what, *("yes" if name in room.can else "" for room in rooms)) for name, what in CAPABILITIES.items()]
    desks = [providers.api(room.name) for room in rooms]
    counts = (f"{len(desk.methods) if desk else 0} of {every}" for desk in desks)
    counted = ("Methods of :doc:`the desk <desk>`", *counts)
    hosts = ("Hosts and wildcards in the policy, all regions", *(str(len(_hosts(room))) for room in rooms))
    return table([("", *(room.title for room in rooms)), *can, counted, hosts])


def _hosts(room: Provider) -> set[str]:
    """Whatever the scheme: a socket is at the same host."""
    needs = room.csp(_required(room)).values()
    return {one.partition("://")[2] for sources in needs for one in sources if "://" in one}


def _required(room: Provider) -> dict[str, str]:
    """What the vendor cannot be without, as an example: an address of one's own, say."""
    return {key.name: key.example for key in room.keys if key.required}


def _literals(sources: Iterable[str]) -> str:
    return _wrapped(" ".join(f"``{source}``" for source in sources), WIDTH)


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False))


# -- commands ----------------------------------------------------------------------------------------------------------


def commands() -> Iterator[str]:
    yield from (f".. {MADE} out of flask_livechat/cli/", "", "Commands", "========", "")
    yield from (ABOUT, "")
    for name, command in sorted(_leaves(cli.group, "flask livechat")):
        yield from _command(name, command)


def _leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for word, part in command.commands.items():
            yield from _leaves(part, f"{name} {word}")
    else:
        yield name, command


def _command(name: str, command: click.Command) -> Iterator[str]:
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    options = [one for one in command.params if isinstance(one, click.Option)]
    title = " ".join([name, *map(_argument, arguments)])
    yield from (title, "-" * len(title), "")
    for paragraph in textwrap.dedent("        " + (command.help or "")).strip().split("\n\n"):
        yield from (*textwrap.wrap(_marked(" ".join(paragraph.split())), 118), "")
    for option in options:
        yield f"``{_spelled(option)}``"
        yield f"   {_said(option)}"
    if options:
        yield ""


def _argument(argument: click.Argument) -> str:
    name = argument.metavar or str(argument.name).upper()
    return name if argument.required else f"[{name}]"


def _spelled(option: click.Option) -> str:
    if option.is_flag:
        return option.opts[0]
    value = option.metavar or ("|".join(option.type.choices) if isinstance(option.type, click.Choice) else "TEXT")
    return f"{option.opts[0]} {value if not isinstance(option.type, click.IntRange | click.FloatRange) else 'N'}"


def _said(option: click.Option) -> str:
    default = f" (``{option.default}``)" if option.show_default else ""
    return (_marked(option.help or "One of these.") + default).strip()


def _marked(text: str) -> str:
    """Options, keys and commands as literals, where they are not by now."""
    return re.sub(r"(?<!`)(--[a-z]+|LIVECHAT_[A-Z_]+)(?!`)", r"``\1``", text)

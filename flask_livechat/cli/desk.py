"""``flask livechat desk …``: the desk in a terminal. Thin: it asks the desk and prints."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta, tzinfo
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, Any

import click
from flask.cli import AppGroup, with_appcontext

from ..errors import ApiError, Forbidden, LiveChatError, Unauthorized, Unsupported, VendorDown
from ..safe_text import terminal_text
from ..state import current_state

if TYPE_CHECKING:
    from ..desk.desk import Desk
    from ..extension import LiveChat
    from ..model import Conversation

group = AppGroup("desk", help="Conversations and contacts at the vendor's, from a terminal.")
WAIT = 2.0  # seconds for a server on the same machine
MANY = 100  # items of a list, if not said otherwise
Command = Callable[..., None]


def command(name: str) -> Callable[[Command], click.Command]:
    """A command that is handed the desk, and says in one line what went wrong."""

    def decorate(run: Command) -> click.Command:
        @wraps(run)
        def wrapped(provider: str | None, at: str, **options: Any) -> None:
            with _told(at):
                run(opened(provider, at), **options)

        made: click.Command = group.command(name)(with_appcontext(whose(where(wrapped))))
        return made

    return decorate


def opened(provider: str | None, at: str) -> Desk:
    livechat: LiveChat = current_state().livechat
    if not livechat.settings.sandbox:
        return livechat.desk(provider)
    name, values = livechat.account(provider)
    if not at.startswith(("http://", "https://")):
        raise click.BadParameter("it begins with http:// or https://", param_hint="--at")
    livechat.desk(provider)  # says what is missing
    from ..desk import http  # noqa: PLC0415 - and this
    from ..desk.desk import open_desk  # noqa: PLC0415 - after what it needs has been found

    logging.getLogger("stamina").setLevel(logging.ERROR)  # that it tries again is nobody's news here
    # The sandbox' conversations are in the memory of the server: another process than this one.
    base = f"{at.rstrip('/')}{livechat.settings.url_prefix}/sandbox/rest/{name}"
    return open_desk(name, values, livechat.now, http.LOCAL, base, WAIT)


whose = click.option("--provider", metavar="NAME", help="Another one than LIVECHAT_PROVIDER.")
where = click.option(
    "--at",
    metavar="URL",
    default="http://127.0.0.1:5000",
    show_default=True,
    help="On the sandbox: where your app runs.",
)


as_json = click.option("--json", "raw", is_flag=True, help="As JSON, one object a line.")
how_many = click.option("--limit", default=MANY, show_default=True, type=click.IntRange(1), help="How many at most.")


@command("conversations")
@click.option("--state", type=click.Choice(["open", "pending", "snoozed", "closed"]), help="Only those in this state.")
@click.option("--since", metavar="WHEN", help="Changed since: 30d, 12h, or 2026-11-21.")
@click.option("--search", metavar="TEXT", help="With this text in them.")
@how_many
@as_json
def conversations(desk: Desk, state: str | None, since: str | None, search: str | None, limit: int, raw: bool) -> None:
    """List conversations, newest first."""
    moment = None if since is None else since_when(since)
    found: Iterator[Conversation]
    if search:  # no vendor's search takes more than a text
        every = desk.conversations.search(search)
        found = (one for one in every if state in (None, one.state) and _is_since(one, moment))
    else:
        found = desk.conversations.list(state, moment)  # type: ignore[arg-type]  # click has checked it
    _print(
        islice(found, limit),
        raw,
        lambda one: {
            "id": one.id,
            "state": one.state,
            "changed": _when(one.updated_at),
            "who": (one.contact and (one.contact.name or one.contact.email)) or "",
            "tags": ", ".join(one.tags),
        },
    )


@command("show")
@click.argument("id")
@as_json
def show(desk: Desk, id: str, raw: bool) -> None:
    """Print what was said in the conversation ID."""
    for one in desk.conversations.messages(id):
        if raw:
            click.echo(_line(one))
        else:
            note = " (note)" if one.kind == "note" else ""
            text = terminal_text(one.text or f"({one.kind})", lines=True).replace("\n", "\n    ")
            click.echo(f"{_when(one.at)}  {terminal_text(one.author_name or one.author)}{note}: {text}")


@command("reply")
@click.argument("id")
@click.argument("text")
@click.option("--note", is_flag=True, help="For agents only.")
def reply(desk: Desk, id: str, text: str, note: bool) -> None:
    """Answer in the conversation ID. TEXT may be - to read it from standard input."""
    said = sys.stdin.read() if text == "-" else text
    (desk.conversations.note if note else desk.conversations.reply)(id, said)
    click.echo("Noted." if note else "Sent.")


@command("close")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def close(desk: Desk, ids: tuple[str, ...]) -> None:
    """Close conversations. One that cannot be closed does not keep the others open."""
    failed = 0
    for each in ids:
        try:
            desk.conversations.close(each)
        except (ApiError, ValueError) as error:
            failed += 1
            click.echo(terminal_text(f"{each} is not: {error}"), err=True)
        else:
            click.echo(f"{each} is closed.")
    if failed:
        raise click.exceptions.Exit(1)


@command("contacts")
@click.option("--id", help="By the vendor's id, or yours where the vendor keeps it.")
@click.option("--email", help="By the address.")
@as_json
def contacts(desk: Desk, id: str | None, email: str | None, raw: bool) -> None:
    """Look somebody up, and their conversations."""
    if (id is None) == (email is None):
        raise click.UsageError("give --id or --email")
    found = desk.contacts.find(id=id, email=email)
    if found is None:
        raise click.ClickException("nobody is known by that")
    theirs = [one.id for one in desk.contacts.conversations(found.id)] if desk.can("contacts.conversations") else []
    if raw:
        click.echo(json.dumps(_plain(found) | {"conversations": theirs}, default=_text))
        return
    for name, value in (_plain(found) | {"conversations": ", ".join(theirs)}).items():
        if value:
            click.echo(f"{name:<14} {terminal_text(str(value))}")


@command("ping")
def ping(desk: Desk) -> None:
    """Check the credentials, and what they allow to be read."""
    tries: Mapping[str, Callable[[], Iterable[Any]]] = {
        "agents": desk.agents.list,
        "conversations": desk.conversations.list,
        "contacts": lambda: [desk.contacts.find(email="nobody@example.com")],
        "articles": desk.articles.list,
    }
    refused = 0
    for name, ask in tries.items():
        try:
            next(iter(ask()), None)
        except Unsupported:
            continue
        except Forbidden as error:
            refused += 1
            click.echo(
                f"{name:<14} not allowed: {terminal_text(str(error.code or error.status))}; the token needs that scope"
            )
        except Unauthorized:
            raise click.ClickException("the vendor does not know these credentials") from None
        else:
            click.echo(f"{name:<14} allowed")
    if refused:
        raise click.exceptions.Exit(1)


# -- printing --------------------------------------------------------------------------------------------------------


@contextmanager
def _told(at: str) -> Iterator[None]:
    """In one line, and with status 1."""
    try:
        yield
    except VendorDown as error:
        unanswered = error.status is None and current_state().settings.sandbox
        hint = f" Does your app run at {at}? See --at." if unanswered else ""
        raise click.ClickException(f"{error}.{hint}") from None
    except (LiveChatError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _print(records: Iterable[Any], raw: bool, row: Callable[[Any], Mapping[str, str]]) -> None:
    """JSON goes out as it comes; a table when all of it is here, which a terminal is told meanwhile."""
    if raw:
        for record in records:
            click.echo(_line(record))
        return
    rows = []
    for record in records:
        rows.append({name: terminal_text(cell) for name, cell in row(record).items()})
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{len(rows)} so far", err=True, nl=False)
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
    for line in _table(rows):
        click.echo(line)


def _table(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    if not rows:
        yield "None."
        return
    names = list(rows[0])
    widths = [max(len(name), *(len(row[name]) for row in rows)) for name in names]
    most = shutil.get_terminal_size((120, 24)).columns
    for cells in ([name.upper() for name in names], *([row[name] for name in names] for row in rows)):
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()[:most]


def _line(record: Any) -> str:
    return json.dumps(_plain(record), default=_text)


def _plain(record: Any) -> dict[str, Any]:
    """Without the vendor's own JSON."""
    return {
        name: {key: value for key, value in each.items() if key != "raw"} if isinstance(each, dict) else each
        for name, each in asdict(record).items()
        if name != "raw"
    }


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _is_since(one: Conversation, moment: datetime | None) -> bool:
    return moment is None or one.updated_at is None or one.updated_at >= moment


def _when(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""


def since_when(text: str, option: str = "--since", zone: tzinfo | None = None) -> datetime:
    """A moment as people type it; a day begins in ``zone``, or here. Raises ``click.BadParameter``."""
    now: datetime = current_state().livechat.now()
    units = {"d": "days", "h": "hours", "m": "minutes"}
    try:
        if text[:-1].isdecimal() and text[-1:] in units:
            return now - timedelta(**{units[text[-1]]: int(text[:-1][:9])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise click.BadParameter("it is 30d, 12h, or a date such as 2026-11-21", param_hint=option) from None
    if found.tzinfo:
        return found
    return found.replace(tzinfo=zone) if zone else found.astimezone()

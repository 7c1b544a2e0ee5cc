"""``flask livechat desk …``: the desk in a terminal. Thin: it asks the desk and prints."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
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
where = click.option(
    "--at",
    metavar="URL",
    default="http://127.0.0.1:5000",
    show_default=True,
    help="On the sandbox: where your app runs.",
)
as_json = click.option("--json", "raw", is_flag=True, help="As JSON, one object a line.")


def command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a command that is given the desk, and that ends with status 1 and one line about what went wrong."""

    def decorate(run: Callable[..., None]) -> click.Command:
        @wraps(run)
        def wrapped(provider: str | None, at: str, **options: Any) -> None:
            try:
                run(opened(provider, at), **options)
            except (LiveChatError, ValueError) as error:
                raise click.ClickException(reason(error, at)) from None

        whose = click.option("--provider", metavar="NAME", help="Another vendor than LIVECHAT_PROVIDER.")
        made: click.Command = group.command(name)(with_appcontext(whose(where(wrapped))))
        return made

    return decorate


def reason(error: Exception, at: str) -> str:
    """Say what went wrong, and on the sandbox what to do where no app answers."""
    if isinstance(error, VendorDown) and error.status is None and current_state().settings.sandbox:
        return f"{error}. Does your app run at {at}? See --at."
    return str(error)


def opened(provider: str | None, at: str) -> Desk:
    """Open a desk. On the sandbox it is over the API of the server at ``at``, whose memory has the conversations."""
    livechat: LiveChat = current_state().livechat
    if not livechat.settings.sandbox:
        return livechat.desk(provider)
    name, values = livechat.account(provider)
    if not at.startswith(("http://", "https://")):
        raise click.BadParameter("it must begin with http:// or https://", param_hint="--at")
    livechat.desk(provider)  # raises an error that names what is missing
    from ..desk import http  # noqa: PLC0415 - what it needs is there by now
    from ..desk.desk import open_desk  # noqa: PLC0415

    logging.getLogger("stamina").setLevel(logging.ERROR)  # that it tries again is nobody's news here
    base = f"{at.rstrip('/')}{livechat.settings.url_prefix}/sandbox/rest/{name}"
    return open_desk(name, values, livechat.now, http.LOCAL, base, deadline=2.0)


@command("conversations")
@click.option(
    "--state", type=click.Choice(["open", "pending", "snoozed", "closed"]), help="Only conversations in this state."
)
@click.option("--since", metavar="WHEN", help="Only those changed since 30d, 12h, or 2026-11-21.")
@click.option("--search", metavar="TEXT", help="Only those that contain this text.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="At most that many.")
@as_json
def conversations(desk: Desk, state: str | None, since: str | None, search: str | None, limit: int, raw: bool) -> None:
    """List conversations, newest first."""
    moment = None if since is None else since_when(since)

    def is_wanted(conversation: Conversation) -> bool:
        changed_at = conversation.updated_at
        is_since = moment is None or changed_at is None or changed_at >= moment
        return is_since and state in (None, conversation.state)

    chosen: Iterator[Conversation]
    if search:  # no vendor's search takes more than a text
        every = desk.conversations.search(search)
        chosen = filter(is_wanted, every)
    else:
        chosen = desk.conversations.list(state, moment)  # type: ignore[arg-type]  # click has checked it
    _print(
        islice(chosen, limit),
        raw,
        lambda conversation: {
            "id": conversation.id,
            "state": conversation.state,
            "changed": _when(conversation.updated_at),
            "who": (conversation.contact and (conversation.contact.name or conversation.contact.email)) or "",
            "tags": ", ".join(conversation.tags),
        },
    )


@command("show")
@click.argument("id")
@as_json
def show(desk: Desk, id: str, raw: bool) -> None:
    """Print the messages of the conversation ID."""
    for message in desk.conversations.messages(id):
        if raw:
            click.echo(_json(message))
        else:
            note = " (note)" if message.kind == "note" else ""
            text = terminal_text(message.text or f"({message.kind})", lines=True).replace("\n", "\n    ")
            click.echo(f"{_when(message.at)}  {terminal_text(message.author_name or message.author)}{note}: {text}")


@command("reply")
@click.argument("id")
@click.argument("text")
@click.option("--note", is_flag=True, help="Write a note that only agents see.")
def reply(desk: Desk, id: str, text: str, note: bool) -> None:
    """Answer in the conversation ID. TEXT may be - to read it from standard input."""
    text = sys.stdin.read() if text == "-" else text
    (desk.conversations.note if note else desk.conversations.reply)(id, text)
    click.echo("Noted." if note else "Sent.")


@command("close")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def close(desk: Desk, ids: tuple[str, ...]) -> None:
    """Close conversations. If one cannot be closed, the others still are."""
    failed = 0
    for conversation in ids:
        try:
            desk.conversations.close(conversation)
        except (ApiError, ValueError) as error:
            failed += 1
            click.echo(terminal_text(f"{conversation} is not: {error}"), err=True)
        else:
            click.echo(f"{conversation} is closed.")
    if failed:
        raise click.exceptions.Exit(1)


@command("contacts")
@click.option("--id", help="The vendor's id of the contact, or yours if the vendor stores it.")
@click.option("--email", help="The contact's email address.")
@as_json
def contacts(desk: Desk, id: str | None, email: str | None, raw: bool) -> None:
    """Look a contact up, with their conversations."""
    if (id is None) == (email is None):
        raise click.UsageError("give --id or --email")
    contact = desk.contacts.find(id=id, email=email)
    if contact is None:
        raise click.ClickException("the vendor knows no such contact")
    theirs = desk.contacts.conversations(contact.id) if desk.can("contacts.conversations") else ()
    ids = [conversation.id for conversation in theirs]
    if raw:
        click.echo(_json(contact, conversations=ids))
        return
    for name, value in (_plain(contact) | {"conversations": ", ".join(ids)}).items():
        if value:
            click.echo(f"{name:<14} {terminal_text(str(value))}")


@command("ping")
def ping(desk: Desk) -> None:
    """Check the credentials, and say what they allow to be read."""
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


def _print(records: Iterable[Any], raw: bool, row: Callable[[Any], Mapping[str, str]]) -> None:
    """Print JSON as it comes, or a table once all of it is here. Meanwhile a terminal shows how much has come."""
    if raw:
        for record in records:
            click.echo(_json(record))
        return
    rows = []
    for record in records:
        rows.append({name: terminal_text(cell) for name, cell in row(record).items()})
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{len(rows)} so far", err=True, nl=False)
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
    if not rows:
        click.echo("None.")
        return
    lines = [[name.upper() for name in rows[0]], *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    columns = shutil.get_terminal_size((120, 24)).columns
    for cells in lines:
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        click.echo(line.rstrip()[:columns])


def _json(record: Any, **more: Any) -> str:
    def text(value: Any) -> str:
        return value.isoformat() if isinstance(value, datetime) else str(value)

    return json.dumps(_plain(record) | more, default=text)


def _plain(record: Any) -> dict[str, Any]:
    """Return a record as a dict, without the vendor's own JSON."""
    return {
        name: {key: item for key, item in value.items() if key != "raw"} if isinstance(value, dict) else value
        for name, value in asdict(record).items()
        if name != "raw"
    }


def _when(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""


def since_when(text: str, option: str = "--since", zone: tzinfo | None = None) -> datetime:
    """Read a moment as people type it; a day begins in ``zone``, or here. Raise ``click.BadParameter``."""
    now: datetime = current_state().livechat.now()
    units = {"d": "days", "h": "hours", "m": "minutes"}
    try:
        if text[:-1].isdecimal() and text[-1:] in units:
            return now - timedelta(**{units[text[-1]]: int(text[:-1][:9])})
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            return moment
        return moment.replace(tzinfo=zone) if zone else moment.astimezone()
    except (ValueError, OverflowError):
        raise click.BadParameter("write 30d, 12h, or a date such as 2026-11-21", param_hint=option) from None

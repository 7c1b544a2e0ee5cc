"""``python -m tests.webhooks.mutated [--count 100000] [--seed 1]``: that many mutated payloads of each vendor.

Each is signed and posted. The answer has to be 200 or 400, and a worker has to handle all that was stored. Whatever
breaks that is printed with its seed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from flask_livechat.desk.worker import Worker

from ..conftest import chat_of, create_app
from .test_vendor_webhooks import APP, IDS, KEY, PROPERTY, TAWK_1, TAWK_2, crisp, signature, spoken

TIME = "2026-11-20T12:00:00.000Z"
START = 1790000000
WRITTEN = {"type": "user", "id": "a" * 24, "email": "ana@example.com"}
VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 4.0, 1.5, 2**31, 2**63, -(2**63) - 1, 10**30, 1e300, "", "x", "\0", "\ud800",
    "x" * 2000, "<" * 200, "<p>a</p>", "é" * 600, "NaN", "2026-11-20T12:00:00Z", "0001-01-01T00:00:00+14:00", [], {},
    [[]], [{}], [None], {"a": None}, {"type": "contact"}, {"type": []}, {"id": {}}, {"email": []}, {"tags": [7]},
]  # fmt: skip


def intercom(topic: str, kind: str = "comment", **item: Any) -> dict[str, Any]:
    part = {
        "id": "NUMBER",
        "part_type": kind,
        "body": "<p>x</p>",
        "created_at": START,
        "author": WRITTEN,
        "attachments": [],
    }
    whole = {
        "type": "conversation",
        "id": "TALK",
        "created_at": START,
        "source": {"id": "1", "body": "<p>Help</p>", "author": WRITTEN},
        "contacts": {"contacts": [{"type": "contact", "id": "a" * 24, "external_id": "ana"}]},
        "tags": {"tags": [{"id": "1", "name": "vip"}]},
        "conversation_rating": {"rating": 4, "remark": "x", "updated_at": START},
        "conversation_parts": {"conversation_parts": [part]},
    }
    return {"topic": topic, "app_id": APP, "id": "nNUMBER", "created_at": START, "data": {"item": whole | item}}


def tawk() -> list[dict[str, Any]]:
    chat = {
        "id": "TALK",
        "visitor": {"email": "v@example.com"},
        "messages": [
            {"sender": {"t": "v"}, "type": "msg", "msg": "hello NUMBER", "time": TIME},
            {"sender": {"t": "a"}, "type": "file", "attchs": [{"type": "file"}], "time": TIME},
        ],
    }
    head = {"time": TIME, "property": {"id": PROPERTY}}
    end = head | {"event": "chat:end", "chatId": "TALK", "visitor": {}}
    start = json.loads(TAWK_1) | {"chatId": "TALK"}
    return [start, json.loads(TAWK_2), end, head | {"event": "chat:transcript_created", "chat": chat}]


def crisps() -> list[dict[str, Any]]:
    picker = {"id": "p", "text": "Which?", "choices": [{"value": "a", "label": "A"}]}
    text = spoken("message:send", "text", "user", timestamp=START * 1000, origin="chat")
    shown = spoken("message:received", "picker", "operator", automated=True)
    text["data"] |= {"fingerprint": "NUMBER", "session_id": "TALK"}
    shown["data"] |= {"fingerprint": "NUMBER", "session_id": "TALK", "content": picker}
    return [
        text,
        shown,
        crisp("session:set_state", session_id="TALK", state="resolved"),
        crisp("session:sync:rating", session_id="TALK", rating={"stars": 4, "comment": "x"}),
        crisp("session:set_segments", session_id="TALK", segments=["vip"]),
        crisp("session:set_email", session_id="TALK", email="a@example.com"),
        crisp("people:bind:session", session_id="TALK", people_id="p"),
        crisp(
            "session:set_participants", session_id="TALK", participants=[{"type": "email", "target": "x@example.com"}]
        ),
    ]


SEEDS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "tawk": tawk,
    "crisp": crisps,
    "intercom": lambda: [
        intercom("conversation.user.created"),
        intercom("conversation.user.replied"),
        intercom("conversation.operator.replied"),
        intercom("conversation.admin.closed", "close"),
        intercom("conversation.rating.added"),
        intercom("conversation_part.tag.created"),
        intercom("contact.user.tag.created", type="contact_tag", contact=WRITTEN),
        intercom("ticket.created", type="ticket"),
    ],
}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every field and every item, as its holder and its name or number."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def mutated(seed: dict[str, Any], number: int, chance: random.Random) -> bytes:
    """One to four fields of another value, gone, doubled, renamed or nested deeply; sometimes bytes change, too."""
    text = json.dumps(seed).replace("NUMBER", str(number)).replace("TALK", f"talk{number // 20}")
    body = json.loads(text)
    for _ in range(chance.randint(1, 4)):
        holder, key = chance.choice(list(places(body)) or [({"": 0}, "")])
        change = chance.randrange(10)
        if change < 7:
            holder[key] = json.loads(json.dumps(chance.choice(VALUES)))
        elif change == 7:
            del holder[key]
        elif change == 8 and isinstance(holder, list):
            holder.append(holder[key])
        elif change == 8:
            holder[chance.choice(["id", "type", "email", "x" * 40])] = holder.pop(key)
        else:
            for n in range(chance.choice([1, 3, 30, 70, 150])):
                holder[key] = [holder[key]] if n % 2 else {"a": holder[key]}
    raw = json.dumps(body).encode()
    if chance.random() < 0.05:
        at = chance.randrange(len(raw))
        raw = raw[:at] + bytes([chance.randrange(256)]) + raw[at + chance.randrange(3) :]
    return raw


def site(name: str, folder: Path) -> Flask:
    keys = {f"LIVECHAT_{name.upper()}_{key}": value for key, value in {**IDS[name], KEY[name]: "secret"}.items()}
    app = create_app(name, secrets=False, LIVECHAT_DATABASE_URL=f"sqlite:///{folder / f'{name}.sqlite3'}", **keys)
    app.testing, app.config["PROPAGATE_EXCEPTIONS"] = False, False  # what is raised becomes a 500, as it does live
    with app.app_context():
        store = chat_of(app).store
        sa.event.listen(store.engine, "connect", _without_waiting_for_the_disk)
        store.upgrade()
    return app


def _without_waiting_for_the_disk(connection: Any, record: Any) -> None:
    """What is stored has to live as long as this run."""
    connection.execute("PRAGMA synchronous=OFF")


def run(name: str, folder: Path, count: int, seed: int) -> tuple[Counter[int], Counter[str]]:
    """How often each status was answered, and how the events stand after a worker has handled them."""
    app, chance, statuses = site(name, folder), random.Random(seed), Counter[int]()  # noqa: S311 - a run can be repeated
    client, seeds = app.test_client(), SEEDS[name]()
    for number in range(count):
        body = mutated(chance.choice(seeds), number, chance)
        status = client.post(
            f"/livechat/webhooks/{name}", data=body, headers=signature(name, "secret", body)
        ).status_code
        statuses[status] += 1
        if status not in (200, 400):
            sys.stdout.write(f"{name}, payload {number} of seed {seed}: {status} for {body[:2000]!r}\n")
    with app.app_context():
        store, now = chat_of(app).store, chat_of(app).now
        worker = Worker(store, lambda event: None, now)
        while worker.once():
            pass
        states = Counter(state for _, state, _ in store.scan())
        store.engine.dispose()
    return statuses, states


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="payloads of each vendor")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vendor", choices=list(SEEDS), action="append")
    asked = parser.parse_args()
    for name in asked.vendor or SEEDS:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            statuses, states = run(name, Path(folder), asked.count, asked.seed)
        took = time.monotonic() - start
        sys.stdout.write(f"{name}: answers {dict(statuses)}, events {dict(states)}, {took:.0f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

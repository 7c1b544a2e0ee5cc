"""The command that imports, its ends, and how it goes on after one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask

import docs.checks
from flask_livechat import LiveChat, providers
from flask_livechat.desk.store import Store
from flask_livechat.sandbox.api import Rest

from ..conftest import chat_of, create_app
from ..desk.test_stand_ins import shop_of
from .conftest import KINDS
from .importing import Archive, killed, run
from .test_circle import stored_events
from .test_erasure import served_app  # noqa: F401 - a fixture
from .test_history import NOW, VENDORS, Vendor, imported


def app_of(name: str, url: str, monkeypatch: pytest.MonkeyPatch, vendor: Vendor | None = None, **config: Any) -> Flask:
    """An app at the end of the vendor's month, whose desk is the vendor's stand-in."""
    app = create_app(name, **{"LIVECHAT_DATABASE_URL": url, **config})
    monkeypatch.setattr(LiveChat, "now", staticmethod(lambda: NOW))
    if vendor is not None:
        monkeypatch.setattr("flask_livechat.cli.history.opened", lambda provider, at: vendor.desk())
    return app


def invoked(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["livechat", "import", *arguments])


def ids(store: Store) -> set[str]:
    return {queued.event.id for queued, _, _ in store.scan()}


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    result = Vendor(request.param)
    result.month()
    return result


@pytest.fixture
def url(database: Callable[..., str]) -> str:
    return database("sqlite", "migrated")


@pytest.fixture
def fresh(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    """Another store, for an import that nobody disturbs."""
    file = tmp_path / "fresh.sqlite3"
    file.write_bytes(migrated_file.read_bytes())
    store = Store(f"sqlite:///{file}")
    yield store
    store.engine.dispose()


def test_the_command_says_what_was_imported(vendor: Vendor, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of(vendor.name, url, monkeypatch, vendor)
    result = invoked(app, vendor.name, "--since", "60d")
    assert result.exit_code == 0, result.output
    with app.app_context():
        total = chat_of(app).store.total()
    assert f"Conversations imported: 6 (new events: {total})." in result.stdout
    lacks = providers.history(vendor.name).lacks  # type: ignore[union-attr]
    assert ("only webhooks deliver" in result.stdout) == bool(lacks)
    assert all(what in result.stdout for what in lacks)
    again = invoked(app, vendor.name, "--since", "60d")
    assert "Conversations imported: 0 (new events: 0), 6 were here already." in again.stdout
    assert "@example.com" not in result.output


def test_a_spent_quota_ends_it_with_the_command_to_go_on(
    vendor: Vendor, url: str, fresh: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a quota of six calls a day it is complete after some days, with each event once."""
    imported(vendor, fresh)
    app, api, since = app_of(vendor.name, url, monkeypatch, vendor), vendor.rest._api, "2026-09-01"
    results: list[Result] = []
    while not results or results[-1].exit_code:
        vendor.now += 86_400
        vendor.rest = Rest(replace(api, limit=(6, 86_400)), vendor.rest.account)
        results.append(invoked(app, vendor.name, "--since", since))
        assert len(results) < 9
        if results[-1].exit_code:
            assert "The conversations imported so far are kept. To continue:" in results[-1].stderr
            assert "Conversations imported" in results[-1].stdout
            assert "Traceback" not in results[-1].output
            command = results[-1].stderr.strip().splitlines()[-1].split()
            assert command[:4] == ["flask", "livechat", "import", vendor.name]
            since = command[-1]
    assert len(results) > 1
    with app.app_context():
        assert ids(chat_of(app).store) == ids(fresh)


@pytest.mark.parametrize("kind", KINDS)
def test_an_import_that_is_killed_goes_on_and_is_the_same(
    kind: str, database: Callable[..., str], fresh: Store
) -> None:
    """``python -m tests.webhooks.importing`` does it with ten thousand."""
    url, archive = database(kind, "migrated"), Archive(16)
    lines = list(killed(url, archive.count, 8))
    assert lines.count("imported") >= 8
    store = Store(url)
    last = run(store, archive)
    assert last["known"] >= 8
    assert last["imported"] + last["known"] == archive.count
    assert run(fresh, archive)["imported"] == archive.count
    assert ids(store) == ids(fresh)
    assert store.total() == fresh.total()
    assert run(store, archive) == {"known": archive.count, "new": 0}
    store.engine.dispose()


def test_a_conversation_that_cannot_be_read_costs_no_other(
    fresh: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    archive = Archive(5)
    messages = archive._messages
    monkeypatch.setattr(archive, "_messages", lambda number: [{"x": 1}] if number == 2 else messages(number))
    assert run(fresh, archive) == {"imported": 4, "unreadable": 1, "new": fresh.total()}
    assert "a conversation of crisp could not be read: KeyError" in caplog.text


def test_what_is_older_than_keep_days_is_not_imported(
    vendor: Vendor, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of(vendor.name, url, monkeypatch, vendor, LIVECHAT_KEEP_DAYS=25)
    result = invoked(app, vendor.name, "--since", "2026-01-01")
    assert result.exit_code == 0, result.output
    assert "LIVECHAT_KEEP_DAYS is 25: the import begins at 2026-09-06 09:00 UTC." in result.stderr
    with app.app_context(), chat_of(app).store.reading() as connection:
        wanted = sa.text("select count(*) from livechat_events where text is not null and at < '2026-09-06 09:00'")
        assert connection.execute(wanted).scalar() == 0


def test_the_pages_command_runs(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(docs.checks.__file__).parent / "webhooks.rst").read_text("utf-8")
    (command,) = (line for line in page.splitlines() if "$ flask livechat import" in line)
    app = app_of("crisp", url, monkeypatch, Vendor("crisp"))
    assert app.test_cli_runner().invoke(args=command.split()[2:]).exit_code == 0


def test_a_moment_in_the_future_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = invoked(app_of("crisp", url, monkeypatch), "crisp", "--since", "2027-01-01")
    assert result.exit_code == 2
    assert "it is in the future" in result.stderr


def test_a_provider_without_keys_is_a_clear_error(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = invoked(app_of("crisp", url, monkeypatch), "intercom", "--since", "30d")
    assert result.exit_code == 1
    assert "'intercom' is not configured" in result.stderr


def test_an_empty_name_is_no_provider(vendor: Vendor, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a variable of the shell that is not set: it does not stand for ``LIVECHAT_PROVIDER``."""
    app = app_of(vendor.name, url, monkeypatch, vendor)
    result = invoked(app, "", "--since", "60d")
    assert (result.exit_code, "PROVIDER" in result.stderr) == (2, True)
    with app.app_context():
        assert chat_of(app).store.total() == 0


def test_a_vendor_without_such_an_api_is_unsupported(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(providers, "history", lambda name: None)
    vendor = Vendor("crisp")
    result = invoked(app_of("crisp", url, monkeypatch, vendor), "crisp", "--since", "30d")
    assert result.exit_code == 1
    assert "import is not supported by Crisp." in result.stderr
    assert vendor.calls == 0


def test_on_the_sandbox_it_asks_the_app_that_runs(served_app: tuple[Flask, str]) -> None:  # noqa: F811 - a fixture
    app, at = served_app
    shop = shop_of("intercom", app)
    shop.visit("Hello?", "Anybody?")
    told = {event.id for event in stored_events(app)}
    assert told
    result = invoked(app, "intercom", "--since", "1d", "--at", at)
    assert result.exit_code == 0, result.output
    assert "Conversations imported: 1 (new events: 0)." in result.stdout
    with app.app_context():
        store = chat_of(app).store
        with store.engine.begin() as connection:
            connection.execute(sa.text("delete from livechat_events"))
    assert "Conversations imported: 1 (new events: 2)." in invoked(app, "intercom", "--since", "1d", "--at", at).stdout
    assert ids(store) == told

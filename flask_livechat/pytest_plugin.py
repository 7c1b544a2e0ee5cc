"""Fixtures for the suites of apps with chat, and a guard: no test talks to a real vendor.

pytest finds this by itself. The fixtures look for the suite's own ``app``, as most Flask suites have one.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask import Flask

    from .testing import FakeDesk, RenderedWidget

ALLOWED = "livechat_real_vendor"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{ALLOWED}: this test may talk to a chat vendor's real hosts.")


@pytest.fixture(autouse=True)
def _livechat_no_real_vendor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test whose code looks up a vendor's host fails, also where the code swallows that."""
    if request.node.get_closest_marker(ALLOWED):
        yield
        return
    asked: list[str] = []
    real = socket.getaddrinfo

    def guarded(host: Any, *arguments: Any, **named: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")
        if _is_vendors(name.rstrip(".").lower()):
            asked.append(name)
            raise socket.gaierror(f"livechat: a test asked for {name}")
        return real(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", guarded)
    yield
    if asked:
        pytest.fail(
            f"The test talked to a real chat vendor: {', '.join(sorted(set(asked)))}. Use the fixture livechat_desk, "
            f"or mark the test with @pytest.mark.{ALLOWED}.",
            pytrace=False,
        )


def _is_vendors(host: str) -> bool:
    from . import providers  # noqa: PLC0415 - a suite's coverage begins before we are imported

    domains = (domain for name in providers.names() for domain in providers.load(name).domains)
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


@pytest.fixture
def livechat_widget(request: pytest.FixtureRequest) -> Callable[..., RenderedWidget | None]:
    """``livechat_widget("/shop/", user=customer)``: what the page of the suite's ``app`` has of chat, or None."""
    from .testing import as_visitor, read  # noqa: PLC0415

    app: Flask = request.getfixturevalue("app")

    def widget(path: str = "/", user: Any = None, **options: Any) -> RenderedWidget | None:
        client = app.test_client()
        return read((client if user is None else as_visitor(client, user)).get(path, **options))

    return widget


@pytest.fixture
def livechat_desk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FakeDesk:
    """What ``livechat.desk()`` gives during the test: a ``FakeDesk``, of the provider of the suite's ``app``."""
    from .extension import LiveChat  # noqa: PLC0415
    from .testing import FakeDesk  # noqa: PLC0415

    app: Flask | None = request.getfixturevalue("app") if "app" in request.fixturenames else None
    name = app.extensions["livechat"].settings.provider if app else None
    mine = FakeDesk(name) if name else FakeDesk()
    desks = {mine.provider: mine}

    def desk(self: LiveChat, provider: str | None = None) -> FakeDesk:
        wanted = provider or mine.provider
        if wanted not in desks:
            desks[wanted] = FakeDesk(wanted)
        return desks[wanted]

    monkeypatch.setattr(LiveChat, "desk", desk)
    return mine


@pytest.fixture
def livechat_webhook(request: pytest.FixtureRequest) -> Callable[[str, Mapping[str, Any]], int]:
    """``livechat_webhook(provider, payload)``: what a vendor tells the suite's ``app``, signed. Gives the status.

    Handlers have been called by then; what they raise is raised.
    """
    from .testing import webhook  # noqa: PLC0415

    app: Flask = request.getfixturevalue("app")

    def tell(provider: str, payload: Mapping[str, Any]) -> int:
        livechat = app.extensions["livechat"].livechat
        with app.app_context():
            headers, body = webhook(provider, payload)
            livechat.store.upgrade()
        answer = app.test_client().post(_receiver(app, provider), data=body, headers=headers)
        with app.app_context():
            store, now = livechat.store, livechat.now()
            for one in store.take(now):
                store.begin(one, now)
                livechat.handle(one.event)
                store.done(one)
        return answer.status_code

    return tell


def _receiver(app: Flask, provider: str) -> str:
    return f"{app.extensions['livechat'].settings.url_prefix}/webhooks/{provider}"

"""Fixtures for the suites of apps with chat, and a guard: no test talks to a real vendor.

pytest finds this by itself. The fixtures look for the suite's own ``app``, as most Flask suites have one.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from .state import current_state

if TYPE_CHECKING:
    from flask import Flask

    from .desk.aio import AsyncDesk
    from .extension import LiveChat
    from .testing import FakeDesk, RenderedWidget

ALLOWED = "livechat_real_vendor"


class RealVendorError(socket.gaierror):
    """A test contacted a vendor's real host."""


class Guard:
    """Hears of every host that this process asks for, whatever library asks. One for the process: it stays."""

    # Audit events by which a process asks for a host, and where it stands in their arguments. The last one is our
    # desk's own: it also hears of what goes through a proxy.
    EVENTS: ClassVar = {
        "socket.getaddrinfo": 0,
        "socket.gethostbyname": 0,
        "socket.connect": 1,
        "socket.sendto": 1,
        "flask_livechat.call": 0,
    }

    def __init__(self) -> None:
        self.hooked = False  # for good: an audit hook cannot be taken off
        self.depth = 0  # of pytest runs inside each other
        self.allowed = False
        self.asked: set[str] = set()

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        # After the run Python takes the names of modules away, and still calls the hook.
        if not self.depth or event not in self.EVENTS or self.allowed:
            return
        host = arguments[self.EVENTS[event]]
        host = host[0] if isinstance(host, tuple) and host else host
        name = bytes(host).decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host or "")
        if self._is_vendors(name.rstrip(".").lower()):
            self.asked.add(name)
            raise RealVendorError(f"livechat: a test contacted {name}")

    def told(self) -> str | None:
        """What to say of the hosts that were asked for since this was last asked."""
        names, self.asked = ", ".join(sorted(self.asked)), set()
        return names and (
            f"The test, or what ran before it, talked to a real chat vendor: {names}. "
            f"Use the fixture livechat_desk, or mark the test with @pytest.mark.{ALLOWED}."
        )

    @staticmethod
    def _is_vendors(host: str) -> bool:
        from . import providers  # noqa: PLC0415 - a suite's coverage begins before we are imported

        loaded = [providers.load(name) for name in providers.names()]
        domains = [domain for provider in loaded for domain in provider.domains(provider.example_values())]
        return any(host == domain or host.endswith(f".{domain}") for domain in domains)


GUARD = Guard()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{ALLOWED}: this test may talk to a chat vendor's real hosts.")
    if not GUARD.hooked:
        sys.addaudithook(GUARD)
        GUARD.hooked = True
    GUARD.depth += 1


def pytest_unconfigure(config: pytest.Config) -> None:
    GUARD.depth -= 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What was asked for after the last test had ended, by fixtures of the session."""
    if said := GUARD.told():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if reporter := session.config.pluginmanager.get_plugin("terminalreporter"):
            reporter.write_line(said, red=True)


@pytest.fixture(autouse=True)
def _livechat_no_real_vendor(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test whose code asks for a vendor's host fails, also where the code swallows that, or does it afterwards."""
    GUARD.allowed = request.node.get_closest_marker(ALLOWED) is not None
    yield
    _finish()
    GUARD.allowed = False
    if said := GUARD.told():
        pytest.fail(said, pytrace=False)


def _finish() -> None:
    """What the test left to be told to a vendor in the background is told now, while somebody listens."""
    background = sys.modules.get("flask_livechat.desk.background")
    for queue in [*background.QUEUES] if background else []:
        queue.finish(5.0)  # seconds


@pytest.fixture
def livechat_widget(request: pytest.FixtureRequest) -> Callable[..., RenderedWidget | None]:
    """``livechat_widget("/shop/", user=customer)``: the widget of a page of the suite's ``app``, or None."""
    from flask import g, has_app_context  # noqa: PLC0415

    from .testing import as_visitor, read  # noqa: PLC0415

    app: Flask = request.getfixturevalue("app")

    def widget(path: str = "/", user: Any = None, **options: Any) -> RenderedWidget | None:
        client = app.test_client()
        if has_app_context():
            g.pop("_login_user", None)  # of the request before, where a fixture holds the app context open
        page = (client if user is None else as_visitor(client, user)).get(path, **options)
        found = read(page)
        if found is None and page.status_code != 200:
            pytest.fail(f"GET {path} answered {page.status_code}, and has no chat")
        return found

    return widget


@pytest.fixture
def livechat_desk(request: pytest.FixtureRequest) -> Iterator[FakeDesk]:
    """A ``FakeDesk`` that replaces ``livechat.desk()`` during the test, of the provider of the suite's ``app``.

    Other providers of the app get their own, and ``livechat.async_desk()`` has the same accounts.
    """
    from .extension import LiveChat  # noqa: PLC0415
    from .testing import FakeDesk  # noqa: PLC0415

    app: Flask | None = request.getfixturevalue("app") if "app" in request.fixturenames else None
    name = current_state(app).settings.provider if app else None
    mine = FakeDesk(name) if name else FakeDesk()
    desks = {mine.provider: mine}

    def desk(self: LiveChat, provider: str | None = None) -> FakeDesk:
        wanted, _ = self.account(provider)
        if wanted not in desks:
            desks[wanted] = FakeDesk(wanted)
        return desks[wanted]

    def async_desk(self: LiveChat, provider: str | None = None) -> AsyncDesk:
        return desk(self, provider).awaited()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LiveChat, "desk", desk)
        patch.setattr(LiveChat, "async_desk", async_desk)
        yield mine
        _finish()


@pytest.fixture
def livechat_webhook(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[str, Mapping[str, Any]], int]]:
    """``livechat_webhook(provider, payload)``: send a signed webhook to the suite's ``app``. Returns the status.

    Your handlers have been called by then, and their exceptions are raised. The events are stored in the test's own
    database.
    """
    from .errors import LiveChatError  # noqa: PLC0415
    from .testing import webhook  # noqa: PLC0415

    try:
        from .desk.store import Store  # noqa: PLC0415
    except ModuleNotFoundError:
        raise LiveChatError("livechat_webhook needs an extra: pip install Flask-LiveChat[desk]") from None

    app: Flask = request.getfixturevalue("app")
    state = current_state(app)
    livechat: LiveChat = state.livechat
    store = Store(f"sqlite:///{tmp_path / 'livechat.sqlite3'}", state.settings.office_hours)
    store.upgrade()

    def tell(provider: str, payload: Mapping[str, Any]) -> int:
        with app.app_context():
            headers, body = webhook(provider, payload)
        url = f"{state.settings.url_prefix}/webhooks/{provider}"
        answer = app.test_client().post(url, data=body, headers=headers)
        with app.app_context():
            now = livechat.now()
            for one in store.take(now):
                store.start(one, now)
                livechat.handle(one.event)
                store.ack(one)
        return answer.status_code

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state.runtime, "store", store)
        yield tell
    store.engine.dispose()

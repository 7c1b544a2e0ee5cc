"""A desk whose vendor is a server of this test's."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import stamina
from flask import Flask
from werkzeug.serving import make_server

from flask_livechat import providers
from flask_livechat.desk import retry
from flask_livechat.desk.desk import Desk, open_desk
from flask_livechat.desk.http import Pool, tls_context

from ..conftest import Quiet, create_app
from ..shortcuts import real_retry_context
from .vendor import Answer, Server, serving


def now() -> datetime:
    return datetime(2026, 11, 21, tzinfo=UTC)


class VendorApi:
    """``root``: what all addresses begin with, and ``calls`` leaves out."""

    def __init__(self, server: Server, desk: Desk, root: str) -> None:
        self.server, self.desk, self.root = server, desk, root

    def answers(self, *answers: Answer) -> Desk:
        self.server.answers = [*answers]
        return self.desk

    @property
    def calls(self) -> list[tuple[str, str, Any]]:
        return [
            (asked.method, asked.path.removeprefix(self.root), json.loads(asked.body) if asked.body else None)
            for asked in self.server.asked
        ]


OpenVendorApi = Callable[..., VendorApi]


@pytest.fixture
def open_vendor_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenVendorApi]:
    with ExitStack() as stack:

        def make(name: str, values: dict[str, Any], root: str = "") -> VendorApi:
            server = stack.enter_context(serving())
            http = stack.enter_context(httpx.Client(verify=tls_context()))
            spec_of = providers.api(name)
            assert spec_of is not None
            monkeypatch.setattr(providers, "api", lambda name: replace(spec_of, base=lambda values: server.url))
            return VendorApi(server, open_desk(name, values, now, Pool(lambda: http)), root)

        yield make


@pytest.fixture(autouse=True)
def _no_test_spends_anothers_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_BUDGETS", {})


@pytest.fixture
def real_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait between the attempts of a call for as long as users do."""
    monkeypatch.setattr(stamina, "retry_context", real_retry_context)


@pytest.fixture
def app_in_the_sandbox() -> Flask:
    return create_app("crisp", secrets=False, LIVECHAT_SANDBOX=True)


@pytest.fixture
def served(app_in_the_sandbox: Flask) -> Iterator[str]:
    """Where that app is served."""
    server = make_server("127.0.0.1", 0, app_in_the_sandbox, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()

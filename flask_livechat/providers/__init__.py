"""The vendors. The folder is the registry: a package in here whose ``PROVIDER`` has a vendor's facts is that vendor."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from ..errors import LiveChatError
from .base import ApiSpec, HistorySpec, Key, LiveSpec, Provider, Secrets, Signs, Values, WebhookSpec

__all__ = ["ApiSpec", "HistorySpec", "Key", "LiveSpec", "Provider", "Secrets", "Signs", "Values", "WebhookSpec"]
T = TypeVar("T")


def names() -> tuple[str, ...]:
    """The vendors in here, in alphabetical order."""
    return _names_in(tuple(__path__))


@lru_cache
def _names_in(folders: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(folders) if module.ispkg))


@lru_cache
def load(name: str) -> Provider:
    """The ``PROVIDER`` of a vendor. Raises ``LiveChatError`` for a name that has no folder."""
    if name not in names():
        raise LiveChatError(f"There is no provider {name!r}. The providers are {', '.join(names())}.")
    provider = getattr(importlib.import_module(f"{__name__}.{name}"), "PROVIDER", None)
    if not isinstance(provider, Provider):
        raise LiveChatError(f"providers/{name}/__init__.py must end with PROVIDER = Provider(…).")
    return provider


def api(name: str) -> ApiSpec | None:
    """The ``API`` of a vendor's ``api.py``; None for a vendor without an API of ours."""
    return record(name, "api", "API", ApiSpec)


def webhooks(name: str) -> WebhookSpec | None:
    """The ``WEBHOOKS`` of a vendor's ``webhooks.py``; None for a vendor that sends none."""
    return record(name, "webhooks", "WEBHOOKS", WebhookSpec)


def history(name: str) -> HistorySpec | None:
    """The ``HISTORY`` of a vendor's ``history.py``; None for one that gives no past conversations."""
    return record(name, "history", "HISTORY", HistorySpec)


def has_stand_in(name: str) -> bool:
    """Whether the sandbox can stand in for a vendor. Nothing of its ``sandbox.py`` is loaded for the answer."""
    return (folder(name) / "sandbox.py").is_file()


@lru_cache
def record(name: str, module: str, attribute: str, kind: type[T]) -> T | None:
    """A record out of a file in a vendor's folder; None where there is no such file."""
    if not (folder(name) / f"{module}.py").is_file():
        return None
    value = getattr(importlib.import_module(f"{__name__}.{name}.{module}"), attribute)
    return value if isinstance(value, kind) else None


def adapter(name: str) -> Path:
    """The ``widget.js`` of a vendor."""
    return folder(name) / "widget.js"


def folder(name: str) -> Path:
    """The folder of a vendor's files."""
    return Path(str(importlib.import_module(f"{__name__}.{name}").__file__)).parent

"""What begins anew in the child of a fork. Hooks of the process stay for ever, so there is one for all."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

_OWNERS: WeakKeyDictionary[object, Callable[..., object]] = WeakKeyDictionary()


def in_children(owner: object, call: Callable[[Any], object]) -> None:
    """Call ``call(owner)`` in each child of this process, for as long as there is an owner.

    ``call`` must not hold the owner itself.
    """
    _OWNERS[owner] = call


def _after_fork() -> None:
    for owner, call in list(_OWNERS.items()):
        call(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

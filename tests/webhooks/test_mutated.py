"""Mutated payloads get 200 or 400, and the worker lives. ``python -m tests.webhooks.mutated`` sends 100,000 of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from .mutated import SEEDS, run


@pytest.mark.parametrize("name", list(SEEDS))
def test_a_mutated_payload_is_stored_or_refused_and_ends_no_worker(name: str, tmp_path: Path) -> None:
    statuses, states = run(name, tmp_path, 400, 1)
    assert set(statuses) == {200, 400}
    assert set(states) == {"done"}

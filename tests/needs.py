"""What a test may need that `make test-quick` does without.

Such a test has the mark ``needs``, with a name of ``NEEDS``. It gets it by its file, its fixtures or its parameters, as
the tables here say; anything else is said by a mark at the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import accumulate, groupby
from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import settings

NEEDS = {
    "browser": "Chromium, Firefox or WebKit, with certificates for the vendors' hosts",
    "package": "a package that the extra `quick` leaves out, of Python's or of npm's",
    "postgresql": "a PostgreSQL server",
    "process": "another process: nginx, Redis, Celery, node, a second Python",
    "time": "more than a second, because the test waits, measures, or tries very many inputs",
}
TESTS = Path(__file__).parent
FILES = {  # and folders: a quick run does not even import them
    "browser": "browser",
    "engines": "browser",
    "desk/test_official_packages.py": "package",
    "desk/test_openapi.py": "package",
    "doctor/test_demo.py": "time",
    "kit/test_plugin.py": "process",
    "test_fourth_vendor.py": "browser",
    "test_mixed_requests.py": "time",
    "test_nginx.py": "process",
    "webhooks/celery_site.py": "package",
    "webhooks/make_celery.py": "package",
    "webhooks/test_celery.py": "process",
    "webhooks/test_crash.py": "process",
}
FIXTURES = {"launch": "browser", "postgres": "postgresql", "broker": "process"}
PARAMETERS = {"postgresql": "postgresql"}  # of tests that ask for the server by ``request.getfixturevalue``


class Needs:
    """Marks each test with what it needs, and leaves out those with a mark if the run is quick."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        if quick:
            settings.register_profile("quick", max_examples=20)
            settings.load_profile("quick")

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        return True if self.quick and need_of_file(collection_path) else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        for item in items:
            for need in needs_by_table(item):
                item.add_marker(pytest.mark.needs(need))
        if self.quick:
            config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("needs")])
            items[:] = [item for item in items if not item.get_closest_marker("needs")]
        spread(items)


def spread(items: list[pytest.Item]) -> None:
    """Put the files of browser tests evenly between the others: they wait, while other workers compute."""
    places = []
    for is_browser in (True, False):
        files = [[*file] for path, file in groupby(items, lambda item: item.path) if is_browsers(path) == is_browser]
        counts = [0, *accumulate(map(len, files))]
        places += [(count / counts[-1], file) for count, file in zip(counts, files, strict=False)]
    items[:] = [item for _, file in sorted(places, key=itemgetter(0)) for item in file]


def is_browsers(path: Path) -> bool:
    return need_of_file(path) == "browser"


@cache
def need_of_file(path: Path) -> str | None:
    """Return the need of a file or folder below ``tests/``, or of the folder that it is in."""
    names = [each.relative_to(TESTS).as_posix() for each in (path, *path.parents) if each.is_relative_to(TESTS)]
    return next((FILES[name] for name in names if name in FILES), None)


def needs_by_table(item: pytest.Item) -> Iterator[str]:
    if need := need_of_file(item.path):
        yield need
    yield from (FIXTURES[name] for name in getattr(item, "fixturenames", ()) if name in FIXTURES)
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    yield from (PARAMETERS[value] for value in parameters if isinstance(value, str) and value in PARAMETERS)

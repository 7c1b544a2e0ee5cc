"""What may grow only on purpose: bytes on the wire.

Counts of requests are in tests/browser, of signatures in test_kept.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from flask_livechat import desk

from .conftest import VENDORS, create_app, log_in

# Gzipped; see docs/performance.rst. The button finds the dialog on top and fields in shadow roots, and the session
# judges addresses, so that the first file, which every page loads, need not grow.
# What starts once and segments are in the session, since only whoever has chat needs them: hence its 9,000.
# The button has three icons, shows the words for closed hours and offers to give the consent that chat needs.
BUDGETS = {"": 3800, "-button": 3900, "-session": 9000}


@pytest.mark.parametrize("part", BUDGETS)
@pytest.mark.parametrize("name", VENDORS)
def test_a_served_file_stays_within_its_budget(name: str, part: str) -> None:
    script = create_app(name).extensions["livechat"].scripts[name + part]
    body, encoding = script.encoded({"gzip": 1.0})
    assert encoding == "gzip"
    assert len(body) <= BUDGETS[part]


def test_the_help_panel_with_its_flows_stays_within_its_budget() -> None:
    script = create_app().extensions["livechat"].scripts["help"]
    size = len(script.encoded({"gzip": 1.0})[0])
    assert size <= 5500
    page = (Path(__file__).parent.parent / "docs/help-panel.rst").read_text("utf-8")
    documented = float(re.findall(r"one more file of (\S+) KB gzipped", page)[0])
    assert abs(size - documented * 1000) < 100


@pytest.mark.parametrize("name", VENDORS)
def test_a_page_without_help_loads_a_first_file_without_it_and_a_page_with_help_little_more(name: str) -> None:
    scripts = create_app(name).extensions["livechat"].scripts
    plain, helping = scripts[name], scripts[f"{name}-help"]
    assert b"data-livechat-suggest" in helping.source
    assert b"data-livechat-suggest" not in plain.source
    assert scripts["help"].address.encode() not in plain.source
    assert len(helping.encoded({"gzip": 1.0})[0]) <= 4100


@pytest.mark.parametrize(("name", "most"), [("inbox.js", 6 * 1024), ("inbox.css", 3 * 1024)])
def test_the_inboxs_own_files_stay_within_their_budgets(name: str, most: int) -> None:
    assert len(gzip.compress((Path(desk.__file__).parent / "static" / name).read_bytes(), 9)) <= most


@pytest.mark.parametrize("name", VENDORS)
def test_what_stands_in_the_page_stays_within_its_budget(name: str) -> None:
    html = log_in(create_app(name)).get("/").text
    tag = html[html.index("<script") : html.rindex("</script>") + len("</script>")]
    assert '"visitor":{' in tag
    without_tokens = re.sub(r'"(jwt|token)":"[^"]*"', r'"\1":""', tag)
    assert len(gzip.compress(without_tokens.encode(), 9)) <= 600

"""``python -m tests.fuzz [escaping|policies|rules|reports] [libFuzzer's options]``: random input, guided by coverage.

Runs until something breaks or ``-max_total_time`` (seconds) is over. Not part of the suite: ``make fuzz TARGET=policies
SECONDS=3600``. What it finds becomes a test.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from html.parser import HTMLParser

import atheris

with atheris.instrument_imports():
    from flask_livechat.widget import csp, csp_reports, rules
    from flask_livechat.widget.payload import script_json
    from flask_livechat.widget.rules import decide
    from flask_livechat.widget.sensitive_urls import Address

CRISP = {"crisp": {"WEBSITE_ID": "42286ab3-b29a-4fde-8538-da0ae501d825"}}
NEEDS = {"script-src": ["'self'", "https://a.test"], "style-src": ["'unsafe-inline'"], "frame-src": ["https://b.test"]}
DEFAULTS = {"show": True, "provider": "crisp", "load": "idle", "preload": False, "mobile": "show", "offline": "show",
            "identify": True, "tour": None}  # fmt: skip


class Reader(HTMLParser):
    """Counts what is outside of the one script element."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def escaping(data: bytes) -> None:
    """No value leaves the data block, and what a browser reads is what was written."""
    text = data.decode("utf-8", "replace")
    written = str(script_json({"value": text}))
    reader = Reader()
    reader.feed(f'<script type="application/json">{written}</script><p>')
    assert reader.tags == ["script", "p"], reader.tags
    assert json.loads(written) == {"value": text}


def policies(data: bytes) -> None:
    """A merged policy lacks nothing, twice is once, and nothing but 'none' is lost."""
    given = data.decode("utf-8", "replace").replace(",", " ")
    merged = csp.merge(given, NEEDS)
    assert csp.merge(merged, NEEDS) == merged
    nothing = not given.strip(" ;\t\n\r\f\v")
    assert nothing or not set(csp.missing(csp.parse(merged), NEEDS)) - {"style-src", "style-src-elem", "style-src-attr"}
    for name, sources in csp.parse(given).items():
        kept = csp.parse(merged)[name]
        assert [source for source in sources if source.lower() != "'none'" and source not in kept] == []


def rules_(data: bytes) -> None:
    """A decision comes out of whatever address and patterns there are."""
    provider = atheris.FuzzedDataProvider(data)
    path, pattern, endpoint = (provider.ConsumeUnicodeNoSurrogates(60) for _ in range(3))
    rule, problems = rules.make("a rule", {"path": pattern, "endpoint": endpoint or None, "show": False}, ("crisp",))
    assert problems == []
    decision = decide(Address(path, endpoint or None, (pattern,), (), (path,)), (), [rule], DEFAULTS)
    assert decision.why
    assert rule.holds(Address(path, endpoint or None)) <= (decision.show is False)


def reported(data: bytes) -> None:
    """A report is read or refused, and what is kept fits on one line."""
    provider = atheris.FuzzedDataProvider(data)
    if provider.ConsumeBool():
        body = provider.ConsumeBytes(4096)
    else:
        starts = ("https://", "wss://", "https://client.crisp.chat", "inline", "")
        names = [provider.ConsumeUnicodeNoSurrogates(20) for _ in range(3)]
        said = {
            "effective-directive": provider.PickValueInList(["style-src-attr", "img-src", names[0]]),
            "blocked-uri": provider.PickValueInList(list(starts)) + names[1],
            "source-file": provider.PickValueInList(list(starts)) + names[2],
        }
        body = json.dumps({"csp-report": said}).encode()
    try:
        found = csp_reports.read(body, CRISP)
    except (ValueError, RecursionError):
        return
    assert all(str(one).isprintable() and " " not in one.source for one in found)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "escaping": escaping,
    "policies": policies,
    "rules": rules_,
    "reports": reported,
}


def main() -> None:
    name = sys.argv.pop(1) if sys.argv[1:] and sys.argv[1] in TARGETS else "policies"
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()

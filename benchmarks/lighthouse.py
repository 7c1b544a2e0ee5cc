"""A second witness of ``benchmarks/browser.py``: Lighthouse on the example app's pricing page, with and without chat.

    python -m benchmarks.lighthouse [--rounds N] [--shape bundle|chunks]

Needs Chromium, Node, and `npm ci --ignore-scripts` in benchmarks/js. The app is as it stands, with Crisp, whose real
host is mapped to the heavy stand-in. Lighthouse's own settings: a phone, simulated slow 4G and 4x CPU. Figures are
medians; the page without chat runs twice, so that the noise is known.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from statistics import median
from typing import Any

from werkzeug.serving import make_server

from benchmarks.stage import IDS, NPM, SHAPES, Handler, Stage, serving
from example_app import create_app

RULES: dict[str, list[dict[str, Any]] | None] = {
    "no chat": [{"path": "/pricing", "show": False}],
    "eager, preload (the app's own rule)": None,
    "idle": [{"path": "/pricing", "load": "idle"}],
    "no chat again": [{"path": "/pricing", "show": False}],
    "intent": [{"path": "/pricing", "load": "intent"}],
}
LIGHTHOUSE = NPM / "node_modules" / ".bin" / "lighthouse"
AUDITS = {
    "first-contentful-paint": "FCP ms",
    "largest-contentful-paint": "LCP ms",
    "total-blocking-time": "TBT ms",
    "cumulative-layout-shift": "CLS",
}


@contextlib.contextmanager
def example(rules: list[dict[str, Any]] | None) -> Iterator[str]:
    """The app on a port of its own; its pricing page's address."""
    config: dict[str, Any] = {"LIVECHAT_CRISP_WEBSITE_ID": IDS["CRISP_WEBSITE_ID"]}
    with tempfile.TemporaryDirectory() as place:
        app = create_app(config | ({"LIVECHAT_RULES": rules} if rules else {}) | {"INSTANCE_PATH": place})
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.port}/pricing"
        server.shutdown()


def look(address: str, stage: Stage) -> dict[str, float]:
    """One run of Lighthouse: its score of 100, and its audits."""
    flags = [
        "--headless=new",
        f"--host-resolver-rules='MAP *.crisp.chat 127.0.0.1:{stage.port}'",
        f"--ignore-certificate-errors-spki-list={stage.key}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]
    command = [str(LIGHTHOUSE), address, "--quiet", "--output=json", "--output-path=stdout"]
    command += ["--only-categories=performance", "--no-enable-error-reporting", f"--chrome-flags={' '.join(flags)}"]
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    environment = os.environ | ({"CHROME_PATH": path} if path else {})
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=180)
    found = json.loads(done.stdout)
    if "runtimeError" in found:
        raise SystemExit(found["runtimeError"]["message"])
    score = {"score": 100 * float(found["categories"]["performance"]["score"])}
    return score | {name: float(found["audits"][name]["numericValue"]) for name in AUDITS}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shape", choices=SHAPES, default="chunks")
    given = parser.parse_args()
    if not LIGHTHOUSE.exists():
        raise SystemExit("Lighthouse is missing: run `npm ci --ignore-scripts` in benchmarks/js.")
    found: dict[str, list[dict[str, float]]] = {name: [] for name in RULES}
    with serving() as stage, contextlib.ExitStack() as stack:
        stage.shape = given.shape
        addresses = {name: stack.enter_context(example(rules)) for name, rules in RULES.items()}
        for number in range(given.rounds):
            for name, address in addresses.items():
                found[name].append(look(address, stage))
            print(f"round {number + 1} of {given.rounds}", file=sys.stderr, flush=True)
    print(f"{'Lighthouse, pricing page':<38}{'score':>8}" + "".join(f"{title:>8}" for title in AUDITS.values()))
    for name, runs in found.items():
        score, *rest = (median(run[metric] for run in runs) for metric in ("score", *AUDITS))
        *times, shift = rest
        print(f"{name:<38}{score:8.0f}" + "".join(f"{value:8.0f}" for value in times) + f"{shift:8.3f}")


if __name__ == "__main__":
    main()

#!/bin/sh
# A part of the suite with the versions of $1.txt, in an environment of its own. $2 is the Python to run on.
set -eu
cd "$(dirname "$0")/.."
place=".venv-$1"
"$2" -m venv --clear "$place"
"$place/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "requirements/$1.txt"
"$place/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --editable .
# What uses each of the dependencies, and no browser: about a minute, where the whole suite takes five.
exec "$place/bin/python" -m pytest -q -n "${WORKERS:-2}" -p no:cacheprovider \
    tests/test_contract.py tests/test_page.py tests/test_logout.py tests/test_identity.py tests/test_cli.py \
    tests/test_assets.py tests/desk/test_http.py tests/desk/test_automations.py tests/desk/test_crisp.py \
    tests/desk/test_intercom.py tests/desk/test_tawk.py tests/desk/test_opening.py tests/kit/test_testing.py \
    tests/kit/test_plugin.py::test_the_suite_of_the_docs_passes tests/webhooks/test_celery.py \
    tests/webhooks/test_timeline.py tests/webhooks/test_metrics.py tests/webhooks/test_metrics_page.py \
    tests/webhooks/test_opens.py tests/webhooks/test_receiver.py tests/webhooks/test_store.py

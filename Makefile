# `make demo` and `make test` do all the set-up from a fresh clone. `make help` lists the rest.

PYTHON ?= python3
PORT ?= 5000
WORKERS ?= 4
RUNS ?= 20
TARGET ?= policies
SECONDS ?= 3600
VENV := .venv
BIN := $(VENV)/bin
ON ?= $(BIN)/python
OTHERS = $(if $(filter file,$(origin ON)),$(foreach minor,12 13 14,$(firstword \
  $(shell python3.$(minor) -c 'import sys; print(sys.executable)' 2>/dev/null) $(wildcard ~/.pyenv/versions/3.$(minor).*/bin/python))))

# With no bytecode kept, each worker and each second Python of the tests compiles every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-quick test-engines soak chromium engines nginx js minify lint types build installed locks test-lowest test-newest release-check bench bench-quick bench-imports doctor-demo docs docs-checks audit fuzz screenshots clean

help:  ## Print this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/demo  ## Run the example app with all three vendors on the sandbox, at http://127.0.0.1:5000
	@echo "The site:         http://127.0.0.1:$(PORT)/"
	@echo "The agent's desk: http://127.0.0.1:$(PORT)/livechat/sandbox/"
	@echo "The team's inbox: http://127.0.0.1:$(PORT)/livechat/inbox (as staff@example.com, password demo)"
	@echo "Help articles:    http://127.0.0.1:$(PORT)/livechat/help"
	@echo "Support metrics:  http://127.0.0.1:$(PORT)/livechat/metrics (as staff)"
	@$(BIN)/flask --app example_app --debug livechat sandbox --seed-history 90 || true  # a site with events of its own keeps them
	@$(BIN)/flask --app example_app --debug livechat work --at http://127.0.0.1:$(PORT) & worker=$$!; trap "kill $$worker" EXIT INT TERM; \
	  $(BIN)/flask --app example_app run --debug --port $(PORT)

test: $(VENV)/test chromium nginx js  ## Run the whole test suite, with Chromium
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --ignore tests/engines

test-quick: $(VENV)/quick  ## Run the tests that need no browser, no server and no database but SQLite (a minute and a half on two cores)
	CI=true $(BIN)/python -m pytest -q -n 4 --dist worksteal --quick

test-engines: $(VENV)/test engines js  ## Run the tests of the core behaviour in Firefox and WebKit
	$(BIN)/python -m pytest -n $(WORKERS) tests/engines

soak: $(VENV)/test chromium js  ## Run the browser tests 20 times in a row, until one fails
	@for run in $$(seq 1 $(RUNS)); do echo "run $$run of $(RUNS)"; \
	  $(BIN)/python -m pytest -q -n $(WORKERS) tests/browser || exit 1; done

minify: js  ## Build the JavaScript that is served, from its sources (needs node)
	node tests/js/minify.mjs

doctor-demo: $(VENV)/test  ## Run the doctor on the example app with each mistake in turn
	$(BIN)/python -m example_app.mistakes

docs: $(VENV)/docs  ## Build the documentation in docs/_build/html; a warning is an error
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	$(BIN)/docutils --halt=warning README.rst >/dev/null
	@echo "docs/_build/html/index.html"

docs-checks: $(VENV)/test  ## Write the generated parts of docs/: the doctor's pages, the tables of vendors and desk, the commands
	$(BIN)/python -m docs.checks

audit: $(VENV)/dev  ## List known vulnerabilities in the dependencies (needs the internet)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/pip-audit --skip-editable

fuzz: $(VENV)/test  ## Test escaping, policies, rules and reports with random input, for hours
	$(BIN)/python -m pip install --quiet --disable-pip-version-check atheris
	$(BIN)/python -m tests.fuzz $(TARGET) -max_total_time=$(SECONDS)

lint: $(VENV)/dev  ## Run ruff and bandit
	$(BIN)/ruff check .
	$(BIN)/bandit -q -c pyproject.toml -r flask_livechat example_app
	$(BIN)/ruff format --check .

types: $(VENV)/dev js  ## Run mypy --strict, and tsc on the JavaScript
	$(BIN)/mypy
	cd tests/js && ./node_modules/.bin/tsc -p .

build: $(VENV)/dev  ## Build the wheel and the sdist in dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation

installed: build  ## Run a short suite against the installed wheel, on each Python of this machine (or ON=/path/to/python3.13)
	@for python in $(ON) $(OTHERS); do $$python --version && sh tests/installed/run.sh "$(CURDIR)" $$python || exit 1; done

locks: $(VENV)/dev  ## Write requirements/*.txt again from pyproject.toml (needs the internet)
	sh requirements/compile.sh $(BIN)/uv

test-lowest: $(VENV)/dev  ## Run a part of the suite with the lowest allowed versions (ON=/path/to/python3.12)
	sh requirements/run.sh lowest $(ON)

test-newest: $(VENV)/dev  ## Run a part of the suite with the newest versions (ON=/path/to/python3.13)
	sh requirements/run.sh newest $(ON)

release-check: installed  ## Check what a release needs in addition to `make test lint types`
	$(BIN)/twine check --strict dist/*
	$(BIN)/python -m tests.release
	sh requirements/run.sh lowest $(ON)
	sh requirements/run.sh newest $(ON)

bench: $(VENV)/bench chromium bench-js  ## Measure every figure of docs/performance.rst (takes hours on an idle machine; needs node)
	$(BIN)/python -m benchmarks.sizes
	$(BIN)/python benchmarks/imports.py
	$(BIN)/python -m benchmarks.articles
	$(BIN)/python -m benchmarks.render
	$(BIN)/python -m benchmarks.desk
	$(BIN)/python -m benchmarks.webhooks
	$(BIN)/python -m benchmarks.inbox
	$(BIN)/python -m benchmarks.inbox_tabs
	$(BIN)/python -m benchmarks.cohort
	$(BIN)/python -m benchmarks.browser
	$(BIN)/python -m benchmarks.panel
	$(BIN)/python -m benchmarks.journey
	$(BIN)/python -m benchmarks.lighthouse

bench-quick: $(VENV)/bench chromium bench-js  ## Measure them with fewer rounds and variants, in some minutes
	$(BIN)/python -m benchmarks.sizes
	$(BIN)/python -m benchmarks.articles
	$(BIN)/python -m benchmarks.render --quick
	$(BIN)/python -m benchmarks.desk --quick
	$(BIN)/python -m benchmarks.webhooks --quick
	$(BIN)/python -m benchmarks.inbox --quick
	$(BIN)/python -m benchmarks.cohort --quick
	$(BIN)/python -m benchmarks.browser --quick
	$(BIN)/python -m benchmarks.journey --quick

bench-imports: $(VENV)/demo  ## Measure what `import flask_livechat` costs
	$(BIN)/python benchmarks/imports.py

screenshots: $(VENV)/test chromium  ## Take the pictures in docs/ again from the example app
	$(BIN)/python -m docs.screenshots

chromium: $(VENV)/test  ## Install a browser for the tests: Debian's for root, else Playwright's own
	@sh tests/browser/chromium.sh $(BIN)/playwright

engines:  ## Install Firefox and WebKit for the tests (Debian, as root)
	@sh tests/engines/engines.sh

nginx:  ## Install a proxy for the tests (Debian, as root)
	@sh tests/nginx.sh

js:  ## Install the vendors' npm packages and the JavaScript type checker, if npm is there
	@if command -v npm >/dev/null; then \
	  cmp -s tests/js/package-lock.json tests/js/node_modules/.installed || \
	  { cd tests/js && npm ci --ignore-scripts --no-audit --no-fund && cp package-lock.json node_modules/.installed; }; \
	elif [ -n "$$CI" ]; then echo "npm is missing, and in CI no test may be skipped." >&2; exit 1; \
	else echo "npm is missing: the tests that drive the vendors' own packages are skipped."; fi

bench-js:
	cd benchmarks/js && npm ci --ignore-scripts --no-audit --no-fund

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	  { echo "The venv module is missing (on Debian: apt install python3-venv)." >&2; rm -rf $(VENV); exit 1; }

$(VENV)/demo: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[doctor,desk,articles]'
	@touch $@

$(VENV)/quick: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[quick]'
	@touch $@ $(VENV)/demo

$(VENV)/test: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/quick $(VENV)/demo

$(VENV)/docs: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@

$(VENV)/bench: $(VENV)/test pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,bench]'
	@touch $@

$(VENV)/dev: $(VENV)/test pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,dev]'
	@touch $@

clean:  ## Delete everything that was built
	rm -rf $(VENV) .venv-* dist docs/_build tests/js/node_modules benchmarks/js/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis

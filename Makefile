# Everything a newcomer types is `make demo` and `make test`; each sets up what it needs and says what it does.

UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --frozen --quiet
WORKERS ?= $(shell expr $$(nproc) + 1)
ROOT := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

ERP ?= sqlite

# What was compiled once is kept, wherever the surroundings say otherwise: the tests start Python a thousand times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup console erp demo programs chromium sign-on test test-all lint bench clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | sort

setup: .venv/.ready  ## the virtual environment, with every dependency as locked

.venv/.ready: pyproject.toml uv.lock
	@command -v $(UV) >/dev/null 2>&1 || { echo "installing uv into .tools"; python3 -m venv .tools && .tools/bin/pip install --quiet uv; }
	@echo "installing the locked dependencies into .venv"
	@$(UV) sync --frozen --quiet
	@touch $@

CONSOLE := autonomy/console/index.html
NPM := $(RUN) npm

console: $(CONSOLE)  ## the console, built from web/ into the package by the Node of the virtual environment

web/node_modules/.ready: web/package-lock.json .venv/.ready
	@echo "installing what the console is built of into web/node_modules, as locked"
	@$(NPM) ci --prefix web --silent --no-fund --no-audit
	@touch $@

$(CONSOLE): web/node_modules/.ready web/package.json web/index.html web/vite.config.ts docs/reference/openapi.json $(shell find web/src web/build web/public -type f ! -name '*.gen.ts' ! -name schema.ts)
	@echo "building the console into autonomy/console"
	@$(NPM) run build --prefix web --silent >/dev/null
	@touch $@

erp: .erp/.ready  ## Tryton and Roundup, in an environment of their own

.erp/.ready: .venv/.ready pyproject.toml uv.lock demo/tryton/seed.py demo/tryton/program.py
	@echo "installing Tryton and Roundup into .erp, as locked"
	@UV_PROJECT_ENVIRONMENT=.erp $(UV) sync --frozen --quiet --only-group erp
	@echo "building the database of the demo's company, which takes a minute"
	@$(RUN) python -m demo.tryton.program
	@touch $@

demo: setup console $(if $(filter tryton,$(ERP)),erp)  ## a purchasing department, governed; ERP=tryton: on a running Tryton
	@$(RUN) python -m demo --erp $(ERP)

PROVIDER := tests/signon/provider/node_modules/.ready

$(PROVIDER): tests/signon/provider/package-lock.json .venv/.ready
	@echo "installing an OpenID Connect provider for the tests of sign-on into tests/signon/provider"
	@$(RUN) npm ci --prefix tests/signon/provider --silent --no-fund --no-audit
	@touch $@

chromium:
	@command -v chromium >/dev/null || { echo "installing Debian's chromium for the tests of sign-on"; export DEBIAN_FRONTEND=noninteractive; $(ROOT) apt-get update -qq && $(ROOT) apt-get install -y -qq chromium >/dev/null; }

ENGINE := tests/lines/engine/node_modules/.ready

$(ENGINE): tests/lines/engine/package-lock.json .venv/.ready
	@echo "installing Node-RED for the tests of its pack into tests/lines/engine"
	@$(RUN) npm ci --prefix tests/lines/engine --silent --no-fund --no-audit
	@touch $@

sign-on: chromium $(PROVIDER)  ## a browser and an OpenID Connect provider, for the tests of sign-on

programs: setup  ## Prometheus, Alertmanager and rsyslog for the slow tests: the machine's, else Debian's unpacked into .tools
	@$(RUN) python -m tests.programs

test: setup console erp sign-on $(ENGINE) lint  ## every test but the slow ones, on SQLite and PostgreSQL
	@echo "testing"
	@$(RUN) pytest -q -n $(WORKERS) -m "not slow"

CONFORMANCE := .tools/conformance/.ready

$(CONFORMANCE): tests/protocols/suite/package-lock.json .venv/.ready
	@$(RUN) python -m tests.protocols.conformance
	@touch $@

test-all: setup console erp sign-on $(ENGINE) lint programs $(CONFORMANCE)  ## every test: crash runs by the thousand, ten thousand races, long fuzzing
	@$(RUN) pytest -q -n $(WORKERS)

lint: setup  ## style, types, floors
	@echo "checking style, types and floors"
	@$(RUN) ruff check --quiet .
	@$(RUN) ruff format --quiet --check .
	@$(RUN) mypy --no-error-summary
	@$(RUN) lint-imports >.lint-imports.log 2>&1 || { cat .lint-imports.log; rm -f .lint-imports.log; exit 1; }
	@rm -f .lint-imports.log

bench: setup erp  ## every benchmark; writes the tables of docs/benchmarks.md
	@$(RUN) python -m bench all

clean:  ## away with what setup and tests made
	rm -rf .venv .erp .tools autonomy/console web/node_modules tests/signon/provider/node_modules tests/lines/engine/node_modules .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# Everything a newcomer types is `make demo` and `make test`; each sets up what it needs and says what it does.

UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --frozen --quiet
WORKERS ?= 2

.PHONY: help setup demo test test-all lint bench clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | sort

setup: .venv/.ready  ## the virtual environment, with every dependency as locked

.venv/.ready: pyproject.toml uv.lock
	@command -v $(UV) >/dev/null 2>&1 || { echo "installing uv into .tools"; python3 -m venv .tools && .tools/bin/pip install --quiet uv; }
	@echo "installing the locked dependencies into .venv"
	@$(UV) sync --frozen --quiet
	@touch $@

demo: setup  ## a purchasing department of agents, governed; ends with Ctrl-C
	@$(RUN) python -m demo

test: setup lint  ## every test but the slow ones, on SQLite and PostgreSQL
	@echo "testing"
	@$(RUN) pytest -q -n $(WORKERS) -m "not slow"

.tools/conformance/.ready: tests/protocols/suite/package-lock.json
	@$(RUN) python -m tests.protocols.conformance
	@touch $@

test-all: setup lint .tools/conformance/.ready  ## every test: crash runs by the thousand, ten thousand races, long fuzzing
	@$(RUN) pytest -q -n $(WORKERS)

lint: setup  ## style, types, floors
	@echo "checking style, types and floors"
	@$(RUN) ruff check --quiet .
	@$(RUN) ruff format --quiet --check .
	@$(RUN) mypy --no-error-summary
	@$(RUN) lint-imports >.lint-imports.log 2>&1 || { cat .lint-imports.log; rm -f .lint-imports.log; exit 1; }
	@rm -f .lint-imports.log

bench: setup  ## every benchmark; writes the tables of docs/benchmarks.md
	@$(RUN) python -m bench all

clean:  ## away with what setup and tests made
	rm -rf .venv .tools .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# One command each: `make demo`, `make test`. Everything lives in .venv and node_modules;
# a second run finds them ready. Set-up talks on standard error only.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
ARGS ?=

# Two cores are the machine we plan for. Files stay together: a room's fixtures are costly.
WORKERS ?= 2
TESTS ?=

SEEDS ?= 100000
SEED ?= 1
SEQUENCES ?= 1000

.PHONY: help demo test lint check replay sim days walk bench lighthouse setup setup-test clean

help:
	@echo "make demo                    start the centre and four stores on this machine; Ctrl-C ends it"
	@echo "make demo ARGS='--seconds 90 --json'   the same without a person; prints one JSON object"
	@echo "make replay ARGS='FILE …'    real order lines through the product on virtual time"
	@echo "make test                    every test, browser included (TESTS='tests/unit' for some)"
	@echo "make sim SEEDS=100000        hunt: histories of a whole chain in a hostile world; Ctrl-C sums up"
	@echo "make days SEQUENCES=1000     hunt: random days of work, on a handheld alone and on its store box alike"
	@echo "make walk                    hunt: every page in every combination of language, light, role, text and hand"
	@echo "make lint                    ruff, mypy --strict, import contracts"
	@echo "make check                   lint and test"
	@echo "make bench                   the figures of docs/performance.md on this machine"
	@echo "make lighthouse              what Lighthouse says of the pages that people work on"
	@echo "make clean                   remove .venv, node_modules and caches"

setup:
	@$(PYTHON) tools/prepare.py demo

setup-test:
	@$(PYTHON) tools/prepare.py test

demo: setup
	@exec $(BIN)/yipan demo $(ARGS)

replay: setup
	@exec $(BIN)/yipan replay $(ARGS)

test: setup-test
	@$(BIN)/python tools/run_tests.py --workers $(WORKERS) $(TESTS)

sim: setup-test
	@$(BIN)/python -m tests.simulation --seed $(SEED) --seeds $(SEEDS) --hours 8 --json

days: setup-test
	@YIPAN_SEQUENCES=$(SEQUENCES) $(BIN)/python -m pytest -q tests/property/test_twin_deeds.py

walk: setup-test
	@$(BIN)/python -m tests.e2e.walk $(ARGS)

lint: setup-test
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

check: lint test

bench: setup-test
	@for bench in $(filter-out bench/lighthouse.py,$(wildcard bench/*.py)); do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

lighthouse:
	@$(PYTHON) tools/prepare.py lighthouse
	@$(BIN)/python bench/lighthouse.py $(ARGS)

clean:
	rm -rf .venv node_modules .prepare.lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -rf pwa/static/lib server/static/lib tools/lighthouse/node_modules

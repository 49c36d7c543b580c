# make run    the server, with all that it needs; settings come from the environment or the command line:
#             make run PORT=9000
# make test   the tests, against real databases that the tests start and stop themselves
# make check  style, types and import rules, in seconds
.DEFAULT_GOAL := help
.PHONY: help setup run viewer test check format bench stress docs lock clean
SHELL := /bin/sh
PYTHON_OF_VENV := .venv/bin/python
# What tests start besides Python; databases are not among it, tests/services fetches its own.
TEST_COMMANDS := apt-get dpkg-deb javac mvn node npm 'chromium|chromium-browser|google-chrome'
ARGS ?=
DATA_DIR ?= ./var

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || cat Makefile

setup: ## everything for working on it: .venv with the development lock
	@tools/venv.sh requirements-dev.lock

run: ## start the server (embedded databases, demonstration data) on HOST:PORT
	@tools/venv.sh requirements.lock
	@command -v npm >/dev/null && $(PYTHON_OF_VENV) tools/viewer.py $(DATA_DIR)/ohif || true
	@exec $(PYTHON_OF_VENV) -m fhir_facade.cli serve $(ARGS)

viewer: ## the image viewer (OHIF), which `make run` fetches too where npm is there
	@tools/venv.sh requirements.lock
	@tools/packages.sh npm
	@$(PYTHON_OF_VENV) tools/viewer.py $(DATA_DIR)/ohif

test: setup ## all tests; ARGS="-k paging" for some
	@tools/packages.sh $(TEST_COMMANDS)
	$(PYTHON_OF_VENV) -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

check: setup ## style, import rules and types
	$(PYTHON_OF_VENV) -m ruff check .
	$(PYTHON_OF_VENV) -m ruff format --check .
	.venv/bin/lint-imports
	$(PYTHON_OF_VENV) -m mypy

format: setup ## put the code into its style
	$(PYTHON_OF_VENV) -m ruff check --fix .
	$(PYTHON_OF_VENV) -m ruff format .

bench: setup ## measure, beside another server (its own environment: .venv-bench)
	@tools/venv.sh requirements-bench.lock .venv-bench
	$(PYTHON_OF_VENV) -m tests.bench $(ARGS)

stress: setup ## many clients at once, for long
	$(PYTHON_OF_VENV) -m tests.stress $(ARGS)

docs: setup ## write the pages that are computed from the mappings
	$(PYTHON_OF_VENV) -m fhir_facade.cli docs $(ARGS)

LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/uv pip compile --quiet --upgrade --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate
lock: setup ## the newest versions into the lock files
	$(LOCK) --group build pyproject.toml -o requirements.lock
	$(LOCK) --group build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(LOCK) --group pyproject.toml:bench -o requirements-bench.lock

clean: ## remove what was made here, but not data (var/) or the tests' downloads
	rm -rf .venv .venv-bench build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache \
		.pytest_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything that is done with this project, one line each: `make help`.
# .venv is made when it is missing, and brought up to date when pyproject.toml or
# constraints.txt is newer than what was installed last.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := PATH="$(CURDIR)/$(BIN):$$PATH" DVC_NO_ANALYTICS=1 DO_NOT_TRACK=1 $(BIN)/python
WANTED := pyproject.toml constraints.txt infra/install.py
WORKERS ?= 2

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench use up down status constraints clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## run the whole line on the sample data, promote, and say where to look
	@$(RUN) -m flows release

test: $(VENV)/.installed-dev ## lint, check types and layers, and run every test
	@$(MAKE) --no-print-directory lint
	$(RUN) -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term --cov-fail-under=85

lint: $(VENV)/.installed-dev ## check style, types and layers only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed ## measure what the README claims about speed, as tables
	@missed=""; for each in orchestration promotion gate_cost gate_audit search training; do \
	  echo; echo "benchmarks.$$each"; $(RUN) -m benchmarks.$$each || missed="$$missed $$each"; \
	done; [ -z "$$missed" ] || { echo "figures were missed:$$missed" >&2; exit 1; }

use: $(VENV)/.installed ## lay a recipe over params.yaml: make use RECIPE=banking77
	@$(RUN) -m infra.recipe "$(RECIPE)"

up: $(VENV)/.installed ## start the local stack: Prefect, MLflow, and a worker for the schedule
	@$(RUN) -m infra.stack up

down: ## stop exactly what `make up` or a stage has started
	@if [ -x $(BIN)/python ]; then $(RUN) -m infra.stack down; else echo "nothing is running"; fi

status: $(VENV)/.installed ## show what runs, and where
	@$(RUN) -m infra.stack status

constraints: $(VENV)/.installed-dev ## write the versions in .venv to constraints.txt
	@$(BIN)/python infra/constraints.py

clean: down ## remove .venv and what tools cache; data, models and .state stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache htmlcov .coverage*

# The interpreter is looked at before anything is made; an interrupted installation leaves no stamp.
$(BIN)/python:
	@command -v "$(PYTHON)" >/dev/null || \
	  { echo "$(PYTHON) is not installed: install Python 3.11, 3.12 or 3.13, or name one with PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "$(PYTHON) is $$("$(PYTHON)" --version 2>&1), but Python 3.11 to 3.13 is needed: name one with PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear $(VENV) || \
	  { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }

$(VENV)/.installed: $(WANTED) | $(BIN)/python
	@echo "installing into $(VENV) ..."
	@rm -f $(VENV)/.installed-dev
	@$(BIN)/python infra/install.py
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing what tests need into $(VENV) ..."
	@$(BIN)/python infra/install.py --extra postgres --extra ray --group dev
	@touch $@

# report: install and build every page · test: the whole suite · lab: JupyterLab · check: params and data · bench: against the neighbors · docs: the documentation
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
TESTED := .venv/ready-dev

.PHONY: report test lab check bench docs clean
.DEFAULT_GOAL := report

report: $(READY)
	@$(BIN)/catchment run

# One hash seed, as the pages have: sets come in the same order in every run.
test: $(TESTED)
	@PYTHONHASHSEED=0 $(BIN)/python -m pytest -n logical --dist loadfile --no-loadscope-reorder

lab: $(READY)
	@$(BIN)/catchment lab

check: $(READY)
	@$(BIN)/catchment check

docs: $(TESTED)
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build && echo docs/_build/index.html

bench: $(TESTED)
	@$(BIN)/python tests/benchmarks/bench_run.py

clean:
	rm -rf .venv

# Everything is byte-compiled while it is installed: where PYTHONDONTWRITEBYTECODE is set, no later run would do it.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "Installing into .venv (once; a few minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --compile -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@$(BIN)/python -m compileall -q lib
	@touch $@

# What tests, documentation and benchmarks need besides; a machine that only builds pages does without.
$(TESTED): $(READY) requirements-dev.lock
	@echo "Installing what the tests need (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --compile -r requirements-dev.lock
	@touch $@

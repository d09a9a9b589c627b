# make help lists what there is. Plain GNU make, 3.81 or later.

PYTHON ?= python3

VENV = .venv
PY   = $(VENV)/bin/python
PIP  = $(PY) -m pip install --quiet --quiet --disable-pip-version-check

# Bytecode is kept, whatever the environment says: else each command that a test starts compiles all of the package anew.
export PYTHONDONTWRITEBYTECODE =

# of `make run`; give others on the command line: make run INPUT=/var/log ARGS="--chunk-size 1000"
INPUT  = input/
OUTPUT = output/results.json
ARGS   =

# of `make test`: which tests, and what else pytest should know. Four processes, also on two cores: many tests wait.
TESTS     = tests
TESTFLAGS = -n 4 --dist worksteal

SOURCES = word_counter tests $(wildcard benchmarks docs examples)

# of `make wheel`: where to
DIST = dist

.DEFAULT_GOAL = help
.PHONY: help run test lint types docs reference check format coverage test-compose chaos scale lab fuzz bench wheel picture clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.run ## count the words of input/ into output/results.json
	@$(PY) -m word_counter run $(INPUT) --output $(OUTPUT) $(ARGS)

test: $(VENV)/.test ## run every test that needs no Docker
	@$(PY) -m pytest $(TESTFLAGS) $(TESTS)

lint: $(VENV)/.test ## ruff: format and rules
	@$(PY) -m ruff format --check $(SOURCES)
	@$(PY) -m ruff check $(SOURCES)

types: $(VENV)/.test $(VENV)/.docs ## mypy, strict
	@$(PY) -m mypy

docs: $(VENV)/.docs ## build the documentation site in build/docs/; any warning is an error
	@$(PY) -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "build/docs/index.html" >&2

reference: $(VENV)/.run ## write into docs/ what the code says of settings, commands, jobs and keys
	@$(PY) -m docs.from_code

check: lint types docs test ## lint, types, documentation and tests

format: $(VENV)/.test ## write the code as ruff wants it
	@$(PY) -m ruff format $(SOURCES)
	@$(PY) -m ruff check --fix $(SOURCES)

coverage: $(VENV)/.test ## run the tests and show the lines that none of them reaches; fails below 90 %
	@$(PY) -m pytest $(TESTFLAGS) --cov --cov-report=term $(TESTS)

test-compose: $(VENV)/.test ## run the tests that start docker-compose.yml, where a Docker engine answers
	@$(PY) -m pytest -m compose -v tests/acceptance/test_compose.py

chaos: $(VENV)/.test ## run jobs under a storm of faults: make chaos JOBS=200 SEED=1 MINUTES=10 CHAOS="--faults worker"
	@$(PY) -m tests.chaos $(if $(JOBS),--jobs $(JOBS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(CHAOS)

scale: $(VENV)/.test ## run over much input, with limits for time and memory: make scale SEED=1 ONLY="250 MB"
	@$(PY) -m tests.scale $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only "$(ONLY)")

lab: $(VENV)/.test ## the seven tests of the classic lab, the crash test so many times: make lab TIMES=10
	@LAB_TIMES=$(or $(TIMES),10) LAB_STALL=10 $(PY) -m pytest $(TESTFLAGS) tests/acceptance/test_lab_app.py

fuzz: $(VENV)/.test ## throw random bytes at the native kernel under sanitizers: make fuzz SEED=1 MINUTES=10
	@$(PY) -m tests.fuzz $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

bench: $(VENV)/.bench ## measure beside other tools: make bench SIZE=10 REPEAT=3 BENCH="--series peers --only pool,word_counter"
	@$(PY) -m benchmarks $(if $(SIZE),--size $(SIZE)) $(if $(REPEAT),--repeat $(REPEAT)) $(BENCH)

wheel: $(VENV)/.test ## build the sdist and a wheel with the native kernel, for every CPython from 3.11 on, into dist/
	@rm -f $(DIST)/*.whl $(DIST)/*.tar.gz
	@$(PY) -m build --no-isolation --outdir $(DIST) . >&2
	@$(PY) -m zipfile --list $(DIST)/*.whl | grep -q 'native/_kernel.*so' || { \
	  echo "The native kernel could not be built: a wheel needs a C compiler and Python's headers." >&2; \
	  rm $(DIST)/*.whl; exit 1; }
	@if $(PY) -c 'import auditwheel' 2> /dev/null; then \
	  PATH="$(dir $(abspath $(PY))):$$PATH" $(PY) -m auditwheel repair --wheel-dir $(DIST) $(DIST)/*-linux_*.whl >&2 && \
	  rm $(DIST)/*-linux_*.whl; fi
	@ls $(DIST)/*

picture: $(VENV)/.run ## draw docs/run.svg, the picture of a run in the README
	@$(PY) docs/picture.py

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov
	rm -rf benchmarks/out
	rm -f word_counter/native/*.so
	find word_counter tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp a step, so that the second call has nothing to do. A changed pyproject.toml, requirements.txt
# or C source installs again into the same .venv. Without a C compiler words are counted in Python.

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "word_counter needs Python 3.11 or later, and '$(PYTHON)' says: $$($(PYTHON) --version 2>&1 | tail -n 1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; \
	  exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml requirements.txt setup.py $(wildcard word_counter/native/*.[ch])
	@echo "Installing word_counter into $(VENV) (once) ..." >&2
	@rm -rf *.egg-info # what an older build left there would be taken for what is installed
	@$(PIP) --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@echo "Installing the test tools into $(VENV) (once) ..." >&2
	@$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/.docs: $(VENV)/.run
	@echo "Installing what builds the documentation into $(VENV) (once) ..." >&2
	@$(PIP) --editable '.[docs]'
	@touch $@

$(VENV)/.bench: $(VENV)/.run
	@echo "Installing the tools to compare with into $(VENV) (once) ..." >&2
	@$(PIP) --editable '.[bench]'
	@touch $@

# POSIX sh only; every target may run under `make -j`.

VENV   = .venv
BIN    = $(VENV)/bin
STAMP  = $(VENV)/.installed
PIP    = $(BIN)/python -m pip --disable-pip-version-check
PYTEST = $(BIN)/python -m pytest

# The first of these that is 3.11 or newer makes the environment; `make install PYTHON=…` names another.
PYTHONS = $(if $(PYTHON),$(PYTHON),python3.11 python3.12 python3.13 python3.14 python3)

# Test folders in the order in which they run. A folder that is named nowhere here runs in the second stage.
FAST  = $(wildcard tests/unit tests/generative tests/contract)
ALONE = $(wildcard tests/browser tests/benchmarks)
WORKERS = auto
# By the file, so that the modules' servers start once; in the order of tests/conftest.py, not of the files' sizes.
# A worker that crashes ends the run, with the name of its test: replacing it, xdist may wait forever.
SPREAD  = -n $(WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart=0

.PHONY: help install demo test test-faults check lint types imports dead format bench bench-quick bench-against bench-detection soak lock clean

help: ## list the targets (the default)
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 @ \2/p' Makefile | awk -F' @ ' '{ printf "%-20s%s\n", $$1, $$2 }'

install: $(STAMP) ## make .venv with everything in it; does nothing when it is up to date

$(STAMP): requirements-build.lock requirements-dev.lock pyproject.toml
	@python=; \
	for candidate in $(PYTHONS); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "minuterisk needs Python 3.11 or newer; none of these is: $(PYTHONS)" >&2; \
	  echo "next: install one, or name it: make install PYTHON=/path/to/python3.11" >&2; \
	  exit 1; \
	fi; \
	echo "installing into $(VENV) with $$("$$python" --version); the first time takes a minute or two"; \
	"$$python" -m venv $(VENV)
	@$(PIP) install --quiet --require-hashes -r requirements-build.lock
	@$(PIP) install --quiet --require-hashes --no-build-isolation -r requirements-dev.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## run everything on this machine with a stand-in trade server; Ctrl-C ends it
	@exec $(BIN)/minuterisk demo $(ARGS)

test: $(STAMP) ## run all tests: the fast ones, the rest, then alone what drives a browser or measures time
	$(PYTEST) $(SPREAD) $(FAST)
	$(PYTEST) $(SPREAD) tests $(FAST:%=--ignore=%) $(ALONE:%=--ignore=%)
	$(if $(ALONE),$(PYTEST) $(ALONE))

test-faults: $(STAMP) ## every extraction query failing in every way, at every moment, on both dialects
	MINUTERISK_TEST_FAULTS=all $(PYTEST) -n $(WORKERS) --dist load tests/integration/test_query_faults.py

check: lint types imports dead ## lint, types, import contracts, dead code

lint: $(STAMP) ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(STAMP) ## mypy
	$(BIN)/mypy

imports: $(STAMP) ## import-linter: who may import whom
	$(BIN)/lint-imports

dead: $(STAMP) ## vulture: what nothing uses
	$(BIN)/vulture

format: $(STAMP) ## let ruff format and mend what it can
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(STAMP) ## all measurements behind the figures in the documents, and a page of those of speed
	$(BIN)/python -m tests.benchmarks $(ARGS)

bench-quick: $(STAMP) ## the most telling measurements in a minute or two
	$(BIN)/python -m tests.benchmarks.quick $(ARGS)

MINUTES = 10
soak: $(STAMP) ## writers, faults, kills, then source = ledger = Parquet; `make soak MINUTES=60`
	@$(BIN)/python -m tests.simulation.soak --minutes $(MINUTES) $(ARGS)

REV = 13b796f
bench-against: $(STAMP) ## this tree beside an older commit, in turns; `make bench-against REV=13b796f`
	$(BIN)/python -m tests.benchmarks.against $(REV) $(ARGS)

bench-detection: $(STAMP) ## false incidents and minutes to detection of each policy, in under ten minutes
	$(BIN)/python -m tests.benchmarks.detection --json $(ARGS)

# The hashes must be those of every file of the public index, so what this machine adds to it (a pip
# configuration, a folder of wheels) is left out. The oldest Python we support decides the versions.
COMPILE = .lock-tools/bin/pip-compile --quiet --no-config --generate-hashes --allow-unsafe --strip-extras \
  --no-annotate --no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links $(UPGRADE)

lock: ## renew the lock files from pyproject.toml; `make lock UPGRADE=--upgrade` for the newest versions
	@set -e; \
	unset PIP_FIND_LINKS PIP_EXTRA_INDEX_URL; \
	export PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock"; \
	python3.11 -m venv .lock-tools; \
	.lock-tools/bin/python -m pip install --quiet --disable-pip-version-check pip==26.3 pip-tools==7.6.2; \
	$(COMPILE) --output-file requirements.lock pyproject.toml; \
	$(COMPILE) --output-file requirements-dev.lock --extra dev --constraint requirements.lock pyproject.toml; \
	printf 'pip\nsetuptools\n' | $(COMPILE) --output-file requirements-build.lock --constraint requirements-dev.lock -

clean: ## remove the environment and caches; data/ stays
	rm -rf $(VENV) .lock-tools build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -path ./.git -prune -o -type d -name __pycache__ -exec rm -rf {} +

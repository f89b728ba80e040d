# The two commands: `make run` and `make test`. Both set up what they need in .venv, once.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= out

.PHONY: run demo test types tests quick chaos fuzz faults bench conf docs clean

# The main job: make run URLS=file [OUT=dir] [ARGS="--workers 4"]; without URLS, a demo.
ifdef URLS
run: $(VENV)/.installed
	@$(BIN)/fetcher run "$(URLS)" -o "$(OUT)" $(ARGS)
else
run: demo
endif

# The demo: a local web site of a few thousand pages, fetched into demo/out.
demo: $(VENV)/.installed
	@$(BIN)/python -m tools.demo $(ARGS)

# Linters, types, import contracts, all tests. mypy uses one core only: the rest goes on meanwhile.
test: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory -j2 types tests

types: $(VENV)/.tested
	$(BIN)/mypy

# One process writes the bytecode of all tests; otherwise each of the five would.
tests: $(VENV)/.tested $(VENV)/pywb/.installed
	@$(BIN)/python -m pytest --collect-only -qq >/dev/null || true
	$(BIN)/python -m pytest -n 5 --dist worksteal

# The pure rooms alone, and the simulator, in about a minute.
quick: $(VENV)/.tested
	$(BIN)/python -m pytest tests/test_*.py tests/input tests/protocol tests/leases tests/commit tests/logins \
	    tests/politeness tests/frontier tests/simulator

# The long runs: kill -9 of everything for minutes, tens of thousands of simulated jobs.
chaos: $(VENV)/.tested
	$(BIN)/python -m pytest -m slow

# A million malformed messages for everything that takes bytes from a peer.
fuzz: $(VENV)/.tested
	$(BIN)/python -m tools.fuzz $(ARGS)

# A cluster under faults (as root: with a network of its own); writes docs/faults.md.
faults: $(VENV)/.tested
	$(BIN)/python -m tools.faults --table docs/faults.md $(ARGS)

# All figures of docs/benchmarks.md, which it also writes; single ones: python -m tools.bench --help.
bench: $(VENV)/.tested
	$(BIN)/python -m tools.bench all $(ARGS)

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/pip setup.cfg constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[crawl,web,parquet]'
	@$(BIN)/python -m compileall -q fetcher  # an editable installation leaves it to the first run
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	@touch $@

# pywb, which replays an archive in a test: it needs other versions of what fetcher needs, too.
$(VENV)/pywb/.installed: $(VENV)/bin/pip tests/support/pywb.txt
	@$(PYTHON) -m venv $(VENV)/pywb && $(VENV)/pywb/bin/pip install --quiet \
	    --disable-pip-version-check -r tests/support/pywb.txt && touch $@ \
	    || echo "pywb cannot be installed: its test is skipped"

# conf/fetcher.toml from the declarations in fetcher/settings, conf/own-servers.toml from presets.
conf: $(VENV)/.installed
	$(BIN)/python -m fetcher.settings.docs > conf/fetcher.toml
	$(BIN)/python -m fetcher.settings.docs --own-servers > conf/own-servers.toml

# docs/settings.md and docs/row.schema.json, and on the terminal the tables of docs/rows.md.
docs: $(VENV)/.installed
	$(BIN)/python -m fetcher.settings.docs --markdown > docs/settings.md
	$(BIN)/python -m fetcher.rows.schema > docs/row.schema.json
	@$(BIN)/python -m fetcher.rows.schema --markdown

clean:
	rm -rf $(VENV) demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# Plain `make` lists the verbs. Every verb sets the checkout up first, which costs nothing when it is set up.
PYTHON ?= python3
PYTEST = .venv/bin/python -m pytest
ARGS ?=
DEMO_ARGS ?= $(ARGS)
# Tests start hundreds of processes: each would compile all its modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup services demo test check format unit contract integration browser simulate chaos soak bench web clean lock

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## create .venv from the lock file and build the web bundles
	@$(PYTHON) -m tools.bootstrap

services: setup ## get the test servers: FerretDB, Redis, Chromium
	@.venv/bin/python -m tools.provision

demo: setup ## run the whole platform here and compute digits of pi (ARGS="--clients 0" for a browser alone)
	@.venv/bin/disio up --demo pi $(DEMO_ARGS)

test: services check ## everything: linters, types, web tests, all Python tests
	@.venv/bin/python -m tools.tests $(ARGS)

check: setup ## linters, type checkers, import contracts, web tests
	@.venv/bin/python -m tools.check

format: setup ## format the Python and the web sources
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

unit: setup ## unit tests (ARGS="-k name" picks)
	@$(PYTEST) tests/unit $(ARGS)

contract: services ## one suite over every store, golden message samples
	@$(PYTEST) tests/contract $(ARGS)

integration: services ## real processes, real servers, kills
	@$(PYTEST) tests/integration $(ARGS)

browser: services ## real Chromium
	@$(PYTEST) tests/browser $(ARGS)

simulate: setup ## the cores under a virtual clock and a bad network (SEEDS=100000: more runs, SEED=n: that run and its story)
	@$(PYTEST) tests/simulation $(if $(SEED),-k ends_right) $(ARGS)

# KILLS, PAYLOADS, ROUNDS and SEED change the sizes of `make chaos`.
LONG = DISIO_SOAK=long $(foreach name,KILLS PAYLOADS ROUNDS SEED,$(if $($(name)),DISIO_SOAK_$(name)=$($(name))))

chaos: services ## kill -9, stops and cut links while real processes work, at length (KILLS=100 PAYLOADS=20000 SEED=n)
	@$(LONG) $(PYTEST) -s $(addprefix tests/chaos/test_,kills.py half_dead.py links.py cancel.py) $(ARGS)

SOAKS = $(addprefix tests/chaos/test_,disk_full.py vanish.py manager_away.py flapping.py clock.py)

soak: services ## full disks, vanishing clients, an absent manager, flapping links, clocks that jump, at length (half an hour)
	@DISIO_SOAK=long $(PYTEST) -s $(SOAKS) $(ARGS)

bench: setup ## measure throughput, and the speed of each language
	@.venv/bin/python benchmarks/throughput.py $(ARGS)
	@.venv/bin/python benchmarks/units.py

web: ## build the web bundles again
	@$(PYTHON) -m tools.bootstrap --rebuild-web

lock: setup ## rebuild the lock files (UPGRADE=1 for the newest versions)
	@.venv/bin/python -m tools.lock $(if $(UPGRADE),--upgrade)

clean: ## delete everything that was installed, built or cached in this checkout
	@rm -rf .venv build dist client_web/node_modules dashboard/web/node_modules
	@rm -rf distributor/src/disio_distributor/static client_cli/src/disio_client/static dashboard/src/disio_dashboard/static dashboard/src/disio_dashboard/tryout_files
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
